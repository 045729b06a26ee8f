//! What a training leaves in its container, on its way to this machine: whatever it is, nothing but the output is written.
//!
//! The input has a line for each entry of an archive ([`of_lines`]), and a zero byte between two archives.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::Directory;
use sgbuild_fuzz::archive::of_lines;
use sgbuild_fuzz::local;

static PLACE: LazyLock<Directory> = LazyLock::new(Directory::default);

fuzz_target!(|input: &[u8]| {
    let archives: Vec<_> = input.split(|byte| *byte == 0).map(of_lines).collect();
    local::leave(&archives, &PLACE.path("output"));
});
