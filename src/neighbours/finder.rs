//! Which neighbours there are: a neighbour may require others, in other extras than those known before.

use std::path::PathBuf;
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, PackageName, Requirement, VersionOrUrl};

use super::bounds::Bounds;
use super::origin::{Origin, Origins, url};
use super::{Asked, Error, Neighbour, Neighbours};
use crate::progress::Progress;
use crate::project::{self, DependencySource, Member, Project, ProjectSettings, TakenFrom, Workspace, normalized};
use crate::requirements::{Applies, Declared, Line, declared, pep508};

/// Nobody has so many.
const MOST: usize = 500;

pub(super) struct Finder<'a> {
    asked: &'a Asked<'a>,
    origins: Origins<'a>,
    bounds: Bounds,
    settings: &'a ProjectSettings,
    progress: &'a dyn Progress,
    /// The project itself, then its neighbours as they are found.
    known: Vec<Known>,
}

/// A project whose requirements count.
pub(super) struct Known {
    pub(super) project: Project,
    name: PackageName,
    /// Relative to the project that the image is of.
    directory: String,
    declared_at: String,
    /// The extras that somebody asks for.
    pub(super) extras: Vec<ExtraName>,
    /// What it requires with these.
    declared: Vec<Declared>,
    /// Where that comes from, its own word before the workspace's.
    pub(super) sources: Vec<DependencySource>,
    workspace: Option<(Workspace, Vec<Member>)>,
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
        let itself = finder.read(asked.project.clone(), asked.extras.clone(), String::new())?;
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
        let applies = self.asked.environments.applies(&requirement.marker, &known.extras);
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

