//! Directories of this machine that a file names: projects that are built here, and not fetched by their name.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep508_rs::{ExtraName, MarkerTree, PackageName};

use super::Place;

/// A directory that a file asks to install.
#[derive(Debug, Clone)]
pub struct Local {
    /// Where it stands.
    pub place: Place,
    /// Absolute, or relative to the project.
    pub path: PathBuf,
    /// As it is written.
    pub written: String,
    /// Which package it is, where the file says so.
    pub name: Option<PackageName>,
    /// The extras of it that are asked for.
    pub extras: Vec<ExtraName>,
    /// Where it is installed.
    pub marker: MarkerTree,
}

/// A path or `file:` URL as pip takes it for a project: `../common[extra]`, `file:///srv/common#egg=common`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) name: Option<PackageName>,
    pub(super) extras: Vec<ExtraName>,
}

impl Target {
    /// Reads one. Extras that are no names are left out.
    pub(super) fn parse(text: &str) -> Self {
        let (place, fragment) = text.split_once('#').filter(|_| is_file_url(text)).unwrap_or((text, ""));
        let (place, extras) = with_extras(place);
        let part = |key: &str| fragment.split('&').find_map(|pair| pair.strip_prefix(key));
        let (egg, egg_extras) = with_extras(part("egg=").unwrap_or_default());
        let below = part("subdirectory=").unwrap_or_default();
        let path = local_path(place.trim());
        let names = extras.split(',').chain(egg_extras.split(',')).map(str::trim);
        Self {
            path: if below.is_empty() { path } else { path.join(below) },
            name: Some(egg)
                .filter(|egg| !egg.is_empty())
                .and_then(|egg| PackageName::from_str(egg).ok()),
            extras: names
                .filter(|extra| !extra.is_empty())
                .filter_map(|extra| ExtraName::from_str(extra).ok())
                .collect(),
        }
    }
}

fn is_file_url(text: &str) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"))
}

/// `common[a,b]` as `common` and `a,b`.
fn with_extras(text: &str) -> (&str, &str) {
    let closed = text.trim_end().strip_suffix(']');
    closed.and_then(|closed| closed.rsplit_once('[')).unwrap_or((text, ""))
}

/// The path that a `file:` URL names, or that `text` is. pip takes what follows `file:` without slashes for a path too.
pub(crate) fn local_path(text: &str) -> PathBuf {
    let Some(after) = text.get(5..).filter(|_| is_file_url(text)) else {
        return PathBuf::from(text);
    };
    let place = after.strip_prefix("//").map_or(after, |after| {
        // The name of a machine; `localhost` is this one.
        after.find('/').map_or(after, |slash| &after[slash..])
    });
    let decoded = percent_encoding::percent_decode_str(place).decode_utf8_lossy();
    Path::new(decoded.as_ref()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_that_pip_takes() {
        let read = |text: &str| {
            let Target { path, name, extras } = Target::parse(text);
            let extras: Vec<String> = extras.iter().map(ToString::to_string).collect();
            let name = name.map_or_else(String::new, |name| name.to_string());
            format!("{} {name} {}", path.display(), extras.join(","))
        };
        assert_eq!(read("../common"), "../common  ");
        assert_eq!(read("./libs/common[fast, gpu]"), "./libs/common  fast,gpu");
        assert_eq!(
            read("file:///srv/my%20repo/common#egg=My_Common[x]"),
            "/srv/my repo/common my-common x"
        );
        assert_eq!(read("file:../common"), "../common  ");
        assert_eq!(read("FILE://localhost/c#subdirectory=d"), "/c/d  ");
        assert_eq!(read("a#b"), "a#b  ");
    }
}
