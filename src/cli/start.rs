//! From the process's arguments to [`Cli`].

use std::env;
use std::ffi::OsString;

use clap::{Args as _, FromArgMatches as _, Parser as _};

use super::{
    Build, Cli, Completions, Destroy, Dist, Global, Inspect, Launch, Logs, Push, Runs, Settings, Status, Train,
};
use crate::shown;

/// Gives a command its flags.
type WithFlags = fn(clap::Command) -> clap::Command;

const VERBS: [(&str, WithFlags); 12] = [
    ("inspect", Inspect::augment_args),
    ("dist", Dist::augment_args),
    ("build", Build::augment_args),
    ("push", Push::augment_args),
    ("train", Train::augment_args),
    ("runs", Runs::augment_args),
    ("logs", Logs::augment_args),
    ("launch", Launch::augment_args),
    ("status", Status::augment_args),
    ("destroy", Destroy::augment_args),
    ("settings", Settings::augment_args),
    ("completions", Completions::augment_args),
];

impl Cli {
    /// The process's command line.
    ///
    /// To build every verb's flags takes a third of what a short command does, so the verb that is named comes with its own
    /// alone. What these do not explain is left to the whole command line, which has the right words for it.
    ///
    /// # Errors
    /// What clap has to say of it: what is wrong, or the help or version that was asked for.
    pub fn of_process() -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = env::args_os().collect();
        Self::of_its_verb(&arguments).map_or_else(|| Self::of_any_verb(&arguments), Ok)
    }

    fn of_any_verb(arguments: &[OsString]) -> Result<Self, clap::Error> {
        Self::try_parse_from(arguments).map_err(|error| {
            // Its words quote arguments as they are: they are to quote what is safe to be shown.
            let shown = arguments.iter().map(|argument| argument.to_string_lossy());
            let shown = shown.map(|argument| shown::cell(&argument).into_owned());
            Self::try_parse_from(shown).err().unwrap_or(error)
        })
    }

    fn of_its_verb(arguments: &[OsString]) -> Option<Self> {
        let named = arguments.get(1)?;
        let (verb, with_flags) = VERBS.into_iter().find(|(verb, _)| named == verb)?;
        let command = clap::Command::new("sgbuild").subcommand(with_flags(clap::Command::new(verb)));
        let matches = Global::augment_args(command).try_get_matches_from(arguments).ok()?;
        Self::from_arg_matches(&matches).ok()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn arguments<W: AsRef<std::ffi::OsStr>>(words: &[W]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    /// A value that an argument takes.
    fn value(argument: &clap::Arg) -> String {
        let is_pair = |names: &[clap::builder::Str]| names.iter().any(|name| name.contains('='));
        match argument.get_possible_values().first() {
            Some(possible) => possible.get_name().to_owned(),
            None if argument.get_value_names().is_some_and(is_pair) => "7=7".to_owned(),
            None => "7".to_owned(),
        }
    }

    #[test]
    fn every_verb_alone_says_what_the_whole_command_line_says() {
        let whole = Cli::command();
        for verb in whole.get_subcommands() {
            let mut words = vec![
                "sgbuild".to_owned(),
                verb.get_name().to_owned(),
                "--color=never".to_owned(),
            ];
            for argument in verb.get_arguments() {
                match argument.get_long() {
                    // It excludes `--wait`.
                    Some("no-train") => {}
                    Some(long) if argument.get_action().takes_values() => {
                        words.push(format!("--{long}={}", value(argument)));
                    }
                    Some(long) => words.push(format!("--{long}")),
                    None => words.push(value(argument)),
                }
            }
            let command = arguments(&words);
            let expected = Cli::try_parse_from(&command).unwrap();
            let found = Cli::of_its_verb(&command).unwrap();
            assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        }
    }

    #[test]
    fn what_a_verb_does_not_explain_is_left_to_the_whole_command_line() {
        for words in [
            &["sgbuild"][..],
            &["sgbuild", "--version"],
            &["sgbuild", "-q", "inspect"],
            &["sgbuild", "inpsect"],
            &["sgbuild", "inspect", "--help"],
            &["sgbuild", "inspect", "--jsno"],
            &["sgbuild", "help", "inspect"],
            &["sgbuild", "push", "--wait", "--no-train"],
        ] {
            assert!(Cli::of_its_verb(&arguments(words)).is_none(), "{words:?}");
        }
    }
}
