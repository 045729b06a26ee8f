//! A package of a lock, and where it is from.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::requirements::requirements_txt::{HASHES, is_remote};
use crate::secret::without_url_credentials;

/// A package of a lock: at most one of `vcs`, `directory`, `archive` and the files of an index says where it is from.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: Spanned<String>,
    pub(crate) version: Option<String>,
    pub(super) marker: Option<String>,
    pub(crate) index: Option<String>,
    pub(crate) vcs: Option<Vcs>,
    pub(crate) directory: Option<Directory>,
    pub(crate) archive: Option<File>,
    pub(crate) sdist: Option<File>,
    #[serde(default)]
    pub(crate) wheels: Vec<File>,
}

/// A checkout of a repository.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Vcs {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) url: Option<String>,
    pub(super) path: Option<String>,
    pub(crate) commit_id: String,
    pub(crate) subdirectory: Option<String>,
}

/// A directory of the machine that locked.
#[derive(Deserialize)]
pub(crate) struct Directory {
    path: String,
    subdirectory: Option<String>,
}

impl Directory {
    /// The project's directory, relative to the lock.
    pub(crate) fn place(&self) -> String {
        match &self.subdirectory {
            Some(below) => format!("{}/{below}", self.path),
            None => self.path.clone(),
        }
    }
}

/// An archive or a wheel.
#[derive(Deserialize)]
pub(crate) struct File {
    pub(crate) url: Option<String>,
    pub(crate) path: Option<String>,
    /// Where the URL's last part is another.
    pub(crate) name: Option<String>,
    pub(crate) size: Option<u64>,
    #[serde(default)]
    pub(crate) hashes: BTreeMap<String, String>,
    pub(crate) subdirectory: Option<String>,
}

/// What is said of a package that is a file of this machine.
pub(super) const OF_THIS_MACHINE: &str =
    "of this machine, and the image's build has only what is built here of a project's directory";

/// What comes behind a package's name, and its hashes.
pub(super) struct Source {
    pub(super) pin: String,
    pub(super) hashes: Vec<String>,
}

/// Where a package is from, as pip is told it; or why the image cannot have it.
pub(super) fn source(package: &Package) -> Result<Source, String> {
    let name = package.name.get_ref();
    if let Some(vcs) = &package.vcs {
        let url = remote(name, vcs.url.as_deref(), vcs.path.as_deref())?;
        let (kind, commit) = (&vcs.kind, &vcs.commit_id);
        let prefix = if url.starts_with(&format!("{kind}+")) {
            String::new()
        } else {
            format!("{kind}+")
        };
        return Ok(Source {
            pin: format!(" @ {prefix}{url}@{commit}{}", subdirectory(vcs.subdirectory.as_deref())),
            hashes: Vec::new(),
        });
    }
    if let Some(archive) = &package.archive {
        let url = remote(name, archive.url.as_deref(), archive.path.as_deref())?;
        return Ok(Source {
            pin: format!(" @ {url}{}", subdirectory(archive.subdirectory.as_deref())),
            hashes: vec![hash(name, archive)?],
        });
    }
    let files: Vec<&File> = package.sdist.iter().chain(&package.wheels).collect();
    let Some(version) = package.version.as_ref().filter(|_| !files.is_empty()) else {
        return Err(format!("{name} has no version, or no file to install"));
    };
    for file in files.iter().filter(|file| file.url.is_none()) {
        remote(name, None, file.path.as_deref())?;
    }
    let mut hashes = files
        .iter()
        .map(|file| hash(name, file))
        .collect::<Result<Vec<_>, _>>()?;
    hashes.dedup();
    Ok(Source {
        pin: format!("=={version}"),
        hashes,
    })
}

fn subdirectory(path: Option<&str>) -> String {
    path.map(|path| format!("#subdirectory={path}")).unwrap_or_default()
}

/// The URL of something that is on the network and needs no password.
fn remote(name: &str, url: Option<&str>, path: Option<&str>) -> Result<String, String> {
    let url = match (url, path) {
        (Some(url), _) if is_remote(url) || url.starts_with("ssh://") => url,
        (Some(local), _) | (None, Some(local)) => {
            return Err(format!("{name} is `{local}` {OF_THIS_MACHINE}"));
        }
        // An index knows where the file is.
        (None, None) => return Ok(String::new()),
    };
    let shown = without_url_credentials(url);
    if shown != url {
        return Err(format!(
            "`{shown}` carries credentials, and they would be stored in the image"
        ));
    }
    Ok(url.to_owned())
}

/// The strongest hash that everybody has: a file needs one.
fn hash(name: &str, file: &File) -> Result<String, String> {
    let mut known = HASHES.iter().filter_map(|(algorithm, length)| {
        let digest = file.hashes.get(*algorithm)?;
        (digest.len() == *length).then(|| format!("{algorithm}:{digest}"))
    });
    known
        .next()
        .ok_or_else(|| format!("a file of {name} has no SHA-256, SHA-384 or SHA-512 hash"))
}
