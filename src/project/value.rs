//! What a declaration says: a value with the place it was written, or an expression only Python can evaluate.

use std::collections::BTreeMap;
use std::fmt;

use super::Outside;
use super::needs::Need;

/// `file:line`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: &'static str,
    pub(crate) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A value known without running Python.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Value {
    pub(crate) kind: Kind,
    pub(crate) place: Place,
}

/// The kinds of [`Value`], named as in Python. Sets are missing on purpose: setuptools refuses them where order counts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    None,
    Bool(bool),
    /// As Python's `str()` shows it.
    Number(String),
    Str(String),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Dict(Vec<(Value, Value)>),
}

/// An expression whose value only Python knows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dynamic {
    /// Its source, shortened.
    pub(crate) expression: String,
    pub(crate) place: Place,
    /// Why it is not known.
    pub(crate) reason: String,
}

impl fmt::Display for Dynamic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}` {}", self.place, self.expression, self.reason)
    }
}

/// What evaluating an expression gives.
pub(crate) type Evaluated = Result<Value, Dynamic>;

/// Declarations by setuptools' keyword names, whichever of the three files they come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub(crate) fields: BTreeMap<String, Evaluated>,
    /// Why nothing in the file can be trusted without Python.
    pub(crate) whole: Option<Dynamic>,
    /// A link out of the project that setup.py reads, or finds packages, through.
    pub(crate) outside: Option<Outside>,
    /// Files that values were read from, relative to the root.
    pub(crate) referenced: Vec<String>,
    /// Files and directories that have to be there for the values to be what they are.
    pub(crate) needs: Vec<Need>,
    /// Why the backend must make the sdist.
    pub(crate) backend_sdist: Option<String>,
    /// Keywords of `setup()` that say nothing here, but that setuptools checks.
    pub(crate) checked: Vec<(&'static str, Value)>,
    /// Why the backend must make the wheel, whoever makes the sdist.
    pub(crate) backend_wheel: Option<String>,
    /// Whether the wheel is to be for Python 2 as well.
    pub(crate) universal: bool,
    pub(crate) warnings: Vec<String>,
    /// Whether setup.py looked at the version of the Python that runs it.
    pub(crate) looks_at_python: bool,
    /// Where the version is given as `attr:`, whose module is found by `package_dir`.
    pub(crate) version_attr: Option<Place>,
}

impl Value {
    pub(crate) fn new(kind: Kind, place: Place) -> Self {
        Self { kind, place }
    }

    pub(crate) fn str(text: impl Into<String>, place: Place) -> Self {
        Self::new(Kind::Str(text.into()), place)
    }

    /// What Python's `bool()` gives.
    pub(crate) fn truthy(&self) -> bool {
        match &self.kind {
            Kind::None => false,
            Kind::Bool(value) => *value,
            Kind::Number(text) => text.parse::<f64>() != Ok(0.0),
            Kind::Str(text) => !text.is_empty(),
            Kind::List(items) | Kind::Tuple(items) => !items.is_empty(),
            Kind::Dict(items) => !items.is_empty(),
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Str(text) => Some(text),
            _ => None,
        }
    }

    /// As `str()` shows it, for values that are no collections.
    pub(crate) fn printed(&self) -> Option<String> {
        match &self.kind {
            Kind::Str(text) | Kind::Number(text) => Some(text.clone()),
            Kind::Bool(true) => Some("True".to_owned()),
            Kind::Bool(false) => Some("False".to_owned()),
            Kind::None => Some("None".to_owned()),
            _ => None,
        }
    }

    /// A list or tuple's items.
    pub(crate) fn items(&self) -> Option<&[Value]> {
        match &self.kind {
            Kind::List(items) | Kind::Tuple(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn entries(&self) -> Option<&[(Value, Value)]> {
        match &self.kind {
            Kind::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// The strings of a list or tuple of strings.
    pub(crate) fn strings(&self) -> Option<Vec<String>> {
        self.items()?
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect()
    }

    /// The value of a string key; the last one wins, as in a dict literal.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.entries()?
            .iter()
            .rev()
            .find(|(k, _)| k.as_str() == Some(key))
            .map(|(_, value)| value)
    }

    /// The value of `key` is not what it should be: setuptools may refuse it, or read it in a way that is not modelled here, so Python
    /// is asked.
    pub(crate) fn unclear(&self, key: &str, wanted: &str) -> Dynamic {
        Dynamic {
            expression: key.to_owned(),
            place: self.place,
            reason: format!("is not {wanted}"),
        }
    }

    /// The lines of `key` end, or go on, in a way that Python may read differently.
    pub(crate) fn of_unusual_lines(&self, key: &str) -> Dynamic {
        Dynamic {
            expression: key.to_owned(),
            place: self.place,
            reason: "has a line that ends in a backslash or in another character than a line break".to_owned(),
        }
    }
}

impl Draft {
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        self.fields.insert(key.to_owned(), Ok(value));
    }

    /// A field's value if it is there and not `None`.
    pub(crate) fn get(&self, key: &str) -> Result<Option<&Value>, Dynamic> {
        match self.fields.get(key) {
            None | Some(Ok(Value { kind: Kind::None, .. })) => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(dynamic)) => Err(dynamic.clone()),
        }
    }

    /// Whether the field is given and not empty (true to Python), or may be.
    pub(crate) fn inhabited(&self, key: &str) -> bool {
        self.fields
            .get(key)
            .is_some_and(|field| field.as_ref().map_or(true, Value::truthy))
    }

    /// Has Python asked about everything in the file; the first reason stays.
    pub(crate) fn give_up(&mut self, expression: &str, place: Place, reason: &str) {
        self.whole.get_or_insert_with(|| Dynamic {
            expression: expression.to_owned(),
            place,
            reason: reason.to_owned(),
        });
    }
}

/// A `{str: str}` field as a map; empty where it is anything else.
pub(crate) fn string_map(field: Option<&Evaluated>) -> BTreeMap<String, String> {
    let Some(Ok(value)) = field else { return BTreeMap::new() };
    let pairs = value.entries().unwrap_or_default().iter();
    pairs
        .filter_map(|(k, v)| Some((k.as_str()?.to_owned(), v.as_str()?.to_owned())))
        .collect()
}
