//! What the output of a failed step of the image's build means: mostly pip's words, and apt's.

/// A failure that is known by its words.
struct Known {
    /// Any of these is in the output.
    words: &'static [&'static str],
    /// What to do.
    hint: &'static str,
}

const KNOWN: [Known; 19] = [
    Known {
        words: &[
            "gcc: not found",
            "'gcc': No such file",
            "'x86_64-linux-gnu-gcc'",
            "'aarch64-linux-gnu-gcc'",
            "command 'gcc' failed",
            "Unknown compiler(s)",
            "'cc': No such file",
            "linker `cc` not found",
            "'g++'",
        ],
        hint: "A requirement is compiled from source: name the compiler and headers in the setting `system-packages`, such as `build-essential`.",
    },
    Known {
        words: &["git: not found", "Cannot find command 'git'"],
        hint: "A requirement is fetched with git: add `git` to the setting `system-packages`.",
    },
    Known {
        words: &[
            "python: not found",
            "python: command not found",
            "\"python\": executable file not found",
        ],
        hint: "The base image has no program `python`: choose one that has (setting `base-image`), such as an official python:3.11-slim, or add it to yours, as Debian's package python-is-python3 does.",
    },
    Known {
        words: &["No module named pip", "pip: not found", "pip: command not found"],
        hint: "The Python of the base image has no pip: choose a base that has it (setting `base-image`), or run `python -m ensurepip` in yours.",
    },
    Known {
        words: &["externally-managed-environment"],
        hint: "The base image's Python is its distribution's, which pip may not install into: choose an official python image (setting `base-image`), or make a virtual environment in yours and put it first in PATH.",
    },
    Known {
        words: &[
            "/var/lib/dpkg/lock",
            "/var/lib/apt/lists/partial",
            "are you root?",
            "/var/lib/apt/lists/lock",
        ],
        hint: "The base image runs as another user than root, who may not install system packages: install them in the base image, or choose one that runs as root.",
    },
    Known {
        words: &["apt-get: not found", "apt-get: command not found"],
        hint: "System packages are installed with apt, which the base image does not have: install them in the base image, or choose one of Debian or Ubuntu.",
    },
    Known {
        words: &["E: Unable to locate package", "has no installation candidate"],
        hint: "apt does not know the package: check its name, and in a line of your own run `apt-get update` before, in the same RUN, as the setting `system-packages` has it done.",
    },
    Known {
        words: &["[Errno 13] Permission denied"],
        hint: "The base image runs as another user than root, who may not write there: choose one that runs as root, or make the directory writable in it.",
    },
    Known {
        words: &["invalid command 'bdist_wheel'"],
        hint: "The setuptools there cannot build wheels without the package wheel: add requires = [\"setuptools\", \"wheel\"] to [build-system] in pyproject.toml.",
    },
    Known {
        words: &["ResolutionImpossible", "conflicting dependencies"],
        hint: "Two requirements exclude each other: loosen one of them; `pip install --dry-run` with the same requirements shows it without a build.",
    },
    Known {
        words: &["DO NOT MATCH THE HASHES"],
        hint: "A file of the index is not the one that was locked: lock again, and find out who changed it if the version did not.",
    },
    Known {
        words: &["requires a different Python"],
        hint: "Choose another Python with the setting `python-version`, or another version of the package that asks for it.",
    },
    Known {
        words: &[
            "CERTIFICATE_VERIFY_FAILED",
            "certificate verify failed",
            "self-signed certificate",
            "unable to get local issuer",
        ],
        hint: "The network puts its own certificate authority in between: name its bundle in the setting `ca-bundle`.",
    },
    Known {
        words: &["exec format error"],
        hint: "The base image is for another processor: choose one for the platform asked for (settings `base-image` and `platform`), or install QEMU's emulators.",
    },
    Known {
        words: &[
            "Temporary failure in name resolution",
            "NewConnectionError",
            "Temporary failure resolving",
            "Could not resolve host",
        ],
        hint: "The build has no network: check the daemon's DNS and proxy settings.",
    },
    Known {
        words: &[
            "401 Client Error",
            "403 Client Error",
            "HTTP error 401",
            "HTTP error 403",
            "401 Error, Credentials not correct",
        ],
        hint: "The package index refuses the credentials: check PIP_INDEX_URL, pip.conf and netrc.",
    },
    Known {
        words: &["exit code: 137", "code: 137", "Cannot allocate memory"],
        hint: "The step was killed, probably for lack of memory: give the daemon more.",
    },
    Known {
        words: &["is not a supported wheel on this platform"],
        hint: "A wheel is for another Python or platform: check the settings `python-version` and `platform`.",
    },
];

