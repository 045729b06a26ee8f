//! A Python environment that holds build requirements and nothing else, kept between runs.
//!
//! What is kept is the environment, not the backend's answer. An answer may depend on anything: variables, git, the clock, files
//! outside of the project. No key could hold all that, so a kept answer might be wrong; and asking again takes a fifth of a second.

mod kept;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::scratch::scratch;
use crate::cache::Staging;
use crate::hex::hex;
use crate::progress::{Progress, Waiting};
use crate::project::{Error, ProjectSettings};
use crate::python::Interpreter;
use crate::secret::without_url_credentials;
use crate::uv::{Uv, UvSettings};
use kept::{Kept, NoPlace, Place};

/// Installing requirements downloads them, and may build them: it may take longer than a hook.
const INSTALL_SECONDS: u64 = 600;
/// What is being done, for messages.
const WHAT: &str = "preparing the build environment";
/// What uv says of an interpreter that is too old to compile with (3.6).
const NO_BYTECODE: &str = "Failed to bytecode-compile";
/// Changes whenever an environment is made in another way, so that those kept from before are not used.
const RECIPE: &str = "uv venv, uv pip install --compile-bytecode";

/// What uv may keep for other environments.
#[derive(Clone, Copy)]
enum Downloads {
    /// Downloads stay in its cache.
    Kept,
    /// Nothing stays: its cache may be on the disk that is full.
    NotKept,
}

/// An environment made by uv.
pub(crate) struct BuildEnvironment {
    directory: PathBuf,
    /// Keeps it from being removed while it is used.
    _place: Held,
}

/// What holds an environment: its place among those kept, or a directory that goes with this run.
enum Held {
    Kept { _place: Place },
    Scratch { _directory: Staging },
}

impl BuildEnvironment {
    /// The environment with `requires` for the project in `root`: the kept one if there is one, else a new one.
    ///
    /// # Errors
    /// No interpreter, no uv, requirements that cannot be installed.
    pub(crate) fn with(
        requires: &[String],
        root: &Path,
        settings: &ProjectSettings,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let interpreter = interpreter(root, settings, progress)?;
        let recipe = Recipe {
            interpreter,
            requires,
            uv: &settings.uv,
        };
        if let Some(requirement) = requires.iter().find(|requirement| is_direct(requirement)) {
            // Another commit, or another file, may be behind the same URL.
            let shown = without_url_credentials(requirement);
            progress.detail(&not_kept(&format!("{shown} may change")));
            return recipe.once(Downloads::Kept, progress);
        }
        let kept = match Kept::in_cache(&settings.cache_dir) {
            Ok(kept) => kept,
            Err(reason) => {
                progress.warn(&not_kept(&reason));
                return recipe.once(Downloads::Kept, progress);
            }
        };
        let make = |directory: &Path| recipe.make(directory, Downloads::Kept, progress);
        match kept.place(&recipe.key(), progress, make) {
            Ok(place) => Ok(Self {
                directory: place.environment().to_owned(),
                _place: Held::Kept { _place: place },
            }),
            Err(NoPlace::Failed(error)) => Err(error),
            Err(NoPlace::Unusable(reason)) => {
                progress.warn(&not_kept(&reason));
                recipe.once(Downloads::NotKept, progress)
            }
        }
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.programs().join("python")
    }

    /// Where the programs of the build requirements are; hooks run them by name.
    pub(crate) fn programs(&self) -> PathBuf {
        self.directory.join("bin")
    }
}

fn not_kept(reason: &str) -> String {
    format!("The environment is not kept: {reason}")
}

/// The interpreter to ask: one of the image's release, if one is installed and nobody has named another.
fn interpreter(root: &Path, settings: &ProjectSettings, progress: &dyn Progress) -> Result<Interpreter, Error> {
    let find = |python: &Path| Interpreter::find(python, &settings.environment, root, progress);
    let named = find(&settings.python);
    let Some(release) = settings.read_for.release().filter(|_| settings.read_for.is_asked) else {
        return Ok(named?);
    };
    let program = PathBuf::from(format!("python{release}"));
    if named.as_ref().is_ok_and(|named| named.path.ends_with(&program)) {
        return Ok(named?);
    }
    if let Some(found) = Interpreter::at_hand(&program, &settings.environment) {
        return Ok(found);
    }
    // It is not fetched for that.
    if settings.uv.is_at_hand()
        && let Some(found) = Uv::find(&settings.uv, progress)?.installed_python(&release, progress)
        && let Ok(found) = find(&found)
    {
        return Ok(found);
    }
    Ok(named?)
}

