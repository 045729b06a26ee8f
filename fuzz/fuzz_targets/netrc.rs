//! A user's netrc; what a build gets of it says the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    sgbuild_fuzz::netrc(input);
});
