//! A project's text file, read so that every complaint can name a line.

use std::path::Path;

use super::border::{self, Real};
use super::error::Error;
use crate::reading::{self, DECLARATIONS, PROJECT_FILE};

/// A text file of the project: UTF-8 without a byte order mark, and without NUL characters.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    /// Relative to the project's root.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) text: String,
    /// Whether the file began with a byte order mark: Python reads past it, setup.cfg's and TOML's parsers do not.
    pub(crate) marked: bool,
    line_starts: Vec<usize>,
}

impl SourceFile {
    /// Reads `name` below `root`; `None` if there is no such file.
    pub(crate) fn read(root: &Path, name: &str) -> Result<Option<Self>, Error> {
        let most = match name {
            "pyproject.toml" | "setup.cfg" => DECLARATIONS,
            _ => PROJECT_FILE,
        };
        let read = match border::real(root, name) {
            Ok(Real::Inside(path)) => reading::bytes(&path, most),
            Ok(Real::Outside(outside)) => return Err(Error::Outside(outside)),
            Err(error) => Err(error),
        };
        match read {
            Ok(bytes) => Self::from_bytes(name, bytes).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Unreadable {
                path: root.join(name),
                source,
            }),
        }
    }

    /// The same for bytes that were read already.
    pub(crate) fn from_bytes(name: &str, mut bytes: Vec<u8>) -> Result<Self, Error> {
        let marked = bytes.starts_with(b"\xef\xbb\xbf");
        if marked {
            bytes.drain(..3);
        }
        let text = String::from_utf8(bytes).map_err(|error| Error::NotUtf8 {
            file: name.to_owned(),
            line: line_of(error.as_bytes(), error.utf8_error().valid_up_to()),
        })?;
        if let Some(at) = text.find('\0') {
            return Err(Error::Nul {
                file: name.to_owned(),
                line: line_of(text.as_bytes(), at),
            });
        }
        let text = with_plain_newlines(name, text);
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Ok(Self {
            name: name.to_owned(),
            text,
            marked,
            line_starts,
        })
    }

    /// The line of a byte offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// The column of a byte offset in characters, from 1.
    pub(crate) fn column(&self, offset: usize) -> usize {
        let start = self.line_starts.get(self.line(offset) - 1).copied().unwrap_or_default();
        self.text
            .get(start..offset)
            .map_or(1, |before| before.chars().count() + 1)
    }
}

/// Line ends as Python's text files have them; TOML knows no lone carriage return.
fn with_plain_newlines(name: &str, text: String) -> String {
    if !text.contains('\r') {
        return text;
    }
    let text = text.replace("\r\n", "\n");
    if name == "pyproject.toml" {
        text
    } else {
        text.replace('\r', "\n")
    }
}

fn line_of(bytes: &[u8], offset: usize) -> usize {
    bytes.iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_dropped_and_positions_count_characters() {
        let file = SourceFile::from_bytes("setup.py", b"\xef\xbb\xbfa\n\xc3\xa9x".to_vec()).unwrap();
        assert_eq!(file.text, "a\néx");
        assert_eq!((file.line(0), file.line(2), file.column(4)), (1, 2, 2));
    }

    #[test]
    fn bad_bytes_and_nul_are_named_with_their_line() {
        let error = SourceFile::from_bytes("setup.py", b"a\nb\n\xff".to_vec())
            .err()
            .unwrap();
        assert_eq!(error.to_string(), "setup.py:3: not UTF-8 text");
        let error = SourceFile::from_bytes("setup.cfg", b"a\nb\0".to_vec()).err().unwrap();
        assert_eq!(error.to_string(), "setup.cfg:2: contains a NUL character");
    }
}
