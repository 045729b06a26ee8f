//! The part of Python's library, and of setuptools, that `setup.py` files use.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use super::super::discovery::{Find, find_packages, fnmatch};
use super::super::source_file::{SourceFile, read_regular};
use super::super::value::Place;
use super::call::Arguments;
use super::methods::{Known, is_utf8, sorted};
use super::object::{Content, Form, Object, OpenFile, Position, Shared};
use super::pattern::{self, Anchor};
use super::statement::insert;
use super::{Frame, Halt, MAX_LENGTH, Machine, expression, format};

/// Modules whose import changes nothing that matters here, and does not fail.
const MODULES: &[&str] = &[
    "__future__",
    "abc",
    "argparse",
    "ast",
    "atexit",
    "base64",
    "builtins",
    "codecs",
    "collections",
    "configparser",
    "contextlib",
    "copy",
    "csv",
    "ctypes",
    "datetime",
    "distutils",
    "email",
    "enum",
    "errno",
    "fnmatch",
    "functools",
    "getpass",
    "glob",
    "hashlib",
    "importlib",
    "inspect",
    "io",
    "itertools",
    "json",
    "locale",
    "logging",
    "math",
    "multiprocessing",
    "operator",
    "os",
    "pathlib",
    "pkgutil",
    "platform",
    "pprint",
    "random",
    "re",
    "runpy",
    "setuptools",
    "shlex",
    "shutil",
    "site",
    "socket",
    "stat",
    "string",
    "struct",
    "subprocess",
    "sys",
    "sysconfig",
    "tarfile",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "tokenize",
    "tomllib",
    "traceback",
    "types",
    "typing",
    "unittest",
    "urllib",
    "uuid",
    "warnings",
    "zipfile",
    "pkg_resources",
];

/// Built-in functions, classes and exceptions by name.
const BUILTINS: &[&str] = &[
    "AssertionError",
    "AttributeError",
    "BaseException",
    "EnvironmentError",
    "Exception",
    "FileNotFoundError",
    "IOError",
    "ImportError",
    "IndexError",
    "KeyError",
    "LookupError",
    "ModuleNotFoundError",
    "NameError",
    "NotImplementedError",
    "OSError",
    "RuntimeError",
    "SystemExit",
    "TypeError",
    "UnicodeDecodeError",
    "ValueError",
    "all",
    "any",
    "bool",
    "compile",
    "dict",
    "enumerate",
    "eval",
    "exec",
    "exit",
    "filter",
    "float",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "int",
    "isinstance",
    "len",
    "list",
    "locals",
    "map",
    "max",
    "min",
    "object",
    "open",
    "print",
    "quit",
    "range",
    "repr",
    "reversed",
    "set",
    "setattr",
    "sorted",
    "str",
    "sum",
    "tuple",
    "type",
    "vars",
    "zip",
];

/// Whether `top` is a module of the library, or setuptools.
pub(super) fn is_module(top: &str) -> bool {
    MODULES.contains(&top)
}

/// Whether a name such as `__PROJECT_SETUP__` means nothing to Python.
pub(super) fn is_free_dunder(name: &str) -> bool {
    let inner = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    inner.is_some_and(|inner| inner.contains(|c: char| c.is_ascii_uppercase()))
}

/// The built-in object of this name.
pub(super) fn builtin(name: &str) -> Option<Object> {
    let place = Place {
        file: "setup.py",
        line: 1,
    };
    BUILTINS
        .contains(&name)
        .then(|| Object::new(Form::Library(format!("builtins.{name}").into()), place))
}

/// A constant of the library.
pub(super) fn constant(name: &str, place: Place) -> Option<Object> {
    let form = match name {
        "sys.version_info" => Form::VersionInfo,
        "sys.argv" => Form::Arguments,
        "sys.platform" => Form::Str(if cfg!(target_os = "macos") { "darwin" } else { "linux" }.into()),
        "sys.maxsize" => Form::Int(i64::MAX),
        "os.name" => Form::Str("posix".into()),
        "os.sep" | "os.path.sep" => Form::Str("/".into()),
        "os.linesep" => Form::Str("\n".into()),
        "os.pathsep" => Form::Str(":".into()),
        "os.curdir" => Form::Str(".".into()),
        "os.pardir" => Form::Str("..".into()),
        "typing.TYPE_CHECKING" => Form::Bool(false),
        _ => return None,
    };
    Some(Object::new(form, place))
}

