//! Regular expressions, where Python's `re` and ours certainly agree.

use std::rc::Rc;

use regex_lite::{Captures, Regex, RegexBuilder};
use ruff_text_size::Ranged;

use super::call::Arguments;
use super::names::flag;
use super::object::{Form, Groups, Object};
use super::shared::Shared;
use super::{MAX_ITEMS, Machine, effort};

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
pub(super) enum Anchor {
    /// `re.search`
    Anywhere,
    /// `re.match`
    Start,
}

/// The compiled pattern; `None` where Python may read it differently.
pub(super) fn compile(pattern: &str, flags: i64, text: &str, anchor: Anchor) -> Option<Regex> {
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
pub(super) fn groups(regex: &Regex, captures: &Captures<'_>) -> Groups {
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

impl Machine {
    /// A function of `re`, or a method of a compiled pattern.
    pub(super) fn re_call(&mut self, name: &str, arguments: &Arguments, node: &impl Ranged) -> Option<Form> {
        let flags_of = |value: Option<&Object>| match value.map(|value| &value.form) {
            None => Some(0),
            Some(Form::Int(flags)) => Some(*flags),
            Some(Form::Library(name)) => flag(name),
            _ => None,
        };
        let (pattern, own) = match arguments.get(0, "pattern").map(|pattern| &pattern.form) {
            Some(Form::Str(pattern)) => (Rc::clone(pattern), 0),
            Some(Form::Pattern(pattern, flags)) => (Rc::clone(pattern), *flags),
            _ => return None,
        };
        if name == "escape" {
            return None;
        }
        let flags = flags_of(arguments.get(if name == "compile" { 1 } else { 2 }, "flags"))?;
        if name == "compile" {
            return Some(Form::Pattern(pattern, own | flags));
        }
        let text = arguments.text(1, "string")?;
        let anchor = if name == "match" {
            Anchor::Start
        } else {
            Anchor::Anywhere
        };
        let regex = compile(&pattern, own | flags, text, anchor)?;
        let place = self.place(node);
        match name {
            "search" | "match" => Some(match regex.captures(text) {
                Some(captures) => Form::Match(Rc::new(groups(&regex, &captures))),
                None => Form::None,
            }),
            "findall" => {
                let count = regex.captures_len();
                // Where an empty match follows another one, the two disagree.
                let mut matches = 0;
                for found in regex.find_iter(text) {
                    // To know how a match ends, all of the text may be looked at.
                    effort::reading(&text[found.start()..])?;
                    matches += 1;
                    if found.is_empty() || matches > MAX_ITEMS {
                        return None;
                    }
                }
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
            _ => None,
        }
    }
}
