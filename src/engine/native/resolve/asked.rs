//! The requirements in uv's words: its files, its arguments, and what uv leaves to us.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use pep508_rs::{PackageName, Requirement, VersionOrUrl};

use super::installed;
use super::{Error, Question};
use crate::cache::{self, Staging};
use crate::engine::native::{Libc, Target};
use crate::package::wheel::machine;
use crate::process::variable;
use crate::progress::Progress;
use crate::reading::{self, ANSWER};
use crate::requirements::{self, Entry, Given, Kind, Name, pep508};
use crate::uv::{Uv, UvSettings};

/// A package without wheels is built to know what it requires, and may take its time.
const SECONDS: u64 = 1800;
/// uv refuses other names for this format.
const ANSWERED: &str = "pylock.toml";
/// What limits this machine's choice is none of the image's business, as it is none of an image's that Docker builds.
const OF_THIS_MACHINE: [&str; 10] = [
    "UV_CONSTRAINT",
    "UV_EXCLUDE",
    "UV_NO_BINARY",
    "UV_NO_BINARY_PACKAGE",
    "UV_NO_BUILD",
    "UV_NO_BUILD_PACKAGE",
    "UV_OVERRIDE",
    "UV_PRERELEASE",
    "UV_RESOLUTION",
    "UV_UPGRADE",
];
/// The minor versions of glibc that uv has a platform for, from the newest: `uv pip compile --help`, in every release that will do.
const GLIBC_OF_UV: [u16; 12] = [40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17];

/// What uv is asked, ready in a directory of its own.
pub(super) struct Asked {
    pub(super) uv: UvSettings,
    directory: Staging,
    arguments: Vec<OsString>,
    /// The packages that the requirements name, and URLs of those that they do not name.
    pub(super) requested: BTreeSet<PackageName>,
    pub(super) urls: BTreeSet<String>,
    /// The hashes that they allow.
    pub(super) hashes: BTreeMap<PackageName, Vec<String>>,
    /// Whether every package must have some.
    pub(super) requires_hashes: bool,
    /// `--config-settings` of packages that are built.
    pub(super) build_settings: BTreeMap<PackageName, Vec<String>>,
}

impl Asked {
    /// Translates the question.
    pub(super) fn of(question: &Question<'_>) -> Result<Self, Error> {
        let mut uv = question.uv.clone();
        uv.environment
            .retain(|(name, _)| !OF_THIS_MACHINE.contains(&name.as_str()));
        let mut asked = Self {
            uv,
            directory: cache::scratch().map_err(Error::Scratch)?,
            arguments: Vec::new(),
            requested: BTreeSet::new(),
            urls: BTreeSet::new(),
            hashes: BTreeMap::new(),
            requires_hashes: false,
            build_settings: BTreeMap::new(),
        };
        let mut lines = asked.lines(question.requirements)?;
        let constraints: Vec<String> = asked.constraint_lines(question.constraints)?;
        if !constraints.is_empty() {
            lines.push(format!(
                "-c {}",
                asked.write("constraints.txt", &constraints)?.display()
            ));
        }
        if !question.installed.is_empty() {
            let wheels = asked.directory.path().join("installed");
            installed::write_wheels(question.installed, &wheels).map_err(Error::Scratch)?;
            lines.push(format!("--find-links {}", wheels.display()));
            asked.write(ANSWERED, &[installed::preferences(question.installed)])?;
        }
        let file = asked.write("requirements.txt", &lines)?;
        asked.arguments.splice(0..0, [OsString::from(file)]);
        asked.arguments.extend(platform_arguments(question)?);
        Ok(asked)
    }

    /// Has uv resolve: the text of its lock.
    pub(super) fn compile(&self, uv: &Uv, question: &Question<'_>, progress: &dyn Progress) -> Result<String, Error> {
        let output = self.directory.path().join(ANSWERED);
        let mut arguments: Vec<OsString> = [
            "pip",
            "compile",
            "--quiet",
            "--no-header",
            "--no-sources",
            "--format",
            "pylock.toml",
        ]
        .map(OsString::from)
        .into();
        arguments.extend(["--output-file".into(), output.clone().into()]);
        arguments.extend(self.arguments.iter().cloned());
        arguments.extend(uv.index_arguments().iter().map(OsString::from));
        if question.locked {
            arguments.push("--no-deps".into());
        }
        if !question.may_build {
            // What an sdist requires may be known to its code alone.
            arguments.push("--no-build".into());
        }
        if question.anew {
            arguments.push("--refresh".into());
        }
        let ended = uv.run_apart("resolving the requirements", arguments, SECONDS, progress)?;
        if !ended.success {
            return Err(Error::Unresolved {
                target: question.target.to_string(),
                may_build: question.may_build,
                log: ended.reason(),
            });
        }
        reading::text(&output, ANSWER).map_err(Error::Scratch)
    }