/// The flag of `re` of this name.
pub(super) fn flag(name: &str) -> Option<i64> {
    Some(match name.strip_prefix("re.")? {
        "I" | "IGNORECASE" => pattern::IGNORECASE,
        "M" | "MULTILINE" => pattern::MULTILINE,
        "S" | "DOTALL" => pattern::DOTALL,
        "X" | "VERBOSE" => pattern::VERBOSE,
        "U" | "UNICODE" => pattern::UNICODE,
        _ => return None,
    })
}

/// Functions without an effect that matters, and without a result that anybody uses.
const SILENT: &[&str] = &[
    "builtins.print",
    "logging.basicConfig",
    "logging.debug",
    "logging.error",
    "logging.info",
    "logging.warning",
    "pprint.pprint",
    "sys.stderr.flush",
    "sys.stderr.write",
    "sys.stdout.flush",
    "sys.stdout.write",
    "sys.setrecursionlimit",
    "time.sleep",
    "warnings.filterwarnings",
    "warnings.simplefilter",
    "warnings.warn",
];

impl Machine {
    /// Calls a function of the library. `None` where it is not known.
    pub(super) fn library(&mut self, name: &Rc<str>, arguments: &Arguments, node: &impl Ranged) -> Known {
        if SILENT.contains(&&**name) {
            return Ok(Some(Form::None));
        }
        if let Some(method) = name.strip_prefix("builtins.str.") {
            let Some((text, rest)) = arguments.positional.split_first() else {
                return Ok(None);
            };
            return self.method(text, method, &Arguments::of(rest.to_vec()), node);
        }
        match &**name {
            "sys.path.insert" => {
                let first = arguments.positional.first().and_then(Object::as_int) == Some(0);
                self.search_in(arguments.positional.get(1), first);
                return Ok(Some(Form::None));
            }
            "sys.path.append" => {
                self.search_in(arguments.positional.first(), false);
                return Ok(Some(Form::None));
            }
            "builtins.setattr" => {
                let [object, name, value] = arguments.positional.as_slice() else {
                    return Ok(None);
                };
                match name.as_str() {
                    Some(name) => self.set_attribute(object, name, value.clone(), node),
                    None => self.wild(node),
                }
                if name.as_str().is_none() && matches!(object.form, Form::Library(_)) {
                    self.give_up(node, "may change how setuptools works");
                }
                return Ok(Some(Form::None));
            }
            "builtins.globals" | "builtins.locals" | "builtins.vars" | "builtins.eval" => {
                self.wild(node);
                return Ok(None);
            }
            "os.environ.get" | "os.getenv" => {
                let why = self.dynamic(node, "depends on the environment");
                return Ok(Some(Form::Unknown(why)));
            }
            "sys.exit" | "os._exit" | "builtins.exit" | "builtins.quit" => {
                return Err(Halt::Raised("SystemExit".into(), "".into()));
            }
            "builtins.len" | "builtins.list" | "builtins.tuple" | "builtins.sorted" | "builtins.reversed" => {}
            _ if arguments
                .each()
                .any(|argument| matches!(argument.form, Form::Unknown(_))) =>
            {
                return Ok(None);
            }
            _ => {}
        }
        match &**name {
            builtin if builtin.starts_with("builtins.") && &**name != "builtins.hasattr" => {
                self.builtin_call(&builtin[9..], arguments, node)
            }
            path if path.starts_with("os.") => self.os_call(&path[3..], arguments, node),
            re if re.starts_with("re.") => self.re_call(&re[3..], arguments, node),
            "io.open" | "codecs.open" => self.open(arguments, node, &**name == "codecs.open"),
            "setuptools.find_packages" => self.find(false, arguments, node),
            "setuptools.find_namespace_packages" => self.find(true, arguments, node),
            "pathlib.Path" | "pathlib.PurePath" | "pathlib.PosixPath" => {
                let mut path = PathBuf::new();
                for part in &arguments.positional {
                    match &part.form {
                        Form::Str(part) => path.push(&**part),
                        Form::Path(part) => path.push(part),
                        _ => return Ok(None),
                    }
                }
                Ok(Some(Form::Path(pure(&path))))
            }
            "pathlib.Path.cwd" => Ok(Some(Form::Path(self.root.clone()))),
            "collections.OrderedDict" => self.builtin_call("dict", arguments, node),
            "itertools.chain" => {
                let mut all = Vec::new();
                for each in &arguments.positional {
                    match self.items(each, node)? {
                        Ok(items) => all.extend(items),
                        Err(why) => return Ok(Some(Form::Unknown(why))),
                    }
                }
                Ok(Some(Form::List(Shared::new(all))))
            }
            "itertools.chain.from_iterable" => {
                let [all] = arguments.positional.as_slice() else {
                    return Ok(None);
                };
                match self.items(all, node)? {
                    Ok(items) => self.library(&"itertools.chain".into(), &Arguments::of(items), node),
                    Err(why) => Ok(Some(Form::Unknown(why))),
                }
            }
            // Other interpreters than CPython are not what images run.
            "builtins.hasattr" if matches!(arguments.text(1, ""), Some(name) if name.starts_with("pypy_")) => {
                Ok(Some(Form::Bool(false)))
            }
            "platform.python_implementation" if arguments.is_empty() => Ok(Some(Form::Str("CPython".into()))),
            "glob.glob" | "glob.iglob" if arguments.named.is_empty() => Ok(self.glob(arguments, node)),
            "platform.system" if arguments.is_empty() => Ok(Some(Form::Str(
                if cfg!(target_os = "macos") { "Darwin" } else { "Linux" }.into(),
            ))),
            "ast.literal_eval" => Ok(self.literal(arguments, node)),
            "json.loads" => Ok(arguments.text(0, "s").and_then(|text| json(text, self.place(node)))),
            "json.load" => {
                let Some(Form::File(file)) = arguments.positional.first().map(|file| &file.form) else {
                    return Ok(None);
                };
                Ok(match &file.content {
                    Content::Text(text) if file.position.replace(Position::End) == Position::Start => {
                        json(text, self.place(node))
                    }
                    _ => None,
                })
            }
            "copy.copy" | "copy.deepcopy" => Ok(match arguments.positional.first().map(|object| &object.form) {
                Some(Form::List(items)) => items
                    .get()
                    .ok()
                    .filter(|items| is_flat(items))
                    .map(|items| Form::List(Shared::new(items.clone()))),
                Some(form @ (Form::Str(_) | Form::Int(_) | Form::None | Form::Bool(_))) => Some(form.clone()),
                _ => None,
            }),
            "textwrap.dedent" | "inspect.cleandoc" => Ok(None),
            "runpy.run_path" => self.run_path(arguments, node),
            _ => Ok(None),
        }
    }

