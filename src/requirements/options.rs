//! The options of pip that a requirements file may hold.
//! Source: <https://pip.pypa.io/en/stable/reference/requirements-file-format/#supported-options>.

/// An option by its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// `-r`: another requirements file.
    Requirement,
    /// `-c`: a constraints file.
    Constraint,
    /// `-e`: a project in development mode.
    Editable,
    /// `-i`: the index.
    IndexUrl,
    /// One more index.
    ExtraIndexUrl,
    /// `-f`: a page or directory with links to packages.
    FindLinks,
    /// A host to trust without TLS.
    TrustedHost,
    /// Anything else that stands on a line of its own and holds neither a path nor a URL: pip's own business.
    Other,
    /// `--require-hashes`: as though there was one `--hash`.
    RequireHashes,
    /// `--hash` of a requirement.
    Hash,
    /// Another option of a requirement.
    OfRequirement,
}

struct Known {
    long: &'static [&'static str],
    short: Option<char>,
    takes_value: bool,
    name: Name,
}

const fn known(long: &'static [&'static str], short: Option<char>, takes_value: bool, name: Name) -> Known {
    Known {
        long,
        short,
        takes_value,
        name,
    }
}

const KNOWN: [Known; 19] = [
    known(&["--requirement"], Some('r'), true, Name::Requirement),
    known(&["--constraint"], Some('c'), true, Name::Constraint),
    known(&["--editable"], Some('e'), true, Name::Editable),
    known(&["--index-url", "--pypi-url"], Some('i'), true, Name::IndexUrl),
    known(&["--extra-index-url"], None, true, Name::ExtraIndexUrl),
    known(&["--find-links"], Some('f'), true, Name::FindLinks),
    known(&["--trusted-host"], None, true, Name::TrustedHost),
    known(&["--no-index"], None, false, Name::Other),
    known(&["--pre"], None, false, Name::Other),
    known(&["--all-releases"], None, true, Name::Other),
    known(&["--only-final"], None, true, Name::Other),
    known(&["--no-binary"], None, true, Name::Other),
    known(&["--only-binary"], None, true, Name::Other),
    known(&["--prefer-binary"], None, false, Name::Other),
    known(&["--use-feature"], None, true, Name::Other),
    known(&["--require-hashes"], None, false, Name::RequireHashes),
    known(&["--hash"], None, true, Name::Hash),
    known(
        &["--config-settings", "--config-setting"],
        Some('C'),
        true,
        Name::OfRequirement,
    ),
    known(&["--global-option"], None, true, Name::OfRequirement),
];

/// An option as given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Which one.
    pub name: Name,
    /// How it is spelled there.
    pub spelled: String,
    /// Its value; empty where it takes none.
    pub value: String,
}

/// What is wrong with the options of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    Quotes,
    Unknown(String),
    NoValue(String),
    Unwanted(String),
    Leftover(String),
}

/// Reads the options of a line, which are quoted as for a shell.
pub(super) fn parse(text: &str) -> Result<Vec<Given>, Wrong> {
    let mut words = shlex::split(text).ok_or(Wrong::Quotes)?.into_iter();
    let mut given = Vec::new();
    while let Some(word) = words.next() {
        let (spelled, attached) = spelling(&word)?;
        let known = find(&spelled).ok_or_else(|| Wrong::Unknown(spelled.clone()))?;
        let value = match (known.takes_value, attached) {
            (true, Some(value)) => value,
            (true, None) => words.next().ok_or_else(|| Wrong::NoValue(spelled.clone()))?,
            (false, None) => String::new(),
            (false, Some(_)) => return Err(Wrong::Unwanted(spelled)),
        };
        given.push(Given {
            name: known.name,
            spelled,
            value,
        });
    }
    Ok(given)
}

/// `--name`, `--name=value`, `-n` or `-nvalue`.
fn spelling(word: &str) -> Result<(String, Option<String>), Wrong> {
    if let Some(long) = word.strip_prefix("--") {
        if long.is_empty() {
            return Err(Wrong::Leftover(word.to_owned()));
        }
        return Ok(match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word.to_owned(), None),
        });
    }
    let mut letters = word.chars();
    match (letters.next(), letters.next()) {
        (Some('-'), Some(letter)) => {
            let value = letters.as_str();
            Ok((format!("-{letter}"), (!value.is_empty()).then(|| value.to_owned())))
        }
        _ => Err(Wrong::Leftover(word.to_owned())),
    }
}

fn find(spelled: &str) -> Option<&'static Known> {
    let letter = spelled.strip_prefix('-').and_then(|rest| rest.chars().next());
    KNOWN.iter().find(|known| {
        known.long.contains(&spelled)
            || (spelled.chars().count() == 2 && known.short.is_some() && known.short == letter)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> (Name, String) {
        let given = parse(text).unwrap().remove(0);
        (given.name, given.value)
    }

    #[test]
    fn options_are_read_in_every_spelling() {
        for text in [
            "-r a.txt",
            "-ra.txt",
            "--requirement a.txt",
            "--requirement=a.txt",
            "-r 'a.txt'",
        ] {
            assert_eq!(one(text), (Name::Requirement, "a.txt".to_owned()), "{text}");
        }
        assert_eq!(one("--pre").0, Name::Other);
        assert_eq!(parse("--hash=sha256:a --hash sha256:b").unwrap().len(), 2);
    }

    #[test]
    fn what_pip_would_refuse_or_ignore_is_refused() {
        for (text, wrong) in [
            ("--requirements a", Wrong::Unknown("--requirements".to_owned())),
            ("-x", Wrong::Unknown("-x".to_owned())),
            ("-r", Wrong::NoValue("-r".to_owned())),
            ("--pre=yes", Wrong::Unwanted("--pre".to_owned())),
            ("-r a b", Wrong::Leftover("b".to_owned())),
            ("-r 'a", Wrong::Quotes),
            ("--", Wrong::Leftover("--".to_owned())),
        ] {
            assert_eq!(parse(text), Err(wrong), "{text}");
        }
    }
}
