//! What a Dockerfile, and the files beside it, can hold without another meaning: the one place through which every value of a
//! plan goes, wherever it is from.
//!
//! A Dockerfile is lines. Whatever breaks one begins an instruction, and a name with a space or a quote ends where it should not.
//! Source: <https://docs.docker.com/reference/dockerfile/>.

use super::{Error, Package};
use crate::image::ImagePlan;
use crate::secret::has_url_credentials;

const VARIABLE: &str = "environment variable";
const LABEL: &str = "label";
const SYSTEM_PACKAGE: &str = "system package";
const USER: &str = "user";
/// How a requirement and its options are joined over lines, for people to read.
const CONTINUED: &str = " \\\n    ";

/// Refuses names and values that would change the meaning of what is written.
pub(super) fn check(plan: &ImagePlan) -> Result<(), Error> {
    let base = plan.base.in_dockerfile();
    for (what, pairs) in [(VARIABLE, &plan.environment), (LABEL, &plan.labels)] {
        for (name, value) in pairs {
            if let Some(reason) = wrong_name(name).or_else(|| wrong_value(value)) {
                return Err(refused(what, name, reason));
            }
        }
    }
    for package in &plan.only_docker.system_packages {
        // Debian policy 5.6.1, with an optional `=version` and `:architecture`.
        let starts_well = package.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !starts_well || !is_of(package, "+-.:=~") {
            return Err(refused(
                SYSTEM_PACKAGE,
                package,
                "it is not the name of a Debian package",
            ));
        }
    }
    let words = [("package name", &plan.name, "._-"), ("version", &plan.version, "._-+!")];
    for (what, word, others) in words {
        check_word(what, word, others)?;
    }
    for neighbour in &plan.neighbours {
        check_word("package name", &neighbour.name, "._-")?;
        check_word("version", &neighbour.version, "._-+!")?;
    }
    match &base {
        Some(base) => check_word("base image", base, "._-/:@")?,
        // The path of a base image that no Dockerfile can name is in none that Docker gets.
        None if plan.base.to_string().contains(char::is_control) => {
            return Err(refused(
                "base image",
                &plan.base.to_string(),
                "its path holds a line break",
            ));
        }
        None => {}
    }
    if let Some(user) = plan
        .user
        .as_ref()
        .filter(|user| user.is_empty() || !is_of(user, "._-:"))
    {
        return Err(refused(
            USER,
            user,
            "it is not a user, or user:group, by name or number",
        ));
    }
    for entry in [Some(&plan.train), plan.serve.as_ref(), plan.initializer.as_ref()]
        .into_iter()
        .flatten()
    {
        // Python's identifiers go beyond ASCII.
        if entry
            .object
            .contains(|c: char| !(c.is_alphanumeric() || "_.:".contains(c)))
        {
            return Err(refused(
                "entry point",
                &entry.object,
                "it is not package.module:function",
            ));
        }
    }
    let files = [&plan.requirements, &plan.constraints];
    for line in files.into_iter().flatten() {
        if line
            .replace(CONTINUED, " ")
            .contains(|c: char| c.is_control() && c != '\t')
        {
            return Err(refused(
                "requirement",
                line,
                "it holds a line break or another control character",
            ));
        }
    }
    Ok(())
}

/// Refuses archives whose names the Dockerfile would read otherwise.
pub(super) fn check_package(package: &Package) -> Result<(), Error> {
    check_word("sdist's file name", &package.sdist, "._-+!~")?;
    let mut wheels = package.wheel.iter().chain(&package.neighbour_wheels);
    wheels.try_for_each(|wheel| check_word("wheel's file name", wheel, "._-+!~"))
}

fn check_word(what: &'static str, word: &str, others: &str) -> Result<(), Error> {
    if is_of(word, others) {
        return Ok(());
    }
    Err(refused(what, word, "it holds other characters than such a name has"))
}

/// Whether the settings alone say it.
pub(super) fn is_setting(what: &str) -> bool {
    [VARIABLE, LABEL, SYSTEM_PACKAGE, USER].contains(&what)
}

