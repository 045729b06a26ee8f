//! Methods of `pathlib`'s paths.

use std::path::Path;
use std::rc::Rc;

use ruff_text_size::Ranged;

use super::super::arguments::Arguments;
use super::super::object::{Form, Object};
use super::super::paths::{MAX_PARTS, pure};
use super::super::{Known, Machine};

impl Machine {
    pub(super) fn path_method(&mut self, path: &Path, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        let this = || Object::new(Form::Path(path.to_owned()), self.place(node));
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
                let mut all = vec![this()];
                all.extend(arguments.positional.iter().cloned());
                let all = Arguments {
                    named: arguments.named.clone(),
                    ..Arguments::of(all)
                };
                self.library("io.open", &all, node)
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
            "as_posix" => Ok(path.to_str().map(Form::text)),
            "exists" => self.library("os.path.exists", &Arguments::of(vec![this()]), node),
            "is_file" => self.library("os.path.isfile", &Arguments::of(vec![this()]), node),
            "is_dir" => self.library("os.path.isdir", &Arguments::of(vec![this()]), node),
            _ => Ok(None),
        }
    }
}