    fn builtin_call(&mut self, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        let place = self.place(node);
        if name.ends_with("Error") || name.ends_with("Exception") || name == "SystemExit" {
            let message = arguments.positional.first().and_then(format::str).unwrap_or_default();
            return Ok(Some(Form::Exception(name.into(), message.into())));
        }
        let first = arguments.positional.first();
        // What is made of all items of one object.
        let items = match (name, first) {
            (
                "list" | "tuple" | "sorted" | "reversed" | "set" | "frozenset" | "any" | "all" | "enumerate" | "sum",
                Some(first),
            ) => {
                if let (Form::Set(items), "sorted" | "set" | "frozenset" | "any" | "all") = (&first.form, name) {
                    items.get().map(|items| items.clone())
                } else {
                    self.items(first, node)?
                }
            }
            _ => Ok(Vec::new()),
        };
        let items = match items {
            Ok(items) => items,
            Err(why) => return Ok(Some(Form::Unknown(why))),
        };
        let list = |items: Vec<Object>| Some(Form::List(Shared::new(items)));
        Ok(match (name, arguments.positional.as_slice()) {
            ("str", [value]) => format::str(value).map(|text| Form::Str(text.into())),
            ("str", []) => Some(Form::Str("".into())),
            ("repr", [value]) => format::repr(value).map(|text| Form::Str(text.into())),
            ("int", [value]) => match (value.as_int(), value.as_str()) {
                (Some(number), _) => Some(Form::Int(number)),
                (None, Some(text)) => {
                    let text = text.trim();
                    let is_plain =
                        !text.is_empty() && text.len() < 18 && text.bytes().all(|byte| byte.is_ascii_digit());
                    if !is_plain
                        && text.is_ascii()
                        && !text.contains('_')
                        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
                    {
                        return Err(Halt::Raised("ValueError".into(), "invalid literal for int()".into()));
                    }
                    is_plain.then(|| text.parse().ok()).flatten().map(Form::Int)
                }
                _ => None,
            },
            ("bool", [value]) => value.truthy().ok().map(Form::Bool),
            ("len", [value]) => length(value)
                .and_then(|length| i64::try_from(length).ok())
                .map(Form::Int),
            ("list", []) => list(Vec::new()),
            ("list", [_]) => list(items),
            ("tuple", [] | [_]) => Some(Form::Tuple(items.into())),
            ("set" | "frozenset", [] | [_]) => {
                let hashable = items
                    .iter()
                    .all(|item| matches!(item.form, Form::Str(_) | Form::Int(_) | Form::Tuple(_) | Form::None));
                hashable.then(|| Form::Set(Shared::new(expression::distinct(items))))
            }
            ("sorted", [_]) if arguments.named.is_empty() => sorted(&items).and_then(list),
            ("reversed", [_]) => list(items.into_iter().rev().collect()),
            ("any" | "all", [_]) => {
                let truths: Result<Vec<_>, _> = items.iter().map(Object::truthy).collect();
                truths.ok().map(|truths| {
                    Form::Bool(if name == "any" {
                        truths.contains(&true)
                    } else {
                        !truths.contains(&false)
                    })
                })
            }
            ("enumerate", [_]) if arguments.named.is_empty() => {
                let number = |(index, item): (usize, Object)| {
                    let index = Object::new(Form::Int(i64::try_from(index).unwrap_or(i64::MAX)), place);
                    Object::new(Form::Tuple([index, item].into()), place)
                };
                list(items.into_iter().enumerate().map(number).collect())
            }
            ("sum", [_]) => items.iter().map(Object::as_int).sum::<Option<i64>>().map(Form::Int),
            ("sum", [_, start]) => {
                let mut total = start.clone();
                for item in items {
                    total = self.operate(ruff_python_ast::Operator::Add, total, item, node)?;
                }
                Some(total.form)
            }
            ("range", bounds) => {
                let bounds: Option<Vec<_>> = bounds.iter().map(Object::as_int).collect();
                let (start, end) = match bounds.as_deref() {
                    Some([end]) => (0, *end),
                    Some([start, end]) => (*start, *end),
                    _ => return Ok(None),
                };
                if end.saturating_sub(start) > 100_000 {
                    return Ok(None);
                }
                list(
                    (start..end)
                        .map(|number| Object::new(Form::Int(number), place))
                        .collect(),
                )
            }
            ("zip", all) => {
                let mut columns = Vec::new();
                for each in all {
                    match self.items(each, node)? {
                        Ok(items) => columns.push(items),
                        Err(why) => return Ok(Some(Form::Unknown(why))),
                    }
                }
                let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
                let row = |at: usize| {
                    let cells = columns.iter().map(|column| column[at].clone()).collect();
                    Object::new(Form::Tuple(cells), place)
                };
                list((0..rows).map(row).collect())
            }
            ("map" | "filter", [function, over]) => {
                let items = match self.items(over, node)? {
                    Ok(items) => items,
                    Err(why) => return Ok(Some(Form::Unknown(why))),
                };
                let mut made = Vec::new();
                for item in items {
                    if name == "filter" && matches!(function.form, Form::None) {
                        match item.truthy() {
                            Ok(true) => made.push(item),
                            Ok(false) => {}
                            Err(why) => return Ok(Some(Form::Unknown(why))),
                        }
                        continue;
                    }
                    let result = self.apply(function, Arguments::of(vec![item.clone()]), node)?;
                    if name == "map" {
                        made.push(result);
                        continue;
                    }
                    match result.truthy() {
                        Ok(true) => made.push(item),
                        Ok(false) => {}
                        Err(why) => return Ok(Some(Form::Unknown(why))),
                    }
                }
                list(made)
            }
            ("dict", []) => {
                let entries = arguments
                    .named
                    .iter()
                    .map(|(key, value)| (Object::str(key, place), value.clone()));
                Some(Form::Dict(Shared::new(entries.collect())))
            }
            ("dict", [from]) => {
                let mut entries = match &from.form {
                    Form::Dict(entries) => match entries.get() {
                        Ok(entries) => entries.clone(),
                        Err(why) => return Ok(Some(Form::Unknown(why))),
                    },
                    _ => {
                        let pairs = match self.items(from, node)? {
                            Ok(pairs) => pairs,
                            Err(why) => return Ok(Some(Form::Unknown(why))),
                        };
                        let mut entries = Vec::new();
                        for pair in pairs {
                            match self.items(&pair, node)?.as_deref() {
                                Ok([key, value]) if key.as_str().is_some() => {
                                    insert(&mut entries, key.clone(), value.clone())
                                }
                                _ => return Ok(None),
                            }
                        }
                        entries
                    }
                };
                for (key, value) in &arguments.named {
                    insert(&mut entries, Object::str(key, place), value.clone());
                }
                Some(Form::Dict(Shared::new(entries)))
            }
            ("isinstance", [value, class]) => is_instance(value, class).map(Form::Bool),
            ("open", _) => return self.open(arguments, node, false),
            ("compile", [code, _, mode]) if mode.as_str() == Some("exec") => Some(code.form.clone()),
            ("exec", _) => return self.exec(arguments, node),
            _ => None,
        })
    }

