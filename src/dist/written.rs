//! What sgbuild wrote into a `dist/`: by name and digest, at the end of its `.dockerignore`.
//!
//! The list lies in `dist/` itself, so that it is there in another container, for another user and after the cache is cleaned. A checkout
//! may have brought it along; it can do no harm: only a file of a name that sgbuild writes, and whose content is exactly what
//! the list says, counts as written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::context::{Hash, sha256};
use super::{DOCKERIGNORE, IMAGE_JSON, IMAGE_JSON_UNFINISHED, OURS, SBOM, sbom};
use crate::hex::hex;
use crate::reading::{self, SETTINGS_FILE};

const HEADING: &str = "# What sgbuild wrote here: it replaces these files, and no others.\n";
const ENTRY: &str = "# sha256 ";

/// The text of [`DOCKERIGNORE`] with the list of `files`.
pub(super) fn listed(text: &str, files: &[Hash]) -> String {
    let mut listed = format!("{text}{HEADING}");
    for Hash { name, sha256, length } in files {
        // Writing to a string cannot fail.
        let _ = writeln!(listed, "{ENTRY}{sha256} {length} {name}");
    }
    let own = hex(&Sha256::digest(&listed));
    let _ = writeln!(listed, "{ENTRY}{own} {} {DOCKERIGNORE}", listed.len());
    listed
}

/// What a `dist/` says that sgbuild wrote into it.
pub(super) struct Written {
    directory: PathBuf,
    by_name: BTreeMap<String, Hash>,
}

/// The name of a file, and what a line of the list says of it.
fn entry(line: &str) -> Option<(String, Hash)> {
    let mut words = line.strip_prefix(ENTRY)?.splitn(3, ' ');
    let (sha256, length, name) = (words.next()?.to_owned(), words.next()?, words.next()?.to_owned());
    let length = length.parse().ok()?;
    is_a_name_of_ours(&name).then(|| (name.clone(), Hash { name, sha256, length }))
}

impl Written {
    /// Reads the list in `directory`; without one, nothing there is sgbuild's.
    pub(super) fn into(directory: &Path) -> Self {
        let text = reading::text(&directory.join(DOCKERIGNORE), SETTINGS_FILE).unwrap_or_default();
        Self {
            directory: directory.to_owned(),
            by_name: text.lines().filter_map(entry).collect(),
        }
    }

    /// Whether what is called `name` there is as sgbuild wrote it.
    pub(super) fn holds(&self, name: &str) -> bool {
        let path = self.directory.join(name);
        if name == IMAGE_JSON {
            return is_record(&path);
        }
        if name == SBOM {
            return sbom::is_ours(&path);
        }
        if name.starts_with(IMAGE_JSON_UNFINISHED) {
            return is_regular(&path);
        }
        let Some(entry) = self.by_name.get(name) else {
            return false;
        };
        if name == DOCKERIGNORE {
            return is_as_listed(&path, entry);
        }
        // What is of another length is not read: it may have no end.
        length(&path) == Some(entry.length) && sha256(&path).is_ok_and(|(found, _)| found == entry.sha256)
    }
}

/// Whether two files hold the same bytes; anything else than a regular file is not read.
pub(super) fn is_same(a: &Path, b: &Path) -> bool {
    length(a) == length(b) && sha256(a).is_ok_and(|digest| sha256(b).is_ok_and(|other| digest == other))
}

/// Whether the file is a build record: whatever it says, a user writes nothing of this form.
fn is_record(path: &Path) -> bool {
    #[derive(serde::Deserialize)]
    struct Record {
        #[serde(rename = "source")]
        _source: serde::de::IgnoredAny,
        #[serde(rename = "built")]
        _built: serde::de::IgnoredAny,
    }
    let bytes = if is_regular(path) {
        reading::bytes(path, SETTINGS_FILE).ok()
    } else {
        None
    };
    bytes.is_some_and(|bytes| serde_json::from_slice::<Record>(&bytes).is_ok())
}

/// Whether the list's file is as it was written: its own digest is that of what stands above it.
fn is_as_listed(path: &Path, entry: &Hash) -> bool {
    let Ok(text) = reading::text(path, SETTINGS_FILE) else {
        return false;
    };
    let Hash { sha256, length, .. } = entry;
    let above = text.strip_suffix(&format!("{ENTRY}{sha256} {length} {DOCKERIGNORE}\n"));
    is_regular(path) && above.is_some_and(|above| hex(&Sha256::digest(above)) == *sha256)
}

fn length(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|found| found.len())
}

fn is_a_name_of_ours(name: &str) -> bool {
    let is_archive = [".tar.gz", ".whl"].iter().any(|suffix| name.ends_with(suffix));
    OURS.contains(&name) || is_archive && !name.contains('/')
}

pub(super) fn is_regular(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with what sgbuild wrote.
    fn written() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let names = ["Dockerfile", "a-1.tar.gz"].map(ToOwned::to_owned);
        for name in &names {
            fs::write(directory.path().join(name), "as written").unwrap();
        }
        let hashes = names.map(|name| Hash::of(directory.path(), &name).unwrap());
        let text = listed("*\n!a-1.tar.gz\n", &hashes);
        fs::write(directory.path().join(DOCKERIGNORE), text).unwrap();
        directory
    }

    #[test]
    fn only_what_is_as_it_was_written_counts() {
        let directory = written();
        let holds = |name| Written::into(directory.path()).holds(name);
        assert!(holds("Dockerfile") && holds("a-1.tar.gz") && holds(DOCKERIGNORE));
        assert!(!holds("a-0.9.tar.gz") && !holds("run.py"));
        fs::write(directory.path().join("Dockerfile"), "as edited ").unwrap();
        assert!(!holds("Dockerfile"));
        let ignore = directory.path().join(DOCKERIGNORE);
        fs::write(&ignore, "mine\n".to_owned() + &fs::read_to_string(&ignore).unwrap()).unwrap();
        assert!(!holds(DOCKERIGNORE) && holds("a-1.tar.gz"));
        fs::remove_file(ignore).unwrap();
        assert!(!holds("a-1.tar.gz"));
    }

    #[test]
    fn a_list_speaks_of_files_of_our_names_only() {
        let directory = written();
        fs::write(directory.path().join("notes.txt"), "as written").unwrap();
        let ignore = directory.path().join(DOCKERIGNORE);
        let text = fs::read_to_string(&ignore).unwrap();
        let (listed, _) = text.split_once(" 10 Dockerfile").unwrap();
        let digest = listed.rsplit(' ').next().unwrap();
        fs::write(
            &ignore,
            format!("{ENTRY}{digest} 10 notes.txt\n{ENTRY}{digest} 10 ../b.whl\n"),
        )
        .unwrap();
        let found = Written::into(directory.path());
        assert!(found.by_name.is_empty() && !found.holds("notes.txt"));
    }

    #[test]
    fn a_record_is_known_by_its_form() {
        let directory = tempfile::tempdir().unwrap();
        let record = directory.path().join(IMAGE_JSON);
        for (text, is_ours) in [
            ("{\"source\": {}, \"built\": {\"id\": 1}}", true),
            ("{\"width\": 3}", false),
            ("[]", false),
            ("", false),
        ] {
            fs::write(&record, text).unwrap();
            assert_eq!(Written::into(directory.path()).holds(IMAGE_JSON), is_ours, "{text}");
        }
    }
}
