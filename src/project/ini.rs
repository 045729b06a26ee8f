//! `setup.cfg`'s syntax, as Python's `configparser.ConfigParser` reads it for setuptools: case kept in keys, no inline
//! comments, values continued by indentation, `%(name)s` interpolated, duplicates refused.
//! <https://docs.python.org/3/library/configparser.html#supported-ini-file-structure>

use std::collections::{HashMap, HashSet};

use super::error::Error;

/// One option: its key, line, and lines of value, each with its line number.
#[derive(Debug, Clone)]
pub(crate) struct IniOption {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) lines: Vec<(usize, String)>,
}

impl IniOption {
    /// The whole value, lines joined by newlines, without trailing blank.
    pub(crate) fn text(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(|(_, text)| text.as_str()).collect();
        lines.join("\n").trim_end().to_owned()
    }
}

/// One section.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) options: Vec<IniOption>,
}

/// Parses `text` into its sections in order, `[DEFAULT]` merged into each and references replaced as `ConfigParser` does.
pub(crate) fn parse(text: &str) -> Result<Vec<Section>, Error> {
    interpolate_all(parse_raw(text)?)
}

/// The same with `%` a character like any other, as `RawConfigParser` has it.
pub(crate) fn parse_raw(text: &str) -> Result<Vec<Section>, Error> {
    let mut sections: Vec<Section> = Vec::new();
    let mut indent = 0;
    let mut in_value = false;
    let mut seen = HashSet::new();
    let mut named = HashSet::new();
    for (index, raw) in text.lines().enumerate() {
        let line = index + 1;
        let value = raw.trim();
        if value.starts_with('#') || value.starts_with(';') {
            continue;
        }
        let number = sections.len();
        let current = sections.last_mut();
        if value.is_empty() {
            if in_value && let Some(option) = current.and_then(|s| s.options.last_mut()) {
                option.lines.push((line, String::new()));
            }
            continue;
        }
        let level = raw.chars().take_while(|c| c.is_whitespace()).count();
        if in_value && level > indent {
            if let Some(option) = current.and_then(|s| s.options.last_mut()) {
                option.lines.push((line, value.to_owned()));
            }
            continue;
        }
        indent = level;
        if let Some(name) = section_header(value) {
            if !named.insert(name) && name != "DEFAULT" {
                return Err(wrong(line, format!("section [{name}] appears twice")));
            }
            sections.push(Section {
                name: name.to_owned(),
                line,
                options: Vec::new(),
            });
            in_value = false;
            continue;
        }
        let Some(section) = current else {
            return Err(wrong(line, "an option before the first [section]"));
        };
        let option = option(value, line)?;
        // By its number, and `[DEFAULT]`, which may come again, by none: its name may be as long as the file.
        let number = (section.name != "DEFAULT").then_some(number);
        if !seen.insert((number, option.key.clone())) {
            return Err(wrong(
                line,
                format!("{} appears twice in [{}]", option.key, section.name),
            ));
        }
        section.options.push(option);
        in_value = true;
    }
    with_defaults(sections)
}

fn section_header(value: &str) -> Option<&str> {
    let inner = value.strip_prefix('[')?;
    let end = inner.rfind(']')?;
    (end > 0).then(|| &inner[..end])
}

fn option(value: &str, line: usize) -> Result<IniOption, Error> {
    let Some(at) = value.find(['=', ':']) else {
        return Err(wrong(
            line,
            format!("{value:?} is neither a [section] nor `key = value`"),
        ));
    };
    let key = value[..at].trim_end();
    if key.is_empty() {
        return Err(wrong(line, "a value without a key"));
    }
    Ok(IniOption {
        key: key.to_owned(),
        line,
        lines: vec![(line, value[at + 1..].trim().to_owned())],
    })
}

/// Options that all sections together may inherit from `[DEFAULT]`, and how many bytes of them.
const MAX_DEFAULTS: usize = 1_000_000;
const MAX_DEFAULT_BYTES: usize = 64_000_000;

fn with_defaults(sections: Vec<Section>) -> Result<Vec<Section>, Error> {
    let (defaults, mut sections): (Vec<_>, Vec<_>) = sections.into_iter().partition(|s| s.name == "DEFAULT");
    let count: usize = defaults.iter().map(|section| section.options.len()).sum();
    let length = |option: &IniOption| option.key.len() + option.lines.iter().map(|(_, text)| text.len()).sum::<usize>();
    let bytes: usize = defaults.iter().flat_map(|section| &section.options).map(length).sum();
    let is_too_much = |each: usize, most: usize| each.saturating_mul(sections.len()) > most;
    if let Some(first) = defaults
        .first()
        .filter(|_| is_too_much(count, MAX_DEFAULTS) || is_too_much(bytes, MAX_DEFAULT_BYTES))
    {
        return Err(wrong(first.line, "too much in [DEFAULT] for so many sections"));
    }
    for section in sections.iter_mut().filter(|_| count > 0) {
        let own: HashSet<String> = section.options.iter().map(|option| option.key.clone()).collect();
        let options = defaults.iter().flat_map(|section| &section.options);
        let missing = options.filter(|option| !own.contains(&option.key));
        section.options.extend(missing.cloned());
    }
    Ok(sections)
}

