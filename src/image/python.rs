//! Which Python the image has.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

use super::{Error, ImageSettings};
use crate::project::Project;

/// Python releases with an official slim image, in the order in which they are tried: first the one that most wheels are
/// published for, then its neighbours.
const PYTHON_RELEASES: [&str; 6] = ["3.12", "3.11", "3.10", "3.13", "3.9", "3.14"];

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

/// The version chosen, else those of [`PYTHON_RELEASES`] that the package allows.
pub(super) fn versions(project: &Project, settings: &ImageSettings) -> Result<Versions, Error> {
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
    let chosen = (settings.python_version.as_ref().map(|v| (v, SETTING))).or(project
        .build
        .python_version
        .as_ref()
        .map(|v| (v, "python_version in setup()")));
    let Some((version, origin)) = chosen else {
        let is_allowed = |release: &&str| allowed.as_ref().is_none_or(|allowed| allows(allowed, release));
        let mut releases = PYTHON_RELEASES.into_iter().filter(is_allowed).map(ToOwned::to_owned);
        let first = releases
            .next()
            .ok_or_else(|| Error::NoPython { specifier: specifier() })?;
        let others = releases.collect();
        return Ok(Versions { first, others });
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

/// Whether a Python release such as `3.11` satisfies `allowed`. `X.Y` stands for its latest patch release, so `>=3.11.4` allows it.
fn allows(allowed: &VersionSpecifiers, release: &str) -> bool {
    let full = if release.matches('.').count() == 1 {
        format!("{release}.99")
    } else {
        release.to_owned()
    };
    Version::from_str(&full).is_ok_and(|version| allowed.contains(&version))
}
