//! A Python environment that holds build requirements and nothing else, kept between runs.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::ProjectSettings;
use super::error::Error;
use super::pep517::workspace;
use super::process::{self, Run};
use crate::progress::Progress;
use crate::secret::without_url_credentials;

/// Installing requirements downloads them: it may take longer than a hook.
const INSTALL_SECONDS: u64 = 600;

/// Changes whenever an environment is made in another way, so that those kept from before are not used.
const RECIPE: &str = "venv, pip install --upgrade";

/// An environment made by `venv` or uv.
pub(crate) struct BuildEnvironment {
    directory: PathBuf,
}

impl BuildEnvironment {
    /// The environment with `requires`: the kept one if there is one for this interpreter, else a new one.
    ///
    /// # Errors
    /// No interpreter, requirements that cannot be installed, a cache directory that cannot be written.
    pub(crate) fn with(
        requires: &[String],
        settings: &ProjectSettings,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let interpreter = interpreter(settings, progress)?;
        let kept = settings.cache_dir.join("build-environments");
        let directory = kept.join(key(&interpreter, requires));
        if directory.is_dir() {
            return Ok(Self { directory });
        }
        let shown: Vec<_> = requires
            .iter()
            .map(|requirement| without_url_credentials(requirement))
            .collect();
        progress.step(&format!("Preparing Python with {}", shown.join(", ")));
        fs::create_dir_all(&kept).map_err(workspace(&kept))?;
        let staging = tempfile::Builder::new()
            .prefix(".new-")
            .tempdir_in(&kept)
            .map_err(workspace(&kept))?;
        make(staging.path(), requires, &shown, settings, progress)?;
        let made = staging.keep();
        if let Err(source) = fs::rename(&made, &directory) {
            // Another run may have been faster; then its environment is as good.
            let _ = fs::remove_dir_all(&made);
            if !directory.is_dir() {
                return Err(Error::Workspace {
                    path: directory,
                    source,
                });
            }
        }
        Ok(Self { directory })
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.directory.join("bin/python")
    }
}

/// The interpreter's path and version, as it says itself.
fn interpreter(settings: &ProjectSettings, progress: &dyn Progress) -> Result<String, Error> {
    let script = "import sys; print(sys.executable, sys.version)";
    let ended = run(settings, &settings.python, &["-c", script], Path::new("/"), 30).wait(progress)?;
    if ended.success {
        return Ok(ended.log);
    }
    Err(Error::PythonMissing {
        python: settings.python.display().to_string(),
        reason: ended.log,
    })
}

fn key(interpreter: &str, requires: &[String]) -> String {
    let mut digest = Sha256::new();
    for part in [RECIPE, interpreter]
        .into_iter()
        .chain(requires.iter().map(String::as_str))
    {
        digest.update(part);
        digest.update([0]);
    }
    digest
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

fn make(
    directory: &Path,
    requires: &[String],
    shown: &[String],
    settings: &ProjectSettings,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let failed = |log: String| Error::BuildRequirements {
        requires: shown.to_vec(),
        log,
    };
    let target = directory.display().to_string();
    let python = directory.join("bin/python");
    let venv = run(
        settings,
        &settings.python,
        &["-m", "venv", &target],
        directory,
        INSTALL_SECONDS,
    )
    .wait(progress)?;
    if !venv.success {
        return Err(failed(venv.log));
    }
    if requires.is_empty() {
        return Ok(());
    }
    let mut arguments = vec![
        "-m",
        "pip",
        "install",
        // venv brings a setuptools of its own on older interpreters.
        "--upgrade",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ];
    arguments.extend(requires.iter().map(String::as_str));
    let install = run(settings, &python, &arguments, directory, INSTALL_SECONDS).wait(progress)?;
    if install.success {
        Ok(())
    } else {
        Err(failed(install.log))
    }
}

fn run<'a>(
    settings: &ProjectSettings,
    program: &Path,
    arguments: &[&str],
    directory: &'a Path,
    seconds: u64,
) -> Run<'a> {
    // pip reads its index from the environment; other credentials are no business of its packages' setup scripts.
    let environment = settings
        .environment
        .iter()
        .filter(|(name, value)| process::concerns_installer(name) || !process::is_credential(name, value));
    Run {
        what: "preparing the build environment",
        program: program.to_owned(),
        arguments: arguments.iter().map(Into::into).collect(),
        environment: environment.cloned().collect(),
        directory,
        seconds,
    }
}
