//! What a training leaves in its container, as far as it is written to this machine.

#[path = "../../src/local/artifacts.rs"]
mod artifacts;
#[path = "../../src/local/unpacked.rs"]
mod unpacked;

use std::fs::{self, File};
use std::path::{Component, Path};

use artifacts::Packing;
use flate2::read::GzDecoder;
use unpacked::Unpack;

/// What is wrong with the output's directory, as `local/error.rs` has it.
mod error {
    use std::io;
    use std::path::PathBuf;

    #[derive(Debug)]
    pub(super) enum Error {
        Output { path: PathBuf, source: io::Error },
    }
}

/// Writes checkpoints to `directory/into`, as they come one after another, and the model of the same files: whatever the archives hold,
/// `directory/outside` is as it was, nothing half-written stays, and the model's names lead nowhere else.
///
/// # Panics
/// They do not hold.
pub fn leave(archives: &[Vec<u8>], directory: &Path) {
    let (into, outside) = (directory.join("into"), directory.join("outside"));
    fs::create_dir_all(&outside).expect("a directory");
    fs::write(outside.join("kept"), "kept").expect("a file");
    for archive in archives {
        let _ = unpacked::unpack(&archive[..], &into, Unpack::Newer);
    }
    let found: Vec<_> = walkdir::WalkDir::new(directory).into_iter().flatten().collect();
    for entry in &found {
        let name = entry.path().strip_prefix(directory).expect("below it");
        assert!(
            name.starts_with("into") || ["", "outside", "outside/kept"].iter().any(|known| name == Path::new(known)),
            "{} was written",
            name.display()
        );
        assert!(!entry.file_name().as_encoded_bytes().starts_with(b".sgbuild-"), "{} is left", name.display());
    }
    assert_eq!(fs::read(outside.join("kept")).expect("it stays"), b"kept");
    model(archives, &directory.join("model.tar.gz"));
    fs::remove_dir_all(directory).expect("it is ours");
}

fn model(archives: &[Vec<u8>], path: &Path) {
    let mut packing = Packing::begin(path).expect("a file");
    for archive in archives {
        if packing.add(&archive[..]).is_err() {
            return;
        }
    }
    let Ok(Some(model)) = packing.finish() else { return };
    let mut model = tar::Archive::new(GzDecoder::new(File::open(model).expect("it is there")));
    for entry in model.entries().expect("an archive") {
        let entry = entry.expect("what was packed");
        let name = entry.path().expect("a name").into_owned();
        let is_below = name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        assert!(is_below, "{} leads elsewhere", name.display());
    }
}
