//! Whether the package in this directory can be built by the pipeline that is launched for it.

use std::collections::BTreeMap;

use super::{Checkout, CommandError};
use crate::engine::EngineKind;
use crate::engine::native;
use crate::image::OnlyDocker;
use crate::progress::Silent;
use crate::project::{self, ProjectSettings};

/// The template's parameter.
const ENGINE: &str = "Engine";

/// Why a pipeline of these parameters could not build what is in this directory; `None` where it can, and where nothing is here that is
/// understood without running its code.
pub(super) fn objection(checkout: &Checkout<'_>, given: &BTreeMap<String, String>) -> Option<CommandError> {
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
    };
    let refused = native::check_without_docker(&needed).err()?;
    Some(CommandError::PipelineEngine { source: refused })
}

/// Whether the engine is the template's own choice, as it is for a new stack where nobody names one.
pub(super) fn is_default(given: &BTreeMap<String, String>) -> bool {
    !given.contains_key(ENGINE)
}
