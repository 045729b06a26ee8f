//! Python's objects as far as a `setup.py` needs them. Lists and dicts are shared by reference, as in Python, so that what one
//! name changes another one sees.
//!
//! Functions and classes are objects that hold objects (defaults, the names around them), so they are declared here too.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ruff_python_ast::{Expr, Parameters, Stmt};

use super::super::mentions::Mentions;
use super::super::source_file::SourceFile;
use super::super::value::{Dynamic, Place};
use super::generator::Generator;
use super::shared::{Sequence, Shared};

/// The names of a module or of one call of a function.
pub(crate) type Namespace = Rc<RefCell<BTreeMap<String, Object>>>;

/// Nesting of values past which Python is asked.
pub(crate) const MAX_NESTING: usize = 100;

impl Object {
    pub(crate) fn new(form: Form, place: Place) -> Self {
        Self { form, place }
    }

    pub(crate) fn str(text: impl AsRef<str>, place: Place) -> Self {
        Self::new(Form::Str(text.as_ref().into()), place)
    }

    pub(crate) fn unknown(why: &Rc<Dynamic>) -> Self {
        Self::new(Form::Unknown(Rc::clone(why)), why.place)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.form {
            Form::Str(text) => Some(text),
            _ => None,
        }
    }

    /// A path, or a text that is one.
    pub(crate) fn as_path(&self) -> Option<&Path> {
        match &self.form {
            Form::Str(path) => Some(Path::new(&**path)),
            Form::Path(path) => Some(path),
            _ => None,
        }
    }

    pub(crate) fn as_int(&self) -> Option<i64> {
        match self.form {
            Form::Int(number) => Some(number),
            Form::Bool(value) => Some(i64::from(value)),
            _ => None,
        }
    }

    /// Counts the changes of what an iteration over the object goes through.
    pub(crate) fn version(&self) -> usize {
        match &self.form {
            Form::List(items) | Form::Set(items) => items.version(),
            Form::Dict(entries) | Form::View(entries, _) => entries.version(),
            Form::Iterator(once) => once.sources.iter().map(|(source, _)| source.version()).sum(),
            _ => 0,
        }
    }

    /// Whether the order of its items is known.
    pub(crate) fn sequence(&self) -> Sequence {
        match &self.form {
            Form::List(items) => match items.get() {
                Ok(known) if known.len() > 1 => items.sequence(),
                _ => Sequence::Known,
            },
            Form::Dict(entries) | Form::View(entries, _) => match entries.get() {
                Ok(known) if known.len() > 1 => entries.sequence(),
                _ => Sequence::Known,
            },
            Form::Iterator(once) if once.items.borrow().as_ref().is_some_and(|items| items.len() > 1) => once.sequence,
            _ => Sequence::Known,
        }
    }

    /// An iterator over items that were made of `sources`.
    pub(crate) fn once(items: Vec<Object>, sources: &[Object]) -> Form {
        Self::once_in_sequence(items, Sequence::Known, sources)
    }

    /// The same for items whose order need not be known.
    pub(crate) fn once_in_sequence(items: Vec<Object>, sequence: Sequence, sources: &[Object]) -> Form {
        Form::Iterator(Rc::new(Once {
            items: RefCell::new(Some(items)),
            sequence,
            sources: sources
                .iter()
                .map(|source| (source.clone(), source.version()))
                .collect(),
        }))
    }

    /// Why something about this object is not known.
    pub(crate) fn doubt(&self, reason: &str) -> Rc<Dynamic> {
        Rc::new(Dynamic {
            expression: self.shown(),
            place: self.place,
            reason: reason.to_owned(),
        })
    }

    /// The object in a message.
    pub(crate) fn shown(&self) -> String {
        match &self.form {
            Form::Library(name) => name.to_string(),
            Form::Unknown(why) => why.expression.clone(),
            Form::Set(_) => "a set".to_owned(),
            Form::Iterator(_) | Form::Generator(_) => "an iterator".to_owned(),
            Form::Arguments | Form::Argument => "sys.argv".to_owned(),
            Form::Path(_) => "a path".to_owned(),
            Form::Bytes(_) => "bytes".to_owned(),
            Form::Function(_) | Form::Method(..) => "a function".to_owned(),
            _ => "an object".to_owned(),
        }
    }
}

/// An object and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) form: Form,
    pub(crate) place: Place,
}

