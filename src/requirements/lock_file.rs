//! What all lock files have in common.

use super::text::{LineStarts, decode};
use super::{Error, Place};
use crate::project::Project;
use crate::reading::{self, PROJECT_FILE};

/// What to do about a lock that its tool would not write.
pub(super) const LOCK_AGAIN: &str = "Lock again with the tool that made the file.";

/// The text of a lock file, which is UTF-8.
pub(super) fn text(project: &Project, file: &str) -> Result<String, Error> {
    let bytes = reading::bytes(&project.root.join(file), PROJECT_FILE).map_err(|source| Error::Unreadable {
        file: file.to_owned(),
        included_at: None,
        source,
    })?;
    decode(&bytes).map_err(|(line, reason)| Error::Undecodable {
        place: Place {
            file: file.to_owned(),
            line,
        },
        reason,
    })
}

/// What a TOML parser says, with its line.
pub(super) fn toml_error(file: &str, text: &str, error: &toml::de::Error) -> Error {
    let line = error.span().map(|span| LineStarts::of(text).line(span.start));
    Error::Lock {
        at: line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")),
        reason: error.message().lines().next().unwrap_or_default().to_owned(),
        hint: LOCK_AGAIN.to_owned(),
    }
}
