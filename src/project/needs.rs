//! What setup.py needs of the project beside itself, and what becomes of an sdist that lacks some of it.
//!
//! setuptools packs what belongs to the package, and not what setup.py opens, executes or imports. Whether it matters is found out
//! as whoever installs the sdist would: setup.py is followed again, as though no more were there than what is packed.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::descriptive::KEYWORDS;
use super::project_files::finds_modules;
use super::source_file::SourceFile;
use super::surroundings::Surroundings;
use super::value::{Draft, Evaluated, Kind, Value};
use super::{Error, Project, setup_py};

/// Something of the project that has to be there for it to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Relative to the root.
    pub path: PathBuf,
    /// Whether its files are listed, rather than one read.
    pub is_directory: bool,
    /// The file that says so, such as `setup.py`.
    pub file: &'static str,
    /// And the line of it.
    pub line: usize,
}

/// The files of which a part of the project consists, relative to its root.
#[derive(Debug, Clone)]
pub(crate) struct Part(BTreeSet<PathBuf>);

impl Part {
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = &'a str>) -> Self {
        Self(files.into_iter().map(PathBuf::from).collect())
    }

    /// Whether `path` is one of the files, or a directory with some of them in it.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        let from = (Bound::Included(path), Bound::Unbounded);
        let next = self.0.range::<Path, _>(from).next();
        next.is_some_and(|next| next.starts_with(path))
    }

    fn with<'a>(&self, others: impl Iterator<Item = &'a Need>) -> Self {
        let mut all = self.0.clone();
        all.extend(others.map(|need| need.path.clone()));
        Self(all)
    }
}

/// Directories of which nothing is packed, whatever MANIFEST.in says.
const NEVER_PACKED: [&str; 5] = [".nox", ".tox", ".venv", "build", "dist"];

/// What becomes of the package without something that it needs.
enum Without {
    /// It cannot be installed.
    Fails,
    /// Other metadata are read.
    Differs,
    /// Only Python knows.
    Unclear,
}

impl Without {
    /// As the end of a sentence about the sdist.
    fn told(self) -> &'static str {
        match self {
            Self::Fails => "that cannot be installed by itself",
            Self::Differs => "what is installed from that alone has other metadata",
            Self::Unclear => "that may not be installed by itself",
        }
    }
}

/// A warning for each thing that the project needs and its sdist, which holds `packed`, lacks.
pub(crate) fn lacking(project: &Project, packed: &[String], around: &Arc<Surroundings>) -> Vec<String> {
    let needs = &project.build.needs;
    if needs.is_empty() {
        return Vec::new();
    }
    let packed = Part::of(packed.iter().map(String::as_str));
    let mut lacks: Vec<&Need> = Vec::new();
    for need in needs {
        if !packed.holds(&need.path) && !lacks.iter().any(|lack| lack.path == need.path) {
            lacks.push(need);
        }
    }
    if lacks.is_empty() {
        return Vec::new();
    }
    let program = Program::read(project, around).ok().flatten();
    let becomes = |lack: &Need| match &program {
        _ if lack.file != "setup.py" => Some(Without::Fails),
        Some(program) => {
            let others = lacks.iter().copied().filter(|other| other.path != lack.path);
            program.without(packed.with(others))
        }
        None => Some(Without::Unclear),
    };
    let warned = lacks.iter().filter_map(|lack| Some(warning(lack, becomes(lack)?)));
    warned.collect()
}

fn warning(lack: &Need, becomes: Without) -> String {
    let Need {
        path,
        is_directory,
        file,
        line,
    } = lack;
    let shown = path.display();
    let (what, command) = if *is_directory {
        (format!("lists the files of {shown}, which are"), "graft")
    } else {
        (format!("needs {shown}, which is"), "include")
    };
    let first = path.iter().next().unwrap_or_default().to_string_lossy();
    let cure = if NEVER_PACKED.contains(&&*first) {
        format!("have it packed, move it out of {first}/")
    } else {
        // A pattern is how MANIFEST.in spells a name with blanks.
        let pattern = shown.to_string().replace(char::is_whitespace, "?");
        format!("have it packed, add this line to MANIFEST.in: {command} {pattern}")
    };
    let becomes = becomes.told();
    format!("{file}:{line} {what} not in the sdist: {becomes}; the image is not affected. To {cure}")
}

/// setup.py, and what it says where all of the project is there.
struct Program<'a> {
    root: &'a Path,
    file: SourceFile,
    finds_modules: bool,
    around: &'a Arc<Surroundings>,
    all: Draft,
}

impl<'a> Program<'a> {
    fn read(project: &'a Project, around: &'a Arc<Surroundings>) -> Result<Option<Self>, Error> {
        let root = project.root.as_path();
        let Some(file) = SourceFile::read(root, "setup.py")? else {
            return Ok(None);
        };
        let finds_modules = finds_modules(project.build.backend.as_deref());
        let all = setup_py::read(root, &file, finds_modules, None, around)?;
        Ok(Some(Self {
            root,
            file,
            finds_modules,
            around,
            all,
        }))
    }

    /// What becomes of it where no more is there than `part`; `None` where nothing changes that counts.
    fn without(&self, part: Part) -> Option<Without> {
        let Ok(rest) = setup_py::read(self.root, &self.file, self.finds_modules, Some(part), self.around) else {
            return Some(Without::Unclear);
        };
        match (&self.all.whole, &rest.whole) {
            (all, Some(stopped)) if all.as_ref() != Some(stopped) => {
                return Some(if stopped.reason.starts_with("raises ") {
                    Without::Fails
                } else {
                    Without::Unclear
                });
            }
            (Some(_), _) => return None,
            _ => {}
        }
        let counts = |key: &String| !KEYWORDS.contains(&key.as_str()) && key != "description" && key != "licence";
        let keys: BTreeSet<&String> = self.all.fields.keys().chain(rest.fields.keys()).collect();
        let mut pairs = keys
            .into_iter()
            .filter(|key| counts(key))
            .map(|key| (self.all.fields.get(key), rest.fields.get(key)))
            .filter(|(all, rest)| !is_same(*all, *rest));
        let (all, rest) = pairs.next()?;
        let are_known = [all, rest].into_iter().flatten().all(Result::is_ok);
        Some(if are_known { Without::Differs } else { Without::Unclear })
    }
}

fn is_same(one: Option<&Evaluated>, other: Option<&Evaluated>) -> bool {
    match (one, other) {
        (Some(Ok(one)), Some(Ok(other))) => says_the_same(one, other),
        (Some(Err(one)), Some(Err(other))) => one == other,
        (None, None) => true,
        _ => false,
    }
}

/// Whether the values are equal, wherever they stand.
fn says_the_same(one: &Value, other: &Value) -> bool {
    let all = |ones: &[Value], others: &[Value]| {
        ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| says_the_same(one, other))
    };
    match (&one.kind, &other.kind) {
        (Kind::List(ones), Kind::List(others)) | (Kind::Tuple(ones), Kind::Tuple(others)) => all(ones, others),
        (Kind::Dict(ones), Kind::Dict(others)) => {
            let pairs = ones.iter().zip(others);
            let is_same = |((key, value), (other_key, other_value)): (&(Value, Value), &(Value, Value))| {
                says_the_same(key, other_key) && says_the_same(value, other_value)
            };
            ones.len() == others.len() && pairs.into_iter().all(is_same)
        }
        (one, other) => one == other,
    }
}
