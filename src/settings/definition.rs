//! What there is to say of one setting; [`super::table`] says it of each.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use super::flag::{Flag, Place};
use super::{Error, Origin, Setting, TABLE, Value};
use crate::training::parts;

/// What kind of value a setting has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One string.
    Text,
    /// A file's path, relative to the project. One that a file of the project gives must lie in the project.
    File,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Switch,
    /// Several strings: a TOML array; elsewhere separated by commas or line breaks.
    List,
    /// `NAME=VALUE` pairs: a TOML table; elsewhere separated by line breaks.
    Map,
    /// Fields of `CreateTrainingJob` in SageMaker's own words: a TOML table; elsewhere a JSON object.
    Fields,
}

/// Who may decide a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecidedBy {
    /// Everyone: flags, variables and the project's own files.
    Anyone,
    /// Whoever runs sgbuild, by the flag or the variable. A checkout may be a stranger's, and its files decide nothing that
    /// reaches beyond what is built of it.
    Caller {
        /// What a file would decide: `which program is run`.
        what: &'static str,
    },
}

/// A value that the program itself holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fixed {
    Text(&'static str),
    Number(u64),
    Switch(bool),
}

impl From<Fixed> for Value {
    fn from(fixed: Fixed) -> Self {
        match fixed {
            Fixed::Text(text) => Self::Text(text.to_owned()),
            Fixed::Number(number) => Self::Number(number),
            Fixed::Switch(on) => Self::Switch(on),
        }
    }
}

impl Display for Fixed {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Number(number) => number.fmt(formatter),
            Self::Switch(on) => on.fmt(formatter),
        }
    }
}

/// One setting.
#[derive(Debug)]
pub struct Definition {
    /// Its name in the files, in kebab case.
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: Option<Fixed>,
    /// The least and the most that a number may be.
    pub(crate) least: u64,
    pub(crate) most: u64,
    /// The variable by which the setuptools-docker pipeline's stack gives it to CodeBuild; read there only.
    pub(crate) original: Option<&'static str>,
    /// The parameter of the stack's template that it is.
    pub(crate) parameter: Option<&'static str>,
    pub(crate) decided_by: DecidedBy,
    /// The values that it can have; empty where it may have others.
    pub(crate) choices: &'static [&'static str],
    pub(crate) flag: Option<Flag>,
    /// What it does, without what counts otherwise.
    pub(super) help: &'static str,
    /// What counts where it is not set, in words.
    pub(crate) otherwise: Option<&'static str>,
    /// Its meaning in docs/configuration.md, where help is too short.
    pub(crate) documented: Option<&'static str>,
    /// Its default in docs/configuration.md, where it has none of a fixed value.
    pub(crate) documented_default: Option<&'static str>,
}

impl Definition {
    pub(super) const fn new(key: &'static str, kind: Kind, help: &'static str) -> Self {
        Self {
            key,
            kind,
            default: None,
            // Nothing lasts no time, and no instance trains nothing.
            least: 1,
            most: u64::MAX,
            original: None,
            parameter: None,
            decided_by: DecidedBy::Anyone,
            choices: &[],
            flag: None,
            help,
            otherwise: None,
            documented: None,
            documented_default: None,
        }
    }

