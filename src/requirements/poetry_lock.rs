//! `poetry.lock` as Poetry 2 writes it: its packages carry their groups and markers, so that no resolver is needed to read it.
//! Source: <https://github.com/python-poetry/poetry/blob/main/src/poetry/packages/locker.py>.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;
use pep508_rs::{ExtraName, MarkerTree, PackageName};
use serde::Deserialize;
use toml::Spanned;

use super::lock_file::{refuse_misread, text, toml_error};
use super::text::LineStarts;
use super::{
    Error, Format, Line, Local, Place, Requirements, What, extra_names, index, marker_suffix, own_name, pep508,
};
use crate::project::Project;
use crate::secret::without_url_credentials;

/// The group that Poetry puts the package's own requirements in.
const MAIN: &str = "main";
/// What to do about a lock that cannot be read: both make a file that can be.
const EXPORT: &str = "Lock again with Poetry 2, or run `poetry export --format requirements.txt --output requirements.txt` and name that file.";

#[derive(Deserialize)]
struct PoetryLock {
    #[serde(default, rename = "package")]
    packages: Vec<Package>,
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Metadata {
    lock_version: String,
    python_versions: String,
}

#[derive(Deserialize)]
struct Package {
    name: Spanned<String>,
    version: String,
    #[serde(default)]
    groups: Vec<String>,
    markers: Option<Markers>,
    #[serde(default)]
    files: Vec<File>,
    source: Option<Source>,
}

/// One marker, or one for each group that needs another.
#[derive(Deserialize)]
#[serde(untagged)]
enum Markers {
    All(String),
    ByGroup(BTreeMap<String, String>),
}

#[derive(Deserialize)]
struct File {
    hash: String,
}

#[derive(Deserialize)]
struct Source {
    #[serde(rename = "type")]
    kind: String,
    url: String,
    resolved_reference: Option<String>,
    subdirectory: Option<String>,
}

impl Package {
    /// The directory that it is, relative to the lock.
    fn directory(&self) -> Option<&str> {
        let source = self.source.as_ref()?;
        (source.kind == "directory").then_some(source.url.as_str())
    }
}

/// Reads the lock `file` of `project`, with the chosen extras.
pub(super) fn read(project: &Project, file: &str, extras: &[String]) -> Result<Requirements, Error> {
    let text = text(project, file)?;
    parsed(file, &text, own_name(project).as_ref(), &extra_names(extras))
}

fn parsed(file: &str, text: &str, own: Option<&PackageName>, extras: &[ExtraName]) -> Result<Requirements, Error> {
    let lock: PoetryLock = toml::from_str(text).map_err(|error| toml_error(file, text, &error))?;
    let version = &lock.metadata.lock_version;
    if version != "2.1" {
        return Err(Error::Lock {
            at: file.to_owned(),
            reason: format!("lock-version {version} does not say what is for which group; 2.1 does"),
            hint: EXPORT.to_owned(),
        });
    }
    let mut found = Requirements {
        // Poetry's own ranges, such as `^3.10`, are not PEP 440's: then the markers of the pins must do.
        requires_python: VersionSpecifiers::from_str(&lock.metadata.python_versions).ok(),
        ..Requirements::new(file, Format::PoetryLock)
    };
    let starts = LineStarts::of(text);
    let mut indexes = Vec::new();
    for package in &lock.packages {
        let place = Place {
            file: file.to_owned(),
            line: starts.line(package.name.span().start),
        };
        let is_own = PackageName::from_str(package.name.get_ref()).is_ok_and(|name| own == Some(&name));
        if is_own || !package.groups.iter().any(|group| group == MAIN) {
            continue;
        }
        let wrong = |reason| Error::Lock {
            at: place.to_string(),
            reason: format!("{}: {reason}", package.name.get_ref()),
            hint: EXPORT.to_owned(),
        };
        if package.directory().is_some() {
            found.locals.extend(local(package, &place, extras).map_err(wrong)?);
            continue;
        }
        let line = line(package, &place, extras).map_err(wrong)?;
        if line.is_some() {
            let source = package.source.as_ref().filter(|source| source.kind == "legacy");
            indexes.push(source.map(|source| source.url.as_str()));
        }
        found.lines.extend(line);
    }
    found
        .lines
        .splice(0..0, index::options(file, text, indexes.into_iter()));
    refuse_misread(&found.lines)?;
    Ok(found)
}

/// Where a package is installed, and the same as a requirement ends in it; `None` where the chosen extras leave it out.
fn marker(package: &Package, extras: &[ExtraName]) -> Result<Option<(MarkerTree, String)>, String> {
    let marker = match &package.markers {
        Some(Markers::All(marker)) => Some(marker),
        Some(Markers::ByGroup(markers)) => markers.get(MAIN),
        None => None,
    };
    let (marker, suffix) = match marker {
        Some(text) => {
            let marker = pep508::marker(text).map_err(|_| format!("`{text}` is not a marker"))?;
            let suffix = marker_suffix(text, &marker.clone().simplify_extras(extras));
            (marker, suffix)
        }
        None => (MarkerTree::TRUE, String::new()),
    };
    Ok(marker.evaluate_extras(extras).then_some((marker, suffix)))
}

/// A package that is a directory of this machine; `None` where the chosen extras leave it out.
fn local(package: &Package, place: &Place, extras: &[ExtraName]) -> Result<Option<Local>, String> {
    let (Some(path), Some((marker, _))) = (package.directory(), marker(package, extras)?) else {
        return Ok(None);
    };
    Ok(Some(Local {
        place: place.clone(),
        path: Path::new(&place.file).with_file_name("").join(path),
        written: path.to_owned(),
        name: PackageName::from_str(package.name.get_ref()).ok(),
        extras: Vec::new(),
        marker: marker.simplify_extras(extras),
    }))
}

/// A package as a requirement with its hashes; `None` where the chosen extras leave it out.
fn line(package: &Package, place: &Place, extras: &[ExtraName]) -> Result<Option<Line>, String> {
    let Some((_, suffix)) = marker(package, extras)? else {
        return Ok(None);
    };
    let text = format!("{}{}{suffix}", package.name.get_ref(), pin(package)?);
    let requirement = pep508::requirement(&text)?;
    let is_checkout = package.source.as_ref().is_some_and(|source| source.kind == "git");
    if package.files.is_empty() && !is_checkout {
        return Err("the lock has no hash of it".to_owned());
    }
    Ok(Some(Line {
        place: place.clone(),
        text,
        what: What::Package(Box::new(requirement)),
        hashes: package.files.iter().map(|file| file.hash.clone()).collect(),
        options: Vec::new(),
    }))
}

/// The version or URL that comes behind the package's name.
fn pin(package: &Package) -> Result<String, String> {
    let Some(source) = package.source.as_ref().filter(|source| source.kind != "legacy") else {
        return Ok(format!("=={}", package.version));
    };
    let url = without_url_credentials(&source.url);
    if url != source.url {
        return Err(format!(
            "`{url}` carries credentials, and they would be stored in the image"
        ));
    }
    let subdirectory = source.subdirectory.as_ref();
    let subdirectory = subdirectory
        .map(|path| format!("#subdirectory={path}"))
        .unwrap_or_default();
    match (source.kind.as_str(), &source.resolved_reference) {
        ("git", Some(commit)) => Ok(format!(" @ git+{url}@{commit}{subdirectory}")),
        ("url", _) => Ok(format!(" @ {url}{subdirectory}")),
        (kind, _) => Err(format!(
            "it is the {kind} `{url}` of this machine, and the image's build has only what is built here of a project's directory"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::Explain as _;

    const METADATA: &str = "[metadata]\nlock-version = \"2.1\"\npython-versions = \">=3.10,<3.13\"\n";

    fn lines(packages: &str, extras: &[&str]) -> Result<Vec<String>, Error> {
        let extras: Vec<_> = extras
            .iter()
            .filter_map(|extra| ExtraName::from_str(extra).ok())
            .collect();
        let own = PackageName::from_str("tiny").ok();
        let text = format!("{packages}\n{METADATA}");
        parsed("poetry.lock", &text, own.as_ref(), &extras).map(|found| super::super::written(&found.lines))
    }

    fn package(more: &str) -> String {
        format!("[[package]]\nname = \"a\"\nversion = \"1.0\"\n{more}")
    }

    const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const FILES: &str = "files = [{file = \"a-1.0.tar.gz\", hash = \"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]\n";

    #[test]
    fn groups_extras_and_markers_decide() {
        let of = |more: &str, extras: &[&str]| lines(&package(&format!("{more}\n{FILES}")), extras).unwrap();
        let pinned = |text: &str| {
            vec![
                "# poetry.lock".to_owned(),
                format!("{text} \\\n    --hash=sha256:{HASH}"),
            ]
        };
        assert_eq!(of("groups = [\"main\", \"dev\"]", &[]), pinned("a==1.0"));
        assert!(of("groups = [\"dev\"]", &[]).is_empty());
        let optional = "groups = [\"main\"]\nmarkers = 'extra == \"train\" and python_version < \"3.12\"'";
        assert!(of(optional, &[]).is_empty());
        assert_eq!(
            of(optional, &["train"]),
            pinned("a==1.0 ; python_full_version < '3.12'")
        );
        let kept = "groups = [\"main\"]\nmarkers = 'python_version == \"3.10\"'";
        assert_eq!(of(kept, &[]), pinned("a==1.0 ; python_version == \"3.10\""));
        let by_group =
            "groups = [\"main\", \"dev\"]\nmarkers = {main = 'sys_platform == \"linux\"', dev = 'os_name == \"nt\"'}";
        assert_eq!(of(by_group, &[]), pinned("a==1.0 ; sys_platform == \"linux\""));
    }

    #[test]
    fn other_sources() {
        let of = |more: &str| lines(&package(&format!("groups = [\"main\"]\n{more}")), &[]);
        let git = of(
            "[package.source]\ntype = \"git\"\nurl = \"https://h/a.git\"\nreference = \"main\"\nresolved_reference = \"0123\"\n",
        );
        assert_eq!(git.unwrap()[1], "a @ git+https://h/a.git@0123");
        let url = of(&format!(
            "{FILES}[package.source]\ntype = \"url\"\nurl = \"https://h/a.zip\"\n"
        ));
        assert_eq!(
            url.unwrap()[1],
            format!("a @ https://h/a.zip \\\n    --hash=sha256:{HASH}")
        );
        let archive = of("[package.source]\ntype = \"file\"\nurl = \"../a.zip\"\n").unwrap_err();
        assert!(
            archive
                .to_string()
                .starts_with("poetry.lock:2: a: it is the file `../a.zip`"),
            "{archive}"
        );
        assert!(of("").unwrap_err().to_string().contains("no hash"));
    }

    #[test]
    fn older_locks_are_refused() {
        let text = "[metadata]\nlock-version = \"2.0\"\npython-versions = \"^3.10\"\n";
        let error = parsed("poetry.lock", text, None, &[]).unwrap_err();
        assert!(error.to_string().contains("lock-version 2.0") && error.advice().hints[0].contains("poetry export"));
    }

    #[test]
    fn what_pip_would_read_as_another_line_is_refused() {
        let of = |more: &str| lines(&package(&format!("groups = [\"main\"]\n{more}")), &[]);
        let hash = |hash: &str| of(&format!("files = [{{file = \"a\", hash = \"{hash}\"}}]\n"));
        assert!(hash(&format!("sha256:{HASH}")).is_ok());
        for smuggled in [
            format!("sha256:{HASH}\\n--index-url https://h/simple"),
            format!("sha256:{HASH} --hash=sha256:{HASH}"),
            format!("sha256:{HASH} # "),
            "md5:0123456789abcdef0123456789abcdef".to_owned(),
        ] {
            let error = hash(&smuggled).unwrap_err().to_string();
            assert!(
                error.starts_with("poetry.lock:2: pip cannot be told `a==1.0`: "),
                "{error}"
            );
        }
        for marker in ["os_name == \\n 'posix'", "os_name == 'x\\u2028y'", "os_name == 'x # y'"] {
            let error = of(&format!("markers = \"{marker}\"\n{FILES}")).unwrap_err().to_string();
            assert!(error.contains("pip cannot be told"), "{error}");
        }
        let source = |url: &str| format!("{FILES}[package.source]\ntype = \"url\"\nurl = \"{url}\"\n");
        assert!(of(&source("https://h/${TOKEN}/a.zip")).is_err());
    }
}
