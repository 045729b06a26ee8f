//! `pyproject.toml`: TOML, PEP 621 and setuptools' own table.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::Directory;

static PROJECT: LazyLock<Directory> = LazyLock::new(Directory::default);

fuzz_target!(|input: &[u8]| {
    PROJECT.write("pyproject.toml", input);
    PROJECT.load();
});