    fn write(&self, name: &str, lines: &[String]) -> Result<PathBuf, Error> {
        let path = self.directory.path().join(name);
        fs::write(&path, lines.join("\n") + "\n").map_err(Error::Scratch)?;
        Ok(path)
    }

    /// The requirements as uv reads them; what it would pass over becomes arguments, or is kept for later.
    fn lines(&mut self, requirements: &[String]) -> Result<Vec<String>, Error> {
        let mut lines = Vec::new();
        for entry in entries(requirements)? {
            match entry.kind {
                Kind::Requirement { text, hashes, options } => {
                    self.note(&text, hashes, &options)?;
                    lines.push(text);
                }
                Kind::Editable(url) => {
                    return Err(Error::Unsupported {
                        what: format!("`-e {url}`"),
                        reason: "it is installed as a checkout that goes on changing, which an image does not",
                        instead: "Leave `-e` out",
                    });
                }
                Kind::Requirements(file) | Kind::Constraints(file) => {
                    return Err(Error::Unsupported {
                        what: format!("the file `{file}`"),
                        reason: "a requirement of the package names it, and it is not there when that is installed",
                        instead: "Name it with the setting `requirements`",
                    });
                }
                Kind::Options { options, .. } => {
                    for option in options {
                        lines.extend(self.option(&option)?);
                    }
                }
            }
        }
        Ok(lines)
    }

    /// A requirement's name and hashes.
    fn note(&mut self, text: &str, hashes: Vec<String>, options: &[Given]) -> Result<(), Error> {
        self.requires_hashes |= !hashes.is_empty();
        let Ok(requirement) = pep508::requirement(text) else {
            self.urls
                .insert(text.split([' ', '#']).next().unwrap_or_default().to_owned());
            return refuse_options_of_nameless(text, &hashes, options);
        };
        let name = requirement.name.clone();
        for option in options {
            if option.spelled == "--global-option" {
                return Err(Error::Unsupported {
                    what: format!("`{}` of {name}", option.spelled),
                    reason: "no build backend of today knows it",
                    instead: "Use --config-settings",
                });
            }
            let settings = self.build_settings.entry(name.clone()).or_default();
            settings.push(option.value.clone());
        }
        let in_url = hash_of_url(&requirement);
        self.hashes
            .entry(name.clone())
            .or_default()
            .extend(hashes.into_iter().chain(in_url));
        self.requested.insert(name);
        Ok(())
    }

    /// An option of pip's as a line for uv; one that uv takes as an argument only becomes one.
    fn option(&mut self, option: &Given) -> Result<Option<String>, Error> {
        let value = &option.value;
        match (option.name, option.spelled.as_str()) {
            (Name::IndexUrl, _) => return Ok(Some(format!("--index-url {value}"))),
            (Name::ExtraIndexUrl, _) => {
                self.best_of_all_indexes();
                return Ok(Some(format!("--extra-index-url {value}")));
            }
            (Name::FindLinks, _) => return Ok(Some(format!("--find-links {value}"))),
            (Name::TrustedHost, _) => self.argue(&["--allow-insecure-host", value]),
            (Name::RequireHashes, _) => self.requires_hashes = true,
            (_, "--no-index" | "--no-binary" | "--only-binary") => {
                return Ok(Some(format!("{} {value}", option.spelled).trim_end().to_owned()));
            }
            (_, "--pre") => self.argue(&["--prerelease", "allow"]),
            (_, "--all-releases") if value == ":all:" => self.argue(&["--prerelease", "allow"]),
            // How pip works, and not what it installs.
            (_, "--use-feature") => {}
            _ => {
                return Err(Error::Unsupported {
                    what: format!("`{} {value}`", option.spelled).replace(" `", "`"),
                    reason: "uv, which resolves, does not know it",
                    instead: "Leave it out",
                });
            }
        }
        Ok(None)
    }

