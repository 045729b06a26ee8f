//! A backend's archive: the tar in it, and (if the first byte is odd) what is no gzip at all.

#![no_main]

use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::Directory;
use sgbuild_fuzz::package::sdist::{SdistSettings, repack};
use sgbuild_fuzz::progress::Silent;

static PROJECT: LazyLock<Directory> = LazyLock::new(Directory::default);

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else {
        return;
    };
    let archive = if first % 2 == 0 {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(rest).expect("memory");
        encoder.finish().expect("memory")
    } else {
        rest.to_vec()
    };
    PROJECT.write("a-1.tar.gz", &archive);
    let _ = repack(
        &PROJECT.path("a-1.tar.gz"),
        &PROJECT.path("out"),
        &SdistSettings::default(),
        &Silent,
    );
});
