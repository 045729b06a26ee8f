//! Python's library, and setuptools, as far as `setup.py` files use them: [one table](TABLE), a row a name.
//!
//! A row says that the name exists, which side effects a call has, and how it is evaluated. Of a name without a row nobody knows
//! whether it exists or what it gives; its side effects are those that its module's row tells.

#![expect(
    clippy::unnecessary_wraps,
    reason = "evaluators are of one type, and some of them raise"
)]

mod back_reference;
mod builtins;
mod code;
mod copy;
mod glob;
mod importlib;
mod io;
mod iterables;
mod itertools;
mod json;
mod os;
mod os_path;
mod pathlib;
mod platform;
mod re;
mod row;
mod setuptools;
mod subprocess;
mod sys;

use ruff_text_size::Ranged;

use super::super::value::Place;
use super::arguments::Arguments;
use super::object::{Form, Object};
use super::{Known, Machine};
pub(super) use importlib::load;
use row::Evaluator::{self, Always, Computed, Evaluated, Unevaluated};
pub(super) use row::SideEffects;
use row::SideEffects::{AnyName, CallsBack, Escapes, Pure, RunsProgram};
use row::{Row, What, exception, flag, function, module, passing, silent, value};
pub(super) use subprocess::may_change_files;

/// Every name that is known, in order.
#[rustfmt::skip]
static TABLE: &[Row] = &[
    module("__future__"),
    module("abc"),
    module("argparse"),
    function("argparse.ArgumentParser", Escapes, Unevaluated),
    module("ast"),
    function("ast.literal_eval", Escapes, Evaluated(code::literal_eval)),
    function("ast.parse", Escapes, Unevaluated),
    module("atexit"),
    module("base64"),
    module("builtins"),
    exception("builtins.AssertionError"),
    exception("builtins.AttributeError"),
    exception("builtins.BaseException"),
    exception("builtins.EnvironmentError"),
    exception("builtins.Exception"),
    exception("builtins.FileNotFoundError"),
    exception("builtins.IOError"),
    exception("builtins.ImportError"),
    exception("builtins.IndexError"),
    exception("builtins.KeyError"),
    exception("builtins.LookupError"),
    exception("builtins.ModuleNotFoundError"),
    exception("builtins.NameError"),
    exception("builtins.NotImplementedError"),
    exception("builtins.OSError"),
    exception("builtins.RuntimeError"),
    exception("builtins.StopIteration"),
    exception("builtins.SystemExit"),
    exception("builtins.TypeError"),
    exception("builtins.UnicodeDecodeError"),
    exception("builtins.ValueError"),
    function("builtins.__import__", AnyName, Always(builtins::import)),
    function("builtins.all", Escapes, Evaluated(iterables::all)),
    function("builtins.any", Escapes, Evaluated(iterables::any)),
    function("builtins.bool", Pure, Computed(builtins::bool)),
    function("builtins.classmethod", Escapes, Computed(builtins::descriptor)),
    function("builtins.compile", Escapes, Computed(code::compile)),
    function("builtins.dict", Escapes, Always(iterables::dict)).that_exhausts(),
    function("builtins.enumerate", Escapes, Evaluated(iterables::enumerate)),
    function("builtins.eval", AnyName, Unevaluated),
    function("builtins.exec", AnyName, Always(code::exec)),
    function("builtins.exit", Escapes, Always(sys::exit)),
    function("builtins.filter", Escapes, Evaluated(iterables::filter)),
    function("builtins.float", Pure, Unevaluated),
    function("builtins.frozenset", Escapes, Evaluated(iterables::set)).that_exhausts(),
    function("builtins.getattr", Escapes, Unevaluated),
    function("builtins.globals", AnyName, Unevaluated),
    function("builtins.hasattr", Pure, Computed(builtins::hasattr)),
    function("builtins.int", Pure, Evaluated(builtins::int)),
    function("builtins.isinstance", Pure, Computed(builtins::isinstance)),
    function("builtins.len", Pure, Computed(builtins::len)),
    function("builtins.list", Escapes, Always(iterables::list)).that_exhausts(),
    function("builtins.locals", AnyName, Unevaluated),
    function("builtins.map", Escapes, Evaluated(iterables::map)),
    function("builtins.max", Escapes, Unevaluated),
    function("builtins.min", Escapes, Unevaluated),
    function("builtins.next", Escapes, Evaluated(iterables::next)),
    function("builtins.object", Escapes, Unevaluated),
    function("builtins.open", Pure, Evaluated(io::open)),
    silent("builtins.print"),
    function("builtins.property", Escapes, Computed(builtins::descriptor)),
    function("builtins.quit", Escapes, Always(sys::exit)),
    function("builtins.range", Pure, Computed(iterables::range)),
    function("builtins.repr", Pure, Computed(builtins::repr)),
    function("builtins.reversed", Escapes, Always(iterables::reversed)),
    function("builtins.set", Escapes, Evaluated(iterables::set)).that_exhausts(),
    function("builtins.setattr", AnyName, Always(builtins::setattr)),
    function("builtins.sorted", Escapes, Always(iterables::sorted)).that_exhausts(),
    function("builtins.staticmethod", Escapes, Computed(builtins::staticmethod)),
    function("builtins.str", Pure, Computed(builtins::str)),
    function("builtins.sum", Escapes, Evaluated(iterables::sum)).that_exhausts(),
    function("builtins.tuple", Escapes, Always(iterables::tuple)).that_exhausts(),
    function("builtins.type", Pure, Unevaluated),
    function("builtins.vars", AnyName, Unevaluated),
    function("builtins.zip", Escapes, Evaluated(iterables::zip)),
    module("codecs"),
    function("codecs.open", Escapes, Evaluated(io::codecs_open)),
    module("collections"),
    function("collections.Counter", Escapes, Unevaluated),
    function("collections.OrderedDict", Escapes, Evaluated(iterables::ordered_dict)).that_exhausts(),
    module("collections.abc"),
    function("collections.defaultdict", Escapes, Unevaluated),
    function("collections.namedtuple", Escapes, Unevaluated),
    module("configparser"),
    function("configparser.ConfigParser", Escapes, Unevaluated),
    function("configparser.RawConfigParser", Escapes, Unevaluated),
    module("contextlib"),
    function("contextlib.contextmanager", Escapes, Unevaluated),
    function("contextlib.suppress", Escapes, Unevaluated),
    module("copy"),
    function("copy.copy", Escapes, Computed(copy::copy)),
    function("copy.deepcopy", Escapes, Computed(copy::copy)),
    module("csv"),
    module("ctypes"),
    module("datetime").whose_functions_are(Pure),
    function("datetime.date", Pure, Unevaluated),
    function("datetime.datetime", Pure, Unevaluated),
    function("datetime.timedelta", Pure, Unevaluated),
    module("distutils"),
    module("distutils.cmd"),
    function("distutils.cmd.Command", Escapes, Unevaluated),
    module("distutils.command"),
    module("distutils.command.build"),
    function("distutils.command.build.build", Escapes, Unevaluated),
    module("distutils.command.build_ext"),
    function("distutils.command.build_ext.build_ext", Escapes, Unevaluated),
    module("distutils.command.build_py"),
    function("distutils.command.build_py.build_py", Escapes, Unevaluated),
    module("distutils.command.install"),
    function("distutils.command.install.install", Escapes, Unevaluated),
    module("distutils.command.sdist"),
    function("distutils.command.sdist.sdist", Escapes, Unevaluated),
    module("distutils.core"),
    function("distutils.core.Command", Escapes, Unevaluated),
    function("distutils.core.Extension", Escapes, Unevaluated),
    function("distutils.core.setup", Escapes, Unevaluated),
    module("distutils.dist"),
    module("distutils.errors"),
    module("distutils.extension"),
    module("distutils.util"),
    module("email"),
    module("enum"),
    module("errno"),
    module("fnmatch"),
    function("fnmatch.fnmatch", Escapes, Unevaluated),
    module("functools"),
    function("functools.partial", Escapes, Unevaluated),
    function("functools.wraps", Escapes, Unevaluated),
    module("getpass"),
    module("glob"),
    function("glob.glob", Escapes, Evaluated(glob::glob)),
    function("glob.iglob", Escapes, Evaluated(glob::glob)),
    module("hashlib"),
    module("importlib"),
    function("importlib.import_module", Escapes, Evaluated(importlib::import_module)),
    module("importlib.machinery"),
    function("importlib.machinery.SourceFileLoader", Escapes, Computed(importlib::source_file_loader)),
    module("importlib.util"),
    function("importlib.util.module_from_spec", Escapes, Computed(importlib::module_from_spec)),
    function("importlib.util.spec_from_file_location", Escapes, Computed(importlib::spec_from_file_location)),
    function("importlib.util.spec_from_loader", Escapes, Computed(importlib::spec_from_loader)),
    module("inspect"),
    module("io"),
    function("io.BytesIO", Escapes, Unevaluated),
    function("io.StringIO", Escapes, Unevaluated),
    function("io.open", Escapes, Evaluated(io::open)),
    module("itertools"),
    function("itertools.chain", Escapes, Evaluated(itertools::chain)),
    function("itertools.chain.from_iterable", Escapes, Evaluated(itertools::from_iterable)),
    module("json").whose_functions_are(CallsBack),
    function("json.dump", CallsBack, Unevaluated),
    function("json.dumps", CallsBack, Unevaluated),
    function("json.load", CallsBack, Computed(json::load)),
    function("json.loads", CallsBack, Computed(json::loads)),
    module("locale"),
    module("logging"),
    silent("logging.basicConfig"),
    silent("logging.debug"),
    silent("logging.error"),
    silent("logging.info"),
    silent("logging.warning"),
    module("math"),
    module("multiprocessing"),
    module("operator"),
    module("os"),
    function("os._exit", Escapes, Always(sys::end_process)),
    function("os.chdir", Escapes, Evaluated(os::chdir)),
    value("os.curdir", || Form::text(".")),
    function("os.environ", Escapes, Unevaluated),
    function("os.getcwd", Escapes, Evaluated(os::getcwd)),
    function("os.getenv", Escapes, Always(os::getenv)),
    value("os.linesep", || Form::text("\n")),
    function("os.listdir", Escapes, Evaluated(os::listdir)),
    function("os.makedirs", Escapes, Unevaluated),
    function("os.mkdir", Escapes, Unevaluated),
    value("os.name", || Form::text("posix")),
    value("os.pardir", || Form::text("..")),
    module("os.path").whose_functions_are(Pure),
    function("os.path.abspath", Pure, Evaluated(os_path::abspath)),
    function("os.path.basename", Pure, Computed(os_path::basename)),
    function("os.path.dirname", Pure, Computed(os_path::dirname)),
    function("os.path.exists", Pure, Evaluated(os_path::exists)),
    function("os.path.expanduser", Pure, Unevaluated),
    function("os.path.isdir", Pure, Evaluated(os_path::isdir)),
    function("os.path.isfile", Pure, Evaluated(os_path::isfile)),
    function("os.path.join", Pure, Computed(os_path::join)),
    function("os.path.normpath", Pure, Computed(os_path::normpath)),
    function("os.path.realpath", Pure, Evaluated(os_path::realpath)),
    function("os.path.relpath", Pure, Unevaluated),
    value("os.path.sep", || Form::text("/")),
    function("os.path.split", Pure, Computed(os_path::split)),
    function("os.path.splitext", Pure, Computed(os_path::splitext)),
    value("os.pathsep", || Form::text(":")),
    function("os.remove", Escapes, Unevaluated),
    value("os.sep", || Form::text("/")),
    function("os.system", Escapes, Unevaluated),
    function("os.walk", Escapes, Evaluated(os::walk)),
    module("pathlib"),
    function("pathlib.Path", Escapes, Computed(pathlib::path)),
    function("pathlib.Path.cwd", Escapes, Evaluated(pathlib::cwd)),
    function("pathlib.PosixPath", Escapes, Computed(pathlib::path)),
    function("pathlib.PurePath", Escapes, Computed(pathlib::path)),
    passing("pkg_resources"),
    module("pkgutil"),
    module("platform").whose_functions_are(Pure),
    function("platform.machine", Pure, Evaluated(platform::machine)),
    function("platform.python_implementation", Pure, Computed(platform::python_implementation)),
    function("platform.python_version", Pure, Evaluated(platform::python_version)),
    function("platform.python_version_tuple", Pure, Evaluated(platform::python_version_tuple)),
    function("platform.system", Pure, Computed(platform::system)),
    module("pprint"),
    silent("pprint.pprint"),
    module("random"),
    module("re").whose_functions_are(CallsBack),
    flag("re.DOTALL", re::DOTALL),
    flag("re.I", re::IGNORECASE),
    flag("re.IGNORECASE", re::IGNORECASE),
    flag("re.M", re::MULTILINE),
    flag("re.MULTILINE", re::MULTILINE),
    flag("re.S", re::DOTALL),
    flag("re.U", re::UNICODE),
    flag("re.UNICODE", re::UNICODE),
    flag("re.VERBOSE", re::VERBOSE),
    flag("re.X", re::VERBOSE),
    function("re.compile", CallsBack, Computed(re::compile)),
    function("re.escape", CallsBack, Computed(re::escape)),
    function("re.findall", CallsBack, Computed(re::findall)),
    function("re.finditer", CallsBack, Computed(re::finditer)),
    function("re.fullmatch", CallsBack, Computed(re::fullmatch)),
    function("re.match", CallsBack, Computed(re::match_)),
    function("re.search", CallsBack, Computed(re::search)),
    function("re.split", CallsBack, Computed(re::split)),
    function("re.sub", CallsBack, Computed(re::sub)),
    module("runpy"),
    function("runpy.run_path", Escapes, Evaluated(code::run_path)),
    module("setuptools"),
    function("setuptools.Command", Escapes, Unevaluated),
    function("setuptools.Distribution", Escapes, Unevaluated),
    function("setuptools.Extension", Escapes, Unevaluated),
    function("setuptools.PEP420PackageFinder", Escapes, Unevaluated),
    function("setuptools.PEP420PackageFinder.find", Escapes, Evaluated(setuptools::find_namespace_packages)),
    function("setuptools.PackageFinder", Escapes, Unevaluated),
    function("setuptools.PackageFinder.find", Escapes, Evaluated(setuptools::find_packages)),
    function("setuptools.__version__", Pure, Unevaluated),
    function("setuptools.__version__.split", Pure, Computed(setuptools::parts_of_version)),
    module("setuptools.command"),
    module("setuptools.command.build_ext"),
    function("setuptools.command.build_ext.build_ext", Escapes, Unevaluated),
    module("setuptools.command.build_py"),
    function("setuptools.command.build_py.build_py", Escapes, Unevaluated),
    module("setuptools.command.develop"),
    function("setuptools.command.develop.develop", Escapes, Unevaluated),
    module("setuptools.command.egg_info"),
    function("setuptools.command.egg_info.egg_info", Escapes, Unevaluated),
    module("setuptools.command.install"),
    function("setuptools.command.install.install", Escapes, Unevaluated),
    module("setuptools.command.sdist"),
    function("setuptools.command.sdist.sdist", Escapes, Unevaluated),
    module("setuptools.discovery"),
    function("setuptools.discovery.PEP420PackageFinder", Escapes, Unevaluated),
    function("setuptools.discovery.PEP420PackageFinder.find", Escapes, Evaluated(setuptools::find_namespace_packages)),
    function("setuptools.discovery.PackageFinder", Escapes, Unevaluated),
    function("setuptools.discovery.PackageFinder.find", Escapes, Evaluated(setuptools::find_packages)),
    module("setuptools.dist"),
    function("setuptools.dist.Distribution", Escapes, Unevaluated),
    module("setuptools.extension"),
    function("setuptools.extension.Extension", Escapes, Unevaluated),
    function("setuptools.find_namespace_packages", Escapes, Evaluated(setuptools::find_namespace_packages)),
    function("setuptools.find_packages", Escapes, Evaluated(setuptools::find_packages)),
    function("setuptools.setup", Escapes, Unevaluated),
    module("shlex"),
    module("shutil"),
    function("shutil.copy", Escapes, Unevaluated),
    function("shutil.copyfile", Escapes, Unevaluated),
    function("shutil.copytree", Escapes, Unevaluated),
    function("shutil.rmtree", Escapes, Unevaluated),
    function("shutil.which", Escapes, Unevaluated),
    module("site"),
    module("socket"),
    module("stat"),
    module("string"),
    function("string.Template", Escapes, Unevaluated),
    module("struct"),
    module("subprocess").whose_functions_are(CallsBack),
    function("subprocess.CalledProcessError", CallsBack, Unevaluated),
    function("subprocess.PIPE", CallsBack, Unevaluated),
    function("subprocess.Popen", CallsBack, Unevaluated),
    function("subprocess.call", RunsProgram, Unevaluated),
    function("subprocess.check_call", CallsBack, Unevaluated),
    function("subprocess.check_output", RunsProgram, Unevaluated),
    function("subprocess.getoutput", RunsProgram, Unevaluated),
    function("subprocess.getstatusoutput", RunsProgram, Unevaluated),
    function("subprocess.run", RunsProgram, Unevaluated),
    module("sys"),
    value("sys.argv", || Form::Arguments),
    function("sys.exit", Escapes, Always(sys::exit)),
    value("sys.maxsize", || Form::Int(i64::MAX)),
    function("sys.modules", Escapes, Unevaluated),
    function("sys.path", Escapes, Unevaluated),
    function("sys.path.append", Escapes, Always(sys::path_append)),
    function("sys.path.insert", Escapes, Always(sys::path_insert)),
    value("sys.platform", || Form::text("linux")),
    silent("sys.setrecursionlimit"),
    function("sys.stderr", Escapes, Unevaluated),
    silent("sys.stderr.flush"),
    silent("sys.stderr.write"),
    function("sys.stdout", Escapes, Unevaluated),
    silent("sys.stdout.flush"),
    silent("sys.stdout.write"),
    function("sys.version", Escapes, Unevaluated),
    module("sysconfig"),
    module("tarfile"),
    module("tempfile"),
    module("textwrap"),
    function("textwrap.dedent", Escapes, Unevaluated),
    module("threading"),
    module("time").whose_functions_are(Pure),
    silent("time.sleep"),
    function("time.time", Pure, Unevaluated),
    module("tokenize"),
    passing("tomllib"),
    module("traceback"),
    module("types"),
    module("typing"),
    function("typing.Any", Escapes, Unevaluated),
    function("typing.Dict", Escapes, Unevaluated),
    function("typing.List", Escapes, Unevaluated),
    function("typing.Optional", Escapes, Unevaluated),
    value("typing.TYPE_CHECKING", || Form::Bool(false)),
    function("typing.Tuple", Escapes, Unevaluated),
    function("typing.Union", Escapes, Unevaluated),
    module("unittest"),
    function("unittest.TestCase", Escapes, Unevaluated),
    module("urllib"),
    module("urllib.parse"),
    module("urllib.request"),
    module("uuid"),
    module("warnings"),
    silent("warnings.filterwarnings"),
    silent("warnings.simplefilter"),
    silent("warnings.warn"),
    module("zipfile"),
];

