//! Who makes the wheel: sgbuild by itself, or the project's build backend.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::tags::Tags;
use super::{Error, Wheel, WheelSettings, pack, rewrite};
use crate::cache::Staging;
use crate::package::names::Names;
use crate::package::sdist::scratch;
use crate::progress::Progress;
use crate::project::backend::{Hook, Question};
use crate::project::{self, Project, ProjectSettings};

/// What the wheel of a project is made of.
pub struct Builder<'a> {
    project: &'a Project,
    maker: Maker,
}

/// Who makes a wheel.
enum Maker {
    /// It is written here.
    Sgbuild,
    /// The build backend made it.
    Backend(BackendsWheel),
    /// The image's pip is to, since what is compiled is for the machine that does so: `setup.py:12: extension modules …`.
    Image { reason: String },
}

/// A wheel that the build backend made, in a directory that lives as long as this.
struct BackendsWheel {
    path: PathBuf,
    _directory: Staging,
}

/// A wheel, or why there is none to install.
#[derive(Debug, Clone)]
pub enum Built {
    /// It can be installed where it is to be.
    Wheel(Wheel),
    /// It holds compiled code for something else than the image.
    Foreign {
        /// Why: `pkg-1.0-cp311-cp311-linux_x86_64.whl is not installed: it is for linux_x86_64, and the image for linux/arm64`.
        reason: String,
    },
}

/// What the backend says that it made.
#[derive(Deserialize)]
struct Made {
    /// The wheel's file name.
    wheel: String,
}

impl<'a> Builder<'a> {
    /// Asks the build backend for its wheel, where only it can make one: in a copy of the project, so that nothing of what it writes
    /// comes to lie in the checkout, and nothing of what lies there from earlier builds comes into the wheel.
    ///
    /// # Errors
    /// The backend failed, or may not be asked; it made a wheel of another name or version than the project's.
    pub fn of(
        project: &'a Project,
        projects: &ProjectSettings,
        settings: &WheelSettings,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let maker = match (project.build.wheel_by_backend(), compiles_for(project, settings)) {
            (None, _) => Maker::Sgbuild,
            (Some(_), Some(reason)) => Maker::Image { reason },
            (Some(because), None) => Maker::Backend(ask_backend(project, because, projects, progress)?),
        };
        Ok(Self { project, maker })
    }

    /// Writes the wheel into the directory `out`.
    ///
    /// # Errors
    /// See [`pack`]; a backend's wheel that holds what none may, or lacks the module that trains.
    pub fn pack(&self, out: &Path, settings: &WheelSettings, progress: &dyn Progress) -> Result<Built, Error> {
        let backends = match &self.maker {
            Maker::Sgbuild => return Ok(Built::Wheel(pack(self.project, out, settings, progress)?)),
            Maker::Image { reason } => {
                let reason = reason.clone();
                return Ok(Built::Foreign { reason });
            }
            Maker::Backend(backends) => backends,
        };
        let file_name = backends
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let file_name = file_name.unwrap_or_default();
        if let Some(reason) = Tags::of(&file_name).and_then(|tags| tags.unfit(settings.target.as_ref())) {
            let reason = format!("{file_name} is not installed: {reason}");
            return Ok(Built::Foreign { reason });
        }
        let wheel = rewrite::rewrite(&backends.path, out, settings, progress)?;
        // What sgbuild packs itself is looked through before.
        project::look_for_in_wheel(self.project, &wheel.file_name, &wheel.files).map_err(Box::new)?;
        Ok(Built::Wheel(wheel))
    }
}

/// Why nothing is compiled here: extension modules are for the C library of the machine that builds them, and the image's may be older.
fn compiles_for(project: &Project, settings: &WheelSettings) -> Option<String> {
    let place = project.build.extension_modules.as_ref()?;
    settings.target.as_ref()?;
    Some(format!("{place}: extension modules are compiled in the image"))
}

fn ask_backend(
    project: &Project,
    because: &str,
    projects: &ProjectSettings,
    progress: &dyn Progress,
) -> Result<BackendsWheel, Error> {
    let names = Names::of(&project.metadata)?;
    let directory = scratch()?;
    let question = Question {
        hook: Hook::Wheel,
        because,
        root: &project.root,
        workplace: &project.workplace,
        build: &project.build,
        out: directory.path(),
    };
    let made: Made = question.ask(projects, progress).map_err(Box::new)?;
    let path = directory.path().join(&made.wheel);
    if !path.is_file() || made.wheel.contains('/') {
        return Err(failed(
            &question,
            format!("it says that it built {}, and there is no such file", made.wheel),
        ));
    }
    if !made.wheel.to_lowercase().starts_with(&format!("{}-", names.top)) {
        // What was read decides about tags and labels; the wheel must hold the same.
        let read = format!("{} {}", names.name, names.version);
        return Err(failed(
            &question,
            format!("it built {}, though the metadata says {read}", made.wheel),
        ));
    }
    if let Some(outside) = project.workplace.led_out_by(&rewrite::files(&path)?) {
        return Err(Error::Outside(outside.clone()));
    }
    Ok(BackendsWheel {
        path,
        _directory: directory,
    })
}

fn failed(question: &Question<'_>, log: String) -> Error {
    Error::Backend(Box::new(question.failed(log)))
}
