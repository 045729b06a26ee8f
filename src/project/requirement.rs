//! Requirements, versions and names as setuptools writes them into METADATA.

use std::collections::HashMap;
use std::str::FromStr;

use pep508_rs::{MarkerTree, Pep508Error, Requirement};

use super::error::Error;
use super::marker_cost;
use super::value::{Dynamic, Kind, Value};
use crate::secret::without_url_credentials;

/// A field that Python must be asked about, or that is wrong for certain.
#[derive(Debug)]
pub(crate) enum Stop {
    Ask(Dynamic),
    Wrong(Error),
}

impl From<Dynamic> for Stop {
    fn from(dynamic: Dynamic) -> Self {
        Self::Ask(dynamic)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Wrong(error)
    }
}

/// `install_requires`: a string of lines, or a list of such strings and lists.
pub(crate) fn requirements(value: &Value) -> Result<Vec<String>, Stop> {
    let text = match &value.kind {
        Kind::Str(text) => text,
        Kind::List(items) | Kind::Tuple(items) => {
            let found: Vec<_> = items.iter().map(requirements).collect::<Result<_, _>>()?;
            return Ok(found.concat());
        }
        _ => return Err(value.unclear("install_requires", "a list of strings").into()),
    };
    lines(value, text)
}

fn lines(item: &Value, text: &str) -> Result<Vec<String>, Stop> {
    if has_other_line_ends(text) || text.contains('\\') {
        return Err(item.of_unusual_lines("install_requires").into());
    }
    let found: Vec<_> = logical_lines(text)
        .iter()
        .map(|line| without_last_comma(line))
        .collect();
    for line in &found {
        check(line, &item.place.to_string())?;
    }
    Ok(found)
}

/// `extras_require`: every requirement with its marker, and the extras in order.
pub(crate) fn extras(value: &Value) -> Result<(Vec<String>, Vec<String>), Stop> {
    let entries = value
        .entries()
        .ok_or_else(|| value.unclear("extras_require", "a dict"))?;
    let (mut requires, mut extras) = (Vec::new(), Vec::<String>::new());
    // Each extra by its normal form, as it was spelled first.
    let mut spellings = HashMap::<String, &str>::new();
    for (key, listed) in entries {
        let key_text = key
            .as_str()
            .ok_or_else(|| key.unclear("extras_require", "a dict of strings"))?;
        // setuptools' `extra:marker`.
        let (extra, condition) = key_text.split_once(':').unwrap_or((key_text, ""));
        let (extra, condition) = (extra.trim(), condition.trim());
        let normal = normalized(extra);
        if !extra.is_empty() {
            let is_spelled_otherwise = spellings.get(&normal).is_some_and(|known| *known != extra);
            if name(extra, "").is_err() || is_spelled_otherwise {
                return Err(key
                    .unclear("extras_require", "a dict with plain names of extras")
                    .into());
            }
            if spellings.insert(normal.clone(), extra).is_none() {
                extras.push(normal.clone());
            }
        }
        for requirement in requirements(listed)? {
            let marked = with_extra(&requirement, &normal, condition);
            check(&marked, &listed.place.to_string())?;
            requires.push(marked);
        }
    }
    Ok((requires, extras))
}

/// The [normal form](https://packaging.python.org/en/latest/specifications/name-normalization/) of a project's or an extra's
/// name: in lower case, each run of `-`, `_` and `.` one `-`.
pub(crate) fn normalized(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            other => normal.extend(other.to_lowercase()),
        }
    }
    normal
}

fn with_extra(requirement: &str, extra: &str, condition: &str) -> String {
    // A URL may hold a semicolon, so its marker is separated by a blank too.
    let separator = if requirement.contains('@') { " ;" } else { ";" };
    let (bare, marker) = requirement
        .split_once(separator)
        .map_or((requirement, ""), |(r, m)| (r, m.trim()));
    let mut parts: Vec<String> = [marker, condition]
        .iter()
        .filter(|m| !m.is_empty())
        .map(|m| format!("({m})"))
        .collect();
    if !extra.is_empty() {
        parts.push(format!("extra == \"{extra}\""));
    }
    if parts.is_empty() {
        return requirement.to_owned();
    }
    format!("{} ; {}", bare.trim_end(), parts.join(" and "))
}

