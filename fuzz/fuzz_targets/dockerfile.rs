//! A Dockerfile of the user's.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    sgbuild_fuzz::dockerfile(input);
});
