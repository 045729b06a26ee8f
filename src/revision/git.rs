//! The program git, and what it is told wherever it is asked.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};

use super::Error;
use super::checkout::Checkout;
use super::configuration::is_harmless;
use crate::process::{self, Answer, Asked, Deadline, Question};
use crate::progress::Progress;

/// For messages.
const WHAT: &str = "asking git for the commit";
/// The longest all questions about a checkout may take together, in seconds.
const SECONDS: u64 = 60;
/// The most that an answer may hold. A list of changes that is longer says enough.
const MOST: usize = 4 * 1024 * 1024;
/// The same of a list of all files: the largest repositories have some 500,000.
const MOST_FILES: usize = 128 * 1024 * 1024;

/// What git needs of the process's environment: to run, and to find the user's configuration. Credentials are not among it,
/// nor git's own variables that lead it elsewhere or name programs.
const PASSED: [&str; 7] = [
    "DEVELOPER_DIR",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "HOME",
    // Root through sudo may read what is the user's.
    "SUDO_UID",
    "XDG_CONFIG_HOME",
];

/// Settings that hold against those of the checkout. Git passes over what it is too old to know.
const TOLD: [&str; 5] = [
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.sshCommand=false",
    "log.showSignature=false",
];

/// Nothing is fetched, nobody is asked, nothing is paged; complaints are told apart by their words.
const ALWAYS: [(&str, &str); 5] = [
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("LC_ALL", "C"),
];

/// A git that is on `PATH`.
pub(super) struct Git<'a> {
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    /// The user's settings from the environment, for questions in the checkout.
    settings: Vec<(OsString, OsString)>,
    deadline: Deadline,
    progress: &'a dyn Progress,
}

impl<'a> Git<'a> {
    pub(super) fn find(environment: &[(String, String)], progress: &'a dyn Progress) -> Option<Self> {
        let program = process::find(Path::new("git"), environment)?;
        let passed = environment.iter().filter(|(name, _)| PASSED.contains(&name.as_str()));
        let passed = passed.map(|(name, value)| (name.into(), value.into()));
        let path = process::absolute_path(environment).map(|path| ("PATH".into(), path.into()));
        let always = ALWAYS.map(|(name, value)| (name.into(), value.into()));
        Some(Self {
            program,
            environment: passed.chain(path).chain(always).collect(),
            settings: settings_of(environment),
            deadline: Deadline::after(SECONDS),
            progress,
        })
    }

    /// Starts git in `directory`, where `variables` say which repository is meant.
    pub(super) fn start<A: AsRef<OsStr>>(
        &self,
        directory: &Path,
        variables: &[(OsString, OsString)],
        arguments: &[A],
    ) -> Result<Asked, Error> {
        self.start_with(directory, variables, arguments, (None, MOST))
    }

    /// Starts git in `directory`, to list all files.
    pub(super) fn start_listing(&self, directory: &Path) -> Result<Asked, Error> {
        self.start_with(directory, &[], &["ls-files", "-z"], (None, MOST_FILES))
    }

    /// Asks in the checkout itself which tracked files differ.
    pub(super) fn start_status(&self, checkout: &Checkout) -> Result<Asked, Error> {
        let arguments = [
            "status",
            "--porcelain",
            "-z",
            "--untracked-files=no",
            "--ignore-submodules=dirty",
        ];
        self.start_with(checkout.top(), &self.settings, &arguments, (None, MOST_FILES))
    }

    /// Starts git in `directory`, and gives it `input` to read.
    pub(super) fn start_reading(&self, directory: &Path, arguments: &[&str], input: File) -> Result<Asked, Error> {
        self.start_with(directory, &[], arguments, (Some(input), MOST))
    }

    fn start_with<A: AsRef<OsStr>>(
        &self,
        directory: &Path,
        variables: &[(OsString, OsString)],
        arguments: &[A],
        (input, most): (Option<File>, usize),
    ) -> Result<Asked, Error> {
        let told = TOLD.iter().flat_map(|setting| ["-c", *setting]).chain(["--no-pager"]);
        let arguments = arguments.iter().map(|argument| argument.as_ref().to_owned());
        let question = Question {
            what: WHAT,
            program: &self.program,
            arguments: told.map(OsString::from).chain(arguments).collect(),
            environment: [&self.environment, variables].concat(),
            directory,
            most,
            deadline: self.deadline,
        };
        Ok(question.start(input)?)
    }

    pub(super) fn answer(&self, asked: Asked) -> Result<Said, Error> {
        Ok(Said(asked.answer(self.progress)?))
    }

    /// Whether there is still time for more, and the user has not interrupted.
    pub(super) fn still_wanted(&self) -> Result<(), Error> {
        Ok(self.deadline.still_wanted(WHAT, self.progress)?)
    }

