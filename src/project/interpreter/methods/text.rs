//! Methods of texts and bytes.

use ruff_text_size::Ranged;

use super::super::arguments::Arguments;
use super::super::encoding::{begins_with_ascii, is_utf8};
use super::super::object::{Form, Object};
use super::super::shared::Shared;
use super::super::{Halt, Known, MAX_ITEMS, MAX_LENGTH, Machine, effort, format};
use crate::project::requirement::has_other_line_ends;

/// Characters of a text that is split into parts.
const MAX_SPLIT: usize = 1_000_000;

impl Machine {
    #[expect(clippy::too_many_lines, reason = "a table of methods is read line by line")]
    pub(super) fn str_method(&mut self, text: &str, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        let place = self.place(node);
        if text.len() > MAX_SPLIT && matches!(name, "split" | "rsplit" | "splitlines") {
            return Ok(None);
        }
        // `None` where the list is too long.
        let strings = |parts: Vec<&str>| {
            let items = || parts.iter().map(|part| Object::str(part, place)).collect();
            (parts.len() <= MAX_ITEMS).then(|| Form::List(Shared::new(items())))
        };
        let one = |text: &str| Form::Str(text.into());
        let argument = arguments.text(0, "sep");
        let has_odd_blanks = text.chars().any(|c| ('\x1c'..='\x1f').contains(&c));
        if !arguments.named.is_empty() && !matches!(name, "format" | "split" | "encode") {
            return Ok(None);
        }
        Ok(Some(match (name, arguments.positional.len()) {
            ("format", _) => match format::braces(text, &arguments.positional, &arguments.named) {
                Some(made) => one(&made),
                None => return Ok(None),
            },
            ("strip", 0) if !has_odd_blanks => one(text.trim()),
            ("lstrip", 0) if !has_odd_blanks => one(text.trim_start()),
            ("rstrip", 0) if !has_odd_blanks => one(text.trim_end()),
            ("strip" | "lstrip" | "rstrip", 1) => {
                let Some(set) = argument else { return Ok(None) };
                // For each character, all of the set is looked through.
                if effort::work(set.len().saturating_mul(text.len()) / 16).is_none() {
                    return Ok(None);
                }
                let within = |c: char| set.contains(c);
                one(match name {
                    "strip" => text.trim_matches(within),
                    "lstrip" => text.trim_start_matches(within),
                    _ => text.trim_end_matches(within),
                })
            }
            ("split", 0) if arguments.named.is_empty() && !has_odd_blanks => {
                return Ok(strings(text.split_whitespace().collect()));
            }
            ("split" | "rsplit", 1 | 2) => {
                let most = arguments.get(1, "maxsplit").map(Object::as_int);
                let (Some(separator), true) = (argument.filter(|separator| !separator.is_empty()), most != Some(None))
                else {
                    return Ok(None);
                };
                let most = most.flatten().and_then(|most| usize::try_from(most).ok());
                return Ok(strings(match (name, most) {
                    ("rsplit", None) => {
                        let mut parts: Vec<_> = text.rsplit(separator).collect();
                        parts.reverse();
                        parts
                    }
                    (_, None) => text.split(separator).collect(),
                    ("split", Some(most)) => text.splitn(most.saturating_add(1), separator).collect(),
                    (_, Some(most)) => {
                        let mut parts: Vec<_> = text.rsplitn(most.saturating_add(1), separator).collect();
                        parts.reverse();
                        parts
                    }
                }));
            }
            ("splitlines", 0) => {
                if has_other_line_ends(text) {
                    return Ok(None);
                }
                return Ok(strings(text.lines().collect()));
            }
            ("join", 1) => {
                let joined = self.ordered_items(&arguments.positional[0], node)?;
                let Ok(items) = joined else { return Ok(None) };
                let parts: Option<Vec<_>> = items.iter().map(Object::as_str).collect();
                match parts {
                    Some(parts) if joined_length(&parts, text) <= MAX_LENGTH => one(&parts.join(text)),
                    _ => return Ok(None),
                }
            }
            ("replace", 2) => match (argument, arguments.text(1, "")) {
                (Some(from), Some(to)) if !from.is_empty() => {
                    // An upper bound: what is replaced is not subtracted.
                    let more = text.matches(from).count().saturating_mul(to.len());
                    if more.saturating_add(text.len()) > MAX_LENGTH {
                        return Ok(None);
                    }
                    one(&text.replace(from, to))
                }
                _ => return Ok(None),
            },
            ("startswith" | "endswith", 1) => {
                let fits = |affix: &str| {
                    // If nothing is left the run is over, whatever is answered here.
                    if effort::reading(affix).is_none() {
                        return false;
                    }
                    if name == "startswith" {
                        text.starts_with(affix)
                    } else {
                        text.ends_with(affix)
                    }
                };
                match &arguments.positional[0].form {
                    Form::Str(affix) => Form::Bool(fits(affix)),
                    Form::Tuple(items) => {
                        let affixes: Option<Vec<_>> = items.iter().map(Object::as_str).collect();
                        match affixes {
                            Some(affixes) => Form::Bool(affixes.into_iter().any(fits)),
                            None => return Ok(None),
                        }
                    }
                    _ => return Ok(None),
                }
            }
            ("lower", 0) if text.is_ascii() => one(&text.to_ascii_lowercase()),
            ("upper", 0) if text.is_ascii() => one(&text.to_ascii_uppercase()),
            ("find", 1) if text.is_ascii() => match argument {
                Some(wanted) => text.find(wanted).map_or(Form::Int(-1), Form::index),
                None => return Ok(None),
            },
            ("index", 1) if text.is_ascii() => match argument {
                Some(wanted) => match text.find(wanted) {
                    Some(at) => Form::index(at),
                    None => return Err(Halt::Raised("ValueError".into(), "substring not found".into())),
                },
                None => return Ok(None),
            },
            ("count", 1) => match argument.filter(|wanted| !wanted.is_empty()) {
                Some(wanted) => Form::index(text.matches(wanted).count()),
                None => return Ok(None),
            },
            ("partition" | "rpartition", 1) => {
                let Some(separator) = argument.filter(|separator| !separator.is_empty()) else {
                    return Ok(None);
                };
                let parts = if name == "partition" {
                    text.split_once(separator)
                        .map_or([text, "", ""], |(a, b)| [a, separator, b])
                } else {
                    text.rsplit_once(separator)
                        .map_or(["", "", text], |(a, b)| [a, separator, b])
                };
                Form::Tuple(parts.iter().map(|part| Object::str(part, place)).collect())
            }
            ("isdigit", 0) if text.is_ascii() => {
                Form::Bool(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            }
            ("removeprefix", 1) => match argument {
                Some(prefix) => one(text.strip_prefix(prefix).unwrap_or(text)),
                None => return Ok(None),
            },
            ("removesuffix", 1) => match argument {
                Some(suffix) => one(text.strip_suffix(suffix).unwrap_or(text)),
                None => return Ok(None),
            },
            ("encode", 0 | 1) if arguments.get(0, "encoding").is_none_or(is_utf8) => {
                Form::Bytes(text.as_bytes().into())
            }
            _ => return Ok(None),
        }))
    }
}

/// How long texts are when they are joined.
fn joined_length(parts: &[&str], separator: &str) -> usize {
    let texts: usize = parts.iter().map(|part| part.len()).sum();
    texts + parts.len().saturating_mul(separator.len())
}

pub(super) fn bytes_method(bytes: &[u8], name: &str, arguments: &Arguments) -> Option<Form> {
    let text = std::str::from_utf8(bytes).ok()?;
    match name {
        "decode"
            if arguments
                .get(0, "encoding")
                .is_none_or(|encoding| is_utf8(encoding) || (text.is_ascii() && begins_with_ascii(encoding))) =>
        {
            Some(Form::Str(text.into()))
        }
        "strip" if arguments.is_empty() => Some(Form::Bytes(text.trim_ascii().as_bytes().into())),
        _ => None,
    }
}