    fn named(&self, name: &PackageName) -> Option<&Known> {
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
        let known = self.read(project, Vec::new(), wanted.at.clone())?;
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

    fn read(&self, project: Project, extras: Vec<ExtraName>, declared_at: String) -> Result<Known, Error> {
        let workspace = Workspace::around(&project.root, self.bounds.repository()).map_err(Box::new)?;
        let workspace = match workspace {
            Some(workspace) => {
                let members = workspace.packages().map_err(Box::new)?;
                Some((workspace, members))
            }
            None => None,
        };
        let name = pep508::package_name(&project.metadata.name).map_err(|reason| {
            Box::new(crate::requirements::Error::Declared {
                requirement: project.metadata.name.clone(),
                reason,
            })
        })?;
        Ok(Known {
            name,
            directory: self.bounds.shown(&project.root),
            declared_at,
            declared: requirements(&project, &extras)?,
            sources: self.sources(&project, workspace.as_ref().map(|(workspace, _)| workspace)),
            extras,
            workspace,
            project,
        })
    }

    /// What a project says of where requirements come from, with what its workspace says for all; places as seen from the project
    /// that the image is of.
    fn sources(&self, project: &Project, workspace: Option<&Workspace>) -> Vec<DependencySource> {
        let mut sources = project.sources.clone();
        let own = self.bounds.shown(&project.root);
        for source in &mut sources {
            source.at = beside(&own, &source.at);
        }
        let Some(workspace) = workspace.filter(|workspace| workspace.root != project.root) else {
            return sources;
        };
        let root = self.bounds.shown(&workspace.root);
        let says_itself = |name: &String| project.sources.iter().any(|source| source.name == *name);
        let inherited = workspace.sources.iter().filter(|source| !says_itself(&source.name));
        sources.extend(inherited.cloned().map(|source| DependencySource {
            at: beside(&root, &source.at),
            from: match source.from {
                TakenFrom::Path(path) => TakenFrom::Path(workspace.root.join(path).display().to_string()),
                other => other,
            },
            ..source
        }));
        sources
    }

    /// Whether each neighbour is what everybody wants.
    fn check(&self) -> Result<(), Error> {
        for neighbour in self.known.iter().skip(1) {
            let Some(specifier) = &neighbour.project.metadata.requires_python else {
                continue;
            };
            let allowed = VersionSpecifiers::from_str(specifier).ok();
            if let Some(python) = allowed.and_then(|allowed| self.asked.environments.excluded_by(&allowed)) {
                return Err(Error::Python {
                    directory: neighbour.directory.clone(),
                    declared_at: neighbour.declared_at.clone(),
                    specifier: specifier.clone(),
                    python: python.to_owned(),
                });
            }
        }
        for known in &self.known {
            for declared in &known.declared {
                let is_elsewhere = matches!(self.origins.of(known, declared)?, Origin::Url(_))
                    || url(&declared.requirement).is_some_and(|url| !url.to_ascii_lowercase().starts_with("file:"));
                self.check_requirement(&declared.requirement, &declared.text, &declared.by, is_elsewhere)?;
            }
        }
        let lines = self
            .asked
            .file
            .iter()
            .flat_map(|file| file.lines.iter().chain(&file.constraints));
        lines.into_iter().try_for_each(|line| self.check_line(line))
    }

    fn check_line(&self, line: &Line) -> Result<(), Error> {
        let at = line.place.to_string();
        if let Some(requirement) = line.package() {
            return self.check_requirement(requirement, &line.text, &at, url(requirement).is_some());
        }
        match line.name().and_then(|name| self.named(&name)) {
            Some(neighbour) => Err(neighbour.two_origins(&line.text, &at)),
            None => Ok(()),
        }
    }

    fn check_requirement(
        &self,
        requirement: &Requirement,
        text: &str,
        by: &str,
        is_elsewhere: bool,
    ) -> Result<(), Error> {
        let Some(neighbour) = self.named(&requirement.name) else {
            return Ok(());
        };
        if self.asked.environments.applies(&requirement.marker, &[]) == Applies::No {
            return Ok(());
        }
        if is_elsewhere {
            return Err(neighbour.two_origins(text, by));
        }
        let Some(VersionOrUrl::VersionSpecifier(wanted)) = &requirement.version_or_url else {
            return Ok(());
        };
        let version = &neighbour.project.metadata.version;
        if Version::from_str(version).is_ok_and(|version| wanted.contains(&version)) {
            return Ok(());
        }
        Err(Error::Version {
            requirement: text.to_owned(),
            by: by.to_owned(),
            directory: neighbour.directory.clone(),
            declared_at: neighbour.declared_at.clone(),
            version: version.clone(),
        })
    }

    /// What is required and no neighbour, each once.
    fn left_to_fetch(&self) -> Result<Vec<Declared>, Error> {
        let mut left: Vec<Declared> = Vec::new();
        for known in &self.known {
            for declared in &known.declared {
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

impl Known {
    /// The member of its workspace with that `name`, asked for at `at`.
    pub(super) fn member(&self, name: &PackageName, at: &str) -> Result<Origin, Error> {
        let at = at.to_owned();
        let Some((workspace, members)) = &self.workspace else {
            let name = name.to_string();
            return Err(Error::NoWorkspace { at, name });
        };
        match members.iter().find(|member| member.name == normalized(name.as_ref())) {
            Some(member) => Ok(Origin::Directory {
                path: member.directory.clone(),
                at,
            }),
            None => Err(Error::NoMember {
                at,
                name: name.to_string(),
                workspace: workspace.root.display().to_string(),
                members: members.iter().map(|member| member.name.clone()).collect(),
            }),
        }
    }

    /// Refuses what has the name of a member and is not said to be it, as uv does.
    pub(super) fn refuse_unnamed_member(&self, declared: &Declared) -> Result<(), Error> {
        let name = normalized(declared.requirement.name.as_ref());
        let (_, members) = self
            .workspace
            .as_ref()
            .map_or((None, &[][..]), |(workspace, members)| (Some(workspace), members));
        let member = members.iter().find(|member| member.name == name);
        let Some(member) = member.filter(|member| member.directory != self.project.root) else {
            return Ok(());
        };
        Err(Error::MemberUnnamed {
            by: declared.by.clone(),
            name,
            directory: member.directory.display().to_string(),
        })
    }

    fn two_origins(&self, requirement: &str, by: &str) -> Error {
        Error::TwoOrigins {
            requirement: requirement.to_owned(),
            by: by.to_owned(),
            name: self.name.to_string(),
            directory: self.directory.clone(),
            declared_at: self.declared_at.clone(),
        }
    }

    fn into_neighbour(self) -> Neighbour {
        Neighbour {
            project: self.project,
            directory: self.directory,
            declared_at: self.declared_at,
        }
    }
}

fn requirements(project: &Project, extras: &[ExtraName]) -> Result<Vec<Declared>, Error> {
    let metadata = &project.metadata;
    Ok(declared::requirements(&metadata.name, &metadata.requires_dist, extras).map_err(Box::new)?)
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

/// A place in the project in `directory`.
fn beside(directory: &str, place: &str) -> String {
    if directory == "." {
        place.to_owned()
    } else {
        format!("{directory}/{place}")
    }
}
