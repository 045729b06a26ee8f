//! A project whose requirements count: the one that the image is of, and each of its neighbours.

use pep508_rs::{ExtraName, PackageName};

use super::bounds::Bounds;
use super::origin::Origin;
use super::{Error, Neighbour};
use crate::project::{DependencySource, Member, Project, TakenFrom, Workspace, normalized};
use crate::requirements::{Declared, declared, pep508};

/// See above.
pub(super) struct Known {
    pub(super) project: Project,
    pub(super) name: PackageName,
    /// Relative to the project that the image is of.
    pub(super) directory: String,
    pub(super) declared_at: String,
    /// The extras that somebody asks for.
    pub(super) extras: Vec<ExtraName>,
    /// What it requires with these.
    pub(super) declared: Vec<Declared>,
    /// Where that comes from, its own word before the workspace's.
    pub(super) sources: Vec<DependencySource>,
    workspace: Option<(Workspace, Vec<Member>)>,
}

impl Known {
    /// A project that is asked for at `declared_at`, with its workspace.
    pub(super) fn read(
        project: Project,
        extras: Vec<ExtraName>,
        declared_at: String,
        bounds: &Bounds,
    ) -> Result<Self, Error> {
        let workspace = Workspace::around(&project.root, bounds.repository()).map_err(Box::new)?;
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
        Ok(Self {
            name,
            directory: bounds.shown(&project.root),
            declared_at,
            declared: requirements(&project, &extras)?,
            sources: sources(&project, workspace.as_ref().map(|(workspace, _)| workspace), bounds),
            extras,
            workspace,
            project,
        })
    }

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

    pub(super) fn two_origins(&self, requirement: &str, by: &str) -> Error {
        Error::TwoOrigins {
            requirement: requirement.to_owned(),
            by: by.to_owned(),
            name: self.name.to_string(),
            directory: self.directory.clone(),
            declared_at: self.declared_at.clone(),
        }
    }

    pub(super) fn into_neighbour(self) -> Neighbour {
        Neighbour {
            project: self.project,
            directory: self.directory,
            declared_at: self.declared_at,
        }
    }
}

/// What a project requires with these extras.
pub(super) fn requirements(project: &Project, extras: &[ExtraName]) -> Result<Vec<Declared>, Error> {
    let metadata = &project.metadata;
    Ok(declared::requirements(&metadata.name, &metadata.requires_dist, extras).map_err(Box::new)?)
}

/// What a project says of where requirements come from, with what its workspace says for all; places as seen from the project
/// that the image is of.
fn sources(project: &Project, workspace: Option<&Workspace>, bounds: &Bounds) -> Vec<DependencySource> {
    let mut sources = project.sources.clone();
    let own = bounds.shown(&project.root);
    for source in &mut sources {
        source.at = beside(&own, &source.at);
    }
    let Some(workspace) = workspace.filter(|workspace| workspace.root != project.root) else {
        return sources;
    };
    let root = bounds.shown(&workspace.root);
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

/// A place in the project in `directory`.
fn beside(directory: &str, place: &str) -> String {
    if directory == "." {
        place.to_owned()
    } else {
        format!("{directory}/{place}")
    }
}
