//! The build context's digest: the same for what is written to `dist/`, found there, and sent to an engine.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use crate::hex::hex;
use crate::oci::Digest;
use crate::reading;

/// The digest over a build context's files in their order: of each its name, and the SHA-256 of its content.
#[derive(Default)]
pub(crate) struct ContextDigest(Sha256);

impl ContextDigest {
    /// Takes the next file, which was read to its end.
    pub(crate) fn add<R>(&mut self, name: &str, read: Hashed<R>) {
        self.add_hash(name, &hex(&read.finish()));
    }

    fn add_hash(&mut self, name: &str, sha256: &str) {
        self.0.update(format!("{name}\0{sha256}\n"));
    }

    /// The digest over all of them.
    pub(crate) fn finish(self) -> Digest {
        Digest::of_sha256(&self.0.finalize())
    }
}

/// A reader that hashes what is read through it.
pub(crate) struct Hashed<R> {
    reader: R,
    digest: Sha256,
}

impl<R> Hashed<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            digest: Sha256::new(),
        }
    }

    /// The SHA-256 of what was read.
    pub(super) fn finish(self) -> [u8; 32] {
        self.digest.finalize().into()
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

/// The SHA-256 of a file of `dist/`, and its length in bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hash {
    pub(super) name: String,
    pub(super) sha256: String,
    pub(super) length: u64,
}

impl Hash {
    /// Of the file `name` in `directory`.
    pub(super) fn of(directory: &Path, name: &str) -> io::Result<Self> {
        let (sha256, length) = sha256(&directory.join(name))?;
        let name = name.to_owned();
        Ok(Self { name, sha256, length })
    }
}

/// The SHA-256 of a file, and its length.
pub(super) fn sha256(path: &Path) -> io::Result<(String, u64)> {
    let mut file = Hashed::new(open_regular(path)?);
    let length = io::copy(&mut file, &mut io::sink())?;
    Ok((hex(&file.finish()), length))
}

/// The digest of those of `hashes` that `files` name.
pub(super) fn digest_of(hashes: &[Hash], files: &[String]) -> Digest {
    let mut context = ContextDigest::default();
    for hash in hashes.iter().filter(|hash| files.contains(&hash.name)) {
        context.add_hash(&hash.name, &hash.sha256);
    }
    context.finish()
}

/// The digest of `files`, whose names are relative to `directory`.
///
/// # Errors
/// A file that is missing, cannot be read, or is none.
pub fn context_digest(directory: &Path, files: &[String]) -> io::Result<Digest> {
    let hashes = files.iter().map(|name| Hash::of(directory, name));
    Ok(digest_of(&hashes.collect::<io::Result<Vec<_>>>()?, files))
}

/// Opens a file of a build context. What sgbuild wrote is a regular file: a link would lead elsewhere, a pipe be waited for, a
/// device read without end.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    reading::open_with(path, OFlags::NOFOLLOW).map(|(file, _)| file)
}