/// What an object is.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Rc<str>),
    Bytes(Rc<[u8]>),
    List(Shared<Vec<Object>>),
    Tuple(Rc<[Object]>),
    Dict(Shared<Vec<(Object, Object)>>),
    /// Its order differs from run to run.
    Set(Shared<Vec<Object>>),
    Function(Rc<Function>),
    /// A method and the object that it belongs to.
    Method(Rc<Object>, Rc<str>),
    /// Something of the standard library or of setuptools, by its dotted name.
    Library(Rc<str>),
    Class(Rc<Class>),
    /// A module of the project.
    Module(Namespace),
    /// The keys, values or items of a dict: those that it has when they are looked at.
    View(Shared<Vec<(Object, Object)>>, View),
    /// `range(start, end)`
    Range(i64, i64),
    /// An iterator, which is gone through once: a generator, or what `map` and its like give.
    Iterator(Rc<Once>),
    /// A generator, which is run when it is gone through.
    Generator(Rc<Generator>),
    /// How `importlib` loads a file, and what loads it.
    Spec(Rc<Source>),
    Loader(Rc<Source>),
    File(Rc<OpenFile>),
    Path(PathBuf),
    /// The groups of a match, the whole first.
    Match(Rc<Groups>),
    /// A compiled pattern and its flags.
    Pattern(Rc<str>, i64),
    /// An exception: its class and its message.
    Exception(Rc<str>, Rc<str>),
    /// `sys.version_info`.
    VersionInfo(Rc<[Object]>),
    /// A number that is not known, but is no smaller than this one: the major version of setuptools.
    AtLeast(i64),
    /// The same, written out.
    AtLeastWritten(i64),
    /// `sys.argv`, which holds a command of setuptools.
    Arguments,
    /// An item of `sys.argv`.
    Argument,
    /// Only Python knows.
    Unknown(Rc<Dynamic>),
}

impl Form {
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::Str(text.as_ref().into())
    }

    /// A number of items, or where one is.
    pub(crate) fn index(index: usize) -> Self {
        Self::Int(i64::try_from(index).unwrap_or(i64::MAX))
    }
}

/// What a view of a dict shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Keys,
    Values,
    Items,
}

/// The items of an iterator. Python computes each when it is asked for, and here they are computed before: so they are right only as
/// long as their sources have not changed.
#[derive(Debug)]
pub(crate) struct Once {
    pub(crate) items: RefCell<Option<Vec<Object>>>,
    pub(crate) sequence: Sequence,
    /// What they were made of, and the count of its changes at that time.
    pub(crate) sources: Vec<(Object, usize)>,
}

/// A file that `importlib` is told to load.
#[derive(Debug)]
pub(crate) struct Source {
    /// What its module is called.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// A file that was opened for reading.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) content: Content,
    /// How much of it was read.
    pub(crate) position: Cell<Position>,
    /// `codecs` opened it, and its lines end where `str.splitlines` ends them.
    pub(crate) has_own_lines: bool,
}

/// How much of a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    Start,
    Somewhere,
    End,
}

/// What was opened.
#[derive(Debug)]
pub(crate) enum Content {
    Text(Rc<str>),
    Bytes(Rc<[u8]>),
}

/// What a pattern matched.
#[derive(Debug)]
pub(crate) struct Groups {
    pub(crate) texts: Vec<Option<Rc<str>>>,
    pub(crate) names: Vec<(String, usize)>,
}

impl Groups {
    /// What `match.group(index)` gives; `None` where there is no such group.
    pub(crate) fn at(&self, index: usize) -> Option<Form> {
        let text = self.texts.get(index)?;
        Some(text.as_ref().map_or(Form::None, |text| Form::Str(Rc::clone(text))))
    }

    /// What `match.group(name)` gives.
    pub(crate) fn named(&self, name: &str) -> Option<Form> {
        let (_, index) = self.names.iter().find(|(known, _)| known == name)?;
        self.at(*index)
    }
}

/// A function of the file.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) parameters: Parameters,
    pub(crate) body: Body,
    /// Its local names: those that its body binds.
    pub(crate) local_names: Rc<BTreeSet<String>>,
    /// Defaults in the parameters' order, evaluated where the function was defined.
    pub(crate) defaults: Vec<Option<Object>>,
    /// The namespaces around it, the innermost first.
    pub(crate) scopes: Vec<Namespace>,
    pub(crate) file: Rc<SourceFile>,
    /// Bytes of its source.
    pub(crate) length: usize,
    /// A call gives a generator.
    pub(crate) yields: bool,
}

/// A class of the file.
#[derive(Debug)]
pub(crate) struct Class {
    /// Its own attributes.
    pub(crate) names: Namespace,
    /// Its attributes are what its body binds: no metaclass or decorator changes them.
    pub(crate) is_plain: bool,
    /// What its methods mention.
    pub(crate) mentions: Mentions,
    /// The namespaces around it, the innermost first.
    pub(crate) scopes: Vec<Namespace>,
}

/// What a function runs.
#[derive(Debug)]
pub(crate) enum Body {
    Statements(Vec<Stmt>),
    Lambda(Expr),
}