/// What to do about a step that printed `output`, of which the builder said `message`.
pub(super) fn hints(output: &[String], message: &str) -> Vec<String> {
    let text = output.join("\n") + "\n" + message;
    let has = |needle: &str| text.contains(needle);
    let known = KNOWN.iter().filter(|known| known.words.iter().any(|words| has(words)));
    let mut hints: Vec<String> = known.map(|known| known.hint.to_owned()).collect();
    if has("fatal error:") && has(".h: No such file") {
        hints.push("A C header is missing: name the Debian package that has it (often ending in `-dev`) in the setting `system-packages`.".to_owned());
    }
    if let Some(requirement) = after(&text, "No matching distribution found for ", "\n") {
        let requirement = requirement.trim();
        hints.push(format!(
            "Check that {requirement} exists for the image's Python version (setting `python-version`) and platform."
        ));
        hints.push(
            "If it is in a private index, set PIP_INDEX_URL or PIP_EXTRA_INDEX_URL; they reach the build as secrets."
                .to_owned(),
        );
    }
    if let Some(name) = after(&text, "/a-neighbour-is-not-taken-from-an-index/", ".zip") {
        hints.push(format!(
            "A package of the index requires {name}, which is the name of a directory that the project requires: give one of the two another \
             name, or lock what is installed (setting `requirements`)."
        ));
    }
    if let Some(file) = after(&text, "FileNotFoundError: [Errno 2] No such file or directory: '", "'") {
        hints.push(format!(
            "A setup.py opens {file}, which is not in its sdist: if it is this project's, add the line `include {file}` to MANIFEST.in."
        ));
    }
    match after(&text, "ModuleNotFoundError: No module named '", "'") {
        Some("pkg_resources") => hints.push(
            "pkg_resources is a part of setuptools that version 82 no longer has: write requires = [\"setuptools<82\"] in [build-system] of pyproject.toml."
                .to_owned(),
        ),
        Some(module) if !["pip", "setuptools"].contains(&module) => hints.push(format!(
            "A setup.py imports {module} where it is built: if it is this project's, add the package that holds {module} to [build-system] requires in pyproject.toml."
        )),
        _ => {}
    }
    hints
}

/// What stands in `text` between `mark` and `end`.
fn after<'a>(text: &'a str, mark: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(mark)?;
    rest.split(end).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_failure_has_its_hint() {
        for (line, said) in [
            ("/bin/sh: 1: python: not found", "python-is-python3"),
            ("/usr/bin/python3: No module named pip", "ensurepip"),
            ("error: externally-managed-environment", "virtual environment"),
            (
                "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)",
                "another user than root",
            ),
            (
                "E: List directory /var/lib/apt/lists/partial is missing. - Acquire (13: Permission denied)",
                "another user than root",
            ),
            ("/bin/sh: apt-get: not found", "Debian or Ubuntu"),
            ("E: Unable to locate package libgomp", "`apt-get update` before"),
            ("E: Package 'x' has no installation candidate", "check its name"),
            (
                "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/usr/local/man'",
                "may not write",
            ),
            ("error: invalid command 'bdist_wheel'", "\"wheel\""),
            (
                "OSError: [Errno 2] No such file or directory: '/a-neighbour-is-not-taken-from-an-index/common.zip'",
                "requires common, which is the name of a directory",
            ),
            (
                "FileNotFoundError: [Errno 2] No such file or directory: 'requirements.txt'",
                "`include requirements.txt` to MANIFEST.in",
            ),
            ("ModuleNotFoundError: No module named 'pkg_resources'", "setuptools<82"),
            ("ModuleNotFoundError: No module named 'numpy'", "holds numpy"),
            ("ERROR: ResolutionImpossible: for help visit", "exclude each other"),
            (
                "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
                "lock again",
            ),
            (
                "ERROR: Package 'x' requires a different Python: 3.8.20 not in '>=3.9'",
                "python-version",
            ),
            (
                "ERROR: No matching distribution found for nosuch==1",
                "nosuch==1 exists",
            ),
        ] {
            let found = hints(&[line.to_owned()], "exit code: 1");
            assert!(found.iter().any(|hint| hint.contains(said)), "{line}: {found:?}");
        }
        assert!(hints(&["all is well".to_owned()], "exit code: 1").is_empty());
    }
}
