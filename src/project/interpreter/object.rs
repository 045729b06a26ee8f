//! Python's objects as far as a `setup.py` needs them. Lists and dicts are shared by reference, as in Python, so that what one
//! name changes another one sees.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ruff_python_ast::{Expr, Parameters, Stmt};

use super::super::mentions::Mentions;
use super::super::source_file::SourceFile;
use super::super::value::{Dynamic, Kind, Place, Value};

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

/// The names of a module or of one call of a function.
pub(crate) type Namespace = Rc<RefCell<BTreeMap<String, Object>>>;

/// A function of the file.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) parameters: Parameters,
    pub(crate) body: Body,
    /// Defaults in the parameters' order, evaluated where the function was defined.
    pub(crate) defaults: Vec<Option<Object>>,
    /// The namespaces around it, the innermost first.
    pub(crate) scopes: Vec<Namespace>,
    pub(crate) file: Rc<SourceFile>,
}

/// A class of the file.
#[derive(Debug)]
pub(crate) struct Class {
    /// Its own attributes.
    pub(crate) names: Namespace,
    /// What its methods mention.
    pub(crate) mentions: Mentions,
    /// The namespaces around it, the innermost first.
    pub(crate) scopes: Vec<Namespace>,
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

/// What a function runs.
#[derive(Debug)]
pub(crate) enum Body {
    Statements(Vec<Stmt>),
    Lambda(Expr),
}

/// A file that was opened for reading.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) content: Content,
    /// How much of it was read.
    pub(crate) position: Cell<Position>,
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

/// The content of a list, dict or set, until something unknown may have changed it.
#[derive(Debug)]
pub(crate) struct Shared<T>(Rc<Changing<T>>);

#[derive(Debug)]
struct Changing<T> {
    content: RefCell<T>,
    /// How often it was changed.
    version: Cell<usize>,
    doubt: RefCell<Option<Rc<Dynamic>>>,
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Shared<T> {
    pub(crate) fn new(content: T) -> Self {
        Self(Rc::new(Changing {
            content: RefCell::new(content),
            version: Cell::new(0),
            doubt: RefCell::new(None),
        }))
    }

    /// The content, or why it is not known.
    pub(crate) fn get(&self) -> Result<Ref<'_, T>, Rc<Dynamic>> {
        match &*self.0.doubt.borrow() {
            Some(doubt) => Err(Rc::clone(doubt)),
            None => Ok(self.0.content.borrow()),
        }
    }

    /// The same, to change it.
    pub(crate) fn get_mut(&self) -> Result<RefMut<'_, T>, Rc<Dynamic>> {
        if let Some(doubt) = &*self.0.doubt.borrow() {
            return Err(Rc::clone(doubt));
        }
        self.0.version.set(self.0.version.get() + 1);
        Ok(self.0.content.borrow_mut())
    }

