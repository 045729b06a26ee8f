//! What a base image has installed, as if an index had it: so uv can keep versions that no index has.
//!
//! Each becomes a wheel with nothing in it but its metadata, and is preferred by an existing lock. It is never installed: what is chosen in
//! a version that the base has stays as it is. Nor is it where uv builds something to see its metadata, as its tag is the worst that fits: where
//! an index has that version too, its own wheel is better.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::str::FromStr;

use pep440_rs::Version;
use pep508_rs::{PackageName, VersionOrUrl};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::requirements::pep508;

/// A distribution that a base image has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installed {
    /// As it is written there.
    pub(crate) name: String,
    /// See `name`.
    pub(crate) version: String,
    /// The text of its `METADATA`
    /// ([core metadata](https://packaging.python.org/en/latest/specifications/core-metadata/)).
    pub(crate) metadata: String,
}

impl Installed {
    /// Its name and version; `None` where they are none, and nothing can be required of it.
    fn known(&self) -> Option<(PackageName, Version)> {
        Some((
            PackageName::from_str(&self.name).ok()?,
            Version::from_str(&self.version).ok()?,
        ))
    }
}

/// The distributions that can be required, each with its name and version. Of two with one name Python finds the first.
pub(super) fn found(installed: &[Installed]) -> Vec<(PackageName, Version, &Installed)> {
    let mut names = BTreeSet::new();
    let known = installed.iter().filter_map(|package| {
        let (name, version) = package.known()?;
        names.insert(name.clone()).then_some((name, version, package))
    });
    known.collect()
}

/// Writes the wheels into `directory`.
pub(super) fn write_wheels(installed: &[Installed], directory: &Path) -> io::Result<()> {
    fs::create_dir(directory)?;
    for (name, version, package) in found(installed) {
        let base = format!("{}-{version}", name.as_ref().replace('-', "_"));
        let file = File::create(directory.join(format!("{base}-{TAG}.whl")))?;
        let mut wheel = ZipWriter::new(file);
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        let metadata = metadata(&name, &version, &package.metadata);
        let about = format!("Wheel-Version: 1.0\nGenerator: sgbuild\nRoot-Is-Purelib: true\nTag: {TAG}\n");
        for (member, text) in [("METADATA", metadata.as_str()), ("WHEEL", &about), ("RECORD", "")] {
            wheel.start_file(format!("{base}.dist-info/{member}"), stored)?;
            wheel.write_all(text.as_bytes())?;
        }
        wheel.finish()?;
    }
    Ok(())
}

/// The last in the order of every Python 3.
const TAG: &str = "py30-none-any";

/// What decides of the metadata: requirements and extras. A URL is left out of a requirement, as it is met: uv takes one only where the
/// user names it.
fn metadata(name: &PackageName, version: &Version, text: &str) -> String {
    let head = text.split("\n\n").next().unwrap_or_default().replace("\r\n", "\n");
    let mut lines = vec![format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}")];
    for line in head.split("\n\n").next().unwrap_or_default().lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        match key.to_ascii_lowercase().as_str() {
            "requires-dist" => lines.push(format!("Requires-Dist: {}", without_url(value.trim()))),
            "provides-extra" => lines.push(line.to_owned()),
            _ => {}
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn without_url(requirement: &str) -> String {
    let Ok(mut read) = pep508::requirement(requirement) else {
        return requirement.to_owned();
    };
    if matches!(read.version_or_url, Some(VersionOrUrl::Url(_))) {
        read.version_or_url = None;
        return read.to_string();
    }
    requirement.to_owned()
}

/// A lock of what is installed, which uv keeps to where it may.
pub(super) fn preferences(installed: &[Installed]) -> String {
    let mut text = "lock-version = \"1.0\"\ncreated-by = \"sgbuild\"\n".to_owned();
    for (name, version, _) in found(installed) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_metadata_only_what_decides_is_kept() {
        let text = "Metadata-Version: 2.4\r\nName: Some.Thing\r\nVersion: 1.0+cu118\r\nSummary: x\r\n\
                    Requires-Dist: numpy (>=1.2)\r\nRequires-Dist: other @ https://h/other-1.zip ; extra == 'x'\r\n\
                    Provides-Extra: x\r\n\r\nRequires-Dist: of-the-description\r\n";
        let (name, version) = (
            PackageName::from_str("Some.Thing").unwrap(),
            Version::from_str("1.0+cu118").unwrap(),
        );
        assert_eq!(
            metadata(&name, &version, text),
            "Metadata-Version: 2.1\nName: some-thing\nVersion: 1.0+cu118\nRequires-Dist: numpy (>=1.2)\n\
             Requires-Dist: other ; extra == 'x'\nProvides-Extra: x\n"
        );
    }

    #[test]
    fn of_two_with_one_name_the_first_counts() {
        let of = |name: &str, version: &str| Installed {
            name: name.to_owned(),
            version: version.to_owned(),
            metadata: String::new(),
        };
        let both = [of("Some.Thing", "2"), of("some_thing", "1")];
        assert_eq!(found(&both).len(), 1);
        assert!(preferences(&both).ends_with("name = \"some-thing\"\nversion = \"2\"\n"));
    }

    #[test]
    fn what_has_no_proper_version_is_passed_over() {
        let broken = Installed {
            name: "odd".to_owned(),
            version: "unknown".to_owned(),
            metadata: String::new(),
        };
        let directory = tempfile::tempdir().unwrap();
        let wheels = directory.path().join("wheels");
        write_wheels(std::slice::from_ref(&broken), &wheels).unwrap();
        assert_eq!(fs::read_dir(&wheels).unwrap().count(), 0);
        assert!(!preferences(&[broken]).contains("odd"));
    }
}
