//! What a registry wants of its clients: `WWW-Authenticate`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    sgbuild_fuzz::challenged(input);
});
