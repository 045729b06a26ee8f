//! `setup.cfg`: the reader of configparser's language, and of what setuptools makes of it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::Directory;

static PROJECT: LazyLock<Directory> = LazyLock::new(Directory::default);

fuzz_target!(|input: &[u8]| {
    PROJECT.write("setup.cfg", input);
    PROJECT.load();
});
