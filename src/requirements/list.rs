//! What an image has installed, as a list that is kept with whatever is trained in it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::oci::Digest;

/// How much the lines may take, in bytes: they become part of a record, whose item has room for 400 KB.
const MAX_LINES: usize = 64 * 1024;

/// The distributions in an image, or what its builder was asked to install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequirementList {
    /// Of all lines: the same digest is the same list.
    pub digest: String,
    /// Whether the lines are what is installed (`numpy==2.1.0`), rather than what was asked for (`numpy>=2`).
    pub installed: bool,
    /// Sorted; empty where they are too many to be kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

impl RequirementList {
    /// A list of `lines`.
    #[must_use]
    pub fn new(installed: bool, mut lines: Vec<String>) -> Self {
        lines.sort();
        lines.dedup();
        let digest = digest(&lines);
        let size: usize = lines.iter().map(String::len).sum();
        if size > MAX_LINES {
            lines.clear();
        }
        Self {
            digest,
            installed,
            lines,
        }
    }

    /// What an SBOM ([CycloneDX](https://cyclonedx.org/docs/1.6/json/#components)) names of Python's distributions; `None` where the text is no SBOM.
    #[must_use]
    pub fn of_sbom(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text).ok()?;
        let components = document.get("components")?.as_array()?.iter();
        let python = components.filter(|one| {
            let purl = one.get("purl").and_then(Value::as_str);
            purl.is_some_and(|purl| purl.starts_with("pkg:pypi/"))
        });
        let line = |one: &Value| {
            Some(format!(
                "{}=={}",
                one.get("name")?.as_str()?,
                one.get("version")?.as_str()?
            ))
        };
        Some(Self::new(true, python.filter_map(line).collect()))
    }

    /// What the lines of a `requirements.txt` ask for, without comments, options and hashes.
    #[must_use]
    pub fn asked(lines: &[String]) -> Self {
        let asked = lines.iter().map(|line| {
            let line = line.split(" #").next().unwrap_or_default();
            let line = line.split(" --").next().unwrap_or_default();
            line.trim_end_matches('\\').trim().to_owned()
        });
        let named = asked.filter(|line| !line.is_empty() && !line.starts_with(['#', '-']));
        Self::new(false, named.collect())
    }

    /// Finds what another has put together otherwise than [`Self::new`].
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        let size: usize = self.lines.iter().map(String::len).sum();
        if size > MAX_LINES {
            return Err(format!("{size} bytes are too many: {MAX_LINES} at most"));
        }
        if self.digest.parse::<Digest>().is_err() {
            return Err("the digest is none, such as sha256: and 64 hexadecimal digits".to_owned());
        }
        if !self.lines.is_empty() && digest(&self.lines) != self.digest {
            return Err("the digest is not that of the lines".to_owned());
        }
        Ok(())
    }

    /// What the lines take in an item of a table, where each has three bytes beside its text.
    pub(crate) fn size(&self) -> usize {
        self.lines.iter().map(|line| line.len() + 3).sum()
    }

    /// Each line as the name and what is said of it: `numpy` and `==2.1.0`. `None` where the lines are not kept.
    pub(crate) fn by_name(&self) -> Option<impl Iterator<Item = (&str, &str)>> {
        (!self.lines.is_empty()).then(|| self.lines.iter().map(|line| split(line)))
    }
}

fn digest(lines: &[String]) -> String {
    Digest::of(lines.join("\n").as_bytes()).to_string()
}

/// A requirement's name, and the rest ([PEP 508](https://peps.python.org/pep-0508/#names)).
fn split(line: &str) -> (&str, &str) {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = line.find(|c| !is_of_name(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if rest.starts_with([':', '/']) {
        // A URL, which names no package.
        return (line, "");
    }
    (name, rest.trim_start())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_an_sbom_the_python_distributions() {
        let sbom = json!({ "components": [
            { "name": "base", "version": "sha256:1f", "purl": "pkg:oci/base@sha256:1f" },
            { "name": "numpy", "version": "2.1.0", "purl": "pkg:pypi/numpy@2.1.0" },
            { "name": "iris", "version": "1.0", "purl": "pkg:pypi/iris@1.0?file_name=iris.whl" },
        ]});
        let list = RequirementList::of_sbom(&sbom.to_string()).unwrap();
        assert_eq!(list.lines, ["iris==1.0", "numpy==2.1.0"]);
        assert_eq!(list.check(), Ok(()));
        assert_eq!(RequirementList::of_sbom("no JSON"), None);
    }

    #[test]
    fn of_a_file_what_it_asks_for() {
        let lines = [
            "# of setup.py",
            "--index-url https://example.com/simple",
            "numpy>=2 ; python_version >= \"3.9\"  # setup.py:3",
            "pandas==2.2.0 --hash=sha256:1f",
            "https://example.com/a.whl",
            "torch[cuda] @ https://example.com/torch.whl",
        ];
        let list = RequirementList::asked(&lines.map(ToOwned::to_owned));
        insta::assert_debug_snapshot!(list.by_name().unwrap().collect::<Vec<_>>(), @r#"
        [
            (
                "https://example.com/a.whl",
                "",
            ),
            (
                "numpy",
                ">=2 ; python_version >= \"3.9\"",
            ),
            (
                "pandas",
                "==2.2.0",
            ),
            (
                "torch",
                "[cuda] @ https://example.com/torch.whl",
            ),
        ]
        "#);
    }

    #[test]
    fn of_very_many_the_digest_is_kept() {
        let lines = |last: &str| {
            (0..9_000)
                .map(|n| format!("package-{n}==1.0"))
                .chain([last.to_owned()])
                .collect()
        };
        let (a, b) = (
            RequirementList::new(true, lines("a==1")),
            RequirementList::new(true, lines("a==2")),
        );
        assert!(a.lines.is_empty() && a.by_name().is_none() && a.digest != b.digest);
        assert_eq!(a.check(), Ok(()));
    }
}
