//! The text of a requirements file, line by line: what stands there, before anything else is read or decided.
//! Source: <https://pip.pypa.io/en/stable/reference/requirements-file-format/>.

use std::fmt;

use super::options::{self, Given, Name};
use super::text::logical_lines;
use crate::explain::Code;
use crate::secret::without_url_credentials;

/// The hashes that pip takes for safe, with the length of their hexadecimal digests.
/// Source: <https://pip.pypa.io/en/stable/topics/secure-installs/>.
pub(super) const HASHES: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// One line of a requirements file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it begins, from 1.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Something to install: a PEP 508 requirement, a URL or a path.
    Requirement {
        /// Without its options.
        text: String,
        /// Its `--hash` options, `sha256:…`.
        hashes: Vec<String>,
        /// Its other options.
        options: Vec<Given>,
    },
    /// `-e`: a URL or path to install in development mode.
    Editable(String),
    /// `-r`: another requirements file.
    Requirements(String),
    /// `-c`: a constraints file.
    Constraints(String),
    /// Options for the whole installation.
    Options {
        /// As written.
        text: String,
        /// The same, read.
        options: Vec<Given>,
    },
}

/// A line that is not right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// Where it begins, from 1.
    pub line: usize,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// A quotation mark without its partner.
    Quotes,
    /// No option of a requirements file.
    UnknownOption(String),
    /// An option without its value.
    NoValue(String),
    /// A value for an option that takes none.
    Unwanted(String),
    /// Something behind the options, which pip would not see.
    Leftover(String),
    /// An option that pip would not see where it stands.
    Ignored(String),
    /// A `--hash` that stands alone, probably behind a lost backslash.
    HashAlone,
    /// A `--hash` that is none.
    Hash(String),
    /// `${NAME}`, which pip would take from the environment.
    Variable(String),
    /// Not PEP 508.
    Requirement {
        /// As written.
        text: String,
        /// The parser's words.
        reason: String,
    },
    /// A URL with a user name or password, masked.
    Credentials(String),
    /// A file or directory of this machine.
    LocalPath(String),
    /// A requirements file from the network.
    RemoteRequirements(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quotes => f.write_str("a quotation mark is not closed"),
            Self::UnknownOption(option) => write!(f, "`{option}` is no option of a requirements file"),
            Self::NoValue(option) => write!(f, "`{option}` has no value"),
            Self::Unwanted(option) => write!(f, "`{option}` takes no value"),
            Self::Leftover(word) => write!(f, "pip would ignore `{word}` behind the options"),
            Self::Ignored(option) => write!(f, "pip would ignore `{option}` on this line"),
            Self::HashAlone => f.write_str("`--hash` belongs to no requirement, so pip would ignore it"),
            Self::Hash(hash) => write!(f, "`--hash={hash}` is not a SHA-256, SHA-384 or SHA-512 digest"),
            Self::Variable(name) => write!(
                f,
                "${{{name}}} is a variable of the environment, which the image's build does not have"
            ),
            Self::Requirement { text, reason } => write!(f, "`{text}` is not a valid requirement: {reason}"),
            Self::Credentials(url) => write!(f, "`{url}` carries credentials, and they would be stored in the image"),
            Self::LocalPath(path) => write!(
                f,
                "`{path}` is a path of this machine, and the image's build has only what is built here of a project's directory"
            ),
            Self::RemoteRequirements(url) => {
                write!(f, "`{url}` is on the network, so sgbuild cannot know what it asks for")
            }
        }
    }
}

impl Wrong {
    /// The same with the quoted text cut to a readable length: a line may be of any.
    pub(super) fn clipped(mut self) -> Self {
        const MOST: usize = 200;
        let found = match &mut self {
            Self::Quotes | Self::HashAlone => return self,
            Self::UnknownOption(found)
            | Self::NoValue(found)
            | Self::Unwanted(found)
            | Self::Leftover(found)
            | Self::Ignored(found)
            | Self::Hash(found)
            | Self::Variable(found)
            | Self::Requirement { text: found, .. }
            | Self::Credentials(found)
            | Self::LocalPath(found)
            | Self::RemoteRequirements(found) => found,
        };
        if let Some((end, _)) = found.char_indices().nth(MOST) {
            found.truncate(end);
            found.push('…');
        }
        self
    }

