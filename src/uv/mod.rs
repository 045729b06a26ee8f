//! [uv](https://docs.astral.sh/uv/), the program that resolves and installs Python packages for sgbuild.
//!
//! It is the one that the setting `uv` names, else the one on `PATH`, else a copy that sgbuild fetches once with pip. It is told
//! what pip is told on this machine, and never downloads a Python.

pub(crate) mod configuration;
mod credentials;
mod error;
pub(crate) mod index;
mod own;
mod version;

pub use error::Error;
pub(crate) use error::is_network;

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::{self, Staging};
use crate::process::{self, Ended, Run};
use crate::progress::Progress;
use crate::reading::{self, SETTINGS_FILE};
use crate::secret::without_url_credentials;

/// Where uv is looked for, and what it is told.
#[derive(Clone, Default)]
pub struct UvSettings {
    /// The program that the setting `uv` names: a path, or a name on `PATH`. `None`: what is found.
    pub program: Option<PathBuf>,
    /// The interpreter whose pip fetches uv where there is none: a path, or a name on `PATH`.
    pub python: PathBuf,
    /// What uv and that pip see: this machine's index settings, with their credentials, and no other credentials.
    pub environment: Vec<(String, String)>,
    /// Index settings that are no variables: arguments of every command that resolves.
    pub index_arguments: Vec<String>,
    /// The user's own configuration of uv, the file that comes first before the others. They need not exist.
    pub configuration: Vec<PathBuf>,
    /// Other files that decide: constraints. They need not exist.
    pub files: Vec<PathBuf>,
    /// sgbuild's cache directory.
    pub cache_dir: PathBuf,
}

impl fmt::Debug for UvSettings {
    /// Without the variables' values: credentials are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        f.debug_struct("UvSettings")
            .field("program", &self.program)
            .field("python", &self.python)
            .field("environment", &names)
            .field("cache_dir", &self.cache_dir)
            .finish_non_exhaustive()
    }
}

impl UvSettings {
    /// All of it that decides which packages are installed, credentials aside: environments made under the same are the same.
    pub(crate) fn decisive(&self) -> Vec<Vec<u8>> {
        let variables = self
            .environment
            .iter()
            .filter(|(name, _)| name.starts_with("UV_") && name != "UV_CACHE_DIR" && !index::is_credential(name));
        let variables =
            variables.map(|(name, value)| format!("{name}={}", without_url_credentials(value)).into_bytes());
        let arguments = self
            .index_arguments
            .iter()
            .map(|argument| argument.clone().into_bytes());
        let files = self
            .files
            .iter()
            .chain(&self.configuration)
            .filter_map(|file| reading::bytes(file, SETTINGS_FILE).ok());
        let mut parts: Vec<_> = variables.chain(arguments).collect();
        parts.sort();
        parts.extend(files);
        parts
    }
}

impl UvSettings {
    /// Whether uv is there, and need not be fetched.
    pub(crate) fn is_at_hand(&self) -> bool {
        self.program.is_some() || process::find(Path::new("uv"), &self.environment).is_some()
    }
}

/// The longest that uv may look for an interpreter.
const SECONDS_TO_FIND: u64 = 30;

/// A uv that runs and is new enough.
pub(crate) struct Uv {
    program: PathBuf,
    environment: Vec<(String, String)>,
    index_arguments: Vec<String>,
    /// Holds our copy where the cache directory cannot.
    _scratch: Option<Staging>,
    /// Holds the credentials that it is handed.
    _credentials: Option<Staging>,
}

impl Uv {
    /// Finds uv, or fetches it.
    ///
    /// # Errors
    /// The one that is set does not run or is too old; there is none and it cannot be fetched; the user interrupted.
    pub(crate) fn find(settings: &UvSettings, progress: &dyn Progress) -> Result<Self, Error> {
        if let Some(set) = &settings.program {
            let program = process::find(set, &settings.environment).ok_or_else(|| Error::NotRun {
                program: set.clone(),
                reason: "it is not on PATH".to_owned(),
            })?;
            version::check(&program, settings, progress)?;
            return Self::at(program, settings, None);
        }
        if let Some(program) = process::find(Path::new("uv"), &settings.environment) {
            match version::check(&program, settings, progress) {
                Ok(()) => return Self::at(program, settings, None),
                // It may be a script of pyenv for a uv that only another Python has.
                Err(error @ (Error::NotRun { .. } | Error::TooOld { .. })) => {
                    let first = error.to_string();
                    let first = first.lines().next().unwrap_or_default();
                    progress.detail(&format!("{first}; it is passed over"));
                }
                Err(error) => return Err(error),
            }
        }
        let (program, scratch) = own::ready(settings, progress)?;
        Self::at(program, settings, scratch)
    }

    fn at(program: PathBuf, settings: &UvSettings, scratch: Option<Staging>) -> Result<Self, Error> {
        // uv gets pip's settings as its own; the packages that it builds should not see pip's.
        let environment = settings
            .environment
            .iter()
            .filter(|(name, _)| !name.starts_with("PIP_"));
        let handed = credentials::by_files(environment.cloned().collect(), &settings.configuration)?;
        let has_cache = cache_can_be_used(&handed.environment);
        let uv = Self {
            program,
            environment: handed.environment,
            index_arguments: settings.index_arguments.clone(),
            _scratch: scratch,
            _credentials: handed.files,
        };
        Ok(if has_cache { uv } else { uv.without_cache() })
    }

    /// The same uv without a cache.
    pub(crate) fn without_cache(mut self) -> Self {
        self.environment.push(("UV_NO_CACHE".to_owned(), "true".to_owned()));
        self
    }

