//! A requirements file in pip's format.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::requirements;

fuzz_target!(|input: &str| {
    let _ = requirements::parse(input);
});