/// Lines as setuptools reads them: comments and blank lines left out.
fn logical_lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            line.split_once(" #")
                .map_or(line, |(kept, _)| kept.trim_end())
                .to_owned()
        })
        .collect()
}

/// A requirement without the comma that packaging lets stand behind the last of its specifiers, and does not keep.
fn without_last_comma(requirement: &str) -> String {
    let (bare, marker) = requirement.split_at(requirement.find(';').unwrap_or(requirement.len()));
    let (bare, close) = match bare.trim_end().strip_suffix(')') {
        Some(bare) => (bare, ")"),
        None => (bare, ""),
    };
    let kept = bare.trim_end().strip_suffix(',').filter(|kept| !kept.contains('@'));
    let last = kept.and_then(|kept| kept.rsplit(',').next()).unwrap_or_default();
    match kept {
        Some(kept) if last.contains(['=', '<', '>']) => format!("{}{close}{marker}", kept.trim_end()),
        _ => requirement.to_owned(),
    }
}

/// Whether Python's `splitlines` would split `text` where Rust's `lines` does not.
pub(crate) fn has_other_line_ends(text: &str) -> bool {
    text.contains([
        '\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e', '\u{85}', '\u{2028}', '\u{2029}',
    ])
}

fn check(requirement: &str, at: &str) -> Result<(), Error> {
    let invalid = |reason: String| Error::InvalidRequirement {
        requirement: without_url_credentials(requirement),
        at: at.to_owned(),
        reason: without_url_credentials(&reason),
    };
    read_requirement(requirement).map(drop).map_err(invalid)
}

/// Reads a requirement ([PEP 508](https://packaging.python.org/en/latest/specifications/dependency-specifiers/)) that anybody may have
/// written: what the parser would not survive is refused before.
///
/// # Errors
/// What is wrong with it, in one line.
pub(crate) fn read_requirement(text: &str) -> Result<Requirement, String> {
    read(text, beyond_the_parser, Requirement::from_str)
}

/// The same for a marker.
///
/// # Errors
/// What is wrong with it, in one line.
pub(crate) fn read_marker(text: &str) -> Result<MarkerTree, String> {
    read(text, too_much, MarkerTree::from_str)
}

fn read<T>(
    text: &str,
    beyond: impl Fn(&str) -> Option<String>,
    parse: impl Fn(&str) -> Result<T, Pep508Error>,
) -> Result<T, String> {
    let read_as_is = |text: &str| match beyond(text) {
        Some(reason) => Err(reason),
        None => parse(text).map_err(|error| error.message.to_string()),
    };
    let first_line = |reason: String| reason.lines().next().unwrap_or_default().to_owned();
    if let Some((other, in_ascii)) = in_ascii(text) {
        read_as_is(&in_ascii).map_err(|reason| first_line(format!("with `{other}` read as x: {reason}")))?;
    }
    read_as_is(text).map_err(first_line)
}

/// A text with an `x` for each character that is not ASCII, and the first of them. Where the parser looks for the word behind a condition it
/// takes characters for bytes, and panics within one; what it reads in this form has none there.
fn in_ascii(text: &str) -> Option<(char, String)> {
    let other = text.chars().find(|c| !c.is_ascii())?;
    let in_ascii = text.chars().map(|c| if c.is_ascii() { c } else { 'x' }).collect();
    Some((other, in_ascii))
}

/// Nobody writes a longer one, and the parser takes too long for them.
const LONGEST_REQUIREMENT: usize = 64 * 1024;
/// The parser calls itself for every parenthesis of a marker, and nobody nests them deeper.
const DEEPEST_MARKER: usize = 100;

