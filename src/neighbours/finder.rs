//! Which neighbours there are: a neighbour may require others, in other extras than those known before.

use std::path::PathBuf;

use pep508_rs::{ExtraName, PackageName};

use super::bounds::Bounds;
use super::known::{Known, requirements};
use super::origin::{Origin, Origins};
use super::{Asked, Error, Neighbour, Neighbours};
use crate::progress::Progress;
use crate::project::{self, ProjectSettings, normalized};
use crate::requirements::{Applies, Declared, declared};

/// Nobody has so many.
const MOST: usize = 500;

pub(super) struct Finder<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) origins: Origins<'a>,
    bounds: Bounds,
    settings: &'a ProjectSettings,
    progress: &'a dyn Progress,
    /// The project itself, then its neighbours as they are found.
    pub(super) known: Vec<Known>,
}

/// A neighbour that somebody asks for.
struct Wanted {
    directory: PathBuf,
    name: Option<PackageName>,
    extras: Vec<ExtraName>,
    at: String,
}

impl<'a> Finder<'a> {
    pub(super) fn new(
        asked: &'a Asked<'a>,
        bounds: Bounds,
        settings: &'a ProjectSettings,
        progress: &'a dyn Progress,
    ) -> Result<Self, Error> {
        let mut finder = Self {
            origins: Origins {
                environments: asked.environments,
                file: asked.file,
            },
            asked,
            bounds,
            settings,
            progress,
            known: Vec::new(),
        };
        let itself = Known::read(
            asked.project.clone(),
            asked.extras.clone(),
            String::new(),
            &finder.bounds,
        )?;
        finder.known.push(itself);
        Ok(finder)
    }

    /// Goes on until nobody asks for anything new.
    pub(super) fn find(mut self) -> Result<Neighbours, Error> {
        loop {
            let mut is_new = false;
            for wanted in self.wanted()? {
                self.progress
                    .check()
                    .map_err(|cancelled| Box::new(project::Error::Cancelled(cancelled)))?;
                is_new |= self.take(wanted)?;
            }
            if !is_new {
                break;
            }
        }
        self.check()?;
        let declared = self.left_to_fetch()?;
        let mut found: Vec<Neighbour> = self.known.into_iter().skip(1).map(Known::into_neighbour).collect();
        found.sort_by_key(|neighbour| normalized(&neighbour.project.metadata.name));
        Ok(Neighbours { found, declared })
    }

    /// What is asked for by the file and by all that is known.
    fn wanted(&self) -> Result<Vec<Wanted>, Error> {
        let mut wanted = Vec::new();
        for local in self.asked.file.iter().flat_map(|file| &file.locals) {
            let at = local.place.to_string();
            match self.asked.environments.applies(&local.marker, &self.asked.extras) {
                Applies::No => continue,
                Applies::Yes => {}
                Applies::DependsOnPython => {
                    let name = local.written.clone();
                    return Err(Error::DependsOnPython { at, name });
                }
            }
            wanted.push(Wanted {
                directory: self.bounds.admit(&self.asked.project.root.join(&local.path), &at)?,
                name: local.name.clone(),
                extras: local.extras.clone(),
                at,
            });
        }
        for known in &self.known {
            for declared in &known.declared {
                wanted.extend(self.wanted_by(known, declared)?);
            }
        }
        Ok(wanted)
    }

    fn wanted_by(&self, known: &Known, declared: &Declared) -> Result<Option<Wanted>, Error> {
        let requirement = &declared.requirement;
        let applies = self.applies(known, declared);
        if applies == Applies::No {
            return Ok(None);
        }
        let (directory, at) = match self.origins.of(known, declared)? {
            Origin::Directory { path, at } => (self.bounds.admit(&path, &at)?, at),
            Origin::AsDeclared | Origin::Url(_) => match self.named(&requirement.name) {
                Some(known) => (known.project.root.clone(), declared.by.clone()),
                None => return Ok(None),
            },
        };
        if applies == Applies::DependsOnPython {
            let name = requirement.name.to_string();
            return Err(Error::DependsOnPython { at, name });
        }
        Ok(Some(Wanted {
            directory,
            name: Some(requirement.name.clone()),
            extras: requirement.extras.clone(),
            at,
        }))
    }

    /// Whether what `known` requires is installed in the image.
    pub(super) fn applies(&self, known: &Known, declared: &Declared) -> Applies {
        let marker = &declared.requirement.marker;
        self.asked.environments.applies(marker, &known.extras)
    }

    pub(super) fn named(&self, name: &PackageName) -> Option<&Known> {
        self.known.iter().find(|known| known.name == *name)
    }