    // ---- Files ----

    /// A path as the program means it: setup.py runs in its own directory.
    pub(super) fn located(&self, path: &Path) -> PathBuf {
        normal(&self.root.join(path))
    }

    /// What a file of the project holds.
    fn content(&mut self, path: &Path, node: &impl Ranged) -> Result<Result<Vec<u8>, Form>, Halt> {
        if let Some(why) = &self.moved {
            return Ok(Err(Form::Unknown(Rc::clone(why))));
        }
        let located = self.located(path);
        let shown = path.to_string_lossy();
        let real = match located.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Halt::Raised(
                    "FileNotFoundError".into(),
                    format!("No such file or directory: '{shown}'").into(),
                ));
            }
            Err(_) => return Ok(Err(Form::Unknown(self.dynamic(node, "cannot be read")))),
        };
        if !real.starts_with(&self.root) {
            return Ok(Err(Form::Unknown(
                self.dynamic(node, "reads a file outside of the project"),
            )));
        }
        if real.is_dir() {
            return Err(Halt::Raised("IsADirectoryError".into(), shown.as_ref().into()));
        }
        Ok(read_regular(&real).map_err(|_| Form::Unknown(self.dynamic(node, "cannot be read"))))
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
        let is_plain = bytes.is_ascii()
            || encoding.is_none_or(|encoding| is_utf8(encoding) || matches!(encoding.form, Form::None));
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

    fn open(&mut self, arguments: &Arguments, node: &impl Ranged, is_codecs: bool) -> Known {
        let path = match arguments
            .get(0, if is_codecs { "filename" } else { "file" })
            .map(|path| &path.form)
        {
            Some(Form::Str(path)) => PathBuf::from(&**path),
            Some(Form::Path(path)) => path.clone(),
            _ => return Ok(None),
        };
        let mode = match arguments.get(1, "mode") {
            None => "r",
            Some(mode) => match mode.as_str() {
                Some(mode) => mode,
                None => return Ok(None),
            },
        };
        if mode.contains(['w', 'a', 'x', '+']) {
            let why = self.dynamic(node, "writes a file");
            self.moved.get_or_insert(Rc::clone(&why));
            return Ok(Some(Form::Unknown(why)));
        }
        if arguments.get(if is_codecs { 3 } else { 4 }, "errors").is_some() || arguments.get(5, "newline").is_some() {
            return Ok(None);
        }
        let content = if mode.contains('b') && !is_codecs {
            match self.content(&path, node)? {
                Ok(bytes) => Content::Bytes(bytes.into()),
                Err(unknown) => return Ok(Some(unknown)),
            }
        } else {
            let encoding = arguments.get(if is_codecs { 2 } else { 3 }, "encoding").cloned();
            match self.text(&path, encoding.as_ref(), is_codecs, node)? {
                Ok(text) => Content::Text(text),
                Err(unknown) => return Ok(Some(unknown)),
            }
        };
        Ok(Some(Form::File(Rc::new(OpenFile {
            content,
            position: Cell::new(Position::Start),
        }))))
    }

    fn os_call(&mut self, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        if name == "getcwd" {
            return Ok(Some(Form::Str(self.root.to_string_lossy().as_ref().into())));
        }
        let mut parts = Vec::new();
        for argument in &arguments.positional {
            match &argument.form {
                Form::Str(part) => parts.push(part.to_string()),
                Form::Path(part) => parts.push(part.to_string_lossy().into_owned()),
                _ => return Ok(None),
            }
        }
        let Some(first) = parts.first() else { return Ok(None) };
        let path = Path::new(first);
        let text = |text: &str| Ok(Some(Form::Str(text.into())));
        let asks_tree = matches!(name, "path.exists" | "path.isfile" | "path.isdir" | "listdir");
        if asks_tree {
            if let Some(why) = &self.moved {
                return Ok(Some(Form::Unknown(Rc::clone(why))));
            }
            if !self.located(path).starts_with(&self.root) {
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
            "path.realpath" => {
                let located = self.located(path);
                text(&located.canonicalize().unwrap_or(located).to_string_lossy())
            }
            "path.normpath" if path.is_absolute() => text(&normal(path).to_string_lossy()),
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
            "path.exists" => Ok(Some(Form::Bool(self.located(path).exists()))),
            "path.isfile" => Ok(Some(Form::Bool(self.located(path).is_file()))),
            "path.isdir" => Ok(Some(Form::Bool(self.located(path).is_dir()))),
            "listdir" => {
                let place = self.place(node);
                let Ok(entries) = std::fs::read_dir(self.located(path)) else {
                    return Ok(None);
                };
                let names: Option<Vec<_>> = entries
                    .map(|entry| Some(Object::str(entry.ok()?.file_name().to_str()?, place)))
                    .collect();
                // Like a set, it has no order.
                Ok(names.map(|names| Form::Set(Shared::new(names))))
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
                let located = self.located(path);
                let real = if name == "resolve" {
                    located.canonicalize().ok()
                } else {
                    None
                };
                Ok(Some(Form::Path(real.unwrap_or(located))))
            }
            "joinpath" => {
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

    fn find(&mut self, namespaces: bool, arguments: &Arguments, node: &impl Ranged) -> Known {
        if let Some(why) = &self.moved {
            return Ok(Some(Form::Unknown(Rc::clone(why))));
        }
        let known = ["where", "exclude", "include"];
        if arguments.positional.len() > 3 || arguments.named.iter().any(|(name, _)| !known.contains(&name.as_str())) {
            return Ok(None);
        }
        let strings = |value: &Object| -> Option<Vec<String>> {
            let text = |item: &Object| item.as_str().map(ToOwned::to_owned);
            match &value.form {
                Form::List(items) => items.get().ok()?.iter().map(text).collect(),
                Form::Tuple(items) => items.iter().map(text).collect(),
                Form::Set(items) => items.get().ok()?.iter().map(text).collect(),
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
                _ => return Ok(None),
            }
        }
        for (index, name) in [(1, "exclude"), (2, "include")] {
            let Some(value) = arguments.get(index, name) else {
                continue;
            };
            let Some(patterns) = strings(value) else {
                return Ok(None);
            };
            if name == "exclude" {
                find.exclude = patterns;
            } else {
                find.include = patterns;
            }
        }
        if !self.located(Path::new(&find.place)).starts_with(&self.root) {
            return Ok(None);
        }
        let place = self.place(node);
        Ok(match find_packages(&self.root, &find) {
            Ok(found) => {
                let names = found.into_iter().map(|name| Object::str(name, place)).collect();
                Some(Form::List(Shared::new(names)))
            }
            Err(error) => Some(Form::Unknown(self.dynamic(node, &error.to_string()))),
        })
    }

    /// `glob.glob`, for patterns of a file's name alone.
    fn glob(&mut self, arguments: &Arguments, node: &impl Ranged) -> Option<Form> {
        let place = self.place(node);
        let pattern = arguments.text(0, "pathname")?;
        let (directory, name) = pattern.rsplit_once('/').unwrap_or((".", pattern));
        let is_inside = self.located(Path::new(directory)).starts_with(&self.root);
        if directory.contains(['*', '?', '[']) || name.contains("**") || self.moved.is_some() || !is_inside {
            return None;
        }
        let Ok(entries) = std::fs::read_dir(self.located(Path::new(directory))) else {
            return Some(Form::List(Shared::new(Vec::new())));
        };
        let mut found = Vec::new();
        for entry in entries {
            let file = entry.ok()?.file_name();
            let file = file.to_str()?;
            if fnmatch(name, file) && (!file.starts_with('.') || name.starts_with('.')) {
                let path = if pattern.contains('/') {
                    format!("{directory}/{file}")
                } else {
                    file.to_owned()
                };
                found.push(Object::str(path, place));
            }
        }
        // In no order, like a set.
        Some(Form::Set(Shared::new(found)))
    }

    // ---- Regular expressions ----

    fn re_call(&mut self, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        let flags_of = |value: Option<&Object>| match value.map(|value| &value.form) {
            None => Some(0),
            Some(Form::Int(flags)) => Some(*flags),
            Some(Form::Library(name)) => flag(name),
            _ => None,
        };
        let (pattern, own) = match arguments.get(0, "pattern").map(|pattern| &pattern.form) {
            Some(Form::Str(pattern)) => (Rc::clone(pattern), 0),
            Some(Form::Pattern(pattern, flags)) => (Rc::clone(pattern), *flags),
            _ => return Ok(None),
        };
        if name == "escape" {
            return Ok(None);
        }
        let Some(flags) = flags_of(arguments.get(if name == "compile" { 1 } else { 2 }, "flags")) else {
            return Ok(None);
        };
        if name == "compile" {
            return Ok(Some(Form::Pattern(pattern, own | flags)));
        }
        let Some(text) = arguments.text(1, "string") else {
            return Ok(None);
        };
        let anchor = if name == "match" {
            Anchor::Start
        } else {
            Anchor::Anywhere
        };
        let Some(regex) = pattern::compile(&pattern, own | flags, text, anchor) else {
            return Ok(None);
        };
        let place = self.place(node);
        Ok(match name {
            "search" | "match" => Some(match regex.captures(text) {
                Some(captures) => Form::Match(Rc::new(pattern::groups(&regex, &captures))),
                None => Form::None,
            }),
            "findall" => {
                let count = regex.captures_len();
                let found = regex.captures_iter(text).map(|captures| {
                    let group = |index| Object::str(captures.get(index).map_or("", |group| group.as_str()), place);
                    match count {
                        1 => group(0),
                        2 => group(1),
                        _ => Object::new(Form::Tuple((1..count).map(group).collect()), place),
                    }
                });
                Some(Form::List(Shared::new(found.collect())))
            }
            _ => None,
        })
    }

    // ---- Other code ----

    /// `ast.literal_eval`.
    fn literal(&mut self, arguments: &Arguments, node: &impl Ranged) -> Option<Form> {
        let text = arguments
            .text(0, "node_or_string")?
            .trim_start_matches([' ', '\t'])
            .to_owned();
        let parsed = ruff_python_parser::parse_expression(&text).ok()?;
        let file = Rc::new(SourceFile::from_bytes("setup.py", text.into_bytes()).ok()?);
        let expression = &parsed.syntax().body;
        if !is_literal(expression) {
            return None;
        }
        let frame = Frame {
            file,
            site: Some(self.place(node)),
            ..self.frame.clone()
        };
        self.within(frame, |machine| machine.evaluate(expression))
            .ok()
            .map(|object| object.form)
    }

    /// `exec(code, namespace)`.
    fn exec(&mut self, arguments: &Arguments, node: &impl Ranged) -> Known {
        let Some(code) = arguments.positional.first().and_then(|code| match &code.form {
            Form::Str(text) => Some(text.to_string()),
            Form::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok(),
            _ => None,
        }) else {
            if arguments.positional.len() < 2 {
                self.wild(node);
            }
            return Ok(None);
        };
        match arguments.positional.get(1).map(|names| &names.form) {
            None => {
                let scopes = self.frame.scopes.clone();
                let done = self.run_code(&code, scopes, node)?;
                if done.is_none() {
                    self.wild(node);
                }
                Ok(done.map(|()| Form::None))
            }
            Some(Form::Dict(entries)) => {
                let shared = entries.clone();
                let Ok(names) = shared.get().map(|entries| entries.clone()) else {
                    return Ok(None);
                };
                let names = names
                    .iter()
                    .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.clone())));
                let namespace = Rc::new(RefCell::new(names.collect::<BTreeMap<_, _>>()));
                if self.run_code(&code, vec![Rc::clone(&namespace)], node)?.is_none() {
                    return Ok(None);
                }
                let place = self.place(node);
                if let Ok(mut entries) = shared.get_mut() {
                    for (name, value) in namespace.borrow().iter() {
                        insert(&mut entries, Object::str(name, place), value.clone());
                    }
                }
                Ok(Some(Form::None))
            }
            Some(_) => Ok(None),
        }
    }

    fn run_path(&mut self, arguments: &Arguments, node: &impl Ranged) -> Known {
        let path = match arguments.positional.as_slice() {
            [path] if arguments.named.is_empty() => match &path.form {
                Form::Str(path) => PathBuf::from(&**path),
                Form::Path(path) => path.clone(),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let code = match self.text(&path, None, false, node)? {
            Ok(code) => code,
            Err(unknown) => return Ok(Some(unknown)),
        };
        let place = self.place(node);
        let names = BTreeMap::from([("__name__".to_owned(), Object::str("<run_path>", place))]);
        let namespace = Rc::new(RefCell::new(names));
        if self.run_code(&code, vec![Rc::clone(&namespace)], node)?.is_none() {
            return Ok(None);
        }
        let entries = namespace
            .borrow()
            .iter()
            .map(|(name, value)| (Object::str(name, place), value.clone()))
            .collect();
        Ok(Some(Form::Dict(Shared::new(entries))))
    }

    /// Follows other code in these namespaces; `None` where it cannot be followed to its end.
    fn run_code(
        &mut self,
        code: &str,
        scopes: Vec<super::object::Namespace>,
        node: &impl Ranged,
    ) -> Result<Option<()>, Halt> {
        if code.len() > MAX_LENGTH / 100 {
            return Ok(None);
        }
        let Ok(parsed) = ruff_python_parser::parse_module(code) else {
            return Ok(None);
        };
        let Ok(file) = SourceFile::from_bytes("setup.py", code.as_bytes().to_vec()) else {
            return Ok(None);
        };
        let frame = Frame {
            scopes,
            file: Rc::new(file),
            site: Some(self.place(node)),
            ..self.frame.clone()
        };
        self.depth += 10;
        let ended = self.within(frame, |machine| machine.block(parsed.suite()));
        self.depth -= 10;
        match ended {
            Ok(_) => Ok(Some(())),
            Err(Halt::Doubt(_)) => Ok(None),
            Err(halt) => Err(halt),
        }
    }
}

/// A path as `pathlib` writes it: without `.`.
pub(super) fn pure(path: &Path) -> PathBuf {
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    let pure: PathBuf = parts.collect();
    if pure.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        pure
    }
}

/// A path without `.` and `..`, by its words alone.
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

fn length(value: &Object) -> Option<usize> {
    match &value.form {
        Form::Str(text) => Some(text.chars().count()),
        Form::Bytes(bytes) => Some(bytes.len()),
        Form::List(items) | Form::Set(items) => Some(items.get().ok()?.len()),
        Form::Tuple(items) => Some(items.len()),
        Form::Dict(entries) => Some(entries.get().ok()?.len()),
        _ => None,
    }
}

fn is_instance(value: &Object, class: &Object) -> Option<bool> {
    let classes = match &class.form {
        Form::Tuple(classes) => classes.to_vec(),
        _ => vec![class.clone()],
    };
    let mut found = false;
    for class in classes {
        let Form::Library(name) = &class.form else { return None };
        found |= match (&**name, &value.form) {
            (_, Form::Unknown(_)) => return None,
            ("builtins.str", form) => matches!(form, Form::Str(_)),
            ("builtins.list", form) => matches!(form, Form::List(_)),
            ("builtins.tuple", form) => matches!(form, Form::Tuple(_)),
            ("builtins.dict", form) => matches!(form, Form::Dict(_)),
            ("builtins.set", form) => matches!(form, Form::Set(_)),
            ("builtins.int", form) => matches!(form, Form::Int(_) | Form::Bool(_)),
            _ => return None,
        };
    }
    Some(found)
}

fn is_flat(items: &[Object]) -> bool {
    items
        .iter()
        .all(|item| matches!(item.form, Form::Str(_) | Form::Int(_) | Form::Bool(_) | Form::None))
}

fn is_literal(expression: &Expr) -> bool {
    match expression {
        Expr::StringLiteral(_) | Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) | Expr::NoneLiteral(_) => true,
        Expr::List(list) => list.elts.iter().all(is_literal),
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_literal),
        Expr::Dict(dict) => dict
            .items
            .iter()
            .all(|item| item.key.as_ref().is_some_and(is_literal) && is_literal(&item.value)),
        _ => false,
    }
}

/// A JSON document as Python's `json` reads it.
fn json(text: &str, place: Place) -> Option<Form> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    json_form(&value, place)
}

fn json_form(value: &serde_json::Value, place: Place) -> Option<Form> {
    let object = |value: &serde_json::Value| Some(Object::new(json_form(value, place)?, place));
    Some(match value {
        serde_json::Value::Null => Form::None,
        serde_json::Value::Bool(value) => Form::Bool(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Form::Int(number),
            None => Form::Float(number.as_f64()?),
        },
        serde_json::Value::String(text) => Form::Str(text.as_str().into()),
        serde_json::Value::Array(items) => Form::List(Shared::new(items.iter().map(object).collect::<Option<_>>()?)),
        serde_json::Value::Object(entries) => {
            let entry = |(key, value): (&String, &serde_json::Value)| Some((Object::str(key, place), object(value)?));
            Form::Dict(Shared::new(entries.iter().map(entry).collect::<Option<_>>()?))
        }
    })
}
