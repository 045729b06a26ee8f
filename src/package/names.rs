//! The spellings of a project's name: as an archive, as the directory in it, as an `.egg-info` directory.

use std::str::FromStr;

use pep440_rs::Version;

use super::Error;
use crate::project::{Metadata, normalized};

/// The names an sdist is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// The name as core metadata has it: `My.Pkg`.
    pub(crate) name: String,
    /// The version, PEP 440 in its normal form.
    pub(crate) version: String,
    /// The one directory of the archive, `<name>-<version>`, its name in PEP 625's normal form: `my_pkg-1.0`.
    pub(crate) top: String,
    /// The file name, `<top>.tar.gz`.
    pub(crate) file_name: String,
    /// The name of the directory that setuptools writes its metadata to: `My.Pkg.egg-info`.
    pub(crate) egg_info: String,
}

impl Names {
    /// The names of a project.
    pub(crate) fn of(metadata: &Metadata) -> Result<Self, Error> {
        let name = safe_name(&metadata.name);
        if !is_valid(&name) {
            return Err(Error::Name {
                name: metadata.name.clone(),
            });
        }
        let version = Version::from_str(metadata.version.trim())
            .map_err(|reason| Error::Version {
                version: metadata.version.clone(),
                reason: reason.to_string().trim().to_owned(),
            })?
            .to_string();
        let top = format!("{}-{version}", normalized(&name).replace('-', "_"));
        Ok(Self {
            file_name: format!("{top}.tar.gz"),
            egg_info: format!("{}.egg-info", name.replace('-', "_").trim_matches('_')),
            name,
            version,
            top,
        })
    }
}

impl Names {
    /// The directory in a wheel for what it says of itself: `my_pkg-1.0.dist-info`.
    pub(crate) fn dist_info(&self) -> String {
        format!("{}.dist-info", self.top)
    }
}

/// Every run of characters that no name may contain becomes one dash, as setuptools does it.
fn safe_name(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    let mut in_run = false;
    for c in name.chars() {
        let allowed = c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if allowed {
            safe.push(c);
        } else if !in_run {
            safe.push('-');
        }
        in_run = !allowed;
    }
    safe
}

/// The [name format](https://packaging.python.org/en/latest/specifications/name-normalization/).
fn is_valid(name: &str) -> bool {
    let ends = [name.chars().next(), name.chars().next_back()];
    ends.iter().all(|end| end.is_some_and(|c| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &str, version: &str) -> Result<Names, Error> {
        Names::of(&Metadata {
            name: name.to_owned(),
            version: version.to_owned(),
            ..Metadata::default()
        })
    }

    #[test]
    fn names_follow_pep_625_and_setuptools() {
        let found = names("My.-Pkg_x", "1.0-1+Ubuntu-1").unwrap();
        assert_eq!(found.file_name, "my_pkg_x-1.0.post1+ubuntu.1.tar.gz");
        assert_eq!(found.egg_info, "My._Pkg_x.egg-info");
        assert_eq!(names("hello world", "1").unwrap().file_name, "hello_world-1.tar.gz");
    }

    #[test]
    fn what_is_no_name_or_version_is_refused() {
        for bad in ["", "_x", "x-", "é", "../x/"] {
            assert!(matches!(names(bad, "1"), Err(Error::Name { .. })), "{bad}");
        }
        let error = names("x", "one").unwrap_err().to_string();
        assert!(
            error.starts_with("the project's version \"one\" is not a valid version: "),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
}
