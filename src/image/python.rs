//! Which Python the image has.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

use super::{Error, ImageSettings};
use crate::project::Project;

/// Python releases with an official slim image, in the order in which they are tried: first the one that most wheels are
/// published for, then its neighbours.
const PYTHON_RELEASES: [&str; 6] = ["3.12", "3.11", "3.10", "3.13", "3.9", "3.14"];

/// The Python of the official image where the package does not choose.
pub(crate) const DEFAULT_PYTHON: &str = PYTHON_RELEASES[0];

/// Releases that have an official slim image as well, and are chosen only where the package allows no other.
const OLDER_RELEASES: [&str; 2] = ["3.8", "3.7"];
/// The newest patch release of each that is certain to have an image, from the newest release to the oldest.
const PATCHES: [(&str, u32); 8] = [
    ("3.14", 0),
    ("3.13", 7),
    ("3.12", 11),
    ("3.11", 13),
    ("3.10", 18),
    ("3.9", 23),
    ("3.8", 20),
    ("3.7", 17),
];
/// Releases on which `run.py`, which starts the training, does not run; they have images.
const TOO_OLD: [&str; 4] = ["3.6", "3.5", "3.4", "2.7"];
/// The oldest on which it runs.
const OLDEST: [u64; 2] = [3, 7];

/// Where a Python version comes from that was not the package's choice.
pub(super) const SETTING: &str = "setting python-version";

/// The Python versions that an image may have.
pub(super) struct Versions {
    /// That of the official image.
    pub(super) first: String,
    /// Those that another image may have.
    others: Vec<String>,
}

impl Versions {
    /// Those that the image has for all we know: on another base than the official one, any of them.
    pub(super) fn possible(self, settings: &ImageSettings) -> Vec<String> {
        let others = if settings.base_image.is_some() {
            self.others
        } else {
            Vec::new()
        };
        [vec![self.first], others].concat()
    }
}

/// The Python that the official image would have, if there is one: `python_version` is the setting.
pub(crate) fn chosen_python(project: &Project, python_version: Option<&String>) -> Option<String> {
    versions(project, python_version).ok().map(|versions| versions.first)
}

/// The version chosen, else those of [`PYTHON_RELEASES`] that the package allows.
pub(super) fn versions(project: &Project, python_version: Option<&String>) -> Result<Versions, Error> {
    let allowed = match &project.metadata.requires_python {
        Some(specifier) => Some(
            VersionSpecifiers::from_str(specifier).map_err(|e| Error::RequiresPython {
                specifier: specifier.clone(),
                reason: e.to_string(),
            })?,
        ),
        None => None,
    };
    let specifier = || project.metadata.requires_python.clone().unwrap_or_default();
    let chosen = (python_version.map(|v| (v, SETTING))).or(project
        .build
        .python_version
        .as_ref()
        .map(|v| (v, "python_version in setup()")));
    let Some((version, origin)) = chosen else {
        return official(allowed.as_ref()).ok_or_else(|| {
            let is_allowed = |release: &&str| allowed.as_ref().is_none_or(|allowed| allows(allowed, release));
            let specifier = specifier();
            if TOO_OLD.iter().any(is_allowed) {
                Error::OnlyOldPythons { specifier }
            } else {
                Error::NoPython { specifier }
            }
        });
    };
    let parts: Vec<_> = version.split('.').collect();
    if !(2..=3).contains(&parts.len())
        || parts
            .iter()
            .any(|p| p.is_empty() || !p.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(Error::PythonVersion {
            version: version.clone(),
            origin,
        });
    }
    if is_too_old(version) {
        return Err(Error::PythonTooOld {
            version: version.clone(),
            origin,
            newest: newest(allowed.as_ref()),
        });
    }
    if allowed.is_some_and(|allowed| !allows(&allowed, version)) {
        return Err(Error::PythonExcluded {
            version: version.clone(),
            origin,
            specifier: specifier(),
        });
    }
    let (first, others) = (version.clone(), Vec::new());
    Ok(Versions { first, others })
}

/// The official images that satisfy `allowed`: by release, else by the newest patch release that does.
fn official(allowed: Option<&VersionSpecifiers>) -> Option<Versions> {
    let is_allowed = |release: &&str| allowed.is_none_or(|allowed| allows(allowed, release));
    let of = |releases: &[&str]| -> Option<Versions> {
        let mut releases = releases.iter().copied().filter(is_allowed).map(ToOwned::to_owned);
        let first = releases.next()?;
        Some(Versions {
            first,
            others: releases.collect(),
        })
    };
    let by_patch = || {
        let mut tags = PATCHES
            .iter()
            .flat_map(|(release, last)| (0..=*last).rev().map(move |patch| format!("{release}.{patch}")));
        let first = tags.find(|tag| is_allowed(&tag.as_str()))?;
        Some(Versions {
            first,
            others: Vec::new(),
        })
    };
    of(&PYTHON_RELEASES).or_else(|| of(&OLDER_RELEASES)).or_else(by_patch)
}

/// The newest release with an official image that satisfies `allowed`.
fn newest(allowed: Option<&VersionSpecifiers>) -> Option<String> {
    let mut releases = PATCHES.iter().map(|(release, _)| *release);
    let fits = |release: &&str| allowed.is_none_or(|allowed| allows(allowed, release));
    releases.find(fits).map(ToOwned::to_owned)
}

/// Whether `run.py` does not run on this version, which is made of numbers.
fn is_too_old(version: &str) -> bool {
    Version::from_str(version).is_ok_and(|version| version < Version::new(OLDEST))
}

/// Whether a Python release such as `3.11` satisfies `allowed`. `X.Y` stands for its latest patch release, so `>=3.11.4` allows it.
fn allows(allowed: &VersionSpecifiers, release: &str) -> bool {
    let full = if release.matches('.').count() == 1 {
        format!("{release}.99")
    } else {
        release.to_owned()
    };
    Version::from_str(&full).is_ok_and(|version| allowed.contains(&version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(specifier: &str) -> Option<String> {
        let allowed = VersionSpecifiers::from_str(specifier).unwrap();
        official(Some(&allowed)).map(|versions| versions.first)
    }

    #[test]
    fn every_official_image_that_fits_is_found() {
        for (specifier, found) in [
            (">=3.6", Some("3.12")),
            ("==3.7.*", Some("3.7")),
            (">=3.6,<3.8", Some("3.7")),
            (">=3.6,<3.9", Some("3.8")),
            ("==3.11.4", Some("3.11.4")),
            (">=3.9.1,<3.9.7", Some("3.9.6")),
            ("<3.7.5,>=3.6", Some("3.7.4")),
            ("==3.6.*", None),
            ("<3", None),
            (">=3.15", None),
        ] {
            assert_eq!(first(specifier).as_deref(), found, "{specifier}");
        }
    }

    #[test]
    fn what_another_base_may_have_are_the_usual_releases() {
        let versions = official(None).unwrap();
        assert_eq!(versions.others, ["3.11", "3.10", "3.13", "3.9", "3.14"]);
    }

    #[test]
    fn an_old_python_is_refused_with_the_newest_that_fits() {
        assert!(
            is_too_old("3.6") && is_too_old("3.6.15") && is_too_old("2.7") && !is_too_old("3.7") && !is_too_old("3.10")
        );
        let allowed = VersionSpecifiers::from_str(">=3.5,<3.10").unwrap();
        assert_eq!(newest(Some(&allowed)).as_deref(), Some("3.9"));
        assert_eq!(newest(None).as_deref(), Some("3.14"));
    }
}