    /// The same uv, for which these variables are set unless the user has set them.
    pub(crate) fn with(mut self, variables: &[(&str, String)]) -> Self {
        for (name, value) in variables {
            if process::variable(&self.environment, name).is_none() {
                process::set_variable(&mut self.environment, name, value);
            }
        }
        self
    }

    /// Arguments for every command that resolves requirements (`pip install`, `pip compile`).
    pub(crate) fn index_arguments(&self) -> &[String] {
        &self.index_arguments
    }

    /// The interpreter of this release that uv finds on this machine, if there is one; none is downloaded.
    pub(crate) fn installed_python(&self, release: &str, progress: &dyn Progress) -> Option<PathBuf> {
        let arguments = ["python", "find", "--no-python-downloads", release];
        let what = format!("looking for Python {release}");
        let ended = self.run_apart(&what, arguments.map(Into::into).to_vec(), SECONDS_TO_FIND, progress);
        let ended = ended.ok().filter(|ended| ended.success)?;
        let found = PathBuf::from(ended.log.lines().last()?);
        found.is_absolute().then_some(found)
    }

    /// Runs uv in an empty directory. In the project's it would read the project's `uv.toml`, also from the directories above, which
    /// says where uv writes and which index it asks. The user's own configuration counts. `what` is being done, for messages, such as
    /// `preparing the build environment`.
    pub(crate) fn run_apart(
        &self,
        what: &str,
        arguments: Vec<OsString>,
        seconds: u64,
        progress: &dyn Progress,
    ) -> Result<Ended, Error> {
        let apart = cache::scratch().map_err(|source| Error::Scratch { source })?;
        // uv takes the nearest file, so this keeps it from others above: https://docs.astral.sh/uv/concepts/configuration-files/.
        fs::write(apart.path().join("uv.toml"), "").map_err(|source| Error::Scratch { source })?;
        self.run(what, arguments, apart.path(), seconds, progress)
    }

    /// Runs uv in `directory`; `what` is being done, for messages.
    pub(crate) fn run(
        &self,
        what: &str,
        arguments: Vec<OsString>,
        directory: &Path,
        seconds: u64,
        progress: &dyn Progress,
    ) -> Result<Ended, Error> {
        let run = Run {
            what,
            program: self.program.clone(),
            arguments,
            environment: self.environment.clone(),
            directory,
            seconds,
        };
        run.wait(progress).map_err(Error::of_process)
    }
}

/// Whether uv's cache can be used: it can be written, and nobody else can have put something there that would be run, unless the user
/// has named it. Without a home directory of the user's own, uv works without a cache.
fn cache_can_be_used(environment: &[(String, String)]) -> bool {
    let path = |name, below: &str| {
        let base = Path::new(process::variable(environment, name)?);
        base.is_absolute().then(|| base.join(below))
    };
    if let Some(named) = path("UV_CACHE_DIR", "") {
        return can_be_written(&named);
    }
    let by_default = path("XDG_CACHE_HOME", "uv").or_else(|| path("HOME", ".cache/uv"));
    by_default.is_some_and(|place| cache::check(&place).is_ok() && can_be_written(&place))
}

/// Whether the directory can be written, or made.
fn can_be_written(directory: &Path) -> bool {
    let there = directory.ancestors().find(|directory| directory.exists());
    there.is_some_and(|directory| {
        directory.is_dir() && rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn told(pairs: &[(&str, &str)], file: &Path) -> UvSettings {
        UvSettings {
            environment: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            files: vec![file.to_owned()],
            ..UvSettings::default()
        }
    }

    #[test]
    fn another_index_or_constraint_decides_and_another_password_does_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let of = |pairs: &[(&str, &str)]| told(pairs, file.path()).decisive();
        let first = of(&[
            ("UV_INDEX", "https://me:one@a.example/"),
            ("UV_CACHE_DIR", "/a"),
            ("HOME", "/a"),
        ]);
        assert_eq!(
            first,
            of(&[
                ("UV_INDEX", "https://me:two@a.example/"),
                ("UV_INDEX_A_PASSWORD", "two")
            ])
        );
        assert_ne!(first, of(&[("UV_INDEX", "https://me:one@b.example/")]));
        fs::write(file.path(), "setuptools<80\n").unwrap();
        assert_ne!(first, of(&[("UV_INDEX", "https://me:one@a.example/")]));
    }

    #[test]
    fn credentials_are_not_shown() {
        let settings = told(&[("UV_INDEX", "https://me:c4nary@a.example/")], Path::new("/"));
        assert!(!format!("{settings:?}").contains("c4nary"));
    }

    #[test]
    fn a_cache_that_is_no_directory_cannot_be_written() {
        let of = |name: &str, value: &str| cache_can_be_used(&[(name.to_owned(), value.to_owned())]);
        let home = tempfile::tempdir().unwrap();
        assert!(of("HOME", home.path().to_str().unwrap()));
        assert!(!of("XDG_CACHE_HOME", "/dev/null/cache"));
        assert!(!cache_can_be_used(&[]));
    }

    #[test]
    fn a_cache_in_which_others_may_write_is_the_users_to_name() {
        use std::os::unix::fs::PermissionsExt as _;
        let shared = tempfile::tempdir().unwrap();
        fs::set_permissions(shared.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let of = |name: &str| {
            let value = shared.path().display().to_string();
            cache_can_be_used(&[(name.to_owned(), value)])
        };
        assert!(!of("HOME") && !of("XDG_CACHE_HOME"));
        assert!(of("UV_CACHE_DIR"));
    }
}