    /// What it is called.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Requirement { .. } => Code::RequirementInvalid,
            Self::Credentials(_) => Code::CredentialsInRequirement,
            Self::Quotes
            | Self::UnknownOption(_)
            | Self::NoValue(_)
            | Self::Unwanted(_)
            | Self::Leftover(_)
            | Self::Ignored(_)
            | Self::HashAlone
            | Self::Hash(_)
            | Self::Variable(_)
            | Self::LocalPath(_)
            | Self::RemoteRequirements(_) => Code::RequirementsLineInvalid,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Quotes | Self::UnknownOption(_) | Self::NoValue(_) | Self::Unwanted(_) => {
                "Correct the line; pip's documentation of the requirements file format lists the options that may stand there."
            }
            Self::Leftover(_) | Self::Ignored(_) => "Put each on a line of its own.",
            Self::HashAlone => "End the line of its requirement with a backslash.",
            Self::Hash(_) => "Write it as --hash=sha256: and 64 hexadecimal digits, or have the file made again.",
            Self::Variable(_) => {
                "Write the value there. Credentials belong into ~/.netrc: with --netrc-host, sgbuild hands what it says of a host to pip as a build secret."
            }
            Self::Requirement { .. } => "Correct it; the form is `name[extra]>=1.0; python_version < \"3.12\"`.",
            Self::Credentials(_) => {
                "Take the credentials out of the URL and put them into ~/.netrc: with --netrc-host, sgbuild hands what it says of a host to pip as a build secret."
            }
            Self::LocalPath(_) => {
                "Name a release on an index or a URL instead, or the directory of the project that it is made of."
            }
            Self::RemoteRequirements(_) => "Download it into the project, and name it there.",
        }
    }
}

/// Reads the text of a requirements or constraints file.
///
/// # Errors
/// The first line that pip would refuse, or silently read in another way than it is written.
pub fn parse(text: &str) -> Result<Vec<Entry>, LineError> {
    let lines = logical_lines(text).into_iter();
    let entries = lines.map(|line| {
        let at = |wrong: Wrong| LineError {
            line: line.number,
            wrong: wrong.clipped(),
        };
        Ok(Entry {
            line: line.number,
            kind: kind(&line.text).map_err(at)?,
        })
    });
    entries.collect()
}

fn kind(line: &str) -> Result<Kind, Wrong> {
    if let Some(name) = variable(line) {
        return Err(Wrong::Variable(name.to_owned()));
    }
    let shown = without_url_credentials(line);
    if shown != line {
        let with_it = shown.split_whitespace().find(|word| word.contains("://***@"));
        return Err(Wrong::Credentials(with_it.unwrap_or(&shown).to_owned()));
    }
    let (text, options_text) = requirement_and_options(line);
    let options = options::parse(options_text).map_err(|wrong| match wrong {
        options::Wrong::Quotes => Wrong::Quotes,
        options::Wrong::Unknown(option) => Wrong::UnknownOption(option),
        options::Wrong::NoValue(option) => Wrong::NoValue(option),
        options::Wrong::Unwanted(option) => Wrong::Unwanted(option),
        options::Wrong::Leftover(word) => Wrong::Leftover(word),
    })?;
    match text {
        "" => option_line(line, options),
        text => requirement(text, options),
    }
}

fn requirement(text: &str, options: Vec<Given>) -> Result<Kind, Wrong> {
    let mut hashes = Vec::new();
    let mut others = Vec::new();
    for option in options {
        match option.name {
            Name::Hash if is_hash(&option.value) => hashes.push(option.value),
            Name::Hash => return Err(Wrong::Hash(option.value)),
            // `--config-settings` is of the form KEY=VALUE.
            Name::OfRequirement if option.spelled != "--global-option" && !option.value.contains('=') => {
                return Err(Wrong::NoValue(option.spelled));
            }
            Name::OfRequirement => others.push(option),
            _ => return Err(Wrong::Ignored(option.spelled)),
        }
    }
    Ok(Kind::Requirement {
        text: text.to_owned(),
        hashes,
        options: others,
    })
}

/// A line of options: either one of those that name something, or any of the others.
fn option_line(line: &str, mut options: Vec<Given>) -> Result<Kind, Wrong> {
    let names_something = |name| matches!(name, Name::Requirement | Name::Constraint | Name::Editable);
    if let Some(at) = options.iter().position(|option| names_something(option.name)) {
        let naming = options.remove(at);
        if let Some(other) = options.first() {
            return Err(Wrong::Ignored(other.spelled.clone()));
        }
        return Ok(match naming.name {
            Name::Requirement => Kind::Requirements(naming.value),
            Name::Constraint => Kind::Constraints(naming.value),
            _ => Kind::Editable(naming.value),
        });
    }
    for option in &options {
        match option.name {
            Name::Hash => return Err(Wrong::HashAlone),
            Name::OfRequirement => return Err(Wrong::Ignored(option.spelled.clone())),
            Name::FindLinks if !is_remote(&option.value) => return Err(Wrong::LocalPath(option.value.clone())),
            _ => {}
        }
    }
    Ok(Kind::Options {
        text: line.to_owned(),
        options,
    })
}