    /// The definition of `key`.
    #[must_use]
    pub(super) fn of(key: &str) -> Option<&'static Self> {
        TABLE.iter().copied().find(|definition| definition.key == key)
    }

    /// What it does, in one line.
    pub(crate) fn help(&self) -> Cow<'static, str> {
        match self.otherwise {
            Some(otherwise) => format!("{}; else {otherwise}", self.help).into(),
            None => self.help.into(),
        }
    }

    /// Its environment variable, such as `SGBUILD_SOURCE_BUCKET`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("SGBUILD_{}", self.key.replace('-', "_").to_uppercase())
    }

    /// Its flag, as shown to the user. Flags that turn a default off have a name of their own.
    #[must_use]
    pub fn flag(&self) -> String {
        format!("--{}", self.flag_name())
    }

    /// Its flag's name without the dashes.
    pub(crate) fn flag_name(&self) -> &'static str {
        self.flag.as_ref().and_then(|flag| flag.name).unwrap_or(self.key)
    }

    /// The help of its flag at `place`, which tells the default.
    pub(crate) fn flag_help(&self, place: &Place) -> Cow<'static, str> {
        if let Some(help) = place.help.or_else(|| self.flag.as_ref()?.help) {
            return help.into();
        }
        match (self.default, self.otherwise) {
            (Some(Fixed::Switch(_)) | None, None) => self.help.into(),
            (Some(default), None) => format!("{} [default: {default}]", self.help).into(),
            (_, Some(otherwise)) => format!("{} [default: {otherwise}]", self.help).into(),
        }
    }

    /// What its flag says where it takes no value: the opposite of the default.
    pub(crate) fn turned_around(&self) -> Value {
        Value::Switch(self.default != Some(Fixed::Switch(true)))
    }

    /// Reads a value written as text: in a variable or setup.cfg.
    pub(super) fn parse(&'static self, text: &str, origin: &Origin) -> Result<Value, Error> {
        let wrong = |found: &str| self.wrong_kind(origin, format!("`{found}`"));
        let items = || text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty());
        match self.kind {
            Kind::Text | Kind::File => Ok(Value::Text(text.trim().to_owned())),
            Kind::Number => text.trim().parse().map(Value::Number).map_err(|_| wrong(text)),
            Kind::Switch => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(Value::Switch(true)),
                "false" | "0" | "no" | "off" => Ok(Value::Switch(false)),
                _ => Err(wrong(text)),
            },
            Kind::List => Ok(Value::List(items().map(ToOwned::to_owned).collect())),
            Kind::Map => {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                let pairs = lines.map(|line| line.split_once('=').ok_or_else(|| wrong(line)));
                let map = pairs.map(|pair| pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())));
                Ok(Value::Map(map.collect::<Result<BTreeMap<_, _>, _>>()?))
            }
            Kind::Fields => match serde_json::from_str(text) {
                Ok(serde_json::Value::Object(table)) => Ok(Value::Fields(table)),
                Ok(_) => Err(wrong(text)),
                Err(error) => Err(Error::Malformed {
                    origin: origin.to_string(),
                    reason: format!("`{}` is not JSON: {error}", self.key),
                }),
            },
        }
    }

    /// Whether a number is one that the setting can be, and fields are those that `CreateTrainingJob` has.
    pub(super) fn check(&'static self, setting: &Setting) -> Result<(), Error> {
        let number = match &setting.value {
            Value::Number(number) => *number,
            Value::Fields(table) => return check_fields(table, |_| setting.origin.to_string()),
            _ => return Ok(()),
        };
        let expected = if number < self.least {
            format!("a whole number, {} or more,", self.least)
        } else if number > self.most {
            format!("a whole number, {} at most,", self.most)
        } else {
            return Ok(());
        };
        Err(Error::WrongKind {
            origin: setting.origin.to_string(),
            key: self.key,
            found: format!("`{number}`"),
            expected: expected.into(),
        })
    }

    pub(super) fn wrong_kind(&'static self, origin: &Origin, found: String) -> Error {
        let expected = match self.kind {
            Kind::Text | Kind::File => "a string",
            Kind::Number => "a whole number",
            Kind::Switch => "true or false",
            Kind::List => "a list of strings",
            Kind::Map => "NAME=VALUE, one a line",
            Kind::Fields => "a table of fields of CreateTrainingJob",
        };
        Error::WrongKind {
            origin: origin.to_string(),
            key: self.key,
            found,
            expected: expected.into(),
        }
    }
}

/// Refuses the first field that SageMaker does not have or take, or that has a setting of its own; `place` says where a field was given.
pub(super) fn check_fields(
    table: &serde_json::Map<String, serde_json::Value>,
    place: impl Fn(&str) -> String,
) -> Result<(), Error> {
    match parts::check_table(table).first() {
        None => Ok(()),
        Some(problem) => Err(Error::Field {
            origin: place(&problem.path),
            path: problem.path.clone(),
            what: problem.what.clone(),
        }),
    }
}
