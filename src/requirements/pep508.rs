//! Requirements and markers ([PEP 508](https://packaging.python.org/en/latest/specifications/dependency-specifiers/)) of files that
//! anybody may have written.

use std::str::FromStr;

use pep508_rs::{MarkerTree, PackageName, Pep508Error, Requirement};

use crate::project::{beyond_the_parser, too_much, wrong_in_ascii};

/// Reads a requirement.
///
/// # Errors
/// What is wrong with it, in one line.
pub(crate) fn requirement(text: &str) -> Result<Requirement, String> {
    if let Some(reason) = beyond_the_parser(text) {
        return Err(reason);
    }
    Requirement::from_str(text).map_err(|error| reason(&error))
}

/// Reads a marker.
///
/// # Errors
/// What is wrong with it, in one line.
pub(crate) fn marker(text: &str) -> Result<MarkerTree, String> {
    if let Some(reason) = too_much(text).or_else(|| wrong_in_ascii(text, MarkerTree::from_str)) {
        return Err(reason);
    }
    MarkerTree::from_str(text).map_err(|error| reason(&error))
}

/// Reads a package's name.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn package_name(text: &str) -> Result<PackageName, String> {
    PackageName::from_str(text).map_err(|error| error.to_string())
}

fn reason(error: &Pep508Error) -> String {
    error.message.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEEPEST: usize = 100;

    #[test]
    fn deep_markers_are_refused() {
        let nested = |depth: usize| format!("a ; {}os_name == 'x'{}", "(".repeat(depth), ")".repeat(depth));
        assert!(requirement(&nested(DEEPEST)).is_ok());
        assert!(requirement(&nested(DEEPEST + 1)).unwrap_err().contains("nested"));
        assert!(requirement("scikit- learn").unwrap_err().contains("does not end with"));
        assert!(marker(&"(".repeat(1_000_000)).is_err());
    }

    #[test]
    fn markers_may_hold_more_than_ascii_within_quotes() {
        assert!(marker("platform_version == 'é'").is_ok());
        assert!(
            marker("os_name == 'x' éé")
                .unwrap_err()
                .starts_with("with `é` read as x: ")
        );
    }
}