fn row(name: &str) -> Option<&'static Row> {
    let at = TABLE.binary_search_by(|row| row.name.cmp(name)).ok()?;
    TABLE.get(at)
}

/// Whether a name of the library is certainly there.
pub(super) fn exists(name: &str) -> bool {
    // `from __future__ import …` is known to the parser.
    row(name).is_some_and(|row| row.exists) || name.starts_with("__future__.")
}

/// Whether `top` is a module of the library, or setuptools.
pub(super) fn is_module(top: &str) -> bool {
    row(top).is_some_and(|row| matches!(row.what, What::Module(_)))
}

/// Whether the module `name` can certainly be imported.
pub(super) fn has_module(name: &str) -> bool {
    is_module(name) && exists(name)
}

/// The built-in object of this name.
pub(super) fn builtin(name: &str) -> Option<Object> {
    let place = Place {
        file: "setup.py",
        line: 1,
    };
    let name = format!("builtins.{name}");
    exists(&name).then(|| Object::new(Form::Library(name.into()), place))
}

/// The constant of this name.
fn constant(name: &str, place: Place) -> Option<Object> {
    match row(name)?.what {
        What::Value(value) => Some(Object::new(value(), place)),
        _ => None,
    }
}

/// The number of the flag of this name.
pub(super) fn flag_number(name: &str) -> Option<i64> {
    match row(name)?.what {
        What::Flag(number) => Some(number),
        _ => None,
    }
}