fn interpolate_all(mut sections: Vec<Section>) -> Result<Vec<Section>, Error> {
    let mut left = MAX_INTERPOLATED;
    for section in &mut sections {
        let has_references = |option: &IniOption| option.lines.iter().any(|(_, text)| text.contains('%'));
        if !section.options.iter().any(has_references) {
            continue;
        }
        let options: HashMap<String, String> = section
            .options
            .iter()
            .map(|option| (option.key.clone(), option.text()))
            .collect();
        for (line, text) in section.options.iter_mut().flat_map(|option| &mut option.lines) {
            if text.contains('%') {
                let mut interpolation = Interpolation {
                    line: *line,
                    options: &options,
                    left: &mut left,
                };
                *text = interpolation.of(text, 0)?;
            }
        }
    }
    Ok(sections)
}

/// configparser gives up on references nested deeper.
const MAX_INTERPOLATION_DEPTH: usize = 10;

/// Characters that the references of a file may expand to altogether, and how many each counts for at least.
const MAX_INTERPOLATED: usize = 16_000_000;
const REFERENCE: usize = 16;

/// The references of one line.
struct Interpolation<'a> {
    line: usize,
    options: &'a HashMap<String, String>,
    /// Characters that may still be made.
    left: &'a mut usize,
}

impl Interpolation<'_> {
    fn of(&mut self, text: &str, depth: usize) -> Result<String, Error> {
        let line = self.line;
        if depth > MAX_INTERPOLATION_DEPTH {
            return Err(wrong(line, "%(…)s references are nested too deeply"));
        }
        let Some(left) = self.left.checked_sub(text.len() + REFERENCE) else {
            return Err(wrong(line, "%(…)s references make more text than is read"));
        };
        *self.left = left;
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if let Some(tail) = after.strip_prefix('%') {
                out.push('%');
                rest = tail;
                continue;
            }
            let reference = after.strip_prefix('(').and_then(|inner| inner.split_once(")s"));
            let Some((name, tail)) = reference.filter(|(name, _)| !name.contains(')')) else {
                return Err(wrong(
                    line,
                    "a lone `%`: write `%%`, or `%(key)s` to refer to another key",
                ));
            };
            let options = self.options;
            let Some(target) = options.get(name) else {
                return Err(wrong(
                    line,
                    format!("%({name})s refers to a key that is not in this section"),
                ));
            };
            out.push_str(&self.of(target, depth + 1)?);
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }
}

fn wrong(line: usize, message: impl Into<String>) -> Error {
    Error::SetupCfg {
        line,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, section: &str, key: &str) -> Option<String> {
        let sections = parse(text).unwrap();
        sections
            .iter()
            .find(|s| s.name == section)?
            .options
            .iter()
            .find(|o| o.key == key)
            .map(IniOption::text)
    }

    #[test]
    fn values_continue_by_indentation_and_comments_are_whole_lines() {
        let text = "[a]\nKey = one # two\n  # not this\n\n  three\nother: x\n[b]\nk=\n";
        assert_eq!(get(text, "a", "Key").unwrap(), "one # two\n\nthree");
        assert_eq!(get(text, "a", "other").unwrap(), "x");
        assert_eq!(get(text, "b", "k").unwrap(), "");
    }

    #[test]
    fn what_is_long_is_not_held_as_often_as_it_is_meant() {
        // 400 GB of names, where each option had a copy of its section's.
        let numbers: Vec<String> = (0..200_000).map(|number: u32| number.to_string()).collect();
        let options = numbers.join("=\n");
        let text = format!("[{}]\n{options}=\n", "a".repeat(2_000_000));
        assert_eq!(parse(&text).unwrap()[0].options.len(), 200_000);
        // As much of values, where each section had a copy of the defaults'.
        let sections = numbers.join("]\n[");
        let text = format!("[DEFAULT]\na={}\n[{sections}]\n", "a".repeat(2_000_000));
        let error = parse(&text).unwrap_err().to_string();
        assert_eq!(error, "setup.cfg:1: too much in [DEFAULT] for so many sections");
        assert!(parse("[DEFAULT]\na=1\n[DEFAULT]\na=1\n").is_err());
        assert!(parse("[DEFAULT]\na=1\n[b]\na=1\n[DEFAULT]\nb=1\n").is_ok());
    }

    #[test]
    fn references_are_interpolated() {
        let text = "[DEFAULT]\nbase = q\n[a]\nx = %(base)s-%%\ny = %(x)s!\n";
        assert_eq!(get(text, "a", "y").unwrap(), "q-%!");
    }

    #[test]
    fn faults_carry_their_line() {
        for (text, line) in [
            ("x = 1\n", 1),
            ("[a]\nx = 1\nx = 2\n", 3),
            ("[a]\n[b]\n[a]\n", 3),
            ("[a]\nword\n", 2),
            ("[a]\nk = 5%\n", 2),
            ("[a]\nk = %(no)s\n", 2),
            ("[a]\nk = %(k)s\n", 2),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("setup.cfg:{line}: ")), "{text:?}: {error}");
        }
    }
}
