//! Why a project's neighbours cannot be built.

use std::io;

use crate::explain::{Advice, Code, Explain, Fault};
use crate::{project, requirements};

/// What is wrong with what a project requires beside it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What a project requires is not right.
    #[error(transparent)]
    Requirements(#[from] Box<requirements::Error>),
    /// The workspace cannot be read.
    #[error(transparent)]
    Workspace(#[from] Box<project::Error>),
    /// A neighbour cannot be read as a project.
    #[error("in {directory}, which {at} names: {source}")]
    Project {
        /// Its directory.
        directory: String,
        /// What asks for it.
        at: String,
        /// What is wrong with it.
        source: Box<project::Error>,
    },
    /// There is no such directory, or it may not be read.
    #[error("{at}: {shown} cannot be read")]
    Unreadable {
        /// What asks for it.
        at: String,
        /// The directory.
        shown: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is a file.
    #[error("{at}: {shown} is an archive, and no directory of a project")]
    Archive {
        /// What asks for it.
        at: String,
        /// The file.
        shown: String,
    },
    /// It is elsewhere on this machine.
    #[error("{at}: {shown} lies outside of {}", around(within.as_deref()))]
    Outside {
        /// What asks for it.
        at: String,
        /// The directory.
        shown: String,
        /// The repository or workspace.
        within: Option<String>,
    },
    /// A member of a workspace is asked for outside of one.
    #[error("{at}: {name} is to be a member of the workspace, and the project is in no uv workspace")]
    NoWorkspace {
        /// What asks for it.
        at: String,
        /// The package.
        name: String,
    },
    /// The workspace has no such member.
    #[error("{at}: the workspace in {workspace} has no member {name}{}", known(members))]
    NoMember {
        /// What asks for it.
        at: String,
        /// The package.
        name: String,
        /// The workspace's root.
        workspace: String,
        /// The members that it has.
        members: Vec<String>,
    },
    /// A member of the workspace is required, and nothing says that it is meant.
    #[error(
        "{by} requires {name}, which is a member of its workspace ({directory}), and no [tool.uv.sources] says that it is meant"
    )]
    MemberUnnamed {
        /// Who requires it.
        by: String,
        /// The package.
        name: String,
        /// The member's directory.
        directory: String,
    },
    /// A directory holds another package than it should.
    #[error("{at}: {directory} is to hold {name}, and it holds {found}")]
    OtherName {
        /// What asks for it.
        at: String,
        /// The directory.
        directory: String,
        /// What should be there.
        name: String,
        /// What is there.
        found: String,
    },
    /// Two directories hold packages of one name.
    #[error("{name} is in {first} ({first_at}) and in {second} ({second_at})")]
    SameName {
        /// The package.
        name: String,
        /// A directory.
        first: String,
        /// What asks for it.
        first_at: String,
        /// Another one.
        second: String,
        /// What asks for that.
        second_at: String,
    },
    /// A neighbour is in another version than somebody wants.
    #[error("{by} asks for `{requirement}`, and {directory} ({declared_at}) has the version {version}")]
    Version {
        /// The requirement.
        requirement: String,
        /// Who asks, or the line.
        by: String,
        /// The neighbour.
        directory: String,
        /// What asks for the neighbour.
        declared_at: String,
        /// Its version.
        version: String,
    },
    /// One package is to come from a neighbour and from somewhere else.
    #[error("{by} takes {name} from elsewhere (`{requirement}`), and {declared_at} takes it from {directory}")]
    TwoOrigins {
        /// The requirement.
        requirement: String,
        /// Who has it, or the line.
        by: String,
        /// The package.
        name: String,
        /// The neighbour.
        directory: String,
        /// What asks for the neighbour.
        declared_at: String,
    },
    /// An extra that a neighbour does not have.
    #[error("{at}: {name} has no extra `{extra}`{}", known(available))]
    UnknownExtra {
        /// Who asks for it.
        at: String,
        /// The neighbour.
        name: String,
        /// The extra.
        extra: String,
        /// What it has.
        available: Vec<String>,
    },
    /// The image's Python is not for a neighbour.
    #[error("{directory} ({declared_at}) needs Python {specifier}, and the image has {python}")]
    Python {
        /// The neighbour.
        directory: String,
        /// What asks for it.
        declared_at: String,
        /// Its `requires_python`.
        specifier: String,
        /// The image's.
        python: String,
    },
    /// Whether a neighbour is installed depends on the Python of an image that nobody has named.
    #[error("{at}: whether {name} is installed depends on the image's Python, which is not known")]
    DependsOnPython {
        /// What asks for it.
        at: String,
        /// The package.
        name: String,
    },
    /// A marker is none.
    #[error("{at}: `{marker}` is not a marker: {reason}")]
    Marker {
        /// Where it stands.
        at: String,
        /// As written.
        marker: String,
        /// The parser's words.
        reason: String,
    },
    /// A package is to come from a certain index, which pip cannot be told.
    #[error("{at}: {name} is to come from the index {index}, and pip would take it from any")]
    OtherIndex {
        /// Where that stands.
        at: String,
        /// The package.
        name: String,
        /// The index's name.
        index: String,
    },
    /// More neighbours than anybody has.
    #[error("{at}: there are more than {most} neighbours")]
    TooMany {
        /// What asks for one more.
        at: String,
        /// The limit.
        most: usize,
    },
}

