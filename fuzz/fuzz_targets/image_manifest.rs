//! What a registry answers when it is asked for an image.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::oci::ImageManifest;

fuzz_target!(|input: &[u8]| {
    if let Ok(manifest) = ImageManifest::parse(input) {
        let _ = manifest.layers_size();
    }
});
