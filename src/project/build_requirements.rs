//! Whether a build requirement may change what setuptools reads.

use super::value::Value;

/// Whether one of the build requirements may be a plugin of setuptools, such as `setuptools_scm`: plugins take part as soon as they
/// are installed, without being named in `setup()`. So may an older setuptools, which reads projects in its own way.
pub(crate) fn may_change_metadata(requires: &[String]) -> bool {
    let harmless = [
        "build",
        "cmake",
        "cython",
        "jinja2",
        "joblib",
        "ninja",
        "numpy",
        "oldest-supported-numpy",
        "packaging",
        "pandas",
        "pip",
        "pyaml",
        "pybind11",
        "pyyaml",
        "requests",
        "scikit-learn",
        "scipy",
        "setuptools",
        "tomli",
        "torch",
        "typing-extensions",
        "wheel",
    ];
    requires.iter().any(|requirement| {
        let name = plain_name(requirement);
        let old = name == "setuptools" && is_limited(requirement);
        old || !harmless.contains(&name.as_str())
    })
}

/// Whether `setup_requires` asks for nothing but setuptools and wheel, which are there already, in any version.
pub(crate) fn is_only_setuptools(listed: Option<&Value>) -> bool {
    let names = listed.and_then(|value| {
        value
            .as_str()
            .map(|one| vec![one.to_owned()])
            .or_else(|| value.strings())
    });
    let is_setuptools = |requirement: &String| {
        matches!(plain_name(requirement).as_str(), "setuptools" | "wheel") && !is_limited(requirement)
    };
    names.is_some_and(|names| names.iter().all(is_setuptools))
}

/// The name that a requirement begins with, in its usual spelling.
fn plain_name(requirement: &str) -> String {
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    requirement[..end.unwrap_or(requirement.len())]
        .to_lowercase()
        .replace(['_', '.'], "-")
}

/// Whether a requirement may be for an older version than the newest.
fn is_limited(requirement: &str) -> bool {
    requirement.contains(['<', '~', '@']) || requirement.contains("==")
}