fn around(within: Option<&str>) -> String {
    within.map_or_else(
        || "the project's directory, which is in no git repository and in no uv workspace".to_owned(),
        |within| format!("{within}, with which the project came"),
    )
}

fn known(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(" (it has {})", names.join(", "))
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Requirements(error) => error.code(),
            Self::Workspace(error) => error.code(),
            Self::Project { source, .. } if matches!(**source, project::Error::NoProjectFile { .. }) => {
                Code::NeighbourUnreadable
            }
            Self::Project { source, .. } => source.code(),
            Self::Unreadable { .. } | Self::Archive { .. } | Self::OtherName { .. } | Self::TooMany { .. } => {
                Code::NeighbourUnreadable
            }
            Self::Outside { .. } => Code::NeighbourOutside,
            Self::NoWorkspace { .. } | Self::NoMember { .. } | Self::MemberUnnamed { .. } => {
                Code::WorkspaceMemberUnknown
            }
            Self::SameName { .. } | Self::Version { .. } | Self::TwoOrigins { .. } => Code::NeighbourConflict,
            Self::UnknownExtra { .. } => Code::UnknownExtra,
            Self::Python { .. } => Code::PythonExcluded,
            Self::DependsOnPython { .. } => Code::PythonUnknown,
            Self::Marker { .. } => Code::RequirementInvalid,
            Self::OtherIndex { .. } => Code::IndexPerPackage,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Requirements(error) => error.advice(),
            Self::Workspace(error) => error.advice(),
            Self::Project { source, .. } if matches!(**source, project::Error::NoProjectFile { .. }) => {
                Fault::User.hint("Correct the path there, or add a pyproject.toml to that directory.")
            }
            Self::Project { source, .. } => source.advice(),
            Self::Unreadable { .. } => {
                Fault::User.hint("Correct the path there: it is relative to the project's directory.")
            }
            Self::Archive { .. } => Fault::User
                .hint("Name the directory of the project that it is made of, or a release on an index or a URL instead."),
            Self::Outside { within: None, .. } => Fault::User.hint(
                "Make one repository of both (`git init` in a directory above them), or a uv workspace: what a project names beside \
                 itself might be any directory of this machine, and is only read where it came with the project.",
            ),
            Self::Outside { .. } => Fault::User.hint(
                "Move it there, or publish it on an index: what a project names elsewhere might be any directory of this machine.",
            ),
            Self::NoWorkspace { .. } => Fault::User.hint(
                "Add the project's directory to `members` in the [tool.uv.workspace] above it, or write `path = \"…\"` instead of `workspace = true`.",
            ),
            Self::NoMember { .. } => Fault::User.hint(
                "Correct the name, or add its directory to `members` in [tool.uv.workspace].",
            ),
            Self::MemberUnnamed { name, .. } => Fault::User.hint(format!(
                "Add to [tool.uv.sources] of pyproject.toml: {name} = {{ workspace = true }}; without it, the name would be looked for on \
                 an index, where it may be anybody's."
            )),
            Self::OtherName { .. } => Fault::User.hint("Correct the path, or the name of the package."),
            Self::SameName { .. } => Fault::User.hint("Give one of them another name, or name the same directory in both places."),
            Self::Version { .. } => Fault::User.hint("Correct one of the two: only the version in that directory can be installed."),
            Self::TwoOrigins { .. } => Fault::User.hint("Keep one of the two."),
            Self::UnknownExtra { .. } => Fault::User.hint("Correct the requirement, or declare the extra there."),
            Self::Python { .. } => {
                Fault::User.hint("Choose a Python for both with the setting `python-version`, or widen the neighbour's.")
            }
            Self::DependsOnPython { .. } => {
                Fault::User.hint("Say with `python-version` which Python the base image has.")
            }
            Self::Marker { .. } => Fault::User.hint("Write it as `python_version < \"3.12\"`."),
            Self::OtherIndex { .. } => Fault::User
                .hint("Name the lock with the setting `requirements` (requirements = \"uv.lock\"): it has a hash of each package.")
                .and("Or name a requirements file that has the index's URL as --extra-index-url: then pip asks that one too."),
            Self::TooMany { .. } => Fault::User.hint("Require fewer directories."),
        }
    }
}
