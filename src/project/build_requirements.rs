//! Whether a build requirement may change what setuptools reads.

/// Packages that are no plugins of setuptools', but for commands of their own: with them it reads a project as without.
const HARMLESS: &[&str] = &[
    "build",
    "certifi",
    "cffi",
    "cmake",
    "coverage",
    "cython",
    "flake8",
    "future",
    "jinja2",
    "joblib",
    "mock",
    "ninja",
    "nose",
    "numpy",
    "oldest-supported-numpy",
    "packaging",
    "pandas",
    "pip",
    "pyaml",
    "pybind11",
    "pypandoc",
    "pytest",
    "pytest-cov",
    "pytest-runner",
    "pyyaml",
    "requests",
    "scikit-learn",
    "scipy",
    "setuptools",
    "sphinx",
    "tomli",
    "torch",
    "typing-extensions",
    "wheel",
];

/// Whether a build requirement may change what setuptools reads. Its plugins (`setuptools_scm` and its like) take part without
/// being named in `setup()`, and an older setuptools reads projects in its own way.
pub(crate) fn may_change_metadata(requirement: &str) -> bool {
    let name = plain_name(requirement);
    let may_be_old = name == "setuptools" && is_limited(requirement);
    may_be_old || !HARMLESS.contains(&name.as_str())
}

/// Whether setuptools without plugins passes over this keyword of `setup()`: it is nobody's, and no attribute of setuptools' objects
/// that it would set.
pub(crate) fn is_passed_over(keyword: &str) -> bool {
    // Of those above, cffi takes one, and what Sphinx needs takes another.
    let is_a_plugins = ["cffi_modules", "message_extractors"].contains(&keyword);
    let is_a_method = ["get_", "has_", "set_"]
        .iter()
        .any(|prefix| keyword.starts_with(prefix));
    !is_a_plugins && !is_a_method && !keyword.starts_with('_') && !ATTRIBUTES.contains(&keyword)
}

/// Attributes of `setuptools.dist.Distribution` and its metadata that are no keywords (setuptools 84);
/// `defaults` is handed to one of its methods.
const ATTRIBUTES: &[&str] = &[
    "announce",
    "command_obj",
    "command_packages",
    "common_usage",
    "contact",
    "contact_email",
    "defaults",
    "display_option_names",
    "display_options",
    "dist_files",
    "dump_option_dicts",
    "exclude",
    "exclude_package",
    "extra_path",
    "fetch_build_egg",
    "fetch_build_eggs",
    "finalize_options",
    "find_config_files",
    "fullname",
    "global_options",
    "handle_display_options",
    "have_run",
    "help",
    "help_commands",
    "include",
    "is_pure",
    "iter_distribution_names",
    "license_expression",
    "metadata",
    "negative_opt",
    "parse_command_line",
    "parse_config_files",
    "print_command_list",
    "print_commands",
    "read_pkg_file",
    "reinitialize_command",
    "run_command",
    "run_commands",
    "verbose",
    "want_user_cfg",
    "write_pkg_file",
    "write_pkg_info",
];

/// The name that a requirement begins with, in its usual spelling.
pub(super) fn plain_name(requirement: &str) -> String {
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    requirement[..end.unwrap_or(requirement.len())]
        .to_lowercase()
        .replace(['_', '.'], "-")
}

/// Whether a requirement may be for an older version than the newest.
fn is_limited(requirement: &str) -> bool {
    requirement.contains(['<', '~', '@']) || requirement.contains("==")
}
