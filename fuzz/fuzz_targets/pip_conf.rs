//! A user's pip.conf.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    sgbuild_fuzz::pip_conf(input);
});
