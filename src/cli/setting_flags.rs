//! The flags that are settings, made of the table in [`crate::settings`].

use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches, value_parser};

use crate::settings::{Definition, Group, Kind, Place, Value, flags_of};

/// A command with flags that are settings.
pub(crate) trait HasSettings {
    /// The groups of `--help` that it has, in their order there.
    const GROUPS: &'static [Group];
}

/// The flags of the command `C` that are settings: those that were given.
pub(crate) struct SettingFlags<C> {
    pub(crate) given: Vec<(&'static Definition, Value)>,
    command: PhantomData<fn() -> C>,
}

impl<C> Debug for SettingFlags<C> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let given = self.given.iter().map(|(definition, value)| (definition.key, value));
        formatter.debug_map().entries(given).finish()
    }
}

impl<C: HasSettings> Args for SettingFlags<C> {
    fn augment_args(command: clap::Command) -> clap::Command {
        let args = C::GROUPS.iter().flat_map(|group| {
            let flags = flags_of(*group).into_iter();
            flags.map(|(definition, place)| arg(definition, place).help_heading(group.heading()))
        });
        command.args(args)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl<C: HasSettings> FromArgMatches for SettingFlags<C> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = C::GROUPS.iter().flat_map(|group| flags_of(*group));
        let given = flags.filter_map(|(definition, _)| Some((definition, given(definition, matches)?)));
        Ok(Self {
            given: given.collect(),
            command: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The flag of a setting, as clap takes it.
fn arg(definition: &'static Definition, place: &Place) -> Arg {
    let arg = Arg::new(definition.key)
        .long(definition.flag_name())
        .help(definition.flag_help(place).into_owned());
    let arg = match definition.flag.as_ref().map(|flag| flag.value_name) {
        Some(value_name) if !value_name.is_empty() => arg.value_name(value_name),
        _ => arg,
    };
    match definition.kind {
        Kind::Text | Kind::File => arg.action(ArgAction::Set),
        Kind::Number => arg.action(ArgAction::Set).value_parser(value_parser!(u64)),
        Kind::Switch => arg.action(ArgAction::SetTrue),
        Kind::List => arg.action(ArgAction::Append),
        Kind::Map => arg.action(ArgAction::Append).value_parser(pair),
        Kind::Fields => arg.action(ArgAction::Set).value_parser(json_object),
    }
}

/// `NAME=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A JSON object.
fn json_object(text: &str) -> Result<serde_json::Map<String, serde_json::Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))
}

/// What was given by the flag of a setting.
fn given(definition: &'static Definition, matches: &ArgMatches) -> Option<Value> {
    let key = definition.key;
    match definition.kind {
        Kind::Text | Kind::File => matches.get_one(key).cloned().map(Value::Text),
        Kind::Number => matches.get_one(key).copied().map(Value::Number),
        Kind::Switch => matches.get_flag(key).then(|| definition.turned_around()),
        Kind::List => Some(Value::List(matches.get_many(key)?.cloned().collect())),
        Kind::Fields => matches.get_one(key).cloned().map(Value::Fields),
        Kind::Map => {
            let pairs = matches.get_many::<(String, String)>(key)?;
            Some(Value::Map(pairs.cloned().collect()))
        }
    }
}
