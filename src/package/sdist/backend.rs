//! The sdist that only the project's build backend can make.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::progress::Progress;
use crate::project::backend::{Hook, Question};
use crate::project::{Build, Error, ProjectSettings};

/// What the backend says that it made.
#[derive(Deserialize)]
struct Made {
    /// The archive's file name.
    sdist: String,
}

/// Has the backend of the project in `root` build the sdist into `out_dir`, and returns its path.
///
/// # Errors
/// As for reading metadata; a backend that names a file it did not make.
pub(super) fn build_by_backend(
    root: &Path,
    build: &Build,
    settings: &ProjectSettings,
    out_dir: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Error> {
    let question = Question {
        hook: Hook::Sdist,
        because: build.backend_sdist.as_deref().unwrap_or("it was asked for"),
        root,
        checkout: root,
        build,
        out: out_dir,
        variables: Vec::new(),
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
