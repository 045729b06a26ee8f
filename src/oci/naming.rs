//! Names made of a Python package: its ECR repository and its tags.

use super::reference::{Error, MAX_TAG};

/// The ECR repository name for the Python package `name`.
///
/// The name is normalised as [PEP 503](https://peps.python.org/pep-0503/#normalized-names) has it (lower-case, each run of
/// `-`, `_` and `.` one `-`), so that every spelling of one package is one repository; the outcome satisfies
/// [ECR's pattern](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html). ECR's names have at
/// least two characters and begin with a letter: where the package's does not, `python-` is put before it.
///
/// # Errors
/// [`Error::PackageName`] for a name without letters or digits, with others than ASCII ones, or of more than 256 characters.
pub fn repository_name(name: &str) -> Result<String, Error> {
    let wrong = |reason: &str| Error::PackageName {
        name: name.to_owned(),
        reason: reason.to_owned(),
    };
    let is_separator = |c: char| matches!(c, '-' | '_' | '.');
    if let Some(c) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !is_separator(*c)) {
        return Err(wrong(&format!("it holds `{c}`")));
    }
    let words: Vec<String> = name
        .split(is_separator)
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let joined = words.join("-");
    if joined.is_empty() {
        return Err(wrong("it has no letter or digit"));
    }
    let begins_with_letter = joined.starts_with(|c: char| c.is_ascii_lowercase());
    let repository = if joined.len() < 2 || !begins_with_letter {
        format!("python-{joined}")
    } else {
        joined
    };
    if repository.len() > 256 {
        return Err(wrong("it is longer than the 256 characters ECR allows"));
    }
    Ok(repository)
}

/// The image tag for a package's `version` and, if there is one, its short `commit`: `1.0.0` or `1.0.0-3f2a9c1`.
///
/// What a [PEP 440](https://peps.python.org/pep-0440/) version may hold and a tag may not becomes `-`: the `+` of a local
/// version (`1.0+cpu.2` is `1.0-cpu.2`) and the `!` of an epoch (`1!2.0` is `1-2.0`). A version is cut where it and the
/// commit would exceed a tag's 128 characters; the commit never is.
#[must_use]
pub fn tag(version: &str, commit: Option<&str>) -> String {
    let commit: String = commit
        .map(|commit| format!("-{}", tag_characters(commit)))
        .unwrap_or_default();
    let commit = &commit[..commit.len().min(MAX_TAG - 1)];
    let version = tag_characters(version);
    let version = version.trim_start_matches(['.', '-']);
    let version = if version.is_empty() { "0" } else { version };
    let kept = version.len().min(MAX_TAG - commit.len());
    format!("{}{commit}", &version[..kept])
}

/// `text` with every character that a tag cannot hold as `-`: ASCII, so that it may be cut anywhere.
fn tag_characters(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') {
                c
            } else {
                '-'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oci::reference::validate_tag;

    #[test]
    fn every_spelling_of_a_package_is_one_repository() {
        for name in [
            "Iris_Classifier",
            "iris.classifier",
            "IRIS--classifier",
            "iris-_.classifier",
        ] {
            assert_eq!(repository_name(name).unwrap(), "iris-classifier");
        }
        assert_eq!(repository_name("q").unwrap(), "python-q");
        assert_eq!(repository_name("3to2").unwrap(), "python-3to2");
    }

    #[test]
    fn a_name_that_gives_no_repository_is_refused() {
        assert_eq!(
            repository_name("irís").unwrap_err().to_string(),
            "no ECR repository name can be made of the package name `irís`: it holds `í`"
        );
        repository_name("").unwrap_err();
        repository_name("._-").unwrap_err();
        repository_name(&"a".repeat(257)).unwrap_err();
    }

    #[test]
    fn versions_become_tags() {
        assert_eq!(tag("1.0.0", None), "1.0.0");
        assert_eq!(tag("1.0.0", Some("3f2a9c1")), "1.0.0-3f2a9c1");
        assert_eq!(tag("1!2.0+cpu.2", None), "1-2.0-cpu.2");
        let long = tag(&"1.".repeat(100), Some("3f2a9c1"));
        assert_eq!(long.len(), 128);
        assert!(long.ends_with("-3f2a9c1"));
    }

    proptest! {
        #[test]
        fn a_tag_is_always_valid(version in ".{0,200}", commit in proptest::option::of(".{0,200}")) {
            validate_tag(&tag(&version, commit.as_deref())).unwrap();
        }

        #[test]
        fn a_repository_name_always_satisfies_ecr(name in "[A-Za-z0-9]([A-Za-z0-9._-]{0,60}[A-Za-z0-9])?") {
            let made = repository_name(&name).unwrap();
            let words: Vec<&str> = made.split('-').collect();
            prop_assert!(words.iter().all(|w| !w.is_empty() && w.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())));
            prop_assert!((2..=256).contains(&made.len()));
        }
    }
}