/// Whether a generator given to this function is gone through at once and to its end.
pub(super) fn exhausts(name: &str) -> bool {
    row(name).is_some_and(|row| matches!(row.what, What::Function { exhausts: true, .. }))
}

/// What a call of this function may do.
pub(super) fn side_effects(name: &str) -> SideEffects {
    match row(name).map(|row| &row.what) {
        Some(What::Function { side_effects, .. }) => return *side_effects,
        Some(_) => return Escapes,
        None => {}
    }
    let (module, _) = name.rsplit_once('.').unwrap_or_default();
    match row(module).map(|row| &row.what) {
        Some(What::Module(side_effects)) => *side_effects,
        _ => Escapes,
    }
}

/// `setuptools.setup`, or the `distutils` function that it stands in for.
pub(super) fn is_setup(name: &str) -> bool {
    matches!(name, "setuptools.setup" | "distutils.core.setup")
}

impl Machine {
    /// What a name of the library stands for, if that is no function or module.
    pub(super) fn constant(&mut self, name: &str, node: &impl Ranged) -> Option<Object> {
        match name {
            "os.environ" => Some(self.environ(node)),
            // The same as one number, which is compared as the parts are.
            "sys.version_info" | "sys.hexversion" => Some(self.version_info(node)),
            _ => constant(name, self.place(node)),
        }
    }

