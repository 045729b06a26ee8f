//! The part of Python's library, and of setuptools, that `setup.py` files use.

use std::path::PathBuf;
use std::rc::Rc;

use ruff_text_size::Ranged;

use super::super::value::Place;
use super::call::Arguments;
use super::files::pure;
use super::methods::Known;
use super::object::{Content, Form, Object, Position};
use super::shared::{Sequence, Shared};
use super::{Halt, Machine, pattern};

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
    "__import__",
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

/// Functions, classes and modules that every Python and setuptools of today has.
const CERTAIN: &[&str] = &[
    "argparse.ArgumentParser",
    "ast.literal_eval",
    "ast.parse",
    "codecs.open",
    "collections.Counter",
    "collections.OrderedDict",
    "collections.abc",
    "collections.defaultdict",
    "collections.namedtuple",
    "configparser.ConfigParser",
    "configparser.RawConfigParser",
    "contextlib.contextmanager",
    "contextlib.suppress",
    "copy.copy",
    "copy.deepcopy",
    "datetime.date",
    "datetime.datetime",
    "datetime.timedelta",
    "distutils.cmd",
    "distutils.cmd.Command",
    "distutils.command",
    "distutils.command.build",
    "distutils.command.build.build",
    "distutils.command.build_ext",
    "distutils.command.build_ext.build_ext",
    "distutils.command.build_py",
    "distutils.command.build_py.build_py",
    "distutils.command.install",
    "distutils.command.install.install",
    "distutils.command.sdist",
    "distutils.command.sdist.sdist",
    "distutils.core",
    "distutils.core.Command",
    "distutils.core.Extension",
    "distutils.core.setup",
    "distutils.dist",
    "distutils.errors",
    "distutils.extension",
    "distutils.util",
    "fnmatch.fnmatch",
    "functools.partial",
    "functools.wraps",
    "glob.glob",
    "glob.iglob",
    "importlib.import_module",
    "importlib.machinery",
    "importlib.util",
    "io.BytesIO",
    "io.StringIO",
    "io.open",
    "itertools.chain",
    "itertools.chain.from_iterable",
    "json.dump",
    "json.dumps",
    "json.load",
    "json.loads",
    "os.chdir",
    "os.environ",
    "os.environ.get",
    "os.getcwd",
    "os.getenv",
    "os.listdir",
    "os.makedirs",
    "os.mkdir",
    "os.path",
    "os.path.abspath",
    "os.path.basename",
    "os.path.dirname",
    "os.path.exists",
    "os.path.expanduser",
    "os.path.isdir",
    "os.path.isfile",
    "os.path.join",
    "os.path.normpath",
    "os.path.realpath",
    "os.path.relpath",
    "os.path.split",
    "os.path.splitext",
    "os.remove",
    "os.system",
    "os.walk",
    "pathlib.Path",
    "pathlib.Path.cwd",
    "pathlib.PosixPath",
    "pathlib.PurePath",
    "platform.machine",
    "platform.python_implementation",
    "platform.python_version",
    "platform.system",
    "re.DOTALL",
    "re.I",
    "re.IGNORECASE",
    "re.M",
    "re.MULTILINE",
    "re.S",
    "re.VERBOSE",
    "re.X",
    "re.compile",
    "re.escape",
    "re.findall",
    "re.finditer",
    "re.match",
    "re.search",
    "re.split",
    "re.sub",
    "runpy.run_path",
    "setuptools.Command",
    "setuptools.Distribution",
    "setuptools.Extension",
    "setuptools.command",
    "setuptools.command.build_ext",
    "setuptools.command.build_ext.build_ext",
    "setuptools.command.build_py",
    "setuptools.command.build_py.build_py",
    "setuptools.command.develop",
    "setuptools.command.develop.develop",
    "setuptools.command.egg_info",
    "setuptools.command.egg_info.egg_info",
    "setuptools.command.install",
    "setuptools.command.install.install",
    "setuptools.command.sdist",
    "setuptools.command.sdist.sdist",
    "setuptools.dist",
    "setuptools.dist.Distribution",
    "setuptools.extension",
    "setuptools.extension.Extension",
    "setuptools.find_namespace_packages",
    "setuptools.find_packages",
    "setuptools.setup",
    "shutil.copy",
    "shutil.copyfile",
    "shutil.copytree",
    "shutil.rmtree",
    "shutil.which",
    "string.Template",
    "subprocess.CalledProcessError",
    "subprocess.PIPE",
    "subprocess.Popen",
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.check_output",
    "subprocess.run",
    "sys.exit",
    "sys.modules",
    "sys.path",
    "sys.path.append",
    "sys.path.insert",
    "sys.stderr",
    "sys.stdout",
    "sys.version",
    "textwrap.dedent",
    "time.time",
    "typing.Any",
    "typing.Dict",
    "typing.List",
    "typing.Optional",
    "typing.Tuple",
    "typing.Union",
    "unittest.TestCase",
    "urllib.parse",
    "urllib.request",
];