    /// Asks in the checkout itself which commit it is at, and of what time. `--missing` keeps git from fetching a commit that is not
    /// there, also where it is too old to know `GIT_NO_LAZY_FETCH`.
    pub(super) fn start_head(&self, checkout: &Checkout) -> Result<Asked, Error> {
        self.start(
            checkout.top(),
            &self.settings,
            &["rev-list", "--no-walk", "--timestamp", "--missing=allow-any", "HEAD"],
        )
    }

    /// Asks in the checkout itself for every setting that counts there.
    pub(super) fn start_configuration(&self, checkout: &Checkout) -> Result<Asked, Error> {
        self.start(checkout.top(), &self.settings, &["config", "--list", "-z"])
    }

    /// The commit; `None` before the first one, and where git sees no checkout.
    pub(super) fn head(&self, asked: Asked) -> Result<Option<Head>, Error> {
        let said = self.answer(asked)?;
        let complaint = &said.0.stderr;
        let is_unborn = complaint.contains("ambiguous argument 'HEAD'") && !complaint.contains("broken ref");
        if !said.0.success && (is_unborn || complaint.contains("not a git repository")) {
            return Ok(None);
        }
        let text = said.text()?;
        let is_id = |id: &&str| id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let named = text.trim_end().split_once(' ').filter(|(_, id)| is_id(id));
        // That a commit is missing is no error to a git that must not fetch it.
        let (time, id) = named.ok_or_else(|| Error::Refused("the commit that HEAD names is not in it".to_owned()))?;
        Ok(Some(Head {
            id: id.to_owned(),
            time: time.parse().ok(),
        }))
    }
}

/// The commit that a checkout is at.
pub(super) struct Head {
    pub(super) id: String,
    /// Its time, seconds since 1970.
    pub(super) time: Option<i64>,
}

/// The user's settings in `GIT_CONFIG_COUNT` and its fellows, such as `safe.directory`, as far as they name no program and hold no
/// credential: <https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT>.
fn settings_of(environment: &[(String, String)]) -> Vec<(OsString, OsString)> {
    let variable = |name: &str| process::variable(environment, name);
    let count: usize = variable("GIT_CONFIG_COUNT")
        .and_then(|count| count.parse().ok())
        .unwrap_or(0);
    let given = (0..count.min(environment.len())).filter_map(|n| {
        let key = variable(&format!("GIT_CONFIG_KEY_{n}"))?;
        let value = variable(&format!("GIT_CONFIG_VALUE_{n}")).unwrap_or_default();
        let lower = key.to_ascii_lowercase();
        (lower == "safe.directory" || is_harmless(&lower)).then_some((key, value))
    });
    let mut variables: Vec<(OsString, OsString)> = Vec::new();
    let mut kept: usize = 0;
    for (key, value) in given {
        variables.push((format!("GIT_CONFIG_KEY_{kept}").into(), key.into()));
        variables.push((format!("GIT_CONFIG_VALUE_{kept}").into(), value.into()));
        kept += 1;
    }
    variables.push(("GIT_CONFIG_COUNT".into(), kept.to_string().into()));
    variables
}

/// What git said.
pub(super) struct Said(Answer);

impl Said {
    /// Its whole answer, where it succeeded.
    pub(super) fn bytes(self) -> Result<Vec<u8>, Error> {
        match self.0 {
            Answer {
                success: true, stdout, ..
            } => Ok(stdout),
            Answer { cut: true, .. } => Err(Error::Refused("its answer is too long".to_owned())),
            Answer { stderr, .. } => {
                let first = stderr
                    .lines()
                    .find(|line| !line.trim().is_empty())
                    .unwrap_or("it failed");
                Err(Error::Refused(first.trim_start_matches("fatal: ").to_owned()))
            }
        }
    }

    pub(super) fn text(self) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(&self.bytes()?).into_owned())
    }

    /// As much of it as was wanted, where it succeeded or said more.
    pub(super) fn beginning(self) -> Result<Vec<u8>, Error> {
        if self.0.cut { Ok(self.0.stdout) } else { self.bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_environments_settings_only_harmless_ones_are_passed_on() {
        let environment = [
            ("GIT_CONFIG_COUNT", "3"),
            ("GIT_CONFIG_KEY_0", "core.sshCommand"),
            ("GIT_CONFIG_VALUE_0", "evil"),
            ("GIT_CONFIG_KEY_1", "safe.directory"),
            ("GIT_CONFIG_VALUE_1", "*"),
            ("GIT_CONFIG_KEY_2", "core.autocrlf"),
            ("GIT_CONFIG_VALUE_2", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let kept: Vec<_> = settings_of(&environment)
            .into_iter()
            .map(|(name, value)| format!("{}={}", name.display(), value.display()))
            .collect();
        assert_eq!(
            kept,
            [
                "GIT_CONFIG_KEY_0=safe.directory",
                "GIT_CONFIG_VALUE_0=*",
                "GIT_CONFIG_KEY_1=core.autocrlf",
                "GIT_CONFIG_VALUE_1=true",
                "GIT_CONFIG_COUNT=2"
            ]
        );
        assert_eq!(settings_of(&[]).len(), 1);
    }
}
