//! A wheel of a package that has none that fits: built here, by uv, where this machine is like the target.
//!
//! Once: it is kept by what it was built of, and by the Python it was built for.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::choice::{Of, ToBuild};
use super::{Error, Resolved, Source, checkout};
use crate::cache;
use crate::engine::native::Target;
use crate::engine::native::store::{Sites, Store, is_wheel};
use crate::oci::Digest;
use crate::package::wheel::{self, WheelSettings, machine};
use crate::progress::Progress;
use crate::uv::Uv;

/// Code may have to be compiled.
const SECONDS: u64 = 3600;
/// Of the notes in the store: the wheel that was built of something.
const KIND: &str = "built";

pub(super) struct Builder<'a> {
    pub(super) uv: &'a Uv,
    pub(super) target: &'a Target,
    pub(super) may_build: bool,
    pub(super) store: &'a Store,
    pub(super) sites: &'a Sites,
    /// What git sees.
    pub(super) environment: &'a [(String, String)],
    pub(super) progress: &'a dyn Progress,
}

/// What a wheel is built of.
struct Sources {
    /// Another one for other sources.
    identity: String,
    archive: Option<PathBuf>,
}

impl Builder<'_> {
    /// The wheel of `package`, in the store.
    pub(super) async fn wheel(&self, package: &ToBuild) -> Result<Resolved, Error> {
        if !self.may_build {
            return Err(cannot(
                package,
                "with `--static` no code is run that the checkout could name",
            ));
        }
        let sources = self.sources(package).await?;
        let key = json!([sources.identity, package.subdirectory, package.settings, self.target]).to_string();
        let kept: Option<(Digest, String)> = self.store.note(KIND, &key);
        if let Some((digest, file_name)) = kept.filter(|(digest, _)| self.store.get(digest).is_some()) {
            return Ok(resolved(package, digest, file_name));
        }
        let python = self.python(package)?;
        let (title, reason) = (title(package), &package.reason);
        self.progress.step(&format!("Building {title}: {reason}"));
        let scratch = cache::scratch().map_err(Error::Scratch)?;
        let place = self.unfold(package, &sources, scratch.path())?;
        let built = self.build(package, &place, &python, scratch.path())?;
        let wheel = self.store.put(&built, package.requested)?;
        self.store.keep_note(KIND, &key, &(&wheel.digest, &wheel.file_name));
        Ok(resolved(package, wheel.digest, wheel.file_name))
    }

    async fn sources(&self, package: &ToBuild) -> Result<Sources, Error> {
        let (remote, file_name, hashes) = match &package.of {
            Of::Commit { url, commit } => {
                return Ok(Sources {
                    identity: format!("{url}@{commit}"),
                    archive: None,
                });
            }
            Of::Archive {
                remote,
                file_name,
                hashes,
            } => (remote, file_name, hashes),
        };
        let stored = self
            .store
            .file(remote, file_name, hashes, self.sites, self.progress)
            .await?;
        Ok(Sources {
            identity: stored.digest.to_string(),
            archive: Some(stored.path),
        })
    }

    /// Puts the sources where uv can build them.
    fn unfold(&self, package: &ToBuild, sources: &Sources, scratch: &Path) -> Result<PathBuf, Error> {
        match (&package.of, &sources.archive) {
            (Of::Archive { file_name, .. }, Some(archive)) => {
                // uv wants an archive to have an archive's name.
                let place = scratch.join(file_name);
                fs::copy(archive, &place).map_err(Error::Scratch)?;
                Ok(place)
            }
            (Of::Commit { url, commit }, _) => {
                let place = scratch.join("checkout");
                let made = checkout::make(url, commit, &place, self.environment, self.progress);
                self.progress.check()?;
                made.map_err(|log| Error::BuildFailed {
                    package: title(package),
                    log,
                })?;
                Ok(package
                    .subdirectory
                    .iter()
                    .fold(place, |place, below| place.join(below)))
            }
            (Of::Archive { file_name, .. }, None) => Err(Error::Answer(format!("{file_name} is nowhere"))),
        }
    }

    /// The interpreter to build with, if this machine is like the target.
    fn python(&self, package: &ToBuild) -> Result<PathBuf, Error> {
        let cannot = |reason: String| cannot(package, &reason);
        let platform = &self.target.platform;
        let is_like_it = platform.os == std::env::consts::OS && machine(platform) == std::env::consts::ARCH;
        if !is_like_it {
            let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
            return Err(cannot(format!("this machine is {os} on {arch}")));
        }
        if package.subdirectory.is_some() && matches!(package.of, Of::Archive { .. }) {
            return Err(cannot("it is in a subdirectory of an archive".to_owned()));
        }
        let (major, minor) = self.target.python;
        let release = format!("{major}.{minor}");
        let found = self.uv.installed_python(&release, self.progress);
        found.ok_or_else(|| cannot(format!("uv finds no Python {release} on this machine")))
    }

    fn build(&self, package: &ToBuild, place: &Path, python: &Path, scratch: &Path) -> Result<PathBuf, Error> {
        let out = scratch.join("built");
        let mut arguments: Vec<OsString> = ["build", "--wheel", "--no-sources", "--quiet", "--python"]
            .map(OsString::from)
            .into();
        arguments.extend([python.into(), "--out-dir".into(), out.clone().into()]);
        arguments.extend(self.uv.index_arguments().iter().map(OsString::from));
        arguments.extend(
            package
                .settings
                .iter()
                .map(|setting| format!("--config-setting={setting}").into()),
        );
        arguments.push(place.into());
        let what = format!("building {}", title(package));
        let ended = self.uv.run_apart(&what, arguments, SECONDS, self.progress)?;
        let failed = |log: String| Error::BuildFailed {
            package: title(package),
            log,
        };
        if !ended.success {
            return Err(failed(ended.reason()));
        }
        let entries = fs::read_dir(&out).map_err(Error::Scratch)?;
        let built = entries.flatten().map(|entry| entry.path()).find(|path| is_wheel(path));
        let built = built.ok_or_else(|| failed("the build left no wheel".to_owned()))?;
        self.refuse_unfit(package, &built)?;
        // A backend writes times and modes that are another's elsewhere.
        let same = wheel::rewrite(&built, &scratch.join("same"), &WheelSettings::default(), self.progress);
        Ok(same.map_err(Box::new)?.path)
    }

    /// What names only Linux relies on whatever C library was there when it was built, and that is this machine's.
    fn refuse_unfit(&self, package: &ToBuild, built: &Path) -> Result<(), Error> {
        let name = built.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unfit = |reason: &str| Error::BuiltUnfit {
            package: title(package),
            wheel: name.clone(),
            target: self.target.to_string(),
            reason: reason.to_owned(),
        };
        let platforms = name.trim_end_matches(".whl").rsplit('-').next().unwrap_or_default();
        if platforms.split('.').all(|tag| tag.starts_with("linux_")) {
            return Err(unfit("it has compiled code, made for the C library of this machine"));
        }
        if !self.target.supported().fits(&name) {
            return Err(unfit("its tags are others"));
        }
        Ok(())
    }
}

fn cannot(package: &ToBuild, reason: &str) -> Error {
    Error::CannotBuild {
        package: title(package),
        because: package.reason.clone(),
        reason: reason.to_owned(),
    }
}

fn title(package: &ToBuild) -> String {
    match &package.version {
        Some(version) => format!("{} {version}", package.name),
        None => package.name.clone(),
    }
}

fn resolved(package: &ToBuild, digest: Digest, file_name: String) -> Resolved {
    let in_name = file_name.split('-').nth(1).unwrap_or_default().to_owned();
    Resolved {
        name: package.name.clone(),
        version: package.version.clone().unwrap_or(in_name),
        file_name,
        requested: package.requested,
        source: Source::Built {
            digest,
            of: match &package.of {
                Of::Archive { file_name, .. } => file_name.clone(),
                Of::Commit { url, commit } => format!("{url}@{commit}"),
            },
        },
        // Those of what it was built of were verified.
        hashes: Vec::new(),
        is_of_index: false,
        index: None,
    }
}
