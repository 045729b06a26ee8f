//! Requirements and markers ([PEP 508](https://packaging.python.org/en/latest/specifications/dependency-specifiers/)) of files that
//! anybody may have written.

use std::str::FromStr;

use pep508_rs::PackageName;

pub(crate) use crate::project::{read_marker as marker, read_requirement as requirement};

/// Reads a package's name.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn package_name(text: &str) -> Result<PackageName, String> {
    PackageName::from_str(text).map_err(|error| error.to_string())
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
