//! Files and paths: what is in the project is read; nothing is written.

use std::cell::Cell;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use ruff_text_size::Ranged;

use super::super::Outside;
use super::super::border::{self, Real};
use super::super::discovery::{Find, find_packages};
use super::super::error::Error;
use super::super::requirement::has_other_line_ends;
use super::call::Arguments;
use super::methods::Known;
use super::object::{Content, Form, Object, OpenFile, Position};
use super::shared::{Sequence, Shared};
use super::text::{begins_with_ascii, is_utf8};
use super::{Halt, Machine, effort};
use crate::reading::{self, PROJECT_FILE};
use crate::wildcard::{Pattern, has_magic};

/// What an entry of a directory counts for.
const ENTRY: usize = 20;
/// What a search for packages counts for.
const FIND: usize = 200_000;
/// Parts that a path is joined of.
pub(super) const MAX_PARTS: usize = 1_000;

impl Machine {
    pub(super) fn located(&self, path: &Path) -> PathBuf {
        normal(&self.root.join(path))
    }

    pub(super) fn content(&mut self, path: &Path, node: &impl Ranged) -> Result<Result<Vec<u8>, Form>, Halt> {
        if let Some(why) = &self.moved {
            return Ok(Err(Form::Unknown(Rc::clone(why))));
        }
        let shown = path.to_string_lossy();
        let real = match border::real(&self.root, path) {
            Ok(Real::Inside(real)) => real,
            Ok(Real::Outside(outside)) => {
                let unknown = self.dynamic(node, "reads a file outside of the project");
                self.leads_out(outside);
                return Ok(Err(Form::Unknown(unknown)));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Halt::Raised(
                    "FileNotFoundError".into(),
                    format!("No such file or directory: '{shown}'").into(),
                ));
            }
            Err(_) => return Ok(Err(Form::Unknown(self.dynamic(node, "cannot be read")))),
        };
        if real.is_dir() {
            return Err(Halt::Raised("IsADirectoryError".into(), shown.as_ref().into()));
        }
        let content = reading::bytes(&real, PROJECT_FILE);
        if let Ok(bytes) = &content {
            // Nothing left is what is looked for next.
            let _ = effort::bytes(bytes.len());
            self.effort(bytes.len() / 16, node)?;
        }
        Ok(content.map_err(|_| Form::Unknown(self.dynamic(node, "cannot be read"))))
    }

    /// Remembers the first link out of the project. A path that says itself that it leads out is merely not certain: what is there
    /// may be the same on every machine.
    fn leads_out(&mut self, outside: Outside) {
        if outside.is_link() {
            self.outside.get_or_insert(outside);
        }
    }

    /// `path` without links; `None` where one of the project's leads out of it, which tells of this machine.
    fn resolved(&self, path: &Path) -> Option<PathBuf> {
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
    fn reached(&self, path: &Path) -> Option<Real> {
        border::real(&self.root, path).ok()
    }

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
            // Text files have plain newlines, but those of codecs.
            Some(text) if raw => Ok(text.into()),
            Some(text) => Ok(text.replace("\r\n", "\n").replace('\r', "\n").into()),
            None => Err(Form::Unknown(
                self.dynamic(node, "reads a file in another encoding than UTF-8"),
            )),
        })
    }

    pub(super) fn open(&mut self, arguments: &Arguments, node: &impl Ranged, is_codecs: bool) -> Known {
        let named = arguments.get(0, if is_codecs { "filename" } else { "file" });
        let Some(path) = named.and_then(Object::as_path) else {
            return Ok(None);
        };
        let mode = match arguments.get(1, "mode") {
            None => "r",
            Some(mode) => match mode.as_str() {
                Some(mode) => mode,
                None => return Ok(None),
            },
        };
        if !matches!(mode, "r" | "rt" | "rb" | "br" | "tr") && !mode.contains(['w', 'a', 'x', '+']) {
            return Ok(None);
        }
        if mode.contains(['w', 'a', 'x', '+']) {
            let why = self.dynamic(node, "writes a file");
            self.moved.get_or_insert(Rc::clone(&why));
            return Ok(Some(Form::Unknown(why)));
        }
        if arguments.get(if is_codecs { 3 } else { 4 }, "errors").is_some() || arguments.get(5, "newline").is_some() {
            return Ok(None);
        }
        let mut has_own_lines = false;
        let content = if mode.contains('b') && !is_codecs {
            match self.content(path, node)? {
                Ok(bytes) => Content::Bytes(bytes.into()),
                Err(unknown) => return Ok(Some(unknown)),
            }
        } else {
            let encoding = arguments.get(if is_codecs { 2 } else { 3 }, "encoding").cloned();
            // Without an encoding, `codecs` opens files as `open` does.
            has_own_lines = is_codecs
                && encoding
                    .as_ref()
                    .is_some_and(|encoding| !matches!(encoding.form, Form::None));
            match self.text(path, encoding.as_ref(), has_own_lines, node)? {
                Ok(text) => Content::Text(text),
                Err(unknown) => return Ok(Some(unknown)),
            }
        };
        Ok(Some(Form::File(Rc::new(OpenFile {
            has_own_lines: has_own_lines && matches!(&content, Content::Text(text) if has_other_line_ends(text)),
            position: Cell::new(Position::Start),
            content,
        }))))
    }

    pub(super) fn os_call(&mut self, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        let is_where = matches!(name, "getcwd" | "path.abspath" | "path.realpath");
        if let (true, Some(why)) = (is_where, &self.moved) {
            return Ok(Some(Form::Unknown(Rc::clone(why))));
        }
        if name == "getcwd" {
            return Ok(Some(Form::Str(self.root.to_string_lossy().as_ref().into())));
        }
        let mut parts = Vec::new();
        for argument in &arguments.positional {
            let Some(part) = argument.as_path() else {
                return Ok(None);
            };
            parts.push(part.to_string_lossy().into_owned());
        }
        let Some(first) = parts.first() else { return Ok(None) };
        let path = Path::new(first);
        let text = |text: &str| Ok(Some(Form::Str(text.into())));
        let asks_tree = matches!(name, "path.exists" | "path.isfile" | "path.isdir" | "listdir");
        if asks_tree {
            if let Some(why) = &self.moved {
                return Ok(Some(Form::Unknown(Rc::clone(why))));
            }
            let is_outside = matches!(self.reached(path), Some(Real::Outside(_)));
            if is_outside || !self.located(path).starts_with(&self.root) {
                return Ok(Some(Form::Unknown(self.dynamic(node, "looks outside of the project"))));
            }
        }
        match name {
            "path.join" => {
                let mut joined = String::new();
                for part in &parts {
                    if part.starts_with('/') {
                        joined.clear();
                    } else if !joined.is_empty() && !joined.ends_with('/') {
                        joined.push('/');
                    }
                    joined.push_str(part);
                }
                text(&joined)
            }
            "path.dirname" => {
                let head = first.rfind('/').map_or("", |at| &first[..=at]);
                let trimmed = head.trim_end_matches('/');
                text(if trimmed.is_empty() { head } else { trimmed })
            }
            "path.basename" => text(first.rfind('/').map_or(first.as_str(), |at| &first[at + 1..])),
            "path.abspath" => text(&self.located(path).to_string_lossy()),
            "path.realpath" => Ok(self
                .resolved(path)
                .map(|real| Form::Str(real.to_string_lossy().as_ref().into()))),
            "path.normpath" if path.is_absolute() && !path.starts_with("//") => text(&normal(path).to_string_lossy()),
            "path.splitext" => {
                let base = first.rfind('/').map_or(0, |at| at + 1);
                let dot = first[base..]
                    .rfind('.')
                    .filter(|at| first[base..base + at].contains(|c| c != '.'));
                let (root, extension) = dot.map_or((first.as_str(), ""), |at| first.split_at(base + at));
                let place = self.place(node);
                let pair = [Object::str(root, place), Object::str(extension, place)];
                Ok(Some(Form::Tuple(pair.into())))
            }
            "path.split" => {
                let (Some(Form::Str(head)), Some(Form::Str(tail))) = (
                    self.os_call("path.dirname", arguments, node)?,
                    self.os_call("path.basename", arguments, node)?,
                ) else {
                    return Ok(None);
                };
                let place = self.place(node);
                Ok(Some(Form::Tuple(
                    [Object::str(head, place), Object::str(tail, place)].into(),
                )))
            }
            "path.exists" => Ok(Some(Form::Bool(self.root.join(path).exists()))),
            "path.isfile" => Ok(Some(Form::Bool(self.root.join(path).is_file()))),
            "path.isdir" => Ok(Some(Form::Bool(self.root.join(path).is_dir()))),
            "listdir" => {
                let place = self.place(node);
                let Ok(entries) = std::fs::read_dir(self.located(path)) else {
                    return Ok(None);
                };
                let names: Option<Vec<_>> = entries
                    .map(|entry| {
                        effort::work(ENTRY)?;
                        Some(Object::str(entry.ok()?.file_name().to_str()?, place))
                    })
                    .collect();
                Ok(names.map(|names| Form::List(Shared::in_sequence(names, Sequence::Unknown))))
            }
            // To where it is already.
            "chdir" if self.located(path) == self.root => Ok(Some(Form::None)),
            _ => Ok(None),
        }
    }

    pub(super) fn path_method(&mut self, path: &Path, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        let place = self.place(node);
        match name {
            "read_text" => {
                let encoding = arguments.get(0, "encoding").cloned();
                let read = self.text(path, encoding.as_ref(), false, node)?;
                Ok(Some(read.map_or_else(|unknown| unknown, Form::Str)))
            }
            "read_bytes" => Ok(Some(
                self.content(path, node)?
                    .map_or_else(|unknown| unknown, |bytes| Form::Bytes(bytes.into())),
            )),
            "open" => {
                let mut all = vec![Object::new(Form::Path(path.to_owned()), place)];
                all.extend(arguments.positional.iter().cloned());
                let all = Arguments {
                    named: arguments.named.clone(),
                    ..Arguments::of(all)
                };
                self.open(&all, node, false)
            }
            "resolve" | "absolute" if arguments.is_empty() => {
                if let Some(why) = &self.moved {
                    return Ok(Some(Form::Unknown(Rc::clone(why))));
                }
                if name == "absolute" {
                    return Ok(Some(Form::Path(pure(&self.root.join(path)))));
                }
                Ok(self.resolved(path).map(Form::Path))
            }
            "joinpath" => {
                if arguments.positional.len() > MAX_PARTS {
                    return Ok(None);
                }
                let parts: Option<Vec<_>> = arguments.positional.iter().map(Object::as_str).collect();
                let joined = |parts: Vec<&str>| parts.iter().fold(path.to_owned(), |path, part| path.join(part));
                Ok(parts.map(|parts| Form::Path(pure(&joined(parts)))))
            }
            "as_posix" => Ok(path.to_str().map(|path| Form::Str(path.into()))),
            "exists" | "is_file" | "is_dir" => {
                let name = match name {
                    "is_file" => "path.isfile",
                    "is_dir" => "path.isdir",
                    _ => "path.exists",
                };
                let object = Object::new(Form::Path(path.to_owned()), place);
                self.os_call(name, &Arguments::of(vec![object]), node)
            }
            _ => Ok(None),
        }
    }

    pub(super) fn find(&mut self, namespaces: bool, arguments: &Arguments, node: &impl Ranged) -> Option<Form> {
        if let Some(why) = &self.moved {
            return Some(Form::Unknown(Rc::clone(why)));
        }
        let known = ["where", "exclude", "include"];
        if arguments.positional.len() > 3 || arguments.named.iter().any(|(name, _)| !known.contains(&name.as_str())) {
            return None;
        }
        let strings = |value: &Object| -> Option<Vec<String>> {
            let text = |item: &Object| item.as_str().map(ToOwned::to_owned);
            match &value.form {
                Form::Tuple(items) => items.iter().map(text).collect(),
                Form::List(items) | Form::Set(items) => items.get().ok()?.iter().map(text).collect(),
                // Its characters, one by one.
                Form::Str(text) => Some(text.chars().map(String::from).collect()),
                _ => None,
            }
        };
        let mut find = Find {
            namespaces,
            ..Find::default()
        };
        if let Some(place) = arguments.get(0, "where") {
            match &place.form {
                Form::Str(place) => place.as_ref().clone_into(&mut find.place),
                Form::Path(place) => find.place = place.to_string_lossy().into_owned(),
                _ => return None,
            }
        }
        for (index, name) in [(1, "exclude"), (2, "include")] {
            let Some(value) = arguments.get(index, name) else {
                continue;
            };
            let patterns = strings(value)?;
            if name == "exclude" {
                find.exclude = patterns;
            } else {
                find.include = patterns;
            }
        }
        if !self.located(Path::new(&find.place)).starts_with(&self.root) {
            return None;
        }
        let place = self.place(node);
        // Each time the whole tree is walked.
        let _ = effort::work(FIND);
        match find_packages(&self.root, &find) {
            Ok(found) => {
                let names = found.into_iter().map(|name| Object::str(name, place)).collect();
                Some(Form::List(Shared::in_sequence(names, Sequence::Loose)))
            }
            Err(error) => {
                let unknown = self.dynamic(node, &format!("cannot be followed: {error}"));
                if let Error::Outside(outside) = error {
                    self.leads_out(outside);
                }
                Some(Form::Unknown(unknown))
            }
        }
    }

    pub(super) fn glob(&mut self, arguments: &Arguments, node: &impl Ranged) -> Option<Form> {
        let place = self.place(node);
        let pattern = arguments.text(0, "pathname")?;
        let (directory, name) = pattern.rsplit_once('/').unwrap_or((".", pattern));
        let is_inside = self.located(Path::new(directory)).starts_with(&self.root)
            && !matches!(self.reached(Path::new(directory)), Some(Real::Outside(_)));
        if name.is_empty() || has_magic(directory) || name.contains("**") || self.moved.is_some() || !is_inside {
            return None;
        }
        let Ok(entries) = std::fs::read_dir(self.located(Path::new(directory))) else {
            return Some(Form::List(Shared::new(Vec::new())));
        };
        let wanted = Pattern::fnmatch(name);
        let mut found = Vec::new();
        for entry in entries {
            effort::work(ENTRY)?;
            let file = entry.ok()?.file_name();
            let file = file.to_str()?;
            if wanted.matches(file) && (!file.starts_with('.') || name.starts_with('.')) {
                let path = if pattern.contains('/') {
                    format!("{directory}/{file}")
                } else {
                    file.to_owned()
                };
                found.push(Object::str(path, place));
            }
        }
        Some(Form::List(Shared::in_sequence(found, Sequence::Unknown)))
    }
}

pub(super) fn pure(path: &Path) -> PathBuf {
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    let pure: PathBuf = parts.collect();
    if pure.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        pure
    }
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