    /// pip takes the best version of all indexes; uv by itself those of the first that knows the name.
    fn best_of_all_indexes(&mut self) {
        let is_told = self.arguments.iter().any(|argument| argument == "--index-strategy");
        if !is_told && variable(&self.uv.environment, "UV_INDEX_STRATEGY").is_none() {
            self.argue(&["--index-strategy", "unsafe-best-match"]);
        }
    }

    fn argue(&mut self, arguments: &[&str]) {
        self.arguments.extend(arguments.iter().map(OsString::from));
    }

    fn constraint_lines(&mut self, constraints: &[String]) -> Result<Vec<String>, Error> {
        let mut lines = Vec::new();
        for entry in entries(constraints)? {
            match entry.kind {
                Kind::Requirement { text, hashes, .. } => {
                    if let Ok(requirement) = pep508::requirement(&text) {
                        self.hashes.entry(requirement.name).or_default().extend(hashes);
                    }
                    lines.push(text);
                }
                Kind::Options { options, .. } => {
                    for option in options {
                        lines.extend(self.option(&option)?);
                    }
                }
                Kind::Editable(file) | Kind::Requirements(file) | Kind::Constraints(file) => lines.push(file),
            }
        }
        Ok(lines)
    }
}

fn refuse_options_of_nameless(text: &str, hashes: &[String], options: &[Given]) -> Result<(), Error> {
    if hashes.is_empty() && options.is_empty() {
        return Ok(());
    }
    Err(Error::Unsupported {
        what: format!("`{text}` with options"),
        reason: "it does not say which package it is",
        instead: "Write `name @ ` before the URL",
    })
}

/// The hosts that the requirements say need not prove who they are.
///
/// # Errors
/// A line that is not understood.
pub(crate) fn trusted_hosts(requirements: &[String]) -> Result<Vec<String>, Error> {
    if !requirements.iter().any(|line| line.contains("--trusted-host")) {
        return Ok(Vec::new());
    }
    let mut hosts = Vec::new();
    for entry in entries(requirements)? {
        if let Kind::Options { options, .. } = entry.kind {
            let trusted = options.into_iter().filter(|option| option.name == Name::TrustedHost);
            hosts.extend(trusted.map(|option| option.value));
        }
    }
    Ok(hosts)
}

fn entries(lines: &[String]) -> Result<Vec<Entry>, Error> {
    requirements::parse(&lines.join("\n")).map_err(|error| Error::Line {
        wrong: error.wrong.to_string(),
        hint: error.wrong.hint(),
    })
}

/// The hash in a URL's fragment: `#sha256=…`.
fn hash_of_url(requirement: &Requirement) -> Option<String> {
    let Some(VersionOrUrl::Url(url)) = &requirement.version_or_url else {
        return None;
    };
    let (_, fragment) = url.given()?.split_once('#')?;
    let mut parts = fragment.split('&').filter_map(|part| part.split_once('='));
    let (algorithm, digest) = parts.find(|(name, _)| ["sha256", "sha384", "sha512"].contains(name))?;
    Some(format!("{algorithm}:{digest}"))
}

/// The target in uv's words. For a C library between two that uv knows, the older is named: then every wheel that it finds fits.
fn platform_arguments(question: &Question<'_>) -> Result<Vec<OsString>, Error> {
    let Target { platform, python, libc } = question.target;
    let machine = machine(platform);
    let unknown = || Error::Target {
        target: question.target.to_string(),
    };
    if !["x86_64", "aarch64"].contains(&machine) || platform.os != "linux" {
        return Err(unknown());
    }
    let platform = match *libc {
        Libc::Glibc(2, minor) => {
            let known = GLIBC_OF_UV
                .into_iter()
                .find(|known| *known <= minor)
                .ok_or_else(unknown)?;
            format!("{machine}-manylinux_2_{known}")
        }
        Libc::Musl(1, 2..) => format!("{machine}-unknown-linux-musl"),
        Libc::Glibc(..) | Libc::Musl(..) => return Err(unknown()),
    };
    let (major, minor) = python;
    let python = question
        .python_full
        .map_or_else(|| format!("{major}.{minor}"), ToOwned::to_owned);
    let arguments = [
        "--python-version".to_owned(),
        python,
        "--python-platform".to_owned(),
        platform,
    ];
    Ok(arguments.map(OsString::from).into())
}
