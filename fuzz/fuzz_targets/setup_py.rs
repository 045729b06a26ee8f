//! `setup.py`: the Python parser and the interpreter.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::Directory;

static PROJECT: LazyLock<Directory> = LazyLock::new(Directory::default);

fuzz_target!(|input: &[u8]| {
    PROJECT.write("setup.py", input);
    PROJECT.load();
});
