//! Keys that know the type of their setting's value, so that a misspelt key or a wrong kind does not compile.

use std::collections::BTreeMap;

use super::Value;
use super::definition::{DecidedBy, Definition, Fixed, Kind};
use super::flag::{Flag, Place};

/// A setting's key. Its type says what reading it gives: of a `Key<Text>`, which has a default, it is a `&str`; of a
/// `Key<Option<Text>>` an `Option<&str>`.
#[derive(Debug)]
pub(crate) struct Key<T> {
    pub(super) definition: Definition,
    /// What stands for a value that is not there.
    typed: T,
}

/// A text, with its default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text(&'static str);
/// The path of a file; there is none by default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File;
/// A whole number, with its default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(u64);
/// On or off, with its default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Switch(bool);
/// Several texts; none by default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List;
/// Names and their values; none by default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Map;
/// Fields of `CreateTrainingJob`; none by default. Its stage takes it by name, with those settings that are such fields too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields;

static NO_PAIRS: BTreeMap<String, String> = BTreeMap::new();

/// What is read by a key.
pub(crate) trait Typed: Copy {
    /// The type of it.
    type Read<'a>;

    /// Reads `value`.
    fn read<'a>(&self, value: Option<&'a Value>) -> Self::Read<'a>;
}

impl Typed for Option<Text> {
    type Read<'a> = Option<&'a str>;

    fn read<'a>(&self, value: Option<&'a Value>) -> Self::Read<'a> {
        match value {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl Typed for Text {
    type Read<'a> = &'a str;

    fn read<'a>(&self, value: Option<&'a Value>) -> Self::Read<'a> {
        Some(*self).read(value).unwrap_or(self.0)
    }
}

impl Typed for Option<File> {
    type Read<'a> = Option<&'a str>;

    fn read<'a>(&self, value: Option<&'a Value>) -> Self::Read<'a> {
        None::<Text>.read(value)
    }
}

impl Typed for Option<Number> {
    type Read<'a> = Option<u64>;

    fn read<'a>(&self, value: Option<&'a Value>) -> Self::Read<'a> {
        match value {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }
}

impl Typed for Number {
    type Read<'a> = u64;

    fn read<'a>(&self, value: Option<&'a Value>) -> Self::Read<'a> {
        Some(*self).read(value).unwrap_or(self.0)
    }
}

impl Typed for Switch {
    type Read<'a> = bool;

    fn read<'a>(&self, value: Option<&'a Value>) -> Self::Read<'a> {
        match value {
            Some(Value::Switch(on)) => *on,
            _ => self.0,
        }
    }
}

impl Typed for List {
    type Read<'a> = &'a [String];

    fn read<'a>(&self, value: Option<&'a Value>) -> Self::Read<'a> {
        match value {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }
}

impl Typed for Map {
    type Read<'a> = &'a BTreeMap<String, String>;

    fn read<'a>(&self, value: Option<&'a Value>) -> Self::Read<'a> {
        match value {
            Some(Value::Map(pairs)) => pairs,
            _ => &NO_PAIRS,
        }
    }
}

impl Typed for Fields {
    type Read<'a> = Option<&'a serde_json::Map<String, serde_json::Value>>;

    fn read<'a>(&self, value: Option<&'a Value>) -> Self::Read<'a> {
        match value {
            Some(Value::Fields(table)) => Some(table),
            _ => None,
        }
    }
}

/// A text without a default.
pub(super) const fn text(key: &'static str, help: &'static str) -> Key<Option<Text>> {
    Key::new(Definition::new(key, Kind::Text, help), None)
}

/// A file's path.
pub(super) const fn file(key: &'static str, help: &'static str) -> Key<Option<File>> {
    Key::new(Definition::new(key, Kind::File, help), None)
}

/// A whole number without a default.
pub(super) const fn number(key: &'static str, help: &'static str) -> Key<Option<Number>> {
    Key::new(Definition::new(key, Kind::Number, help), None)
}

/// On or off; off by default.
pub(super) const fn switch(key: &'static str, help: &'static str) -> Key<Switch> {
    let mut definition = Definition::new(key, Kind::Switch, help);
    definition.default = Some(Fixed::Switch(false));
    Key::new(definition, Switch(false))
}

