//! The project's tree as the program sees it: what is in the project is read; nothing is written.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use ruff_text_size::Ranged;

use super::super::Outside;
use super::super::border::{self, Real};
use super::super::needs::Need;
use super::super::value::Place;
use super::encoding::{begins_with_ascii, is_utf8};
use super::object::{Form, Object};
use super::{Halt, Machine, effort};
use crate::reading::{self, PROJECT_FILE};

impl Machine {
    /// Where `path` is, links left aside.
    pub(super) fn located(&self, path: &Path) -> PathBuf {
        border::without_dots(&self.root.join(path))
    }

    /// What the file `path` holds, or the unknown object that it is.
    ///
    /// # Errors
    /// The exception that Python raises where there is no such file.
    pub(super) fn content(&mut self, path: &Path, node: &impl Ranged) -> Result<Result<Vec<u8>, Form>, Halt> {
        if let Some(why) = &self.moved {
            return Ok(Err(Form::Unknown(Rc::clone(why))));
        }
        let shown = path.to_string_lossy();
        if !self.is_part(path) {
            return Err(no_such_file(&shown));
        }
        let real = match border::real(&self.root, path) {
            Ok(Real::Inside(real)) => real,
            Ok(Real::Outside(outside)) => {
                let unknown = self.dynamic(node, "reads a file outside of the project");
                self.leads_out(outside);
                return Ok(Err(Form::Unknown(unknown)));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(no_such_file(&shown));
            }
            Err(_) => return Ok(Err(Form::Unknown(self.dynamic(node, "cannot be read")))),
        };
        if real.is_dir() {
            return Err(Halt::Raised("IsADirectoryError".into(), shown.as_ref().into()));
        }
        let content = reading::bytes(&real, PROJECT_FILE);
        if let Ok(bytes) = &content {
            self.note_need(path, false, node);
            // Whether anything is left is checked next.
            let _ = effort::bytes(bytes.len());
            self.effort(bytes.len() / 16, node)?;
        }
        Ok(content.map_err(|_| Form::Unknown(self.dynamic(node, "cannot be read"))))
    }

    /// Whether `path` is in the part of the project that is taken to be there.
    pub(super) fn is_part(&self, path: &Path) -> bool {
        let Some(part) = &self.part else { return true };
        let located = self.located(path);
        located.strip_prefix(&self.root).map_or(true, |path| part.holds(path))
    }

    /// Notes that setup.py needs the file, or the directory, at `path`.
    pub(super) fn note_need(&mut self, path: &Path, is_directory: bool, node: &impl Ranged) {
        let located = self.located(path);
        if let Ok(path) = located.strip_prefix(&self.root) {
            let Place { file, line } = self.place(node);
            self.needs.push(Need {
                path: path.to_owned(),
                is_directory,
                file,
                line,
            });
        }
    }

    /// Remembers the first link out of the project. A path that says itself that it leads out is merely not certain: what is there
    /// may be the same on every machine.
    pub(super) fn leads_out(&mut self, outside: Outside) {
        if outside.is_link() {
            self.outside.get_or_insert(outside);
        }
    }

    /// `path` without links; `None` where one of the project's leads out of it, which tells of this machine.
    pub(super) fn resolved(&self, path: &Path) -> Option<PathBuf> {
        match self.reached(path) {
            Some(Real::Inside(real)) => Some(real),
            Some(Real::Outside(outside)) if outside.is_link() => None,
            _ => {
                let real = self.root.join(path).canonicalize();
                Some(real.unwrap_or_else(|_| self.located(path)))
            }
        }
    }

    /// What `path` leads to, links followed; `None` where that is nothing, or cannot be looked at.
    pub(super) fn reached(&self, path: &Path) -> Option<Real> {
        border::real(&self.root, path).ok()
    }

    /// The text of the file `path`, or the unknown object that it is; its line ends as they are where `raw`.
    ///
    /// # Errors
    /// As [`Self::content`].
    pub(super) fn text(
        &mut self,
        path: &Path,
        encoding: Option<&Object>,
        raw: bool,
        node: &impl Ranged,
    ) -> Result<Result<Rc<str>, Form>, Halt> {
        let bytes = match self.content(path, node)? {
            Ok(bytes) => bytes,
            Err(unknown) => return Ok(Err(unknown)),
        };
        let is_default = encoding.is_none_or(|encoding| matches!(encoding.form, Form::None));
        let is_plain = is_default
            || encoding.is_some_and(|encoding| is_utf8(encoding) || (bytes.is_ascii() && begins_with_ascii(encoding)));
        let text = String::from_utf8(bytes).ok().filter(|_| is_plain);
        let text = text.filter(|text| text.is_ascii() || !text.starts_with('\u{feff}'));
        Ok(match text {
            // In text files, line ends become `\n`; `codecs` leaves them as they are.
            Some(text) if raw => Ok(text.into()),
            Some(text) => Ok(text.replace("\r\n", "\n").replace('\r', "\n").into()),
            None => Err(Form::Unknown(
                self.dynamic(node, "reads a file in another encoding than UTF-8"),
            )),
        })
    }

    /// Why what is at `path` is not known, if so: the tree may have changed, or it is none of the project's.
    pub(super) fn unseen(&self, path: &Path, node: &impl Ranged) -> Option<Form> {
        if let Some(why) = &self.moved {
            return Some(Form::Unknown(Rc::clone(why)));
        }
        let is_outside = matches!(self.reached(path), Some(Real::Outside(_)));
        (is_outside || !self.located(path).starts_with(&self.root))
            .then(|| Form::Unknown(self.dynamic(node, "looks outside of the project")))
    }
}

/// The exception that Python raises where nothing is there.
pub(super) fn no_such_file(shown: &str) -> Halt {
    let message = format!("No such file or directory: '{shown}'");
    Halt::Raised("FileNotFoundError".into(), message.into())
}
