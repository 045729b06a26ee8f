//! `re`: regular expressions, where Python's `re` and ours certainly agree.

use std::rc::Rc;

use regex_lite::{Captures, Regex, RegexBuilder};

use super::super::super::value::Place;
use super::super::arguments::Arguments;
use super::super::object::{Form, Groups, Object};
use super::super::shared::Shared;
use super::super::{MAX_ITEMS, effort};
use super::flag_number;

pub(super) const IGNORECASE: i64 = 2;
pub(super) const MULTILINE: i64 = 8;
pub(super) const DOTALL: i64 = 16;
pub(super) const VERBOSE: i64 = 64;
pub(super) const UNICODE: i64 = 32;

/// Characters of a text that is searched.
const MAX_SEARCHED: usize = 1_000_000;

/// What a pattern with repetitions counts for.
const REPEATED: usize = 20_000;
/// Each character of the text meets each state of the pattern: so many bytes of states times characters are compared.
const MOST_STATES: usize = 2_000_000_000;
/// The bytes of states that a pattern may have on the longest text, and on the shortest.
const SMALLEST: usize = 4_000;
const LARGEST: usize = 200_000;

/// How a pattern is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    /// `re.search`
    Anywhere,
    /// `re.match`
    Start,
}

/// The compiled pattern; `None` where Python may read it differently.
fn regex(pattern: &str, flags: i64, text: &str, anchor: Anchor) -> Option<Regex> {
    if text.len() > MAX_SEARCHED {
        return None;
    }
    // What is repeated a number of times is written out first.
    effort::work(pattern.len() * 20 + if pattern.contains('{') { REPEATED } else { 0 })?;
    effort::work(pattern.len() * text.len() / 1_000)?;
    if flags & !(IGNORECASE | MULTILINE | DOTALL | UNICODE) != 0 || !is_common(pattern, flags, text) {
        return None;
    }
    let anchored = match anchor {
        Anchor::Anywhere => pattern.to_owned(),
        Anchor::Start => format!(r"\A(?:{pattern})"),
    };
    RegexBuilder::new(&anchored)
        .case_insensitive(flags & IGNORECASE != 0)
        .multi_line(flags & MULTILINE != 0)
        .dot_matches_new_line(flags & DOTALL != 0)
        .size_limit((MOST_STATES / text.len().max(1)).clamp(SMALLEST, LARGEST))
        .build()
        .ok()
}

/// Whether the pattern says the same to both, on this text.
fn is_common(pattern: &str, flags: i64, text: &str) -> bool {
    // Classes such as \w, and cases, are Unicode's in Python.
    let depends_on_unicode = flags & IGNORECASE != 0
        || ["\\w", "\\W", "\\d", "\\D", "\\s", "\\S", "\\b", "\\B"]
            .iter()
            .any(|class| pattern.contains(class));
    // So are the separators among the control characters.
    let has_separators = text.contains(|c| ('\x1c'..='\x1f').contains(&c));
    if depends_on_unicode && (!text.is_ascii() || has_separators) {
        return false;
    }
    let odd = [
        "(?", "}+", "**", "+*", "?*", "}*", "\\Z", "\\z", "\\A", "\\G", "{,", "&&", "--", "~~", "++", "*+", "?+",
        "\\x", "\\u", "\\N", "\\p", "\\<", "\\>", "[:",
    ];
    let groups_aside = pattern.replace("(?P<", "(").replace("(?:", "(");
    if odd.iter().any(|each| groups_aside.contains(each)) {
        return false;
    }
    // Backreferences, and octal escapes.
    let bytes = pattern.as_bytes();
    let escapes = bytes
        .windows(2)
        .any(|pair| pair[0] == b'\\' && pair[1].is_ascii_digit());
    // Python's `$` matches before a last line's end too.
    let dollar = pattern.contains('$') && flags & MULTILINE == 0 && text.contains('\n');
    // A bracket inside a class is itself in Python.
    let mut inside = false;
    let mut nested = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'[' if inside => nested = true,
            b'[' => {
                inside = true;
                // `[]…` and `[^]…` begin with the bracket itself, in both.
                at += usize::from(bytes.get(at + 1) == Some(&b'^'));
                at += usize::from(bytes.get(at + 1) == Some(&b']'));
            }
            b']' => inside = false,
            _ => {}
        }
        at += 1;
    }
    !escapes && !dollar && !nested
}

/// The groups of a match, the whole first.
fn groups(regex: &Regex, captures: &Captures<'_>) -> Groups {
    let texts = captures
        .iter()
        .map(|group| group.map(|group| group.as_str().into()))
        .collect();
    let names = regex.capture_names().enumerate();
    Groups {
        texts,
        names: names
            .filter_map(|(index, name)| Some((name?.to_owned(), index)))
            .collect(),
    }
}

/// `re.compile(pattern, flags)`.
pub(super) fn compile(arguments: &Arguments, _: Place) -> Option<Form> {
    pattern(arguments, 1).map(|(pattern, flags)| Form::Pattern(pattern, flags))
}

/// `re.search(pattern, string, flags)`.
pub(super) fn search(arguments: &Arguments, _: Place) -> Option<Form> {
    matched(arguments, Anchor::Anywhere)
}

/// `re.match(pattern, string, flags)`.
pub(super) fn match_(arguments: &Arguments, _: Place) -> Option<Form> {
    matched(arguments, Anchor::Start)
}

/// `re.findall(pattern, string, flags)`.
pub(super) fn findall(arguments: &Arguments, place: Place) -> Option<Form> {
    let (pattern, flags) = pattern(arguments, 2)?;
    let text = arguments.text(1, "string")?;
    let regex = regex(&pattern, flags, text, Anchor::Anywhere)?;
    let mut matches = 0;
    for found in regex.find_iter(text) {
        // To know how a match ends, all of the text may be looked at.
        effort::reading(&text[found.start()..])?;
        matches += 1;
        // Where an empty match follows another one, the two disagree.
        if found.is_empty() || matches > MAX_ITEMS {
            return None;
        }
    }
    let count = regex.captures_len();
    let found = regex.captures_iter(text).map(|captures| {
        let group = |index| Object::str(captures.get(index).map_or("", |group| group.as_str()), place);
        match count {
            1 => group(0),
            2 => group(1),
            _ => Object::new(Form::Tuple((1..count).map(group).collect()), place),
        }
    });
    Some(Form::List(Shared::new(found.collect())))
}

/// The pattern and its flags: a text, or a compiled one, for its methods are these functions.
fn pattern(arguments: &Arguments, flags_at: usize) -> Option<(Rc<str>, i64)> {
    let (pattern, own) = match &arguments.get(0, "pattern")?.form {
        Form::Str(pattern) => (pattern, 0),
        Form::Pattern(pattern, flags) => (pattern, *flags),
        _ => return None,
    };
    let flags = match arguments.get(flags_at, "flags").map(|flags| &flags.form) {
        None => 0,
        Some(Form::Int(flags)) => *flags,
        Some(Form::Library(name)) => flag_number(name)?,
        _ => return None,
    };
    Some((Rc::clone(pattern), own | flags))
}

fn matched(arguments: &Arguments, anchor: Anchor) -> Option<Form> {
    let (pattern, flags) = pattern(arguments, 2)?;
    let text = arguments.text(1, "string")?;
    let regex = regex(&pattern, flags, text, anchor)?;
    Some(match regex.captures(text) {
        Some(captures) => Form::Match(Rc::new(groups(&regex, &captures))),
        None => Form::None,
    })
}
