//! What a command prints on stdout.

use std::borrow::Cow;
use std::ffi::OsString;

use super::{Page, cell, json, line};

/// What a command prints on stdout. Where a program reads it, names and files come as they are; a terminal gets them spelt
/// out, as `ls` does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Nothing.
    Nothing,
    /// For programs.
    Json(String),
    /// Names, one a line.
    Names(Vec<OsString>),
    /// A file's text.
    File(String),
    /// For people, also where it goes into a file: for programs there is JSON.
    Page(Page),
}

impl Data {
    /// One name; none where it is empty.
    #[must_use]
    pub fn name(name: impl Into<OsString>) -> Self {
        let name = name.into();
        if name.is_empty() {
            return Self::Nothing;
        }
        Self::Names(vec![name])
    }

    /// The bytes to print, the last line's end included.
    #[must_use]
    pub fn bytes(&self, on_terminal: bool) -> Vec<u8> {
        let mut bytes = match self {
            Self::Nothing => Vec::new(),
            Self::Json(text) if on_terminal => json(text).into_owned().into_bytes(),
            Self::File(text) if on_terminal => text.lines().map(line).collect::<Vec<_>>().join("\n").into_bytes(),
            Self::Json(text) | Self::File(text) => text.clone().into_bytes(),
            Self::Names(names) => {
                let lines = names
                    .iter()
                    .map(|name| [&*name_bytes(name, on_terminal), b"\n"].concat());
                lines.collect::<Vec<_>>().concat()
            }
            Self::Page(page) => page.to_string().into_bytes(),
        };
        if bytes.last().is_some_and(|last| *last != b'\n') {
            bytes.push(b'\n');
        }
        bytes
    }
}

fn name_bytes(name: &OsString, on_terminal: bool) -> Cow<'_, [u8]> {
    if on_terminal {
        return Cow::Owned(cell(&name.to_string_lossy()).into_owned().into_bytes());
    }
    Cow::Borrowed(name.as_encoded_bytes())
}
