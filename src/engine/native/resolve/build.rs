//! A wheel of a package that has none that fits: built here, by uv, where this machine is like the target.
//!
//! Once: it is kept by what it was built of, and by the Python it was built for.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::choice::ToBuild;
use super::{Error, Resolved, Source};
use crate::cache;
use crate::engine::native::Target;
use crate::engine::native::store::{Sites, Store, is_wheel};
use crate::oci::Digest;
use crate::package::wheel::machine;
use crate::progress::Progress;
use crate::uv::Uv;

/// Code may have to be compiled.
const SECONDS: u64 = 3600;
/// Of the notes in the store: the wheel that was built of something.
const KIND: &str = "built";

pub(super) struct Builder<'a> {
    pub(super) uv: &'a Uv,
    pub(super) target: &'a Target,
    pub(super) store: &'a Store,
    pub(super) sites: &'a Sites,
    pub(super) progress: &'a dyn Progress,
}

impl Builder<'_> {
    /// The wheel of `package`, in the store; `settings` are for its build backend.
    pub(super) async fn wheel(&self, package: &ToBuild, settings: &[String]) -> Result<Resolved, Error> {
        let sdist = self
            .store
            .file(
                &package.sdist,
                &package.file_name,
                &package.hashes,
                self.sites,
                self.progress,
            )
            .await?;
        let key = json!([sdist.digest, package.subdirectory, settings, self.target]).to_string();
        let kept: Option<(Digest, String)> = self.store.note(KIND, &key);
        if let Some((digest, file_name)) = kept.filter(|(digest, _)| self.store.get(digest).is_some()) {
            return Ok(resolved(package, digest, file_name));
        }
        let python = self.python(package)?;
        let (title, reason) = (title(package), &package.reason);
        self.progress.step(&format!("Building {title}: {reason}"));
        let scratch = cache::scratch().map_err(Error::Scratch)?;
        let built = self.build(package, settings, &sdist.path, &python, scratch.path())?;
        let wheel = self.store.put(&built, package.requested)?;
        self.store.keep_note(KIND, &key, &(&wheel.digest, &wheel.file_name));
        Ok(resolved(package, wheel.digest, wheel.file_name))
    }

    /// The interpreter to build with, if this machine is like the target.
    fn python(&self, package: &ToBuild) -> Result<PathBuf, Error> {
        let cannot = |reason: String| Error::CannotBuild {
            package: title(package),
            because: package.reason.clone(),
            reason,
        };
        let platform = &self.target.platform;
        let is_like_it = platform.os == std::env::consts::OS && machine(platform) == std::env::consts::ARCH;
        if !is_like_it {
            let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
            return Err(cannot(format!("this machine is {os} on {arch}")));
        }
        if package.subdirectory.is_some() {
            return Err(cannot("it is in a subdirectory of an archive".to_owned()));
        }
        let (major, minor) = self.target.python;
        let release = format!("{major}.{minor}");
        let found = self.uv.installed_python(&release, self.progress);
        found.ok_or_else(|| cannot(format!("uv finds no Python {release} on this machine")))
    }

    fn build(
        &self,
        package: &ToBuild,
        settings: &[String],
        sdist: &Path,
        python: &Path,
        scratch: &Path,
    ) -> Result<PathBuf, Error> {
        // uv wants an archive to have an archive's name.
        let archive = scratch.join(&package.file_name);
        fs::copy(sdist, &archive).map_err(Error::Scratch)?;
        let out = scratch.join("built");
        let mut arguments: Vec<OsString> = ["build", "--wheel", "--quiet", "--python"].map(OsString::from).into();
        arguments.extend([python.into(), "--out-dir".into(), out.clone().into()]);
        arguments.extend(self.uv.index_arguments().iter().map(OsString::from));
        arguments.extend(
            settings
                .iter()
                .map(|setting| format!("--config-setting={setting}").into()),
        );
        arguments.push(archive.into());
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
        Ok(built)
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
            of: package.file_name.clone(),
        },
        // Those of what it was built of were verified.
        hashes: Vec::new(),
    }
}
