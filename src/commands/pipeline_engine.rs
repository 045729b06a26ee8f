//! Whether the package in this directory can be built by the pipeline that is launched for it.

use std::collections::BTreeMap;

use super::{Checkout, CommandError};
use crate::engine::EngineKind;
use crate::engine::native;
use crate::image::OnlyDocker;
use crate::progress::{Progress, Silent};
use crate::project::{self, ProjectSettings};

/// The template's parameter.
const ENGINE: &str = "Engine";

/// What a pipeline of these parameters lacks to build what is in this directory; `None` where that is nothing, and where nothing is here
/// that is understood without running its code.
pub(super) fn lack(checkout: &Checkout<'_>, given: &BTreeMap<String, String>) -> Option<native::Error> {
    let native = EngineKind::Native.parameter();
    if given.get(ENGINE).is_some_and(|engine| engine != native) {
        return None;
    }
    let settings = &checkout.settings;
    let image = settings.image(&BTreeMap::new(), None).ok()?;
    let reading = ProjectSettings {
        static_only: true,
        ..settings.project()
    };
    let project = project::load(settings.root(), &reading, &Silent).ok()?;
    let needed = OnlyDocker {
        system_packages: image.system_packages,
        docker_lines: project.build.docker_lines,
        classic_builder: false,
        template: image.template,
        prepared: None,
    };
    native::check_commands(&needed, None).err()
}

/// What is in the way of launching it. What a base image can have is only told of: it is made when there is a repository for it.
pub(super) fn objection(lack: native::Error, progress: &dyn Progress) -> Option<CommandError> {
    let native::Error::Unprepared { what } = lack else {
        return Some(CommandError::PipelineEngine { source: lack });
    };
    progress.warn(&format!(
        "the pipeline builds without Docker, and this package has {what}: run `sgbuild base` where there is a Docker daemon, once, or launch it \
         with `--engine docker`"
    ));
    None
}

/// Whether the engine is the template's own choice, as it is for a new stack where nobody names one.
pub(super) fn is_default(given: &BTreeMap<String, String>) -> bool {
    !given.contains_key(ENGINE)
}
