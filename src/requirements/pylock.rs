//! `pylock.toml`. Source: <https://packaging.python.org/en/latest/specifications/pylock-toml/>.

use std::collections::BTreeMap;
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;
use pep508_rs::{ExtraName, MarkerTree, PackageName};
use serde::Deserialize;
use toml::Spanned;

use super::requirements_txt::{HASHES, is_remote};
use super::text::{LineStarts, decode};
use super::{Error, Format, Line, Place, Requirements, What, extra_names, index, marker_suffix, own_name, pep508};
use crate::project::Project;
use crate::reading::{self, PROJECT_FILE};
use crate::secret::without_url_credentials;

const LOCK_AGAIN: &str = "Lock again with the tool that made the file.";

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Pylock {
    lock_version: String,
    #[serde(default)]
    environments: Vec<String>,
    requires_python: Option<String>,
    #[serde(default)]
    default_groups: Vec<String>,
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: Spanned<String>,
    version: Option<String>,
    marker: Option<String>,
    index: Option<String>,
    vcs: Option<Vcs>,
    directory: Option<Directory>,
    archive: Option<File>,
    sdist: Option<File>,
    #[serde(default)]
    wheels: Vec<File>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Vcs {
    #[serde(rename = "type")]
    kind: String,
    url: Option<String>,
    path: Option<String>,
    commit_id: String,
    subdirectory: Option<String>,
}

#[derive(Deserialize)]
struct Directory {
    path: String,
}

#[derive(Deserialize)]
struct File {
    url: Option<String>,
    path: Option<String>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    subdirectory: Option<String>,
}

/// Reads the lock `file` of `project`, with the chosen extras.
pub(super) fn read(project: &Project, file: &str, extras: &[String]) -> Result<Requirements, Error> {
    let text = text(project, file)?;
    let lock = Lock {
        file,
        text: &text,
        own: own_name(project),
        extras: extra_names(extras),
    };
    lock.read()
}

/// The text of a lock file, which is UTF-8.
pub(super) fn text(project: &Project, file: &str) -> Result<String, Error> {
    let bytes = reading::bytes(&project.root.join(file), PROJECT_FILE).map_err(|source| Error::Unreadable {
        file: file.to_owned(),
        included_at: None,
        source,
    })?;
    decode(&bytes).map_err(|(line, reason)| Error::Undecodable {
        place: Place {
            file: file.to_owned(),
            line,
        },
        reason,
    })
}

/// The text of a lock, and what decides what of it is installed.
pub(super) struct Lock<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    /// The project's own name.
    pub(super) own: Option<PackageName>,
    pub(super) extras: Vec<ExtraName>,
}

impl Lock<'_> {
    pub(super) fn read(&self) -> Result<Requirements, Error> {
        let parsed: Pylock = toml::from_str(self.text).map_err(|error| toml_error(self.file, self.text, &error))?;
        let wrong = |reason: String, hint: &str| Error::Lock {
            at: self.file.to_owned(),
            reason,
            hint: hint.to_owned(),
        };
        if parsed.lock_version != "1.0" {
            let reason = format!("lock-version {} is not one that sgbuild knows", parsed.lock_version);
            return Err(wrong(reason, "Lock again in the format of lock-version 1.0."));
        }
        let groups = extra_names(&parsed.default_groups);
        let requires_python = match &parsed.requires_python {
            Some(text) => {
                let read = VersionSpecifiers::from_str(text);
                Some(read.map_err(|_| {
                    wrong(
                        format!("requires-python `{text}` is not a range of versions"),
                        LOCK_AGAIN,
                    )
                })?)
            }
            None => None,
        };
        let mut found = Requirements {
            file: self.file.to_owned(),
            format: Format::Pylock,
            lines: Vec::new(),
            constraints: Vec::new(),
            own_extras: Vec::new(),
            environments: Vec::new(),
            requires_python,
        };
        for text in &parsed.environments {
            let read = pep508::marker(text);
            found
                .environments
                .push(read.map_err(|_| wrong(format!("`{text}` is not a marker"), LOCK_AGAIN))?);
        }
        let starts = LineStarts::of(self.text);
        for package in &parsed.packages {
            found.lines.extend(self.line(package, &groups, &starts)?);
        }
        let indexes = parsed.packages.iter().map(|package| package.index.as_deref());
        found.lines.splice(0..0, index::options(self.file, self.text, indexes));
        Ok(found)
    }

    /// A package as a requirement with its hashes; `None` for the project itself and what the chosen extras leave out.
    fn line(&self, package: &Package, groups: &[ExtraName], starts: &LineStarts) -> Result<Option<Line>, Error> {
        let place = Place {
            file: self.file.to_owned(),
            line: starts.line(package.name.span().start),
        };
        let name = package.name.get_ref();
        let wrong = |reason: String, hint: &str| Error::Lock {
            at: place.to_string(),
            reason,
            hint: hint.to_owned(),
        };
        if PackageName::from_str(name).is_ok_and(|name| self.own.as_ref() == Some(&name)) {
            return Ok(None);
        }
        let (marker, suffix) = match &package.marker {
            Some(text) => {
                let decided = decide_membership(text, &self.extras, groups);
                let marker = pep508::marker(&decided);
                let marker = marker.map_err(|_| wrong(format!("`{text}` is not a marker"), LOCK_AGAIN))?;
                let suffix = marker_suffix(text, &marker);
                (marker, suffix)
            }
            None => (MarkerTree::TRUE, String::new()),
        };
        if marker.is_false() {
            return Ok(None);
        }
        let source = source(package).map_err(|reason| wrong(reason, LOCK_AGAIN))?;
        let text = format!("{name}{}{suffix}", source.pin);
        let requirement =
            pep508::requirement(&text).map_err(|reason| wrong(format!("{name}: {reason}"), LOCK_AGAIN))?;
        Ok(Some(Line {
            place,
            text,
            what: What::Package(Box::new(requirement)),
            hashes: source.hashes,
            options: Vec::new(),
        }))
    }
}