/// What to do next.
pub(super) fn hint(what: &str, name: &str) -> String {
    let hint = match (what, name) {
        (LABEL, "org.opencontainers.image.revision") => {
            "Correct the setting `revision`, or CODEBUILD_RESOLVED_SOURCE_VERSION where that is not set."
        }
        (LABEL, "org.opencontainers.image.source") => {
            "Correct the setting `source-url`, or the URL of git's remote `origin` where that is not set."
        }
        _ if is_setting(what) => "Correct the setting; `sgbuild settings` shows where it comes from.",
        ("base image", _) => "Correct the setting `base-image`.",
        _ => "Correct it in the project's metadata; `sgbuild inspect --json` shows it.",
    };
    hint.to_owned()
}

fn refused(what: &'static str, name: &str, reason: &'static str) -> Error {
    Error::Unwritable {
        what,
        name: name.replace(char::is_control, "?"),
        reason,
    }
}

fn wrong_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it has no name");
    }
    let breaks = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '=' | '"' | '\'' | '\\' | '$' | '`');
    if name.contains(breaks) {
        return Some("its name holds a space, quote, `=`, `$` or backslash");
    }
    // Such a line would be a comment.
    name.starts_with('#').then_some("its name begins with `#`")
}

fn wrong_value(value: &str) -> Option<&'static str> {
    if value.contains(['\n', '\r', '\0']) {
        return Some("its value holds a line break");
    }
    has_url_credentials(value).then_some("its value holds credentials, which everyone who has the image could read")
}

/// Whether `text` is of ASCII letters, digits and `others` alone.
fn is_of(text: &str, others: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::docker::context::tests::plan;

    /// A plan with `text` in one of its values.
    type With = fn(&mut ImagePlan, &str);

    #[test]
    fn no_value_of_a_plan_can_add_a_line() {
        let values: [(&str, With); 14] = [
            ("name", |plan, text| plan.name.push_str(text)),
            ("version", |plan, text| plan.version.push_str(text)),
            ("base", |plan, text| {
                plan.base = format!("oci:base{text}").parse().unwrap();
            }),
            ("base", |plan, text| {
                plan.base = format!("docker-daemon:base{text}").parse().unwrap();
            }),
            ("train", |plan, text| plan.train.object.push_str(text)),
            ("serve", |plan, text| plan.serve.as_mut().unwrap().object.push_str(text)),
            ("package", |plan, text| {
                plan.only_docker.system_packages[0].push_str(text);
            }),
            ("variable", |plan, text| {
                plan.environment.insert(format!("X{text}"), String::new());
            }),
            ("its value", |plan, text| {
                plan.environment.insert("X".to_owned(), text.to_owned());
            }),
            ("label", |plan, text| {
                plan.labels.insert(format!("x{text}"), String::new());
            }),
            ("its value", |plan, text| {
                plan.labels.insert("x".to_owned(), text.to_owned());
            }),
            ("requirement", |plan, text| plan.requirements.push(format!("a{text}"))),
            ("constraint", |plan, text| plan.constraints.push(format!("a{text}"))),
            ("user", |plan, text| plan.user = Some(format!("a{text}"))),
        ];
        assert!(check(&plan()).is_ok());
        for (value, with) in values {
            for text in [
                "\nRUN evil",
                "\rRUN evil",
                "\n# syntax=evil/frontend",
                "\n# escape=`",
                "\0",
            ] {
                let mut plan = plan();
                with(&mut plan, text);
                let error = check(&plan).unwrap_err();
                assert!(!error.to_string().contains('\n'), "{value}: {error}");
            }
        }
    }

    #[test]
    fn names_that_would_be_read_otherwise_are_refused() {
        for name in ["#comment", "a=b", "a b", "a\"b", "$A", "a\\", "", "a\u{1b}b"] {
            let mut plan = plan();
            plan.labels.insert(name.to_owned(), String::new());
            assert!(check(&plan).is_err(), "{name}");
        }
        let packed = |sdist: &str, wheel: &str| {
            check_package(&Package {
                sdist: sdist.to_owned(),
                wheel: Some(wheel.to_owned()),
                neighbour_wheels: Vec::new(),
            })
        };
        assert!(packed("pkg-1.tar.gz", "pkg-1-py3-none-any.whl").is_ok());
        assert!(packed("pkg\nRUN evil", "a.whl").is_err() && packed("a.tar.gz", "a.whl,rw").is_err());
        assert_eq!(
            packed("a b*.tar.gz", "a.whl").unwrap_err().to_string(),
            "sdist's file name `a b*.tar.gz` cannot be written to a Dockerfile: it holds other characters than such a name has"
        );
    }
}
