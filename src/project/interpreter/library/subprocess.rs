//! `subprocess`: what a program gives is never known; whether it may change the project's files sometimes is.

use super::super::arguments::Arguments;
use super::super::object::Form;

/// Commands of git that change no file.
const GIT_QUESTIONS: [&str; 11] = [
    "describe",
    "diff",
    "diff-index",
    "log",
    "ls-files",
    "rev-list",
    "rev-parse",
    "show",
    "status",
    "symbolic-ref",
    "tag",
];

/// Programs that answer and change no file.
const PROGRAMS_THAT_ASK: [&str; 9] = [
    "ldconfig",
    "llvm-config",
    "lsb_release",
    "nvcc",
    "nvidia-smi",
    "pkg-config",
    "sw_vers",
    "uname",
    "which",
];

/// Whether the program that a call starts may change files: all may that are not known to ask only.
pub(in super::super) fn may_change_files(arguments: &Arguments) -> bool {
    let words: Option<Vec<String>> = arguments.positional.first().and_then(|command| match &command.form {
        Form::Str(line) => Some(line.split_whitespace().map(ToOwned::to_owned).collect()),
        Form::List(words) => {
            let known = words.get().ok()?;
            let word = |word: &super::super::Object| word.as_str().unwrap_or_default().to_owned();
            Some(known.iter().map(word).collect())
        }
        _ => None,
    });
    let asks = words.is_some_and(|words| {
        let mut words = words.iter().map(String::as_str).filter(|word| !word.starts_with('-'));
        match words.next() {
            Some("git") => words.next().is_some_and(|word| GIT_QUESTIONS.contains(&word)),
            Some(program) => PROGRAMS_THAT_ASK.contains(&program),
            None => false,
        }
    });
    !asks
}
