//! The sdist that only the project's build backend can make.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::progress::Progress;
use crate::project::backend::{Hook, Question};
use crate::project::{Error, Project, ProjectSettings};

/// What the backend says that it made.
#[derive(Deserialize)]
struct Made {
    /// The archive's file name.
    sdist: String,
}

/// Has the project's backend build the sdist into `out_dir`, and returns its path.
///
/// # Errors
/// As for reading metadata; a backend that names a file it did not make.
pub(super) fn build_by_backend(
    project: &Project,
    settings: &ProjectSettings,
    out_dir: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Error> {
    let Project {
        root, workplace, build, ..
    } = project;
    let question = Question {
        hook: Hook::Sdist,
        because: build.backend_sdist.as_deref().unwrap_or("it was asked for"),
        root,
        workplace,
        build,
        out: out_dir,
    };
    let made: Made = question.ask(settings, progress)?;
    let path = out_dir.join(&made.sdist);
    if path.is_file() {
        return Ok(path);
    }
    Err(question.failed(format!(
        "it says that it built {}, and there is no such file",
        made.sdist
    )))
}