/// A [direct reference](https://packaging.python.org/en/latest/specifications/version-specifiers/#direct-references).
fn is_direct(requirement: &str) -> bool {
    requirement.split(';').next().is_some_and(|text| text.contains('@'))
}

/// What an environment is made of.
struct Recipe<'a> {
    interpreter: Interpreter,
    requires: &'a [String],
    uv: &'a UvSettings,
}

impl Recipe<'_> {
    /// The digest of all that decides what is in the environment.
    fn key(&self) -> String {
        let mut digest = Sha256::new();
        let mut add = |part: &[u8]| {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        };
        add(RECIPE.as_bytes());
        add(self.interpreter.identity.as_bytes());
        for requirement in self.requires {
            add(requirement.as_bytes());
        }
        for part in self.uv.decisive() {
            add(&part);
        }
        hex(&digest.finalize()[..16])
    }

    /// An environment for this run only.
    fn once(&self, downloads: Downloads, progress: &dyn Progress) -> Result<BuildEnvironment, Error> {
        let scratch = scratch()?;
        let directory = scratch.path().join("environment");
        self.make(&directory, downloads, progress)?;
        Ok(BuildEnvironment {
            directory,
            _place: Held::Scratch { _directory: scratch },
        })
    }

    fn make(&self, directory: &Path, downloads: Downloads, progress: &dyn Progress) -> Result<(), Error> {
        let shown: Vec<_> = self
            .requires
            .iter()
            .map(|requirement| without_url_credentials(requirement))
            .collect();
        let mut uv = Uv::find(self.uv, progress)?;
        if matches!(downloads, Downloads::NotKept) {
            uv = uv.without_cache();
        }
        let what = if shown.is_empty() {
            "nothing else".to_owned()
        } else {
            shown.join(", ")
        };
        progress.step(&format!("Preparing Python with {what}"));
        let _waiting = Waiting::begin(progress, "Installing what the project is built with");
        let run = |arguments: Vec<OsString>| uv.run_apart(WHAT, arguments, INSTALL_SECONDS, progress);
        let mut venv: Vec<OsString> = ["venv", "--quiet", "--no-project", "--python"].map(Into::into).to_vec();
        venv.extend([self.interpreter.path.clone().into(), directory.into()]);
        let made = run(venv)?;
        if !made.success {
            return Err(Error::NoEnvironment {
                python: self.interpreter.path.clone(),
                log: made.reason(),
            });
        }
        if self.requires.is_empty() {
            return Ok(());
        }
        // Byte code is written once here, as hooks write none: their next start is faster.
        let mut installed = run(self.install(directory, &uv, &["--compile-bytecode"]))?;
        if !installed.success && installed.log.contains(NO_BYTECODE) {
            installed = run(self.install(directory, &uv, &[]))?;
        }
        if installed.success {
            return Ok(());
        }
        Err(Error::BuildRequirements {
            requires: shown,
            log: installed.reason(),
        })
    }

    fn install(&self, directory: &Path, uv: &Uv, options: &[&str]) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = ["pip", "install", "--quiet", "--python"].map(Into::into).to_vec();
        arguments.push(directory.join("bin/python").into());
        arguments.extend(options.iter().map(Into::into));
        arguments.extend(uv.index_arguments().iter().map(Into::into));
        arguments.push("--".into());
        arguments.extend(self.requires.iter().map(Into::into));
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_by_url_is_direct() {
        assert!(is_direct("a @ git+https://host/a"));
        assert!(is_direct("a@file:///tmp/a-1.whl ; python_version > '3'"));
        assert!(!is_direct("a[b]>=1; platform_version == 'a@b'"));
    }
}
