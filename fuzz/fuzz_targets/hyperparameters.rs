//! The file of hyperparameters.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    sgbuild_fuzz::hyperparameters(input);
});
