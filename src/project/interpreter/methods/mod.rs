//! Attributes of objects, and the methods of built-in types.

mod container;
mod file;
mod groups;
mod path;
mod text;

use std::rc::Rc;

use ruff_text_size::Ranged;

use super::super::mentions;
use super::arguments::Arguments;
use super::object::{Form, Object};
use super::paths::pure;
use super::python::PARTS_OF_VERSION;
use super::{Halt, Known, Machine, Outcome, library};

/// Methods by the type that has them, in every Python of today.
const METHODS: [(&str, &[&str]); 8] = [
    (
        "str",
        &[
            "capitalize",
            "casefold",
            "center",
            "count",
            "encode",
            "endswith",
            "expandtabs",
            "find",
            "format",
            "format_map",
            "index",
            "isalnum",
            "isalpha",
            "isascii",
            "isdecimal",
            "isdigit",
            "isidentifier",
            "islower",
            "isnumeric",
            "isspace",
            "istitle",
            "isupper",
            "join",
            "ljust",
            "lower",
            "lstrip",
            "partition",
            "removeprefix",
            "removesuffix",
            "replace",
            "rfind",
            "rindex",
            "rjust",
            "rpartition",
            "rsplit",
            "rstrip",
            "split",
            "splitlines",
            "startswith",
            "strip",
            "swapcase",
            "title",
            "translate",
            "upper",
            "zfill",
        ],
    ),
    (
        "bytes",
        &[
            "decode",
            "endswith",
            "find",
            "join",
            "lower",
            "lstrip",
            "replace",
            "rstrip",
            "split",
            "splitlines",
            "startswith",
            "strip",
        ],
    ),
    (
        "list",
        &[
            "append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort",
        ],
    ),
    ("tuple", &["count", "index"]),
    (
        "dict",
        &[
            "clear",
            "copy",
            "get",
            "items",
            "keys",
            "pop",
            "popitem",
            "setdefault",
            "update",
            "values",
        ],
    ),
    (
        "set",
        &[
            "add",
            "clear",
            "copy",
            "difference",
            "difference_update",
            "discard",
            "intersection",
            "issubset",
            "issuperset",
            "pop",
            "remove",
            "symmetric_difference",
            "union",
            "update",
        ],
    ),
    (
        "file",
        &["close", "flush", "read", "readline", "readlines", "seek", "tell"],
    ),
    (
        "path",
        &[
            "absolute",
            "as_posix",
            "exists",
            "glob",
            "is_dir",
            "is_file",
            "iterdir",
            "joinpath",
            "mkdir",
            "open",
            "read_bytes",
            "read_text",
            "relative_to",
            "resolve",
            "rglob",
            "touch",
            "unlink",
            "with_name",
            "with_suffix",
            "write_bytes",
            "write_text",
        ],
    ),
];

/// Whether objects of this form have a method of this name.
fn is_method(form: &Form, name: &str) -> bool {
    let class = match form {
        Form::Str(_) => "str",
        Form::Bytes(_) => "bytes",
        Form::List(_) => "list",
        Form::Tuple(_) => "tuple",
        Form::Dict(_) => "dict",
        Form::Set(_) => "set",
        Form::File(_) => "file",
        Form::Path(_) => "path",
        Form::Match(_) => return matches!(name, "group" | "groups" | "groupdict" | "start" | "end" | "span"),
        Form::Pattern(..) => {
            return matches!(
                name,
                "search" | "match" | "fullmatch" | "findall" | "finditer" | "sub" | "split"
            );
        }
        _ => return false,
    };
    METHODS
        .iter()
        .any(|(known, methods)| *known == class && methods.contains(&name))
}

/// Whether Python mangles an attribute's name in a class.
fn is_private(name: &str) -> bool {
    name.starts_with("__") && !name.ends_with("__")
}