/// Whether `text` is a URL of another machine.
pub(super) fn is_remote(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        let scheme = scheme.to_ascii_lowercase();
        ["http", "https", "ftp"].contains(&scheme.as_str()) || is_version_control(&scheme)
    })
}

/// The schemes of pip's version control URLs, such as `git+https`.
/// Source: <https://pip.pypa.io/en/stable/topics/vcs-support/>.
pub(super) fn is_version_control(text: &str) -> bool {
    ["git+", "hg+", "svn+", "bzr+"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

/// The options begin with the first word that begins with a dash.
fn requirement_and_options(line: &str) -> (&str, &str) {
    if line.starts_with('-') {
        return ("", line);
    }
    match line.find(" -") {
        Some(at) => (line[..at].trim_end(), &line[at + 1..]),
        None => (line, ""),
    }
}

/// The name in the first `${NAME}` that pip would look up: upper case, digits and underscores.
pub(super) fn variable(line: &str) -> Option<&str> {
    let candidates = line
        .match_indices("${")
        .filter_map(|(at, _)| line.get(at + 2..)?.split_once('}'));
    let mut names = candidates.map(|(name, _)| name);
    names.find(|name| {
        let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        !name.is_empty() && name.chars().all(allowed)
    })
}

fn is_hash(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, digest)| {
        let length = HASHES
            .iter()
            .find(|(name, _)| *name == algorithm)
            .map(|(_, length)| *length);
        length == Some(digest.len()) && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn wrong(text: &str) -> String {
        parse(text).unwrap_err().wrong.to_string()
    }

    #[test]
    fn each_kind_of_line() {
        let text = format!(
            "# comment\n-r base.txt\n-c other/constraints.txt\n-e .[train]\n--index-url https://h/simple --pre\nnumpy[x] >= 1.0 ; python_version < '3.12' \\\n    --hash={HASH} \\\n    -C a=b\n"
        );
        let entries = parse(&text).unwrap();
        let lines: Vec<_> = entries.iter().map(|entry| entry.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6]);
        let mut kinds = entries.into_iter().map(|entry| entry.kind);
        assert_eq!(kinds.next(), Some(Kind::Requirements("base.txt".to_owned())));
        assert_eq!(
            kinds.next(),
            Some(Kind::Constraints("other/constraints.txt".to_owned()))
        );
        assert_eq!(kinds.next(), Some(Kind::Editable(".[train]".to_owned())));
        assert!(matches!(kinds.next(), Some(Kind::Options { options, .. }) if options.len() == 2));
        let Some(Kind::Requirement { text, hashes, options }) = kinds.next() else {
            panic!()
        };
        assert_eq!(text, "numpy[x] >= 1.0 ; python_version < '3.12'");
        assert_eq!(hashes, [HASH]);
        assert_eq!(options[0].value, "a=b");
    }

    #[test]
    fn what_pip_would_not_see_is_refused() {
        assert_eq!(wrong("a --pre"), "pip would ignore `--pre` on this line");
        assert_eq!(wrong("-r a -r b"), "pip would ignore `-r` on this line");
        assert_eq!(wrong("-e . --pre"), "pip would ignore `--pre` on this line");
        assert!(wrong(&format!("a==1\n--hash={HASH}")).contains("belongs to no requirement"));
        assert!(wrong("a==1 --hash=md5:00").contains("is not a SHA-256"));
        assert!(wrong("a==1 --hash=sha256:zz").contains("is not a SHA-256"));
    }

    #[test]
    fn what_must_not_reach_the_image_is_refused() {
        assert!(wrong("--extra-index-url https://${TOKEN}@h/simple").starts_with("${TOKEN} is a variable"));
        assert_eq!(
            wrong("--index-url=https://me:secret@h/simple"),
            "`--index-url=https://***@h/simple` carries credentials, and they would be stored in the image"
        );
        assert!(wrong("a @ git+https://token@h/a.git").starts_with("`git+https://***@h/a.git`"));
        assert!(wrong("--find-links wheels").starts_with("`wheels` is a path"));
        assert!(wrong("-f file:///wheels").starts_with("`file:///wheels` is a path"));
        // pip expands neither.
        assert_eq!(parse("a ; platform_version == '${lower} $HOME'").unwrap().len(), 1);
    }
}
