//! `re`: regular expressions, where Python's `re` and ours certainly agree.

use std::rc::Rc;

use regex_lite::{Captures, Regex, RegexBuilder};

use super::super::super::value::Place;
use super::super::arguments::Arguments;
use super::super::object::{Form, Groups, Object};
use super::super::shared::Shared;
use super::super::{MAX_ITEMS, MAX_LENGTH, effort};
use super::back_reference::{Expanded, expand};
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
    /// `re.fullmatch`
    Whole,
}

/// A pattern that both read alike.
struct Compiled {
    regex: Regex,
    /// For each group of Python's, the groups of which one is it.
    groups: Vec<Vec<usize>>,
    names: Vec<(String, usize)>,
}

/// The compiled pattern; `None` where Python may read it differently.
fn compiled(pattern: &str, flags: i64, text: &str, anchor: Anchor) -> Option<Compiled> {
    if text.len() > MAX_SEARCHED {
        return None;
    }
    // What is repeated a number of times is written out first.
    effort::work(pattern.len() * 20 + if pattern.contains('{') { REPEATED } else { 0 })?;
    effort::work(pattern.len() * text.len() / 1_000)?;
    let Expanded { pattern, groups, names } = expand(pattern)?;
    if flags & !(IGNORECASE | MULTILINE | DOTALL | UNICODE) != 0 || !is_common(&pattern, flags, text) {
        return None;
    }
    let anchored = match anchor {
        Anchor::Anywhere => pattern,
        Anchor::Start => format!(r"\A(?:{pattern})"),
        Anchor::Whole => format!(r"\A(?:{pattern})\z"),
    };
    let regex = RegexBuilder::new(&anchored)
        .case_insensitive(flags & IGNORECASE != 0)
        .multi_line(flags & MULTILINE != 0)
        .dot_matches_new_line(flags & DOTALL != 0)
        .size_limit((MOST_STATES / text.len().max(1)).clamp(SMALLEST, LARGEST))
        .build()
        .ok()?;
    Some(Compiled { regex, groups, names })
}

impl Compiled {
    /// The text of a group of Python's; `None` where it had no part in the match.
    fn group<'a>(&self, captures: &Captures<'a>, group: usize) -> Option<&'a str> {
        let places = self.groups.get(group)?;
        let mut found = places.iter().filter_map(|place| captures.get(*place));
        found.next().map(|found| found.as_str())
    }

    /// How many groups the pattern has, the whole included.
    fn count(&self) -> usize {
        self.groups.len()
    }

    fn matched(&self, captures: &Captures<'_>) -> Form {
        let texts = (0..self.count()).map(|group| self.group(captures, group).map(Into::into));
        Form::Match(Rc::new(Groups {
            texts: texts.collect(),
            names: self.names.clone(),
        }))
    }

    /// Every match in the text, one after the other; `None` where one is empty, for then the two disagree.
    fn all<'a>(&self, text: &'a str) -> Option<Vec<Captures<'a>>> {
        let mut all = Vec::new();
        for captures in self.regex.captures_iter(text) {
            let found = captures.get(0)?;
            // To know how a match ends, all of the text may be looked at.
            effort::reading(&text[found.start()..])?;
            if found.is_empty() || all.len() >= MAX_ITEMS {
                return None;
            }
            all.push(captures);
        }
        Some(all)
    }
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

/// `re.fullmatch(pattern, string, flags)`.
pub(super) fn fullmatch(arguments: &Arguments, _: Place) -> Option<Form> {
    matched(arguments, Anchor::Whole)
}

/// `re.findall(pattern, string, flags)`.
pub(super) fn findall(arguments: &Arguments, place: Place) -> Option<Form> {
    let (compiled, text) = applied(arguments, 1, 2, Anchor::Anywhere)?;
    let all = compiled.all(text)?;
    let found = all.iter().map(|captures| {
        let group = |group| Object::str(compiled.group(captures, group).unwrap_or_default(), place);
        match compiled.count() {
            1 => group(0),
            2 => group(1),
            count => Object::new(Form::Tuple((1..count).map(group).collect()), place),
        }
    });
    Some(Form::List(Shared::new(found.collect())))
}

/// `re.finditer(pattern, string, flags)`.
pub(super) fn finditer(arguments: &Arguments, place: Place) -> Option<Form> {
    let (compiled, text) = applied(arguments, 1, 2, Anchor::Anywhere)?;
    let all = compiled.all(text)?;
    let found = all
        .iter()
        .map(|captures| Object::new(compiled.matched(captures), place));
    Some(Object::once(found.collect(), &[]))
}