impl Machine {
    /// `object.name`.
    pub(super) fn attribute(&mut self, object: &Object, name: &str, node: &impl Ranged) -> Outcome {
        let place = self.place(node);
        if mentions::reaches_namespaces(name) {
            self.wild(node);
            return Ok(self.unknown(node, "may change any name"));
        }
        let form = match &object.form {
            Form::Class(class) => {
                let bound = class.names.borrow().get(name).cloned();
                let is_data = |value: &Object| !matches!(value.form, Form::Function(_));
                return Ok(match bound.filter(is_data) {
                    Some(value) if class.is_plain && !is_private(name) => value,
                    _ => self.looked_up(object, node),
                });
            }
            Form::Module(names) => match names.borrow().get(name) {
                Some(value) => return Ok(value.clone()),
                None => return Err(Halt::Raised("AttributeError".into(), name.into())),
            },
            Form::Library(module) => {
                let full = format!("{module}.{name}");
                if self.patched.contains(&full) {
                    return Ok(self.unknown(node, "was set to something else"));
                }
                if let Some(constant) = self.constant(&full, node) {
                    return Ok(constant);
                }
                // Whether it is there is certain only for what every Python has.
                self.doubts += usize::from(!library::exists(&full));
                Form::Library(full.into())
            }
            Form::Path(path) => match name {
                "parent" => Form::Path(pure(path.parent().unwrap_or(path))),
                "name" if !path.ends_with("..") => Form::text(path.file_name().unwrap_or_default().to_string_lossy()),
                "stem" if !path.ends_with("..") && !path.to_string_lossy().ends_with('.') => {
                    Form::text(path.file_stem().unwrap_or_default().to_string_lossy())
                }
                _ if is_method(&object.form, name) => Form::Method(Rc::new(object.clone()), name.into()),
                _ => return Ok(self.looked_up(object, node)),
            },
            Form::VersionInfo(items) => match PARTS_OF_VERSION.iter().position(|part| *part == name) {
                Some(at) => return Ok(items[at].clone()),
                None => return Ok(self.looked_up(object, node)),
            },
            Form::Spec(source) | Form::Loader(source) => match (&object.form, name) {
                (Form::Spec(_), "loader") => Form::Loader(Rc::clone(source)),
                (_, "name") => Form::text(&source.name),
                (Form::Loader(_), "exec_module" | "load_module") => Form::Method(Rc::new(object.clone()), name.into()),
                _ => return Ok(self.looked_up(object, node)),
            },
            Form::Str(_)
            | Form::Bytes(_)
            | Form::List(_)
            | Form::Tuple(_)
            | Form::Dict(_)
            | Form::Set(_)
            | Form::File(_)
            | Form::Match(_)
            | Form::Pattern(..)
                if is_method(&object.form, name) =>
            {
                Form::Method(Rc::new(object.clone()), name.into())
            }
            Form::None => return Err(Halt::Raised("AttributeError".into(), name.into())),
            _ => return Ok(self.looked_up(object, node)),
        };
        Ok(Object::new(form, place))
    }

    /// `object.name(arguments)`.
    pub(super) fn method(&mut self, object: &Object, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        // An unknown argument makes the result unknown; but a list that it is put into is unknown at that place only.
        let is_store = matches!(name, "append" | "insert" | "setdefault" | "extend" | "update");
        if !is_store && !arguments.are_known() {
            return Ok(None);
        }
        match &object.form {
            Form::Str(text) => self.str_method(text, name, arguments, node),
            Form::Bytes(bytes) => Ok(text::bytes_method(bytes, name, arguments)),
            Form::List(items) => self.list_method(items, name, arguments, node),
            Form::Dict(entries) => self.dict_method(entries, name, arguments, object, node),
            Form::Set(items) => {
                self.effects += 1;
                Ok(container::set_method(items, name, arguments))
            }
            Form::Tuple(items) => Ok(match (name, arguments.positional.as_slice()) {
                ("index", [wanted]) => {
                    let equal: Option<Vec<_>> = items.iter().map(|item| item.equals(wanted)).collect();
                    equal
                        .and_then(|equal| equal.into_iter().position(|equal| equal))
                        .map(Form::index)
                }
                _ => None,
            }),
            Form::File(file) => {
                self.effects += 1;
                Ok(file::file_method(file, name, arguments, object))
            }
            Form::Match(groups) => groups::match_method(groups, name, arguments, object),
            Form::Pattern(pattern, flags) => {
                let mut all = vec![Object::new(Form::Pattern(Rc::clone(pattern), *flags), object.place)];
                // For the others, a second argument would be the position where the search begins.
                let most = match name {
                    "sub" => 3,
                    "split" => 2,
                    _ => 1,
                };
                if arguments.positional.len() > most || !arguments.named.is_empty() {
                    return Ok(None);
                }
                all.extend(arguments.positional.iter().cloned());
                self.library(&format!("re.{name}"), &Arguments::of(all), node)
            }
            Form::Path(path) => self.path_method(path, name, arguments, node),
            Form::Loader(source) => library::load(self, source, name, arguments, node),
            _ => Ok(None),
        }
    }
}
