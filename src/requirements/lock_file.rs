//! What all lock files have in common.

use super::text::{LineStarts, decode};
use super::{Entry, Error, Kind, Line, Place, What, requirements_txt};
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

/// Refuses a line that pip would read as something else than what was understood of the lock. What a lock calls a name, a hash or an index
/// may hold a line break, a comment or an option: then pip would be told what nobody looked at.
pub(super) fn refuse_misread(lines: &[Line]) -> Result<(), Error> {
    let misread = lines.iter().find_map(|line| Some((line, misread(line)?)));
    let Some((line, why)) = misread else { return Ok(()) };
    Err(Error::Lock {
        at: line.place.to_string(),
        reason: format!("pip cannot be told `{}`: {why}", line.text),
        hint: LOCK_AGAIN.to_owned(),
    })
}

fn misread(line: &Line) -> Option<String> {
    let read = match requirements_txt::parse(&line.written()) {
        Ok(read) => read,
        Err(error) => return Some(error.wrong.to_string()),
    };
    let is_meant = match (read.as_slice(), &line.what) {
        ([Entry { kind, .. }], What::Options(meant)) => {
            matches!(kind, Kind::Options { options, .. } if options == meant)
        }
        ([Entry { kind, .. }], _) => matches!(
            kind,
            Kind::Requirement { text, hashes, options }
                if *text == line.text && *hashes == line.hashes && options.is_empty()
        ),
        _ => false,
    };
    (!is_meant).then(|| "it would read another line".to_owned())
}