    /// Takes a neighbour in, or more of its extras; whether that is new.
    fn take(&mut self, wanted: Wanted) -> Result<bool, Error> {
        let place = self
            .known
            .iter()
            .position(|known| known.project.root == wanted.directory);
        let (place, is_new) = match place {
            Some(place) => (place, false),
            None => (self.add(&wanted)?, true),
        };
        let Some(known) = self.known.get_mut(place) else {
            return Ok(is_new);
        };
        if let Some(name) = wanted.name.filter(|name| *name != known.name) {
            return Err(Error::OtherName {
                at: wanted.at,
                directory: known.directory.clone(),
                name: name.to_string(),
                found: known.project.metadata.name.clone(),
            });
        }
        let asked = declared::asked_extras(&known.project, &wanted.extras).map_err(|extra| Error::UnknownExtra {
            at: wanted.at.clone(),
            name: known.project.metadata.name.clone(),
            extra: extra.to_string(),
            available: known.project.metadata.provides_extra.clone(),
        })?;
        let more: Vec<ExtraName> = asked
            .into_iter()
            .filter(|extra| !known.extras.contains(extra))
            .collect();
        if more.is_empty() {
            return Ok(is_new);
        }
        known.extras.extend(more);
        known.declared = requirements(&known.project, &known.extras)?;
        Ok(true)
    }

    /// Reads the project of a directory that was not known.
    fn add(&mut self, wanted: &Wanted) -> Result<usize, Error> {
        if self.known.len() > MOST {
            let at = wanted.at.clone();
            return Err(Error::TooMany { at, most: MOST });
        }
        let directory = self.bounds.shown(&wanted.directory);
        let loaded = project::load(&wanted.directory, self.settings, self.progress);
        let project = loaded.map_err(|source| Error::Project {
            directory: directory.clone(),
            at: wanted.at.clone(),
            source: Box::new(source),
        })?;
        for warning in &project.warnings {
            self.progress.warn(&format!("in {directory}: {warning}"));
        }
        let metadata = &project.metadata;
        self.progress.detail(&format!(
            "{} {} is built from {directory} ({})",
            metadata.name, metadata.version, wanted.at
        ));
        let known = Known::read(project, Vec::new(), wanted.at.clone(), &self.bounds)?;
        if let Some(other) = self.named(&known.name) {
            return Err(Error::SameName {
                name: known.name.to_string(),
                first: other.directory.clone(),
                first_at: other.declared_at.clone(),
                second: directory,
                second_at: wanted.at.clone(),
            });
        }
        self.known.push(known);
        Ok(self.known.len() - 1)
    }

    /// What a project requires where the image may be as its marker says.
    pub(super) fn applying<'k>(&self, known: &'k Known) -> impl Iterator<Item = &'k Declared> {
        let declared = known.declared.iter();
        declared.filter(|declared| self.applies(known, declared) != Applies::No)
    }

    /// What is required and no neighbour, each once.
    fn left_to_fetch(&self) -> Result<Vec<Declared>, Error> {
        let mut left: Vec<Declared> = Vec::new();
        for known in &self.known {
            // Where the others would come from is of no interest.
            for declared in self.applying(known) {
                let declared = match self.origins.of(known, declared)? {
                    Origin::Directory { .. } => continue,
                    Origin::AsDeclared => declared.clone(),
                    Origin::Url(url) => from_url(declared, &url)?,
                };
                let is_known = left.iter().any(|other| other.text == declared.text);
                if self.named(&declared.requirement.name).is_none() && !is_known {
                    left.push(declared);
                }
            }
        }
        Ok(left)
    }
}

/// `declared`, which is taken from `url`, as pip is told that.
fn from_url(declared: &Declared, url: &str) -> Result<Declared, Error> {
    let requirement = &declared.requirement;
    let extras: Vec<String> = requirement.extras.iter().map(ToString::to_string).collect();
    let extras = if extras.is_empty() {
        String::new()
    } else {
        format!("[{}]", extras.join(","))
    };
    let marker = requirement.marker.try_to_string();
    let marker = marker.map_or_else(String::new, |marker| format!(" ; {marker}"));
    let text = format!("{}{extras} @ {url}{marker}", requirement.name);
    // It is held to the same as one that says so itself.
    let read = declared::requirements("", &[text], &[]).map_err(Box::new)?;
    let read = read.into_iter().next().unwrap_or_else(|| declared.clone());
    Ok(Declared {
        by: declared.by.clone(),
        ..read
    })
}
