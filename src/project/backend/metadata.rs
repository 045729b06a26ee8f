//! Asking for metadata.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::hook::Hook;
use super::question::Question;
use super::scratch::scratch;
use super::workplace::Workplace;
use crate::progress::Progress;
use crate::project::{Build, Descriptive, Error, ProjectSettings};

/// What the backend says, and what `setup()` was given that no metadata file carries.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Answer {
    /// The version of the Python that was asked.
    pub(crate) python: String,
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    /// Whether `setup()` was given a version, or found one in another file: `0.0.0` may be one.
    pub(crate) says_version: bool,
    pub(crate) requires_python: Option<String>,
    pub(crate) requires_dist: Vec<String>,
    pub(crate) provides_extra: Vec<String>,
    pub(crate) entry_points: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) packages: Vec<String>,
    pub(crate) py_modules: Vec<String>,
    pub(crate) python_version: Option<String>,
    pub(crate) docker_lines: Vec<String>,
    pub(crate) entry_point: BTreeMap<String, String>,
    pub(crate) license_files: Vec<String>,
    pub(crate) descriptive: Descriptive,
}

/// Asks the backend of the project in `root` for its metadata, because only Python knows what `because` says.
///
/// # Errors
/// It is not to be asked; no interpreter, requirements that cannot be installed, a hook that fails, takes too long, gives no answer,
/// or opens a file through a link out of the project.
pub(crate) fn metadata(
    root: &Path,
    workplace: &Workplace,
    build: &Build,
    because: &str,
    settings: &ProjectSettings,
    progress: &dyn Progress,
) -> Result<Answer, Error> {
    let out = scratch()?;
    let question = Question {
        hook: Hook::Metadata,
        because,
        root,
        workplace,
        build,
        out: out.path(),
    };
    question.ask(settings, progress)
}
