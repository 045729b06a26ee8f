//! What of the native engine reads base images, without what fetches them.

#[path = "../../../src/engine/native/base/archive.rs"]
mod archive;
#[path = "../../../src/engine/native/base/contents.rs"]
mod contents;
#[path = "../../../src/engine/native/base/excerpt.rs"]
mod excerpt;
#[path = "../../../src/engine/native/base/listing.rs"]
mod listing;
#[path = "../../../src/engine/native/base/manifest.rs"]
mod manifest;
#[path = "../../../src/engine/native/base/merge.rs"]
mod merge;
#[path = "../../../src/engine/native/base/python/mod.rs"]
mod python;
#[path = "../../../src/engine/native/base/tree.rs"]
mod tree;
#[path = "../../../src/engine/native/base/zstd.rs"]
mod zstd;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use listing::Listing;
use manifest::{Config, Document};
use merge::Root;
use python::Python;
pub use tree::Owner;

use crate::oci::{Digest, Platform};

/// What is wrong with a base image, as `base/error.rs` has it.
#[derive(Debug)]
pub enum Error {
    Absent {
        image: String,
    },
    Several {
        image: String,
        names: Vec<String>,
    },
    Document {
        image: String,
        document: &'static str,
        reason: String,
    },
    NoPython {
        image: String,
        path: String,
    },
    UnknownPython {
        image: String,
        executable: String,
        reason: String,
    },
    NoLibc {
        image: String,
        reason: String,
    },
    Managed {
        image: String,
        marker: String,
    },
    Variable {
        image: String,
        variable: String,
        effect: &'static str,
    },
    PipSetting {
        image: String,
        file: String,
        key: String,
        effect: &'static str,
    },
}

/// What a registry answers when it is asked for an image or its config.
pub fn documents(bytes: &[u8]) {
    let platform = Platform {
        os: "linux".to_owned(),
        architecture: "amd64".to_owned(),
        variant: None,
    };
    match Document::parse(bytes) {
        Ok(Document::Index(index)) => {
            let _ = (index.choose(&platform).is_some(), index.offered());
        }
        Ok(Document::Image(image)) => {
            let _ = image.layers.iter().all(manifest::Layer::is_known);
        }
        Err(_) => {}
    }
    let _ = Config::parse(bytes);
}

/// The bytes of layers, whatever they are, laid upon each other; compressed they hold the same.
///
/// # Panics
/// They do not.
pub fn image(layers: &[Vec<u8>], config: &[u8]) {
    let mut root = Root::new();
    for layer in layers {
        let Ok(listing) = Listing::read(&layer[..], layer.len() as u64) else {
            continue;
        };
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(layer).expect("memory");
        let packed = packed.finish().expect("memory");
        if !layer.starts_with(&[0x1f, 0x8b]) && !zstd::begins(&layer[..4.min(layer.len())]) {
            let unpacked = Listing::read(&packed[..], packed.len() as u64).expect("the same");
            assert_eq!(unpacked, listing);
        }
        if root.lay(listing).is_err() {
            return;
        }
    }
    let merged = root.finish();
    for path in merged.kept.keys() {
        assert_eq!(merged.tree.kind(path), Some(tree::Kind::File), "{path}");
    }
    let bytes = merged.tree.to_bytes();
    assert_eq!(tree::Tree::from_bytes(&bytes).as_ref(), Some(&merged.tree));
    if let Ok(config) = Config::parse(config) {
        let _ = Python::find("an image", &config, &merged);
    }
}

/// What `docker save` wrote: the layers of the image that has a tag, or of the only one, are in the archive where they are said to be.
///
/// # Panics
/// They are not.
pub fn docker_archive(archive: &[u8]) {
    let Ok(archived) = contents::Contents::read(&mut &archive[..]) else { return };
    for name in [None, Some("a:1")] {
        let Ok((config, layers)) = archived.image("an image", name) else { continue };
        let _ = Config::parse(config);
        for found in layers {
            let (from, size) = (found.layer.offset, found.layer.descriptor.size);
            let layer = usize::try_from(from).ok().and_then(|from| archive.get(from..)).expect("a place in it");
            let layer = usize::try_from(size).ok().and_then(|size| layer.get(..size)).expect("so much of it");
            assert_eq!(Digest::of(layer), found.layer.descriptor.digest);
        }
    }
}