    /// The content as it was known last.
    pub(crate) fn content_mut(&self) -> RefMut<'_, T> {
        self.0.content.borrow_mut()
    }

    /// From now on nobody knows the content. Answers whether it was known.
    fn doubt(&self, why: &Rc<Dynamic>) -> bool {
        self.0.doubt.borrow_mut().replace(Rc::clone(why)).is_none()
    }

    fn version(&self) -> usize {
        self.0.version.get() + usize::from(self.0.doubt.borrow().is_some())
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Object {
    pub(crate) fn new(form: Form, place: Place) -> Self {
        Self { form, place }
    }

    pub(crate) fn str(text: impl AsRef<str>, place: Place) -> Self {
        Self::new(Form::Str(text.as_ref().into()), place)
    }

    pub(crate) fn list(items: Vec<Object>, place: Place) -> Self {
        Self::new(Form::List(Shared::new(items)), place)
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
            Form::Unknown(why) => return Err(Rc::clone(why)),
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
                Ok(items) => Form::List(Shared::new(each(&items))),
                Err(why) => Form::Unknown(why),
            },
            Form::Tuple(items) => Form::Tuple(each(items).into()),
            Form::Dict(entries) => match entries.get() {
                Ok(entries) => {
                    let entry = |(key, value): &(Self, Self)| (key.clone(), inner(value));
                    Form::Dict(Shared::new(entries.iter().map(entry).collect()))
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

    /// Whether two objects are equal; `None` where only Python knows.
    pub(crate) fn equals(&self, other: &Self) -> Option<bool> {
        self.equals_below(other, &Budget::new(MAX_COMPARED))
    }

    fn equals_below(&self, other: &Self, budget: &Budget) -> Option<bool> {
        budget.spend(1)?;
        let all = |a: &[Object], b: &[Object]| {
            if a.len() != b.len() {
                return Some(false);
            }
            let mut equal = Some(true);
            for (a, b) in a.iter().zip(b) {
                match a.equals_below(b, budget) {
                    Some(true) => {}
                    Some(false) => return Some(false),
                    None => equal = None,
                }
            }
            equal
        };
        match (&self.form, &other.form) {
            (Form::Unknown(_), _) | (_, Form::Unknown(_)) => None,
            (Form::None, Form::None) => Some(true),
            (Form::Str(a), Form::Str(b)) => Some(a == b),
            (Form::Bytes(a), Form::Bytes(b)) => Some(a == b),
            (Form::Tuple(a), Form::Tuple(b)) => all(a, b),
            (Form::List(a), Form::List(b)) => all(&a.get().ok()?, &b.get().ok()?),
            (Form::Path(a), Form::Path(b)) => Some(a == b),
            (Form::Library(a), Form::Library(b)) => (a == b).then_some(true),
            (Form::Argument, Form::Str(text)) | (Form::Str(text), Form::Argument) => {
                is_no_command(text).then_some(false)
            }
            (Form::Bool(_) | Form::Int(_) | Form::Float(_), Form::Bool(_) | Form::Int(_) | Form::Float(_)) => {
                match (self.as_int(), other.as_int()) {
                    (Some(a), Some(b)) => Some(a == b),
                    _ => None,
                }
            }
            (a, b) if a.is_plain() && b.is_plain() && std::mem::discriminant(a) != std::mem::discriminant(b) => {
                Some(false)
            }
            _ => None,
        }
    }

    /// What the rest of sgbuild takes, all of it known.
    pub(crate) fn to_value(&self) -> Result<Value, Dynamic> {
        self.to_value_below(0)
    }

    fn to_value_below(&self, depth: usize) -> Result<Value, Dynamic> {
        let unclear = |reason: &str| Dynamic {
            expression: self.shown(),
            place: self.place,
            reason: reason.to_owned(),
        };
        if depth > MAX_DEPTH {
            return Err(unclear("is nested too deeply"));
        }
        let each = |items: &[Object]| -> Result<Vec<Value>, Dynamic> {
            items.iter().map(|item| item.to_value_below(depth + 1)).collect()
        };
        let known = |why: Rc<Dynamic>| Dynamic::clone(&why);
        let kind = match &self.form {
            Form::None => Kind::None,
            Form::Bool(value) => Kind::Bool(*value),
            Form::Int(number) => Kind::Number(number.to_string()),
            Form::Float(number) => {
                Kind::Number(float(*number).ok_or_else(|| unclear("is a number Python may show differently"))?)
            }
            Form::Str(text) => Kind::Str(text.to_string()),
            Form::List(items) => Kind::List(each(&items.get().map_err(known)?)?),
            Form::Tuple(items) => Kind::Tuple(each(items)?),
            Form::Dict(entries) => {
                let entries = entries.get().map_err(known)?;
                let entry = |(key, value): &(Object, Object)| {
                    Ok((key.to_value_below(depth + 1)?, value.to_value_below(depth + 1)?))
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

    /// Makes every list, dict and set unknown that can be reached from here, and calls `escaped` for each function and class.
    pub(crate) fn taint(&self, why: &Rc<Dynamic>, escaped: &mut dyn FnMut(&Object)) {
        self.taint_reached(why, escaped, &mut BTreeSet::new());
    }

    fn taint_reached(&self, why: &Rc<Dynamic>, escaped: &mut dyn FnMut(&Object), reached: &mut BTreeSet<usize>) {
        // What cannot change itself is gone through once; what can is marked by its doubt.
        let mut is_new = |address: *const ()| reached.insert(address.addr());
        let inner: Vec<Self> = match &self.form {
            Form::List(items) | Form::Set(items) => {
                let inner = items.get().map(|items| items.clone()).unwrap_or_default();
                if items.doubt(why) { inner } else { Vec::new() }
            }
            Form::Dict(entries) | Form::View(entries, _) => {
                let inner = entries.get().map(|entries| entries.clone()).unwrap_or_default();
                let inner = inner.into_iter().flat_map(|(key, value)| [key, value]).collect();
                if entries.doubt(why) { inner } else { Vec::new() }
            }
            Form::Iterator(once) if is_new(Rc::as_ptr(once).cast()) => {
                once.sources.iter().map(|(source, _)| source.clone()).collect()
            }
            Form::Tuple(items) if is_new(Rc::as_ptr(items).cast()) => items.to_vec(),
            Form::Method(object, _) => vec![Self::clone(object)],
            // Its functions, and what its names are bound to, can be reached through it.
            Form::Module(names) if is_new(Rc::as_ptr(names).cast()) => {
                let bound = names.borrow();
                let own = bound
                    .values()
                    .filter(|object| !matches!(object.form, Form::Module(_) | Form::Library(_)));
                own.cloned().collect()
            }
            Form::Class(class) if is_new(Rc::as_ptr(class).cast()) => {
                escaped(self);
                let bound = class.names.borrow();
                let data = bound
                    .values()
                    .filter(|value| !matches!(value.form, Form::Function(_) | Form::Class(_)));
                data.cloned().collect()
            }
            Form::Function(_) | Form::Library(_) => {
                escaped(self);
                Vec::new()
            }
            _ => Vec::new(),
        };
        for object in inner {
            object.taint_reached(why, escaped, reached);
        }
    }
}

impl Form {
    /// Built-in data, of which two of different types are never equal.
    fn is_plain(&self) -> bool {
        matches!(
            self,
            Self::None
                | Self::Bool(_)
                | Self::Int(_)
                | Self::Float(_)
                | Self::Str(_)
                | Self::Bytes(_)
                | Self::List(_)
                | Self::Tuple(_)
                | Self::Dict(_)
                | Self::Set(_)
        )
    }
}

/// How much may still be looked at: a few lists that hold each other can be larger than any memory when written out.
pub(crate) struct Budget(Cell<usize>);

impl Budget {
    pub(crate) fn new(amount: usize) -> Self {
        Self(Cell::new(amount))
    }

    /// `None` where it is used up.
    pub(crate) fn spend(&self, amount: usize) -> Option<()> {
        self.0.set(self.0.get().checked_sub(amount)?);
        Some(())
    }
}

/// Objects that one comparison looks at.
const MAX_COMPARED: usize = 10_000;
/// Objects that are given to `setup()` in one argument.
const MAX_GIVEN: usize = 200_000;

/// Nesting of values past which Python is asked.
pub(crate) const MAX_DEPTH: usize = 100;

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
