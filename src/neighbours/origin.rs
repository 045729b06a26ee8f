//! Where a requirement comes from.

use std::path::PathBuf;

use pep508_rs::{PackageName, Requirement, VersionOrUrl};

use super::Error;
use super::known::Known;
use crate::project::{DependencySource, TakenFrom, normalized};
use crate::requirements::{Applies, Declared, Environments, Name, Pinning, Requirements, local_path, pep508};

/// See above.
pub(super) enum Origin {
    /// An index, or the URL in the requirement itself.
    AsDeclared,
    /// A URL of another machine.
    Url(String),
    /// A directory of this machine.
    Directory {
        path: PathBuf,
        /// What says so.
        at: String,
    },
}

/// What decides where requirements come from.
pub(super) struct Origins<'a> {
    pub(super) environments: &'a Environments,
    pub(super) file: Option<&'a Requirements>,
}

impl Origins<'_> {
    /// Where `declared`, which `known` requires, comes from.
    pub(super) fn of(&self, known: &Known, declared: &Declared) -> Result<Origin, Error> {
        let requirement = &declared.requirement;
        if let Some(url) = url(requirement) {
            let is_local = url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"));
            return Ok(if is_local {
                Origin::Directory {
                    path: known.project.root.join(local_path(url)),
                    at: place_of_url(known, declared),
                }
            } else {
                Origin::AsDeclared
            });
        }
        let Some(source) = self.source(known, &requirement.name)? else {
            return known.refuse_unnamed_member(declared).map(|()| Origin::AsDeclared);
        };
        match &source.from {
            TakenFrom::Workspace => known.member(&requirement.name, &source.at),
            TakenFrom::Path(path) => Ok(Origin::Directory {
                path: known.project.root.join(local_path(path)),
                at: source.at.clone(),
            }),
            TakenFrom::Url(url) => Ok(Origin::Url(url.clone())),
            TakenFrom::Index { name, url } if !self.is_certain(url.as_deref()) => Err(Error::OtherIndex {
                at: source.at.clone(),
                name: requirement.name.to_string(),
                index: name.clone(),
            }),
            TakenFrom::Index { .. } => Ok(Origin::AsDeclared),
        }
    }

    /// What is said of a name, in the image.
    fn source<'k>(&self, known: &'k Known, name: &PackageName) -> Result<Option<&'k DependencySource>, Error> {
        for source in known
            .sources
            .iter()
            .filter(|source| source.name == normalized(name.as_ref()))
        {
            let is_for = |extra: &String| known.extras.iter().any(|chosen| normalized(chosen.as_ref()) == *extra);
            if !source.extra.as_ref().is_none_or(is_for) {
                continue;
            }
            let Some(text) = &source.marker else {
                return Ok(Some(source));
            };
            let marker = pep508::marker(text).map_err(|reason| Error::Marker {
                at: source.at.clone(),
                marker: text.clone(),
                reason,
            })?;
            match self.environments.applies(&marker, &known.extras) {
                Applies::Yes => return Ok(Some(source)),
                Applies::No => {}
                Applies::DependsOnPython => {
                    return Err(Error::DependsOnPython {
                        at: source.at.clone(),
                        name: name.to_string(),
                    });
                }
            }
        }
        Ok(None)
    }

    /// Whether pip takes no package of another index: it has hashes, or the user's file names the index at `url`.
    fn is_certain(&self, url: Option<&str>) -> bool {
        let Some(file) = self.file else { return false };
        let is_named = |line: &crate::requirements::Line| {
            line.options_given().any(|option| {
                let is_index = matches!(option.name, Name::IndexUrl | Name::ExtraIndexUrl);
                is_index && url.is_some_and(|url| url.trim_end_matches('/') == option.value.trim_end_matches('/'))
            })
        };
        file.pinning() != Pinning::Open || file.lines.iter().any(is_named)
    }
}

/// What asks for the directory in the URL of a requirement: Poetry makes such a one of a line in its own table.
fn place_of_url(known: &Known, declared: &Declared) -> String {
    let name = normalized(declared.requirement.name.as_ref());
    let is_it = |source: &&DependencySource| source.name == name && matches!(source.from, TakenFrom::Path(_));
    known.sources.iter().find(is_it).map_or_else(
        || format!("{} requires `{}`", declared.by, declared.text),
        |source| source.at.clone(),
    )
}

/// The URL in a requirement, as it is written.
pub(super) fn url(requirement: &Requirement) -> Option<&str> {
    match requirement.version_or_url.as_ref()? {
        VersionOrUrl::Url(url) => url.given(),
        VersionOrUrl::VersionSpecifier(_) => None,
    }
}
