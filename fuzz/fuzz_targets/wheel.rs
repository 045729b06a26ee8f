//! A wheel on its way into a layer: its archive, what it says of itself, and the layer's bytes, measured and read.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::Directory;
use sgbuild_fuzz::engine::native;

static DIRECTORY: LazyLock<Directory> = LazyLock::new(Directory::default);

fuzz_target!(|input: &[u8]| {
    DIRECTORY.write("a.whl", input);
    let _ = native::layer(&DIRECTORY.path("a.whl"));
});
