//! This program as AWS runs it: one zip file that is the Lambda functions' code and CodeBuild's tool. What goes to AWS before the stack does.
//!
//! Lambda starts the file `bootstrap` of it
//! ([custom runtimes](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html)).

pub mod bucket;
mod elf;
mod error;

pub use elf::Architecture;
pub use error::Error;

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;

use crate::hex::hex;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use elf::Elf;

/// Lambda's limit for a function's code, unpacked
/// ([quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)).
const MAX_UNPACKED: u64 = 250 * 1024 * 1024;
/// The C library of `provided.al2023`, and of CodeBuild's Amazon Linux 2023 images.
const GLIBC: (u32, u32) = (2, 34);

/// The program, packed: a deployment package, as Lambda calls it.
#[derive(Debug, Clone, Serialize)]
pub struct DeploymentPackage {
    /// The zip file.
    #[serde(skip)]
    pub zip: Vec<u8>,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// What it was compiled for.
    pub architecture: Architecture,
    /// The program's size, in bytes.
    pub unpacked: u64,
    /// The zip file's size, in bytes.
    pub packed: u64,
}

/// Bytes that go to the [code bucket](bucket::CodeBucket), under a key that has their digest: the same bytes are uploaded once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload<'a> {
    /// The object's key.
    pub key: String,
    /// The key that always has the latest of its kind.
    pub latest_key: String,
    /// The object.
    pub bytes: &'a [u8],
    /// Its media type.
    pub content_type: &'static str,
}

impl<'a> Upload<'a> {
    /// A stack's template.
    #[must_use]
    pub fn template(text: &'a str) -> Self {
        Self {
            key: format!("sgbuild/{}.template", hex(&Sha256::digest(text))),
            latest_key: "sgbuild/cicd-pipeline.template".to_owned(),
            bytes: text.as_bytes(),
            content_type: "text/plain; charset=utf-8",
        }
    }
}

impl DeploymentPackage {
    /// What is uploaded of it.
    #[must_use]
    pub fn upload(&self) -> Upload<'_> {
        Upload {
            key: self.key(),
            latest_key: self.latest_key(),
            bytes: &self.zip,
            content_type: "application/zip",
        }
    }

    /// The object's key in the code bucket: the same program has the same key.
    #[must_use]
    pub fn key(&self) -> String {
        format!("sgbuild/{}.zip", self.sha256)
    }

    /// The key that always has the latest: what the template takes where it is told of no other.
    #[must_use]
    pub fn latest_key(&self) -> String {
        format!("sgbuild/{}.zip", self.architecture.name())
    }
}

/// Packs the program at `path`. The same program gives the same bytes.
///
/// # Errors
/// It cannot be read, is no Linux program for x86-64 or arm64, needs more than Lambda has, or is too large.
pub fn pack(path: &Path) -> Result<DeploymentPackage, Error> {
    let read = |source| Error::Unreadable {
        path: path.to_owned(),
        source,
    };
    let program = fs::read(path).map_err(read)?;
    let architecture = check(path, &program)?;
    let zip = zipped(&program).map_err(|source| Error::Zip {
        path: path.to_owned(),
        source,
    })?;
    Ok(DeploymentPackage {
        sha256: hex(&Sha256::digest(&zip)),
        architecture,
        unpacked: program.len() as u64,
        packed: zip.len() as u64,
        zip,
    })
}

/// Makes sure that Lambda can run the program; answers with what it was compiled for.
fn check(path: &Path, program: &[u8]) -> Result<Architecture, Error> {
    let path = path.to_owned();
    let Some(elf) = Elf::parse(program) else {
        return Err(Error::NotForLinux { path });
    };
    let Some(architecture) = elf.architecture() else {
        return Err(Error::OtherMachine {
            path,
            machine: elf.machine,
        });
    };
    if program.len() as u64 > MAX_UNPACKED {
        return Err(Error::TooLarge {
            path,
            size: program.len() as u64,
            limit: MAX_UNPACKED,
        });
    }
    // A static program has no interpreter, and needs nothing of the system.
    let Some(interpreter) = elf.interpreter() else {
        return Ok(architecture);
    };
    if !interpreter.contains("ld-linux") {
        return Err(Error::OtherLoader { path, interpreter });
    }
    match elf.needed_glibc() {
        Some(needed) if needed > GLIBC => Err(Error::NewerGlibc { path, needed }),
        _ => Ok(architecture),
    }
}

fn zipped(program: &[u8]) -> zip::result::ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        // A zip file has the time of each entry, which would make every package another.
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", options)?;
    zip.write_all(program)?;
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests;