/// What is wrong with a requirement that the parser would not survive: it panics at a name that ends with punctuation before
/// something else, and recurses without a limit.
fn beyond_the_parser(requirement: &str) -> Option<String> {
    let (name, rest) = leading_name(requirement);
    let extras = rest.trim_start().strip_prefix('[').unwrap_or_default();
    let extras = extras.split(']').next().unwrap_or_default().split(',');
    let mut names = extras.map(|extra| leading_name(extra).0).chain([name]);
    if let Some(name) = names.find(|name| name.ends_with(['.', '-', '_'])) {
        return Some(format!("the name `{name}` does not end with a letter or digit"));
    }
    too_much(requirement)
}

/// What is wrong with a requirement or marker whose parentheses the parser would not survive, or whose marker it would take
/// minutes and gigabytes for.
fn too_much(text: &str) -> Option<String> {
    let depth = text.chars().try_fold(0_usize, |depth, c| match c {
        '(' if depth == DEEPEST_MARKER => None,
        '(' => Some(depth + 1),
        ')' => Some(depth.saturating_sub(1)),
        _ => Some(depth),
    });
    if depth.is_none() {
        return Some(format!("its parentheses are nested more than {DEEPEST_MARKER} deep"));
    }
    if text.len() > LONGEST_REQUIREMENT {
        return Some(format!(
            "it has {} characters; {LONGEST_REQUIREMENT} are read",
            text.len()
        ));
    }
    marker_cost::too_much(text).map(ToOwned::to_owned)
}

fn leading_name(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')));
    text.split_at(end.unwrap_or(text.len()))
}

/// A version as PEP 440 normalises it.
pub(crate) fn version(text: &str, at: &str) -> Result<String, Error> {
    match pep440_rs::Version::from_str(text.trim()) {
        Ok(version) => Ok(version.to_string()),
        Err(error) => Err(Error::InvalidVersion {
            version: text.to_owned(),
            at: at.to_owned(),
            reason: error.to_string(),
        }),
    }
}

/// `requires-python`, checked; without what stands between two commas, or at an end, and says nothing.
pub(crate) fn requires_python(text: &str, at: &str) -> Result<String, Error> {
    let mut specifiers: Vec<_> = text.split(',').collect();
    specifiers.retain(|specifier| !specifier.trim().is_empty());
    let said = specifiers.join(",");
    match pep440_rs::VersionSpecifiers::from_str(&said) {
        Ok(_) => Ok(said),
        Err(error) => {
            let reason = error.to_string();
            let first = reason.lines().next().unwrap_or_default();
            Err(Error::InvalidRequiresPython {
                at: at.to_owned(),
                message: no_range(text, first),
            })
        }
    }
}

/// Why `text` is no range of Python versions, where the parser says `reason`.
fn no_range(text: &str, reason: &str) -> String {
    if pep440_rs::Version::from_str(text.trim()).is_ok() {
        return format!(
            "{text:?} is a version, and not a range of Python versions such as \">={0}\" or \"=={0}.*\"",
            text.trim()
        );
    }
    let reason = reason
        .trim_end_matches(':')
        .trim_end_matches("expected operator")
        .trim_end_matches(", ");
    format!("{text:?} is not a range of Python versions such as \">=3.9,<3.13\": {reason}")
}

