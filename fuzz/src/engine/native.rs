//! What of the native engine reads base images and wheels, and writes layers, without what talks to registries.

#[path = "../../../src/engine/native/archive.rs"]
pub mod archive;
#[path = "base.rs"]
pub mod base;
#[path = "../../../src/engine/native/install/mod.rs"]
pub mod install;
#[path = "../../../src/engine/native/splice.rs"]
pub mod splice;
#[path = "../../../src/engine/native/last/label.rs"]
mod label;
#[path = "../../../src/engine/native/target.rs"]
mod target;

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use archive::{Archive, Malformed};
use install::{Content, Scheme};
use label::Label;
use splice::{Body, Entry, LayerReader};
pub use target::{Libc, Target};

use crate::oci::Digest;
use crate::progress::{Cancelled, Silent};

/// Why there is no layer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A wheel that no installer should take.
    #[error("{0}")]
    Wheel(Malformed),
    /// A layer cannot be made.
    #[error("{0}")]
    Layer(io::Error),
    /// Never here.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Error {
    pub(crate) fn wheel(_name: &str, _path: &Path, reason: Malformed) -> Self {
        Self::Wheel(reason)
    }
}

/// Makes a layer of the wheel at `path`, as often as an image is made and pushed: what was measured must be what is read.
///
/// # Errors
/// It is no wheel.
///
/// # Panics
/// What was measured is not what is read, or a file of it is not where it was put.
pub fn layer(path: &Path) -> Result<(), Error> {
    let wheel = Arc::new(Archive::open("pkg", path).map_err(Error::Wheel)?);
    let root = "/opt/lib/python3.11/site-packages";
    let scheme = Scheme {
        purelib: root.to_owned(),
        platlib: root.to_owned(),
        scripts: "/opt/bin".to_owned(),
        data: "/opt".to_owned(),
        include: "/opt/include/python3.11".to_owned(),
        executable: "/opt/bin/python".to_owned(),
        python: (3, 11),
    };
    let files = install::installed(&wheel, "pkg", &scheme, true).map_err(Error::Wheel)?;
    let entry = |file: install::Installed| {
        assert!(
            file.path.starts_with("/opt/") && !file.path.contains("/../"),
            "{}",
            file.path
        );
        Entry {
            path: file.path[1..].to_owned(),
            mode: file.mode,
            body: match file.content {
                Content::Bytes(bytes) => Body::Bytes(bytes),
                Content::Member(index) => Body::Member {
                    wheel: Arc::clone(&wheel),
                    index,
                },
            },
        }
    };
    let entries: Arc<[Entry]> = files.into_iter().map(entry).collect();
    let measured = splice::measure(&entries, &Silent)?;
    let mut layer = Vec::new();
    LayerReader::of(Arc::clone(&entries))
        .read_to_end(&mut layer)
        .map_err(Error::Layer)?;
    assert_eq!(Digest::of(&layer), measured.digest);
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(&layer[..])
        .read_to_end(&mut plain)
        .expect("a gzip file");
    assert_eq!(Digest::of(&plain), measured.diff_id);
    let names: Vec<_> = tar::Archive::new(&plain[..])
        .entries()
        .expect("a tar archive")
        .map(|entry| entry.expect("an entry").path().expect("a path").into_owned())
        .collect();
    let expected: Vec<_> = entries.iter().map(|entry| Path::new(&entry.path)).collect();
    assert_eq!(names, expected);
    Ok(())
}

/// What an image says of its own layers.
///
/// # Panics
/// What was read, written and read again is another thing.
pub fn label(text: &str) {
    let Ok(label) = Label::parse(text) else { return };
    for layer in &label.layers {
        let _ = layer.byte_code();
    }
    if let Some(written) = label.text() {
        assert_eq!(Label::parse(&written).as_ref(), Ok(&label));
    }
}
