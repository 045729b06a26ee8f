//! A base image's layers on their way to what is known of it: its paths, its Python, and what is installed.
//!
//! A tar archive's headers hold their own sum, which no fuzzer guesses. So the input says what the headers are of, a line each, or
//! is a layer itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::engine::native::base;

const CONFIG: &[u8] = br#"{"os":"linux","architecture":"amd64","config":{"Env":["PATH=/bin:/venv/bin"]},"rootfs":{}}"#;

fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((b'=', layer)) => base::image(&[layer.to_vec()], CONFIG),
        Some((b'{', _)) => base::image(&[layer(b"f bin/python \x7fELF")], input),
        _ => {
            let layers: Vec<_> = input.split(|byte| *byte == 0).map(layer).collect();
            base::image(&layers, CONFIG);
        }
    }
});

/// A layer of lines such as `f usr/bin/python3 content` and `l bin/python ../usr/bin/python3`.
fn layer(lines: &[u8]) -> Vec<u8> {
    let mut layer = Vec::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (kind, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        // A content's own lines are behind vertical tabs.
        let content: Vec<u8> = words.next().unwrap_or_default().to_vec();
        let content: Vec<u8> = content.into_iter().map(|byte| if byte == 0x0b { b'\n' } else { byte }).collect();
        match kind.first() {
            Some(b'l') => header(&mut layer, b'2', name, &content, 0),
            Some(b'h') => header(&mut layer, b'1', name, &content, 0),
            Some(b'd') => header(&mut layer, b'5', name, b"", 0),
            Some(b'f') => file(&mut layer, b'0', name, &content),
            Some(b'x') => file(&mut layer, b'x', name, &content),
            Some(b'L') => file(&mut layer, b'L', name, &content),
            Some(other) => file(&mut layer, *other, name, &content),
            None => {}
        }
    }
    layer.extend([0; 1024]);
    layer
}

fn file(layer: &mut Vec<u8>, kind: u8, name: &[u8], content: &[u8]) {
    header(layer, kind, name, b"", content.len());
    layer.extend(content);
    layer.resize(layer.len().next_multiple_of(512), 0);
}

fn header(layer: &mut Vec<u8>, kind: u8, name: &[u8], link: &[u8], size: usize) {
    let mut header = [0; 512];
    let mut put = |at: usize, most: usize, bytes: &[u8]| {
        let bytes = &bytes[..bytes.len().min(most)];
        header[at..at + bytes.len()].copy_from_slice(bytes);
    };
    put(0, 100, name);
    put(100, 8, b"0000755\0");
    put(108, 8, b"0000000\0");
    put(116, 8, b"0000000\0");
    put(124, 12, format!("{size:011o}\0").as_bytes());
    put(156, 1, &[kind]);
    put(157, 100, link);
    put(257, 8, b"ustar\x0000");
    put(148, 8, b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    layer.extend(header);
}
