//! `Project ─▶ Requirements`: the file that the setting `requirements` names, which says what the image installs: a requirements
//! file in pip's format, or a lock file.

pub(crate) mod declared;
mod direct_reference;
mod environment;
mod error;
mod included;
mod index;
mod list;
mod local;
mod lock_file;
mod options;
pub(crate) mod pep508;
mod pin;
mod poetry_lock;
pub(crate) mod pylock;
mod requirements_txt;
mod satisfied;
mod text;
mod uv_lock;

pub(crate) use environment::{Applies, Environments};
pub use error::Error;
pub use list::RequirementList;
pub use local::Local;
pub(crate) use local::local_path;
pub use options::{Given, Name};
pub use requirements_txt::{Entry, Kind, LineError, Wrong, parse};
pub(crate) use satisfied::{Declared, check};

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;
use pep508_rs::{ExtraName, MarkerTree, PackageName, Requirement, VersionOrUrl};

use crate::progress::Progress;
use crate::project::Project;
use crate::uv::UvSettings;

/// What the user's file says.
#[derive(Debug, Clone)]
pub struct Requirements {
    /// The file, as it was named.
    pub file: String,
    /// Its format.
    pub format: Format,
    /// What is installed, and pip's options, in pip's order.
    pub lines: Vec<Line>,
    /// What limits the versions of whatever is installed.
    pub constraints: Vec<Line>,
    /// Projects of this machine that are to be installed; they are not among `lines`.
    pub locals: Vec<Local>,
    /// Extras of the project itself that the file asks for (`.[train]`), and where it does.
    pub own_extras: Vec<(String, Place)>,
    /// The environments that a lock is for, as markers; empty is any.
    pub environments: Vec<MarkerTree>,
    /// The Python versions that a lock is for.
    pub requires_python: Option<VersionSpecifiers>,
}

/// The formats there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// pip's own, which may be a lock too: when it holds hashes.
    RequirementsTxt,
    /// [PEP 751](https://packaging.python.org/en/latest/specifications/pylock-toml/).
    Pylock,
    /// uv's.
    UvLock,
    /// Poetry's.
    PoetryLock,
}

/// Whether a file leaves anything to pip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pinning {
    /// pip chooses among the versions that it allows, and looks for what these need.
    Open,
    /// It has hashes: pip refuses whatever it does not pin.
    Hashed,
    /// A lock file: it names everything that is installed, and pip must not look for more.
    Locked,
}

/// Something to install, or an option.
#[derive(Debug, Clone)]
pub struct Line {
    /// Where it stands.
    pub place: Place,
    /// As pip reads it, without the options that belong to a requirement.
    pub text: String,
    /// What it is.
    pub what: What,
    /// `sha256:…`: a package that has none of these is not installed.
    pub hashes: Vec<String>,
    /// Other options of the requirement, as pip reads them.
    pub options: Vec<String>,
}

/// What a line is.
#[derive(Debug, Clone)]
pub enum What {
    /// pip's options for the whole installation.
    Options(Vec<Given>),
    /// A package.
    Package(Box<Requirement>),
    /// A URL that does not say which package it is; `-e` before it stands in the text.
    Url(String),
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Relative to the project where it is below it.
    pub file: String,
    /// From 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The file that the setting `requirements` names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    /// As it was named, relative to the project.
    pub(crate) file: &'a str,
    /// The line of the project's file that names it, which may name files of the project only, as may the file itself; `None` where
    /// whoever runs sgbuild names it.
    pub(crate) by_project_at: Option<&'a str>,
}

/// Reads the file that is `named`, with the chosen `extras`. uv's own lock is read by `uv`.
///
/// # Errors
/// See [`Error`]: whatever pip would refuse, what the build's context does not have, files outside of the project where it may not
/// name them, and formats that cannot be read.
pub(crate) fn read(
    project: &Project,
    named: Named<'_>,
    extras: &[String],
    uv: &UvSettings,
    progress: &dyn Progress,
) -> Result<Requirements, Error> {
    let file = named.file;
    let name = Path::new(file).file_name().unwrap_or_default();
    let name = name.to_string_lossy().to_lowercase();
    if let Some(export) = export_command(&name) {
        return Err(Error::OtherFormat {
            file: file.to_owned(),
            export,
        });
    }
    match name.as_str() {
        "uv.lock" => uv_lock::read(project, file, extras, uv, progress),
        "poetry.lock" => poetry_lock::read(project, file, extras),
        _ if is_pylock(&name) => pylock::read(project, file, extras),
        _ => included::read(project, named, progress),
    }
}

/// `pylock.toml`, or `pylock.<name>.toml`.
fn is_pylock(name: &str) -> bool {
    let rest = name.strip_prefix("pylock.").unwrap_or_default();
    rest == "toml" || rest.strip_suffix(".toml").is_some_and(|name| !name.contains('.'))
}

/// How other tools' files become one that can be read.
fn export_command(name: &str) -> Option<&'static str> {
    Some(match name {
        "pipfile" | "pipfile.lock" => "pipenv requirements --hash > requirements.txt",
        "pdm.lock" => "pdm export --format pylock --output pylock.toml",
        "environment.yml" | "environment.yaml" | "conda-lock.yml" => "pip freeze > requirements.txt",
        "pyproject.toml" | "setup.py" | "setup.cfg" => {
            "uv pip compile --generate-hashes pyproject.toml --output-file requirements.txt"
        }
        _ => return None,
    })
}