/// What comes behind a package's name, and its hashes.
struct Source {
    pin: String,
    hashes: Vec<String>,
}

fn source(package: &Package) -> Result<Source, String> {
    let name = package.name.get_ref();
    if let Some(directory) = &package.directory {
        let path = &directory.path;
        return Err(format!(
            "{name} is the directory `{path}` of this machine, and the image's build has only the package itself"
        ));
    }
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
            return Err(format!(
                "{name} is `{local}` of this machine, and the image's build has only the package itself"
            ));
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

/// `marker` with every `'x' in extras` and `'x' in dependency_groups` replaced by whether that is so: [`MarkerTree`] does not know
/// these. Source: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers>.
fn decide_membership(marker: &str, extras: &[ExtraName], groups: &[ExtraName]) -> String {
    const YES: &str = "(python_version < '3' or python_version >= '3')";
    const NO: &str = "(python_version < '3' and python_version >= '3')";
    if !marker.contains("extras") && !marker.contains("dependency_groups") {
        return marker.to_owned();
    }
    let Ok(pattern) = regex_lite::Regex::new(r#"["']([^"']*)["']\s+(not\s+)?in\s+(extras|dependency_groups)\b"#) else {
        return marker.to_owned();
    };
    let decided = pattern.replace_all(marker, |found: &regex_lite::Captures<'_>| {
        let chosen = if &found[3] == "extras" { extras } else { groups };
        let is_chosen = ExtraName::from_str(&found[1]).is_ok_and(|name| chosen.contains(&name));
        let is_negated = found.get(2).is_some();
        if is_chosen == is_negated { NO } else { YES }
    });
    decided.into_owned()
}

