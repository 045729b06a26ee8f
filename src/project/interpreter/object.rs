//! Python's objects as far as a `setup.py` needs them. Lists and dicts are shared by reference, as in Python, so that what one
//! name changes another one sees.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::super::value::{Dynamic, Kind, Place, Value};
use super::effort;
use super::function::{Class, Function};
use super::names;
use super::shared::{Budget, Sequence, Shared};

/// The names of a module or of one call of a function.
pub(crate) type Namespace = Rc<RefCell<BTreeMap<String, Object>>>;

/// Objects that are given to `setup()` in one argument.
const MAX_GIVEN: usize = 200_000;

/// Nesting of values past which Python is asked.
pub(crate) const MAX_DEPTH: usize = 100;

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

    /// Python's truth value, where it is certain.
    pub(crate) fn truthy(&self) -> Result<bool, Rc<Dynamic>> {
        Ok(match &self.form {
            Form::None => false,
            Form::Bool(value) => *value,
            Form::Int(number) => *number != 0,
            Form::Float(number) => *number != 0.0,
            Form::Str(text) => !text.is_empty(),
            Form::Bytes(bytes) => !bytes.is_empty(),
            Form::List(items) | Form::Set(items) => !items.get()?.is_empty(),
            Form::Tuple(items) => !items.is_empty(),
            Form::Dict(entries) | Form::View(entries, _) => !entries.get()?.is_empty(),
            Form::Range(start, end) => start < end,
            Form::Unknown(why) => return Err(Rc::clone(why)),
            Form::Library(name) if !names::is_certain(name) => return Err(self.doubt("is something of the library")),
            Form::Argument => return Err(self.doubt("is the name of a command")),
            _ => true,
        })
    }

    /// How often what is gone through here was changed.
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
            _ => Sequence::Known,
        }
    }

    /// An iterator over items that were made of `sources`.
    pub(crate) fn once(items: Vec<Object>, sources: &[Object]) -> Form {
        Form::Iterator(Rc::new(Once {
            items: RefCell::new(Some(items)),
            sources: sources
                .iter()
                .map(|source| (source.clone(), source.version()))
                .collect(),
        }))
    }

    /// The object as it is now: a copy, down to every list and dict in it.
    pub(crate) fn frozen(&self) -> Self {
        self.frozen_below(&Budget::new(MAX_GIVEN), 0)
    }

    fn frozen_below(&self, budget: &Budget, depth: usize) -> Self {
        if depth > MAX_DEPTH || budget.spend(1).is_none() {
            return Self::unknown(&self.doubt("is nested too deeply, or too large"));
        }
        let inner = |item: &Self| item.frozen_below(budget, depth + 1);
        let each = |items: &[Self]| items.iter().map(inner).collect::<Vec<_>>();
        let form = match &self.form {
            Form::List(items) => match items.get() {
                Ok(known) => Form::List(Shared::in_sequence(each(&known), items.sequence())),
                Err(why) => Form::Unknown(why),
            },
            Form::Tuple(items) => Form::Tuple(each(items).into()),
            Form::Dict(entries) => match entries.get() {
                Ok(known) => {
                    let entry = |(key, value): &(Self, Self)| (key.clone(), inner(value));
                    let copied = known.iter().map(entry).collect();
                    Form::Dict(Shared::in_sequence(copied, entries.sequence()))
                }
                Err(why) => Form::Unknown(why),
            },
            form => form.clone(),
        };
        Self::new(form, self.place)
    }

    /// Something of this object that nobody knows.
    pub(crate) fn doubt(&self, reason: &str) -> Rc<Dynamic> {
        Rc::new(Dynamic {
            expression: self.shown(),
            place: self.place,
            reason: reason.to_owned(),
        })
    }

    /// What the rest of sgbuild takes, all of it known.
    pub(crate) fn to_value(&self) -> Result<Value, Dynamic> {
        self.to_value_below(0, Sequence::Loose)
    }

    /// The same for what is a set of names to setuptools: in any order.
    pub(crate) fn to_value_in_any_order(&self) -> Result<Value, Dynamic> {
        self.to_value_below(0, Sequence::Unknown)
    }

    fn to_value_below(&self, depth: usize, loosest: Sequence) -> Result<Value, Dynamic> {
        let unclear = |reason: &str| Dynamic {
            expression: self.shown(),
            place: self.place,
            reason: reason.to_owned(),
        };
        if depth > MAX_DEPTH {
            return Err(unclear("is nested too deeply"));
        }
        if self.sequence() > loosest {
            return Err(unclear("is in no certain order"));
        }
        let each = |items: &[Object]| -> Result<Vec<Value>, Dynamic> {
            items
                .iter()
                .map(|item| item.to_value_below(depth + 1, loosest))
                .collect()
        };
        let known = |why: Rc<Dynamic>| Dynamic::clone(&why);
        let kind = match &self.form {
            Form::None => Kind::None,
            Form::Bool(value) => Kind::Bool(*value),
            Form::Int(number) => Kind::Number(number.to_string()),
            Form::Float(number) => {
                Kind::Number(float(*number).ok_or_else(|| unclear("is a number Python may show differently"))?)
            }
            Form::Str(text) => {
                // A list may hold one text any number of times.
                effort::bytes(text.len()).ok_or_else(|| unclear("is too large"))?;
                Kind::Str(text.to_string())
            }
            Form::List(items) => Kind::List(each(&items.get().map_err(known)?)?),
            Form::Tuple(items) => Kind::Tuple(each(items)?),
            Form::Dict(entries) => {
                let entries = entries.get().map_err(known)?;
                let entry = |(key, value): &(Object, Object)| {
                    Ok((
                        key.to_value_below(depth + 1, loosest)?,
                        value.to_value_below(depth + 1, loosest)?,
                    ))
                };
                Kind::Dict(entries.iter().map(entry).collect::<Result<_, Dynamic>>()?)
            }
            Form::Unknown(why) => return Err(Dynamic::clone(why)),
            _ => return Err(unclear("is computed")),
        };
        Ok(Value::new(kind, self.place))
    }

    /// The object in a message.
    pub(crate) fn shown(&self) -> String {
        match &self.form {
            Form::Library(name) => name.to_string(),
            Form::Unknown(why) => why.expression.clone(),
            Form::Set(_) => "a set".to_owned(),
            Form::Iterator(_) => "an iterator".to_owned(),
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
    /// The keys, values or items of a dict, as it is when one looks.
    View(Shared<Vec<(Object, Object)>>, View),
    /// `range(start, end)`
    Range(i64, i64),
    /// What is gone through once: a generator, or what `map` and its like give.
    Iterator(Rc<Once>),
    File(Rc<OpenFile>),
    Path(PathBuf),
    /// The groups of a match, the whole first.
    Match(Rc<Groups>),
    /// A compiled pattern and its flags.
    Pattern(Rc<str>, i64),
    /// An exception: its class and its message.
    Exception(Rc<str>, Rc<str>),
    /// `sys.version_info`: 3 and something.
    VersionInfo,
    /// `sys.argv`: a command of setuptools.
    Arguments,
    /// An item of it.
    Argument,
    /// Only Python knows.
    Unknown(Rc<Dynamic>),
}

/// What a view of a dict shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Keys,
    Values,
    Items,
}

