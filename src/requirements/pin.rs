//! What a line of the file pins.

use std::fmt;

use pep440_rs::{Operator, Version, VersionSpecifier, VersionSpecifiers};
use pep508_rs::{PackageName, Requirement, VersionOrUrl};

use super::{Line, Pinning, What, direct_reference};

/// A line that leaves pip no choice of version.
pub(super) struct Pin<'a> {
    pub(super) line: &'a Line,
    pub(super) exactly: Exactly<'a>,
}

/// The version or file that it pins.
pub(super) enum Exactly<'a> {
    Version(&'a VersionSpecifier),
    Url(&'a str, Option<Version>),
}

impl fmt::Display for Exactly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => version.fmt(f),
            Self::Url(url, _) => url.fmt(f),
        }
    }
}

impl<'a> Pin<'a> {
    /// What a line pins; `None` where pip chooses, and for options.
    pub(super) fn of(line: &'a Line) -> Option<(PackageName, Self)> {
        let (name, exactly) = match &line.what {
            What::Options(_) => return None,
            What::Url(url) => {
                let (name, version) = direct_reference::package(url)?;
                (name, Exactly::Url(url, version))
            }
            What::Package(requirement) => {
                let exactly = match requirement.version_or_url.as_ref()? {
                    VersionOrUrl::Url(url) => {
                        let url = url.given()?;
                        Exactly::Url(url, direct_reference::package(url).and_then(|(_, version)| version))
                    }
                    VersionOrUrl::VersionSpecifier(specifiers) => Exactly::Version(exact(specifiers)?),
                };
                (requirement.name.clone(), exactly)
            }
        };
        Some((name, Self { line, exactly }))
    }

    /// Whether no version can be what both pin.
    pub(super) fn contradicts(&self, other: &Self) -> bool {
        match (&self.exactly, &other.exactly) {
            (Exactly::Version(one), Exactly::Version(two)) => {
                !admits(one, two.version()) && !admits(two, one.version())
            }
            (Exactly::Url(one, _), Exactly::Url(two, _)) => !direct_reference::is_same(one, two),
            (Exactly::Version(version), Exactly::Url(_, found))
            | (Exactly::Url(_, found), Exactly::Version(version)) => {
                found.as_ref().is_some_and(|found| !admits(version, found))
            }
        }
    }

    /// Whether what is pinned is what `requirement` asks for. Where the file is open, pip has the last word: then only a certain
    /// contradiction counts.
    pub(super) fn satisfies(&self, requirement: &Requirement, pinning: Pinning) -> bool {
        match (requirement.version_or_url.as_ref(), &self.exactly) {
            (None, _) | (Some(VersionOrUrl::VersionSpecifier(_)), Exactly::Url(_, None)) => true,
            (Some(VersionOrUrl::VersionSpecifier(wanted)), Exactly::Version(pinned)) => {
                admits_all(wanted, pinned.version())
            }
            (Some(VersionOrUrl::VersionSpecifier(wanted)), Exactly::Url(_, Some(version))) => {
                admits_all(wanted, version)
            }
            (Some(VersionOrUrl::Url(wanted)), Exactly::Url(pinned, _)) => wanted
                .given()
                .is_none_or(|wanted| direct_reference::is_same(wanted, pinned)),
            (Some(VersionOrUrl::Url(_)), Exactly::Version(_)) => pinning == Pinning::Open,
        }
    }
}

/// The specifier that leaves one version: `==1.0` or `===1.0`.
fn exact(specifiers: &VersionSpecifiers) -> Option<&VersionSpecifier> {
    let leaves_one =
        |specifier: &&VersionSpecifier| matches!(specifier.operator(), Operator::Equal | Operator::ExactEqual);
    specifiers.iter().find(leaves_one)
}

fn admits_all(wanted: &VersionSpecifiers, version: &Version) -> bool {
    wanted.iter().all(|specifier| admits(specifier, version))
}

/// Whether `specifier` admits `version`. A pin without a local version (`2.1.0`) stands for all of them (`2.1.0+cpu`).
/// Source: <https://packaging.python.org/en/latest/specifications/version-specifiers/#version-matching>.
fn admits(specifier: &VersionSpecifier, version: &Version) -> bool {
    let wanted = specifier.version();
    let may_be_local = wanted.is_local() && !version.is_local() && wanted.clone().without_local() == *version;
    specifier.contains(version) || may_be_local
}