/// Several texts.
pub(super) const fn list(key: &'static str, help: &'static str) -> Key<List> {
    Key::new(Definition::new(key, Kind::List, help), List)
}

/// Names and their values.
pub(super) const fn map(key: &'static str, help: &'static str) -> Key<Map> {
    Key::new(Definition::new(key, Kind::Map, help), Map)
}

/// Fields of `CreateTrainingJob`.
pub(super) const fn fields(key: &'static str, help: &'static str) -> Key<Fields> {
    Key::new(Definition::new(key, Kind::Fields, help), Fields)
}

impl Key<Option<Text>> {
    /// With a default it is always there.
    pub(super) const fn default(mut self, default: &'static str) -> Key<Text> {
        self.definition.default = Some(Fixed::Text(default));
        Key::new(self.definition, Text(default))
    }
}

impl Key<Option<Number>> {
    /// With a default it is always there.
    pub(super) const fn default(mut self, default: u64) -> Key<Number> {
        self.definition.default = Some(Fixed::Number(default));
        Key::new(self.definition, Number(default))
    }
}

impl Key<Switch> {
    /// On, unless it is switched off.
    pub(super) const fn on(mut self) -> Self {
        self.definition.default = Some(Fixed::Switch(true));
        Key::new(self.definition, Switch(true))
    }
}

impl<T: Typed> Key<T> {
    const fn new(definition: Definition, typed: T) -> Self {
        Self { definition, typed }
    }

    /// The setting's name.
    pub(super) const fn name(&self) -> &'static str {
        self.definition.key
    }

    /// What is read of `value`, the setting's.
    pub(super) fn read<'a>(&self, value: Option<&'a Value>) -> T::Read<'a> {
        self.typed.read(value)
    }

    /// What counts where it is not set, in words: help and documentation say so.
    pub(super) const fn otherwise(mut self, words: &'static str) -> Self {
        self.definition.otherwise = Some(words);
        self
    }

    /// It has a flag, which takes what help calls `value_name`; `places` are the groups of `--help` that show it.
    pub(super) const fn flag(mut self, value_name: &'static str, places: &'static [Place]) -> Self {
        self.definition.flag = Some(Flag::new(value_name, places));
        self
    }

    /// It has a flag that takes no value, and turns the default around.
    pub(super) const fn bare_flag(self, places: &'static [Place]) -> Self {
        self.flag("", places)
    }

    /// The flag's name, where it is not the key.
    pub(super) const fn flag_name(mut self, name: &'static str) -> Self {
        if let Some(flag) = &mut self.definition.flag {
            flag.name = Some(name);
        }
        self
    }

    /// The flag's help, where the setting's does not fit it.
    pub(super) const fn flag_help(mut self, help: &'static str) -> Self {
        if let Some(flag) = &mut self.definition.flag {
            flag.help = Some(help);
        }
        self
    }

    /// The least and the most that the number may be.
    pub(super) const fn between(mut self, least: u64, most: u64) -> Self {
        (self.definition.least, self.definition.most) = (least, most);
        self
    }

    /// The values that it can have.
    pub(super) const fn one_of(mut self, choices: &'static [&'static str]) -> Self {
        self.definition.choices = choices;
        self
    }

    /// The variable by which the setuptools-docker pipeline's stack gives it to CodeBuild; read there only.
    pub(super) const fn in_codebuild(mut self, variable: &'static str) -> Self {
        self.definition.original = Some(variable);
        self
    }

    /// The parameter of the stack's template that it is.
    pub(super) const fn parameter(mut self, parameter: &'static str) -> Self {
        self.definition.parameter = Some(parameter);
        self
    }

    /// No file of the project decides it: it says `what`.
    pub(super) const fn callers(mut self, what: &'static str) -> Self {
        self.definition.decided_by = DecidedBy::Caller { what };
        self
    }

    /// Its meaning in docs/configuration.md, where help is too short.
    pub(super) const fn documented(mut self, meaning: &'static str) -> Self {
        self.definition.documented = Some(meaning);
        self
    }

    /// Its default in docs/configuration.md, where it has none of a fixed value.
    pub(super) const fn documented_default(mut self, words: &'static str) -> Self {
        self.definition.documented_default = Some(words);
        self
    }
}
