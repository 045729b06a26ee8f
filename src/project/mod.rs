//! The Python project: what `setup.py`, `setup.cfg` and `pyproject.toml` say, statically where that equals what setuptools
//! says, otherwise asked of Python.

mod assemble;
mod attr;
pub(crate) mod backend;
pub(crate) mod border;
mod build_requirements;
mod data_files;
mod declarations;
mod declared_build;
mod dependency_source;
mod descriptive;
mod diagnosis;
mod disagreement;
mod discovery;
mod entry_points;
mod error;
mod file_directive;
mod find_packages;
mod hook_log;
pub(crate) mod ini;
mod interpreter;
mod license;
mod marker_cost;
mod mentions;
mod near_names;
mod needs;
mod offered;
mod package_directory;
mod precedence;
mod project_files;
mod pyproject;
mod python_source;
mod requirement;
mod serving_function;
mod setup_cfg;
mod setup_imports;
mod setup_keywords;
mod setup_py;
mod source_file;
mod surroundings;
mod training_function;
mod value;
mod version_predicate;
mod workspace;

pub use assemble::load;
pub use backend::Workplace;
pub use border::Outside;
pub use dependency_source::{DependencySource, TakenFrom};
pub use descriptive::{Descriptive, DynamicField};
pub(crate) use descriptive::{LICENSE_FILE, dynamic_names};
pub(crate) use entry_points::require_train;
pub use error::Error;
pub use needs::Need;
pub(crate) use needs::lacking;
pub(crate) use offered::training_functions;
pub(crate) use package_directory::package_directory;
pub(crate) use python_source::{identifier, parse as parse_python};
pub(crate) use requirement::{normalized, read_marker, read_requirement};
pub use serving_function::Served;
pub(crate) use setup_imports::is_of_standard_library;
pub(crate) use source_file::SourceFile;
pub(crate) use surroundings::Surroundings;
pub(crate) use training_function::look_for_in_wheel;
pub(crate) use workspace::{Member, Workspace};

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::uv::UvSettings;

/// A Python project read from its directory.
#[derive(Debug, Clone)]
pub struct Project {
    /// The directory that holds `setup.py`, `setup.cfg` or `pyproject.toml`; absolute.
    pub root: PathBuf,
    /// What the project says of itself.
    pub metadata: Metadata,
    /// What only the builder of an image or sdist needs.
    pub build: Build,
    /// The function that trains; `None` where the project declares none (an error only for commands that need one).
    pub train: Option<EntryPoint>,
    /// The functions of which one trains, where nothing says which; then `train` is `None`.
    pub train_candidates: Vec<Candidate>,
    /// The function that serves, if the project declares one.
    pub serve: Option<EntryPoint>,
    /// The function that makes the model which is served, where one is declared.
    pub initializer: Option<EntryPoint>,
    /// How the metadata was read.
    pub source: Source,
    /// Where requirements come from that are not to be looked for on an index by their name.
    pub sources: Vec<DependencySource>,
    /// Whether `setup.py` looked at the version of the Python that runs it: for another one it may declare something else.
    pub looks_at_python: bool,
    /// Oddities worth a warning: two sources that disagree, a keyword that setuptools ignores.
    pub warnings: Vec<String>,
    /// Where its build backend works on it, if it is asked for anything.
    pub workplace: Workplace,
}

/// Core metadata, named as in the [core metadata specification](https://packaging.python.org/en/latest/specifications/core-metadata/).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// The name as declared, not normalised.
    pub name: String,
    /// The version, normalised as setuptools writes it (PEP 440).
    pub version: String,
    /// A PEP 440 specifier such as `>=3.9`.
    pub requires_python: Option<String>,
    /// PEP 508 strings, extras' requirements with their `extra ==` marker, in declared order.
    pub requires_dist: Vec<String>,
    /// The declared extras.
    pub provides_extra: Vec<String>,
    /// `{group: {name: "module:attr"}}`.
    pub entry_points: BTreeMap<String, BTreeMap<String, String>>,
    /// Import packages, dotted.
    pub packages: Vec<String>,
    /// Top-level modules that are single files (`py_modules`).
    pub py_modules: Vec<String>,
    /// The fields that are for people to read.
    #[serde(flatten)]
    pub descriptive: Descriptive,
}

