//! A build backend's wheel, written again so that its bytes depend on its members alone.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use super::archive::Archive;
use super::{Error, Wheel, WheelSettings, local_urls, order};
use crate::package::paths::inside;
use crate::progress::Progress;
use crate::reading;

/// Writes the wheel at `path` again into `out_dir`, under the same file name and with the same members, `RECORD` among them, in the
/// order and with times and modes as [`pack`](super::pack) has them. Only directories of this machine are taken out of `METADATA`.
///
/// # Errors
/// It cannot be read, or holds what no wheel may: absolute paths, paths that lead out, links, a member twice.
pub(crate) fn rewrite(
    path: &Path,
    out_dir: &Path,
    settings: &WheelSettings,
    progress: &dyn Progress,
) -> Result<Wheel, Error> {
    let file_name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut source = Source::open(path)?;
    let members = source.members()?;
    let metadata = source.metadata(&members)?;
    let mut archive = Archive::create(out_dir, &file_name, settings.source_date_epoch)?;
    let mut sorted: Vec<&String> = members.keys().collect();
    sorted.sort_by(|a, b| order::order(a, b));
    // What is written anew is recorded anew.
    let record = metadata
        .as_ref()
        .map(|(place, _)| place.replace("/METADATA", "/RECORD"));
    sorted.retain(|name| Some(*name) != record.as_ref());
    for name in sorted {
        progress.check()?;
        if let Some((_, text)) = metadata.as_ref().filter(|(place, _)| name == place) {
            archive.add_bytes(name, text.as_bytes(), false)?;
            continue;
        }
        let mut member = source
            .zip
            .by_index(members[name])
            .map_err(|error| failed(path, error))?;
        let executable = member.unix_mode().is_some_and(|mode| mode & 0o100 != 0);
        let size = member.size();
        let failed = |source| read_error(path, source);
        archive.copy(name, size, executable, &mut member, &failed, &mut |_| {
            Ok(progress.check()?)
        })?;
    }
    if let Some(record) = record {
        archive.add_record(&record)?;
    }
    archive.finish()
}

/// The names of a wheel's members.
pub(super) fn files(path: &Path) -> Result<Vec<String>, Error> {
    Ok(Source::open(path)?.members()?.into_keys().collect())
}

struct Source {
    path: PathBuf,
    zip: ZipArchive<File>,
}

impl Source {
    fn open(path: &Path) -> Result<Self, Error> {
        let (file, _) = reading::open(path).map_err(|source| read_error(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            zip: ZipArchive::new(file).map_err(|error| failed(path, error))?,
        })
    }

    /// Path and new text of `METADATA`, where it names directories of this machine.
    fn metadata(&mut self, members: &BTreeMap<String, usize>) -> Result<Option<(String, String)>, Error> {
        let is_metadata = |name: &&String| name.split_once('/').is_some_and(|(_, file)| file == "METADATA");
        let Some(name) = members.keys().find(is_metadata) else {
            return Ok(None);
        };
        let member = self
            .zip
            .by_index(members[name])
            .map_err(|error| failed(&self.path, error))?;
        let mut text = String::new();
        // What is no text, or has no end, stays as it is.
        if member.take(reading::ANSWER).read_to_string(&mut text).is_err() {
            return Ok(None);
        }
        Ok(match local_urls::without(&text) {
            Cow::Owned(shorter) if (text.len() as u64) < reading::ANSWER => Some((name.clone(), shorter)),
            _ => None,
        })
    }

    /// The files with their places in the archive.
    fn members(&mut self) -> Result<BTreeMap<String, usize>, Error> {
        let mut members = BTreeMap::new();
        for at in 0..self.zip.len() {
            let member = self.zip.by_index_raw(at).map_err(|error| failed(&self.path, error))?;
            let name = member.name().map_err(|error| failed(&self.path, error))?.into_owned();
            let refused = |reason| Error::WheelMember {
                path: self.path.clone(),
                member: name.clone(),
                reason,
            };
            if member.is_dir() {
                continue;
            }
            if member.is_symlink() {
                return Err(refused("is a link, which no installer makes"));
            }
            if inside(&name).as_deref() != Some(name.as_str()) {
                return Err(refused("is an absolute path or leads out of the archive"));
            }
            if members.insert(name.clone(), at).is_some() {
                return Err(refused("appears twice"));
            }
        }
        Ok(members)
    }
}

fn failed(path: &Path, error: ZipError) -> Error {
    match error {
        ZipError::Io(source) => read_error(path, source),
        other => read_error(path, io::Error::other(other)),
    }
}

fn read_error(path: &Path, source: io::Error) -> Error {
    Error::ReadWheel {
        path: path.to_owned(),
        source,
    }
}
