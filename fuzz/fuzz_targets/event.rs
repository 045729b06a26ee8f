//! What a function is invoked with.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    sgbuild_fuzz::event(input);
});