/// Items that are handed out once. Python would compute them only then; here they are known before, so their sources must not
/// have changed meanwhile.
#[derive(Debug)]
pub(crate) struct Once {
    pub(crate) items: RefCell<Option<Vec<Object>>>,
    /// What they were made of, and how often that had been changed.
    pub(crate) sources: Vec<(Object, usize)>,
}

/// A file that was opened for reading.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) content: Content,
    /// How much of it was read.
    pub(crate) position: Cell<Position>,
    /// Its lines end where `str.splitlines` ends them: `codecs` opened it.
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

/// A number as Python's `str()` shows it, where that is certain.
pub(crate) fn float(number: f64) -> Option<String> {
    let plain = (1e-4..1e16).contains(&number.abs()) || number == 0.0;
    plain.then(|| format!("{number:?}"))
}

/// What asks for metadata runs setup.py with a command of setuptools; `publish`, `test` and their like are people's own.
pub(crate) fn is_no_command(text: &str) -> bool {
    let known = [
        "egg_info",
        "dist_info",
        "sdist",
        "bdist_wheel",
        "editable_wheel",
        "build",
        "build_py",
        "build_ext",
        "build_clib",
        "build_scripts",
        "install",
        "develop",
        "setup.py",
        "clean",
        "install_lib",
        "install_data",
        "install_scripts",
        "install_egg_info",
        "install_headers",
        "bdist",
        "bdist_egg",
        "rotate",
        "saveopts",
        "setopt",
        "alias",
    ];
    !known.contains(&text) && !text.starts_with('-') && !text.contains('/') && !text.is_empty()
}
