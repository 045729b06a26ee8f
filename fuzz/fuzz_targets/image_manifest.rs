//! What a registry answers when it is asked for an image: a manifest or an index, a config, and what sgbuild's own label says in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::engine::native;
use sgbuild_fuzz::oci::ImageManifest;

fuzz_target!(|input: &[u8]| {
    if let Ok(manifest) = ImageManifest::parse(input) {
        let _ = manifest.layers_size();
    }
    native::base::documents(input);
    if let Ok(text) = std::str::from_utf8(input) {
        native::label(text);
    }
});