/// What a TOML parser says, with its line.
pub(super) fn toml_error(file: &str, text: &str, error: &toml::de::Error) -> Error {
    let line = error.span().map(|span| LineStarts::of(text).line(span.start));
    Error::Lock {
        at: line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")),
        reason: error.message().lines().next().unwrap_or_default().to_owned(),
        hint: LOCK_AGAIN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn read(packages: &str, extras: &[&str]) -> Result<Requirements, Error> {
        let text = format!(
            "lock-version = '1.0'\ncreated-by = 'me'\n{}",
            packages.replace("HASH", HASH)
        );
        let lock = Lock {
            file: "pylock.toml",
            text: &text,
            own: PackageName::from_str("tiny").ok(),
            extras: extras
                .iter()
                .filter_map(|extra| ExtraName::from_str(extra).ok())
                .collect(),
        };
        lock.read()
    }

    fn lines(packages: &str, extras: &[&str]) -> Vec<String> {
        super::super::written(&read(packages, extras).unwrap().lines)
    }

    fn error(packages: &str) -> String {
        read(packages, &[]).unwrap_err().to_string()
    }

    #[test]
    fn files_of_an_index_are_a_version_with_hashes() {
        let package = "[[packages]]\nname = 'a'\nversion = '1.0'\nmarker = \"sys_platform == 'linux'\"\nsdist = { url = 'https://h/a-1.0.tar.gz', hashes = { sha256 = 'HASH' } }\nwheels = [{ name = 'a-1.0-py3-none-any.whl', hashes = { sha256 = 'HASH', md5 = '0' } }]\n[[packages]]\nname = 'Tiny'\ndirectory = { path = '.' }\n";
        assert_eq!(
            lines(package, &[]),
            [
                "# pylock.toml".to_owned(),
                format!("a==1.0 ; sys_platform == 'linux' \\\n    --hash=sha256:{HASH}")
            ]
        );
    }

    #[test]
    fn extras_and_groups_decide() {
        let package = |marker: &str| {
            format!(
                "default-groups = ['base']\n[[packages]]\nname = 'a'\nversion = '1'\nmarker = \"{marker}\"\nsdist = {{ hashes = {{ sha256 = 'HASH' }} }}\n"
            )
        };
        let is_in = |marker: &str, extras: &[&str]| !lines(&package(marker), extras).is_empty();
        assert!(is_in("'Train' in extras", &["train"]) && !is_in("'train' in extras", &[]));
        assert!(is_in("'train' not in extras", &[]) && !is_in("'train' not in extras", &["train"]));
        assert!(is_in("'base' in dependency_groups", &[]) && !is_in("'dev' in dependency_groups", &["dev"]));
        let kept = lines(
            &package("python_version >= '3.11' and ('x' in extras or 'y' in extras)"),
            &["y"],
        );
        assert!(
            kept[1].starts_with("a==1 ; python_full_version >= '3.11' \\"),
            "{kept:?}"
        );
    }

    #[test]
    fn other_sources() {
        let vcs = "[[packages]]\nname = 'a'\nvcs = { type = 'git', url = 'https://h/a.git', commit-id = '0123', subdirectory = 's' }\n";
        assert_eq!(lines(vcs, &[])[1], "a @ git+https://h/a.git@0123#subdirectory=s");
        let archive = "[[packages]]\nname = 'a'\narchive = { url = 'https://h/a.zip', hashes = { sha256 = 'HASH' } }\n";
        assert_eq!(
            lines(archive, &[])[1],
            format!("a @ https://h/a.zip \\\n    --hash=sha256:{HASH}")
        );
        let two = "[[packages]]\nname = 'a'\nversion = '1'\nindex = 'https://one/simple'\nsdist = { hashes = { sha256 = 'HASH' } }\n[[packages]]\nname = 'b'\nversion = '1'\nindex = 'https://one/simple'\nsdist = { hashes = { sha256 = 'HASH' } }\n[[packages]]\nname = 'c'\nversion = '1'\nindex = 'https://two/simple'\nsdist = { hashes = { sha256 = 'HASH' } }\n";
        assert_eq!(lines(two, &[])[1], "--extra-index-url https://two/simple");
    }

    #[test]
    fn what_cannot_be_installed_is_told_with_its_line() {
        assert!(
            error("[[packages]]\nname = 'a'\ndirectory = { path = '../a' }\n")
                .starts_with("pylock.toml:4: a is the directory `../a`")
        );
        assert!(
            error("[[packages]]\nname = 'a'\narchive = { path = 'a.zip', hashes = {} }\n")
                .contains("a is `a.zip` of this machine")
        );
        assert!(
            error("[[packages]]\nname = 'a'\nversion = '1'\nsdist = { hashes = { md5 = '0' } }\n")
                .contains("has no SHA-256")
        );
        assert!(error("[[packages]]\nname = 'a'\nversion = '1'\n").contains("no file to install"));
        assert!(
            error("[[packages]]\nname = 'a'\narchive = { url = 'https://me:pw@h/a.zip', hashes = {} }\n")
                .contains("`https://***@h/a.zip` carries")
        );
        assert!(
            error("[[packages]]\nname = 'a'\nversion = '1'\nmarker = 'x'\nsdist = {}\n")
                .contains("`x` is not a marker")
        );
        assert!(error("[[packages]\n").starts_with("pylock.toml:3: "));
        assert!(error("packages = 1\n").starts_with("pylock.toml:3: "));
        let text = "lock-version = '2.0'\n";
        let lock = Lock {
            file: "pylock.toml",
            text,
            own: None,
            extras: Vec::new(),
        };
        assert!(lock.read().unwrap_err().to_string().contains("lock-version 2.0"));
    }
}
