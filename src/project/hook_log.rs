//! What the log of a setup.py, or of a build backend, that failed means.

/// As setuptools says it where nothing called `setup()`.
const NO_METADATA: &str = "Exactly one .egg-info should have been produced, but found 0";
/// As Python says it.
const MODULE_MISSING: &str = "ModuleNotFoundError: No module named '";

/// What to do about a process that ended without an answer.
pub(super) const EXITED_HINT: &str =
    "Look for a call that ends the process, such as sys.exit() or os._exit(), before setup() is done.";
const NEVER_CALLED: &str = "setup.py ended without having called setup()";
const NEVER_CALLED_HINT: &str = "setup() was not called: setup.py ended before it, as with sys.exit(), or its call stands in a \
                                 condition or function that was not reached. Call it at the top level.";
const ENCODING_HINT: &str = "Save the file that is read there as UTF-8. PowerShell's `>` writes UTF-16, whose first byte is 0xff: \
                             there, use `pip freeze | Out-File -Encoding utf8 requirements.txt`.";
const DISTUTILS_REQUIRES_HINT: &str = "`requires`, `provides` and `obsoletes` of setup() name modules, and nothing installs them: name what \
                                       the package needs in install_requires, such as install_requires=[\"six>=1.16\"].";
const NO_HISTORY_HINT: &str =
    "Run sgbuild in a git checkout with its history and tags, or set SETUPTOOLS_SCM_PRETEND_VERSION to the version.";
const FILE_MISSING_HINT: &str = "Add the file to the project, or take its reading out of setup.py: a path is best made of \
                                 `os.path.dirname(__file__)`.";
const OTHER_HINT: &str = "Try `pip wheel --no-deps .` in the project: it fails in the same way, unless setup.py wants credentials, which sgbuild keeps from it.";

/// The log, in which setuptools' riddle about a `setup()` that nobody called is said plainly.
pub(super) fn plainly(log: &str) -> String {
    let said = |line| {
        if str::contains(line, NO_METADATA) {
            NEVER_CALLED
        } else {
            line
        }
    };
    log.split('\n').map(said).collect::<Vec<_>>().join("\n")
}

/// What to do about what wrote `log`.
pub(super) fn hint(log: &str) -> String {
    if let Some(module) = missing_module(log) {
        return module_hint(module);
    }
    let hints = [
        (NO_METADATA, NEVER_CALLED_HINT),
        ("UnicodeDecodeError: 'utf-8' codec", ENCODING_HINT),
        ("expected parenthesized list: ", DISTUTILS_REQUIRES_HINT),
        ("bad package name in ", DISTUTILS_REQUIRES_HINT),
        ("was unable to detect version", NO_HISTORY_HINT),
        ("FileNotFoundError: ", FILE_MISSING_HINT),
    ];
    let known = hints.iter().find(|(words, _)| log.contains(words));
    known.map_or(OTHER_HINT, |(_, hint)| hint).to_owned()
}

/// The module that an import did not find, of the last such line.
fn missing_module(log: &str) -> Option<&str> {
    let (_, after) = log.rsplit_once(MODULE_MISSING)?;
    Some(after.split('\'').next().unwrap_or(after))
}

/// What to do about a module that cannot be imported: which package holds it, where that is not its name.
fn module_hint(module: &str) -> String {
    let require = |requirement: &str, why: &str| {
        format!("Write requires = [\"{requirement}\"] in [build-system] of pyproject.toml: {why}.")
    };
    match module.split('.').next().unwrap_or(module) {
        "pkg_resources" => require(
            "setuptools<82",
            "pkg_resources is a part of setuptools that version 82 no longer has",
        ),
        "setuptools" if module.starts_with("setuptools.command.test") => require(
            "setuptools<72",
            "setuptools.command.test is a part of it that version 72 no longer has",
        ),
        "distutils" | "setuptools" => require(
            "setuptools",
            "it holds this module, and Python is asked with what is required there, and nothing else",
        ),
        "pip" => "setup.py imports pip, which is not there where a package is built: read requirements.txt without it, as with \
                  open(\"requirements.txt\").read().splitlines()."
            .to_owned(),
        "imp" | "asyncore" | "asynchat" | "smtpd" => format!(
            "Python has no module {module} since version 3.12: port setup.py, or name an older Python with --python or SGBUILD_PYTHON."
        ),
        _ => format!(
            "Add the package that holds {module} to [build-system] requires in pyproject.toml: Python is asked with these installed, and no others."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_is_missing_has_its_own_cure() {
        let of = |module: &str| {
            hint(&format!(
                "setup.py:1: in <module>\nModuleNotFoundError: No module named '{module}'"
            ))
        };
        for (module, said) in [
            ("pkg_resources", "setuptools<82"),
            ("pkg_resources.extern", "setuptools<82"),
            ("setuptools.command.test", "setuptools<72"),
            ("distutils", "requires = [\"setuptools\"]"),
            ("pip", "without it"),
            ("imp", "since version 3.12"),
            ("numpy", "Add the package that holds numpy"),
        ] {
            assert!(of(module).contains(said), "{module}: {}", of(module));
        }
    }

    #[test]
    fn other_failures_have_theirs() {
        for (log, said) in [
            (
                "AssertionError: Exactly one .egg-info should have been produced, but found 0: []",
                "not called",
            ),
            (
                "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0",
                "UTF-16",
            ),
            (
                "ValueError: expected parenthesized list: '-applescript'",
                "install_requires",
            ),
            (
                "LookupError: setuptools-scm was unable to detect version for /x.",
                "tags",
            ),
            (
                "FileNotFoundError: [Errno 2] No such file or directory: 'a.txt'",
                "Add the file",
            ),
            ("KeyError: 'x'", "pip wheel"),
        ] {
            assert!(hint(log).contains(said), "{log}");
        }
        let log = "needs Python 2\nAssertionError: Exactly one .egg-info should have been produced, but found 0: []";
        assert_eq!(
            plainly(log),
            "needs Python 2\nsetup.py ended without having called setup()"
        );
    }
}
