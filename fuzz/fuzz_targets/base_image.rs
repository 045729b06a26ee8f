//! A base image's layers on their way to what is known of it: its paths, its Python, and what is installed.
//!
//! The input has a line for each entry ([`of_lines`]), or is a layer itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::archive::of_lines;
use sgbuild_fuzz::engine::native::base;

const CONFIG: &[u8] = br#"{"os":"linux","architecture":"amd64","config":{"Env":["PATH=/bin:/venv/bin"]},"rootfs":{}}"#;

fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((b'=', layer)) => base::image(&[layer.to_vec()], CONFIG),
        Some((b'{', _)) => base::image(&[of_lines(b"f bin/python \x7fELF")], input),
        _ => {
            let layers: Vec<_> = input.split(|byte| *byte == 0).map(of_lines).collect();
            base::image(&layers, CONFIG);
        }
    }
});