/// What the image and sdist stages need beside the metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    /// `[build-system] requires`, or setuptools' default for a bare `setup.py`.
    pub requires: Vec<String>,
    /// Those of `requires` that are not to be looked for on an index by their name, and where that is said.
    pub requires_elsewhere: Vec<(String, String)>,
    /// `[build-system] build-backend`; `None` is setuptools' legacy backend.
    pub backend: Option<String>,
    /// `[build-system] backend-path`: directories of the project that hold its own backend.
    pub backend_path: Vec<String>,
    /// `package_dir` of setuptools: dotted package (or empty string) to directory relative to the root.
    pub package_dir: BTreeMap<String, String>,
    /// `package_data`: package (or empty string for all) to globs.
    pub package_data: BTreeMap<String, Vec<String>>,
    /// `exclude_package_data`, like `package_data`.
    pub exclude_package_data: BTreeMap<String, Vec<String>>,
    /// `include_package_data`.
    pub include_package_data: bool,
    /// `zip_safe`, where it is said.
    pub zip_safe: Option<bool>,
    /// `data_files`, as declared.
    pub data_files: Vec<DataFiles>,
    /// `scripts`: relative to the root.
    pub scripts: Vec<String>,
    /// Files the metadata was read from, relative to the root (`README.md` of `readme = …`, `VERSION`): they belong in the sdist.
    pub referenced_files: Vec<String>,
    /// What setup.py reads, and modules that `attr:` names: where it is not packed, nobody can install from the sdist alone.
    pub needs: Vec<Need>,
    /// The readme declared in `[project]`, relative to the root.
    pub readme: Option<String>,
    /// `license_files` globs as declared; `None` means setuptools' defaults. Where Python answered, the files themselves.
    pub license_files: Option<Vec<String>>,
    /// Core metadata's names of the fields that setuptools marks `Dynamic`, because `setup.py` gives their values.
    pub dynamic_fields: Vec<&'static str>,
    /// Why the build backend must make the sdist (another backend, a custom `sdist` command, `setup_requires` plugins,
    /// extension modules, a dynamic file list); `None` where sgbuild packs the files that setuptools would.
    pub backend_sdist: Option<String>,
    /// Why the build backend must make the wheel although sgbuild packs the sdist (a custom `install` command, options of
    /// commands in setup.cfg); see [`Build::wheel_by_backend`].
    pub backend_wheel: Option<String>,
    /// Where `setup()` lists extension modules: `setup.py:12`; `None` where it lists none, or Python was asked.
    pub extension_modules: Option<String>,
    /// `[bdist_wheel] universal`: the wheel is for Python 2 as well.
    pub universal: bool,
    /// The extra `setup()` keyword `python_version` of setuptools-docker, such as `3.11`.
    pub python_version: Option<String>,
    /// The extra `setup()` keyword `dockerlines` of setuptools-docker: lines put before the pip installs.
    pub docker_lines: Vec<String>,
    /// Where they stand: `setup.py:12`; empty where there are none.
    pub docker_lines_at: String,
}

impl Project {
    /// What serves, as far as the sources show it.
    #[must_use]
    pub fn served(&self) -> Option<Served> {
        let entry = self.serve.as_ref()?;
        Some(serving_function::look_at(self, entry))
    }
}

impl Build {
    /// Why the build backend must make the wheel; `None` where sgbuild writes what setuptools would.
    #[must_use]
    pub fn wheel_by_backend(&self) -> Option<&str> {
        self.backend_sdist.as_deref().or(self.backend_wheel.as_deref())
    }
}

/// One entry of `data_files`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataFiles {
    /// Where they are installed: relative to the environment's root, `/`-separated; absolute, where the project says so.
    pub directory: String,
    /// The files, relative to the project's root.
    pub files: Vec<String>,
}

/// A function named by an entry point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryPoint {
    /// `package.module:function`.
    pub object: String,
    /// Where it was declared, such as `setup.py:14 entry_points["irisclassifier.training"]` or `--train`.
    pub declared_in: String,
    /// Whether it is a `console_scripts` entry, whose integer return value is an exit code.
    #[serde(skip)]
    pub console_script: bool,
}

/// One of several functions that are declared for the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The entry point's name.
    pub name: String,
    /// What it names.
    pub function: EntryPoint,
}

/// How the metadata was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Statically, or by asking Python.
    pub kind: SourceKind,
    /// Why Python was asked (the expression and its `file:line`); empty for a static answer.
    pub reason: String,
}

/// See [`Source`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Without running Python.
    Static,
    /// Through the build backend's PEP 517 hooks (or `setup.py egg_info`).
    Pep517,
}

/// What is known of the image before the project is read: what `setup.py` does by its Python is read for the image's, not for the
/// one of this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadFor {
    /// Its release of Python, such as `3.11` or `3.11.4`; `None` where that is not known, as of a base image of the user's own.
    pub python: Option<String>,
    /// Whether Python of that release is asked where one is installed: nobody has named another.
    pub is_asked: bool,
    /// What `platform.machine()` gives in it, such as `x86_64`.
    pub machine: Option<String>,
}

/// How to read a project.
#[derive(Debug)]
pub struct ProjectSettings {
    /// `--train` / `train = …`: decides over every declaration. With where it was set.
    pub train: Option<(String, String)>,
    /// The same for serving.
    pub serve: Option<(String, String)>,
    /// The same for making the model that is served.
    pub initializer: Option<(String, String)>,
    /// Refuse rather than run Python.
    pub static_only: bool,
    /// The interpreter that is asked, `python3` unless set.
    pub python: PathBuf,
    /// The longest Python may take, in seconds.
    pub python_timeout: u64,
    /// The process environment handed to Python before credentials are taken out of it.
    pub environment: Vec<(String, String)>,
    /// Where prepared interpreters with build requirements are kept between runs.
    pub cache_dir: PathBuf,
    /// How uv is found, which prepares them.
    pub uv: UvSettings,
    /// The image that the project is read for.
    pub read_for: ReadFor,
}