    /// What a call of a name of the library gives.
    pub(super) fn library(&mut self, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        // A method that is called by its class.
        if let Some(method) = name.strip_prefix("builtins.str.") {
            let Some((text, rest)) = arguments.positional.split_first() else {
                return Ok(None);
            };
            return self.method(text, method, &Arguments::of(rest.to_vec()), node);
        }
        let evaluator = match row(name).map(|row| &row.what) {
            Some(What::Function { evaluator, .. }) => *evaluator,
            Some(What::Exception) if arguments.are_known() => return Ok(Some(builtins::exception(name, arguments))),
            _ => Unevaluated,
        };
        match evaluator {
            Evaluator::Silent => Ok(Some(Form::None)),
            Always(evaluate) => evaluate(self, arguments, node.range()),
            _ if !arguments.are_known() => Ok(None),
            Evaluated(evaluate) => evaluate(self, arguments, node.range()),
            Computed(compute) => Ok(compute(arguments, self.place(node))),
            Unevaluated => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn what_has_no_row_has_the_side_effects_of_its_modules_functions() {
        assert_eq!(side_effects("os.path.lexists"), Pure);
        assert_eq!(side_effects("subprocess.getoutput"), RunsProgram);
        assert_eq!(side_effects("re.fullmatch"), CallsBack);
        assert_eq!(side_effects("os.replace"), Escapes);
        assert_eq!(side_effects("builtins.next"), Escapes);
    }
}