/// `re.split(pattern, string, maxsplit)`.
pub(super) fn split(arguments: &Arguments, place: Place) -> Option<Form> {
    let most = count(arguments, 2, "maxsplit")?;
    let (compiled, text) = applied(arguments, 1, 3, Anchor::Anywhere)?;
    let mut parts = Vec::new();
    let mut at = 0;
    for captures in compiled.all(text)?.iter().take(most) {
        let found = captures.get(0)?;
        parts.push(Object::str(&text[at..found.start()], place));
        parts.extend((1..compiled.count()).map(|group| {
            let group = compiled.group(captures, group).map_or(Form::None, Form::text);
            Object::new(group, place)
        }));
        at = found.end();
    }
    parts.push(Object::str(&text[at..], place));
    (parts.len() <= MAX_ITEMS).then(|| Form::List(Shared::new(parts)))
}

/// `re.sub(pattern, repl, string, count)`, where `repl` is a text.
pub(super) fn sub(arguments: &Arguments, _: Place) -> Option<Form> {
    let most = count(arguments, 3, "count")?;
    let (compiled, text) = applied(arguments, 2, 4, Anchor::Anywhere)?;
    let template = template(arguments.text(1, "repl")?, &compiled)?;
    let mut made = String::new();
    let mut at = 0;
    for captures in compiled.all(text)?.iter().take(most) {
        let found = captures.get(0)?;
        made.push_str(&text[at..found.start()]);
        for part in &template {
            made.push_str(match part {
                Part::Text(text) => text,
                Part::Group(group) => compiled.group(captures, *group).unwrap_or_default(),
            });
        }
        if made.len() > MAX_LENGTH {
            return None;
        }
        effort::bytes(made.len() - at.min(made.len()))?;
        at = found.end();
    }
    made.push_str(&text[at..]);
    Some(Form::text(made))
}

/// A part of what `re.sub` puts in.
enum Part {
    Text(String),
    Group(usize),
}

/// What `re.sub` puts in: `\1`, `\g<1>` and `\g<name>` are groups.
fn template(template: &str, compiled: &Compiled) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find('\\') {
        parts.push(Part::Text(rest[..at].to_owned()));
        let mut after = rest[at + 1..].chars();
        let (part, length) = match after.next()? {
            'n' => (Part::Text("\n".to_owned()), 1),
            't' => (Part::Text("\t".to_owned()), 1),
            '\\' => (Part::Text("\\".to_owned()), 1),
            'g' => {
                let name = after.as_str().strip_prefix('<')?.split('>').next()?;
                let named = compiled.names.iter().find(|(known, _)| known == name);
                let group = named.map_or_else(|| name.parse().ok(), |(_, group)| Some(*group))?;
                (Part::Group(group), "g<>".len() + name.len())
            }
            // Two digits may be an octal number.
            digit @ '1'..='9' if !after.as_str().starts_with(|c: char| c.is_ascii_digit()) => {
                (Part::Group(digit.to_digit(10)? as usize), 1)
            }
            _ => return None,
        };
        if let Part::Group(group) = part
            && group >= compiled.count()
        {
            return None;
        }
        parts.push(part);
        rest = rest.get(at + 1 + length..)?;
    }
    parts.push(Part::Text(rest.to_owned()));
    Some(parts)
}

/// How often something is done at most; no number, or 0, is without an end.
fn count(arguments: &Arguments, at: usize, name: &str) -> Option<usize> {
    match arguments.get(at, name) {
        None => Some(usize::MAX),
        Some(most) => match usize::try_from(most.as_int()?).ok()? {
            0 => Some(usize::MAX),
            most => Some(most),
        },
    }
}

/// `re.escape(pattern)`.
pub(super) fn escape(arguments: &Arguments, _: Place) -> Option<Form> {
    let text = arguments.text(0, "pattern")?;
    let mut escaped = String::new();
    for character in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\x0b\x0c".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    Some(Form::text(escaped))
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

/// The pattern of a call, and the text that it is applied to.
fn applied(arguments: &Arguments, text_at: usize, flags_at: usize, anchor: Anchor) -> Option<(Compiled, &str)> {
    let (pattern, flags) = pattern(arguments, flags_at)?;
    let text = arguments.text(text_at, "string")?;
    Some((compiled(&pattern, flags, text, anchor)?, text))
}

fn matched(arguments: &Arguments, anchor: Anchor) -> Option<Form> {
    let (compiled, text) = applied(arguments, 1, 2, anchor)?;
    Some(match compiled.regex.captures(text) {
        Some(captures) => compiled.matched(&captures),
        None => Form::None,
    })
}