impl Requirements {
    /// A file that says nothing yet.
    fn new(file: &str, format: Format) -> Self {
        Self {
            file: file.to_owned(),
            format,
            lines: Vec::new(),
            constraints: Vec::new(),
            locals: Vec::new(),
            own_extras: Vec::new(),
            environments: Vec::new(),
            requires_python: None,
        }
    }

    /// Whether it leaves anything to pip.
    pub(crate) fn pinning(&self) -> Pinning {
        if self.format != Format::RequirementsTxt {
            Pinning::Locked
        } else if self.has_hashes() {
            Pinning::Hashed
        } else {
            Pinning::Open
        }
    }

    /// Whether pip checks the hash of every package: it does for all as soon as there is one.
    #[must_use]
    fn has_hashes(&self) -> bool {
        let asks = |line: &Line| match &line.what {
            What::Options(options) => options.iter().any(|option| option.name == Name::RequireHashes),
            _ => !line.hashes.is_empty(),
        };
        self.lines.iter().any(asks)
    }

    /// The same without what it says of the packages `names`, which do not come from an index.
    pub(crate) fn without(&self, names: &BTreeSet<PackageName>) -> Self {
        let mut rest = self.clone();
        let is_other = |line: &Line| line.name().is_none_or(|name| !names.contains(&name));
        rest.lines.retain(is_other);
        rest.constraints.retain(is_other);
        rest
    }

    /// The URLs of indexes and packages.
    pub(crate) fn urls(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().flat_map(Line::urls)
    }

    /// The first line that pip needs a version control program for, and the program.
    pub(crate) fn version_control(&self) -> Option<(&Line, &str)> {
        self.lines.iter().find_map(|line| {
            let mut urls = line
                .urls()
                .into_iter()
                .filter(|url| requirements_txt::is_version_control(url));
            Some((line, urls.next()?.split_once('+')?.0))
        })
    }
}

impl Line {
    /// pip's options on this line.
    pub(crate) fn options_given(&self) -> impl Iterator<Item = &Given> {
        match &self.what {
            What::Options(options) => options.iter(),
            _ => [].iter(),
        }
    }

    fn urls(&self) -> Vec<&str> {
        match &self.what {
            What::Options(options) => {
                let named = options.iter().filter(|option| {
                    matches!(
                        option.name,
                        Name::IndexUrl | Name::ExtraIndexUrl | Name::FindLinks | Name::Constraint
                    )
                });
                named.map(|option| option.value.as_str()).collect()
            }
            What::Package(requirement) => match &requirement.version_or_url {
                Some(VersionOrUrl::Url(url)) => url.given().into_iter().collect(),
                _ => Vec::new(),
            },
            What::Url(url) => vec![url],
        }
    }

    /// The package that it installs; `None` for options, and for a URL that does not say.
    pub(crate) fn name(&self) -> Option<PackageName> {
        match &self.what {
            What::Options(_) => None,
            What::Package(requirement) => Some(requirement.name.clone()),
            What::Url(url) => direct_reference::package(url).map(|(name, _)| name),
        }
    }

    pub(crate) fn package(&self) -> Option<&Requirement> {
        match &self.what {
            What::Package(requirement) => Some(requirement),
            _ => None,
        }
    }

    /// As a requirements file has it: each option below the requirement, the lines joined by backslashes.
    fn written(&self) -> String {
        let hashes = self.hashes.iter().map(|hash| format!("--hash={hash}"));
        let parts = [self.text.clone()]
            .into_iter()
            .chain(hashes)
            .chain(self.options.clone());
        parts.collect::<Vec<_>>().join(" \\\n    ")
    }
}

/// `lines` as a requirements file has them, with a comment where another file begins. Lines that only repeat are left out.
pub(crate) fn written(lines: &[Line]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut seen = BTreeSet::new();
    let mut file = "";
    for line in lines {
        let text = line.written();
        let is_option = matches!(line.what, What::Options(_));
        if !is_option && !seen.insert(text.clone()) {
            continue;
        }
        if line.place.file != file {
            file = &line.place.file;
            texts.push(format!("# {}", file.replace(char::is_control, "?")));
        }
        texts.push(text);
    }
    texts
}

/// The project's own name: what a file says of it is not installed from an index.
fn own_name(project: &Project) -> Option<PackageName> {
    PackageName::from_str(&project.metadata.name).ok()
}

/// The chosen extras in their normal form. One that is not a valid name is left out here: the image's plan refuses it.
fn extra_names(extras: &[String]) -> Vec<ExtraName> {
    extras
        .iter()
        .filter_map(|extra| ExtraName::from_str(extra).ok())
        .collect()
}

/// A marker as it is written behind a requirement: in the file's own words, unless it was simplified.
fn marker_suffix(written: &str, marker: &MarkerTree) -> String {
    let unchanged = pep508::marker(written).is_ok_and(|read| read == *marker);
    let shown = if unchanged {
        Some(written.trim().to_owned())
    } else {
        marker.try_to_string()
    };
    shown.map(|marker| format!(" ; {marker}")).unwrap_or_default()
}
