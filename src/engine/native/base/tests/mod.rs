//! Images made for one situation each, and what is read of them.

mod installed;
mod layers;
mod pythons;
mod registries;
mod sources;

use std::io::Cursor;

use serde_json::json;
use tar::{EntryType, Header};

use super::listing::Listing;
use super::manifest::{Document, Manifest};
use super::{Base, Described, Error};
use crate::explain::Report;
use crate::oci::{Digest, Platform};

/// An uncompressed layer.
#[derive(Default)]
struct Layer(Vec<u8>);

impl Layer {
    fn entry(mut self, path: &str, kind: EntryType, mode: u32, link: &str, content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(path, EntryType::Regular, 0o644, "", content.as_ref())
    }

    fn program(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(path, EntryType::Regular, 0o755, "", content.as_ref())
    }

    fn directory(self, path: &str) -> Self {
        self.entry(path, EntryType::Directory, 0o755, "", b"")
    }

    fn owned(self, path: &str, user: u64, group: u64) -> Self {
        let begin = self.0.len();
        let mut layer = self.directory(path);
        let mut header = Header::new_gnu();
        header.as_mut_bytes().copy_from_slice(&layer.0[begin..begin + 512]);
        header.set_uid(user);
        header.set_gid(group);
        header.set_cksum();
        layer.0[begin..begin + 512].copy_from_slice(header.as_bytes());
        layer
    }

    fn link(self, path: &str, target: &str) -> Self {
        self.entry(path, EntryType::Symlink, 0o777, target, b"")
    }

    fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(path, EntryType::Link, 0o644, target, b"")
    }

    /// With the zeros that end an archive.
    fn bytes(&self) -> Vec<u8> {
        [&self.0[..], &[0; 1024]].concat()
    }

    fn listing(&self) -> Listing {
        Listing::read(Cursor::new(self.bytes()), 1 << 20).unwrap()
    }
}

/// A program of 64 bits that names its loader.
fn elf(loader: &str) -> Vec<u8> {
    let mut program = [0; 120];
    program[..6].copy_from_slice(b"\x7fELF\x02\x01");
    let mut set = |at: usize, value: usize| program[at..at + 8].copy_from_slice(&(value as u64).to_le_bytes());
    set(32, 64);
    set(64, 3);
    set(72, 120);
    set(96, loader.len() + 1);
    program[54..56].copy_from_slice(&56_u16.to_le_bytes());
    program[56..58].copy_from_slice(&1_u16.to_le_bytes());
    if loader.is_empty() {
        program[64] = 1;
    }
    [&program[..], loader.as_bytes(), b"\0"].concat()
}

const GLIBC: &str = "/lib64/ld-linux-x86-64.so.2";
const MUSL: &str = "/lib/ld-musl-x86_64.so.1";

/// The base of an image with these layers and variables.
fn image(layers: &[Layer], environment: &[&str]) -> Result<Base, Error> {
    let bytes: Vec<Vec<u8>> = layers.iter().map(Layer::bytes).collect();
    let digests: Vec<Digest> = bytes.iter().map(|layer| Digest::of(layer)).collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": { "Env": environment, "WorkingDir": "/work" },
        "rootfs": { "type": "layers", "diff_ids": digests },
    });
    let config = config.to_string();
    let kind = "application/vnd.oci.image.layer.v1.tar";
    let layer =
        |(digest, bytes): (&Digest, &Vec<u8>)| json!({ "mediaType": kind, "digest": digest, "size": bytes.len() });
    let manifest = json!({
        "config": { "digest": Digest::of(config.as_bytes()), "size": config.len() },
        "layers": digests.iter().zip(&bytes).map(layer).collect::<Vec<_>>(),
    });
    let listings = layers.iter().map(Layer::listing).collect();
    described(&manifest.to_string(), &config)?.into_base(listings)
}

fn described(manifest: &str, config: &str) -> Result<Described, Error> {
    let platform = Platform::new("linux", "amd64");
    let digest = Digest::of(manifest.as_bytes());
    Described::new(
        "r.example/base:1",
        digest,
        parsed(manifest),
        config.as_bytes(),
        &platform,
    )
}

fn parsed(manifest: &str) -> Manifest {
    match Document::parse(manifest.as_bytes()).unwrap() {
        Document::Image(manifest) => manifest,
        Document::Index(_) => panic!("an index"),
    }
}

/// What a person reads of an error.
fn told(error: &Error) -> String {
    let report = Report::of(error);
    [vec![report.title], report.causes, report.advice.hints]
        .concat()
        .join("\n")
}
