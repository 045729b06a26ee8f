//! Image references; what is read is written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::oci::Reference;

fuzz_target!(|input: &str| {
    if let Ok(reference) = input.parse::<Reference>() {
        assert_eq!(reference.to_string().parse::<Reference>(), Ok(reference));
    }
});