/// Parts of the library that Python or setuptools gave up, or has not long had.
const PASSING: [&str; 2] = ["pkg_resources", "tomllib"];

/// Whether a name of the library stands for a function, a class or a module that is certainly there.
pub(super) fn is_certain(name: &str) -> bool {
    let is_top = !name.contains('.') && is_module(name) && !PASSING.contains(&name);
    let is_builtin = name
        .strip_prefix("builtins.")
        .is_some_and(|name| BUILTINS.contains(&name));
    // `from __future__ import …` is known to the parser.
    is_top || is_builtin || name.starts_with("__future__.") || SILENT.contains(&name) || CERTAIN.contains(&name)
}

impl Machine {
    #[expect(clippy::too_many_lines, reason = "a table of functions is read line by line")]
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
                self.effects += 1;
                let first = arguments.positional.first().and_then(Object::as_int) == Some(0);
                self.search_in(arguments.positional.get(1), first);
                return Ok(Some(Form::None));
            }
            "sys.path.append" => {
                self.effects += 1;
                self.search_in(arguments.positional.first(), false);
                return Ok(Some(Form::None));
            }
            "builtins.__import__" => {
                let Some(module) = arguments.text(0, "name").map(ToOwned::to_owned) else {
                    self.wild(node);
                    return Ok(None);
                };
                let top = module.split('.').next().unwrap_or(&module);
                return self.module(&module, top, node).map(|module| Some(module.form));
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
            // A dict holds what only Python knows as it holds the rest.
            "builtins.dict"
                if !arguments
                    .positional
                    .iter()
                    .any(|from| matches!(from.form, Form::Unknown(_))) => {}
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
            re if re.starts_with("re.") => Ok(self.re_call(&re[3..], arguments, node)),
            "io.open" | "codecs.open" => self.open(arguments, node, &**name == "codecs.open"),
            "setuptools.find_packages" => Ok(self.find(false, arguments, node)),
            "setuptools.find_namespace_packages" => Ok(self.find(true, arguments, node)),
            "pathlib.Path" | "pathlib.PurePath" | "pathlib.PosixPath" => {
                let mut path = PathBuf::new();
                for part in &arguments.positional {
                    let Some(part) = part.as_path() else { return Ok(None) };
                    path.push(part);
                }
                Ok(Some(Form::Path(pure(&path))))
            }
            "pathlib.Path.cwd" => Ok(Some(Form::Path(self.root.clone()))),
            "collections.OrderedDict" => {
                let made = self.builtin_call("dict", arguments, node)?;
                if let Some(Form::Dict(entries)) = &made {
                    // Written out, it is none.
                    entries.set_sequence(Sequence::Loose);
                }
                Ok(made)
            }
            "itertools.chain" => {
                let mut all = Vec::new();
                for each in &arguments.positional {
                    match self.ordered_items(each, node)? {
                        Ok(items) => all.extend(items),
                        Err(why) => return Ok(Some(Form::Unknown(why))),
                    }
                }
                Ok(Some(Object::once(all, &arguments.positional)))
            }
            "itertools.chain.from_iterable" => {
                let [all] = arguments.positional.as_slice() else {
                    return Ok(None);
                };
                match self.ordered_items(all, node)? {
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
            "json.loads" | "json.load" if !arguments.named.iter().all(is_ordered_hook) => Ok(None),
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
            "runpy.run_path" => self.run_path(arguments, node),
            _ => Ok(None),
        }
    }
}

/// `object_pairs_hook=OrderedDict`, which keeps what is there.
fn is_ordered_hook((name, value): &(String, Object)) -> bool {
    let is_ordered = matches!(&value.form, Form::Library(class) if &**class == "collections.OrderedDict");
    name == "object_pairs_hook" && is_ordered
}

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
            // Of large integers and fractions the last digit may be another one.
            None => return None,
        },
        serde_json::Value::String(text) => Form::Str(text.as_str().into()),
        serde_json::Value::Array(items) => Form::List(Shared::new(items.iter().map(object).collect::<Option<_>>()?)),
        serde_json::Value::Object(entries) => {
            let entry = |(key, value): (&String, &serde_json::Value)| Some((Object::str(key, place), object(value)?));
            Form::Dict(Shared::new(entries.iter().map(entry).collect::<Option<_>>()?))
        }
    })
}

fn is_flat(items: &[Object]) -> bool {
    items
        .iter()
        .all(|item| matches!(item.form, Form::Str(_) | Form::Int(_) | Form::Bool(_) | Form::None))
}