/// A name as the core metadata specification allows it.
pub(crate) fn name(text: &str, at: &str) -> Result<String, Error> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let end = |c: char| c.is_ascii_alphanumeric();
    if text.starts_with(end) && text.ends_with(end) && text.chars().all(inner) {
        return Ok(text.to_owned());
    }
    Err(Error::InvalidName {
        name: text.to_owned(),
        at: at.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::value::Place;

    const AT: Place = Place {
        file: "setup.py",
        line: 7,
    };

    #[test]
    fn extras_get_their_markers() {
        assert_eq!(with_extra("a>=1", "e", ""), "a>=1 ; extra == \"e\"");
        assert_eq!(
            with_extra("a; python_version<'4' or x", "e", ""),
            "a ; (python_version<'4' or x) and extra == \"e\""
        );
        assert_eq!(with_extra("a", "", "os_name=='nt'"), "a ; (os_name=='nt')");
        assert_eq!(
            with_extra("a @ http://h/x;y ; os_name=='nt'", "e", ""),
            "a @ http://h/x;y ; (os_name=='nt') and extra == \"e\""
        );
    }

    #[test]
    fn what_is_not_ascii_does_not_end_the_parser() {
        for wrong in [
            "a; os_name == 'x' éé",
            "a; os_name == 'x' “and” os_name == 'y'",
            "a; os_name == 'x' 'éé'",
            "a; (os_name == 'x')é",
            "a; (os_name == 'x' \u{37df7}) and os_name == 'y'",
            "a; \"ö\" == os_name 漢 and",
            "o;\";\">\"xBe;\"\u{37df7}\u{37df7}",
            "as蘆n_~\"xc",
            "é.",
            "a[é-]",
        ] {
            let reason = read_requirement(wrong).unwrap_err();
            assert!(
                reason.starts_with("with `") && check(wrong, "setup.py:1").is_err(),
                "{wrong}: {reason}"
            );
        }
        for right in [
            "a; platform_version == 'é' and os_name == 'ö'",
            "a @ https://h.example/é.whl ; os_name == 'x'",
        ] {
            assert!(check(right, "setup.py:1").is_ok(), "{right}");
        }
        assert!(check("é", "setup.py:1").is_err() && check("a; é == 'x'", "setup.py:1").is_err());
    }

    #[test]
    fn a_requirement_may_be_lines_with_comments() {
        let value = Value::str("a>=1\n# no\n\nb # why\n", AT);
        assert_eq!(requirements(&value).unwrap(), ["a>=1", "b"]);
        // setuptools joins such lines in a way of its own.
        assert!(matches!(requirements(&Value::str("c \\\n>=2", AT)), Err(Stop::Ask(_))));
    }

    #[test]
    fn a_comma_may_stand_behind_the_last_specifier() {
        let read = |text| requirements(&Value::str(text, AT));
        assert_eq!(read("six>=1.10,").unwrap(), ["six>=1.10"]);
        assert_eq!(read("six (>=1.10 , )").unwrap(), ["six (>=1.10)"]);
        assert_eq!(
            read("six[a]>=1,<2, ; os_name == 'nt'").unwrap(),
            ["six[a]>=1,<2; os_name == 'nt'"]
        );
        for refused in ["six,", "six>=1,,", "six ,>=1", "six[a,],"] {
            assert!(matches!(read(refused), Err(Stop::Wrong(_))), "{refused}");
        }
        assert_eq!(requires_python(">=3.6,", "x").unwrap(), ">=3.6");
        assert_eq!(requires_python(",>=3.6,,<4", "x").unwrap(), ">=3.6,<4");
        assert!(requires_python(">=3.6;", "x").is_err());
    }

    #[test]
    fn an_invalid_requirement_is_named_with_its_place() {
        let value = Value::new(Kind::List(vec![Value::str("numpy>>1", AT)]), AT);
        let Err(Stop::Wrong(error)) = requirements(&value) else {
            panic!("accepted")
        };
        assert!(
            error
                .to_string()
                .starts_with("setup.py:7: \"numpy>>1\" is not a valid requirement"),
            "{error}"
        );
    }

    #[test]
    fn versions_are_normalised_and_names_checked() {
        assert_eq!(version("1.0-RC1", "x").unwrap(), "1.0rc1");
        assert!(version("one", "setup.py:1").is_err());
        assert!(name("-a", "x").is_err() && name("a b", "x").is_err() && name("A.b_c-1", "x").is_ok());
    }
}
