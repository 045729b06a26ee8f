//! The directories that a project requires, on their way into its image.

use std::path::Path;

use super::CommandError;
use super::checkout::Checkout;
use crate::error::Error;
use crate::image;
use crate::neighbours::{self, Asked, Neighbour, Neighbours};
use crate::package::wheel::{Builder, Built, Wheel, WheelSettings};
use crate::progress::Progress;
use crate::project::{Project, ProjectSettings};
use crate::requirements::{Requirements, declared};

/// What the project requires of the directories beside it.
pub(super) fn find(
    project: &Project,
    file: Option<&Requirements>,
    checkout: &Checkout<'_>,
) -> Result<Neighbours, Error> {
    let settings = checkout.settings.image_as_set();
    let asked = Asked {
        project,
        file,
        extras: declared::extras(project, &settings.extras, file)?,
        environments: &image::environments(project, &settings)?,
    };
    let read = checkout.settings.neighbours_of(project);
    Ok(neighbours::find(&asked, &read, checkout.progress)?)
}

/// What makes the neighbours' wheels.
pub(super) struct Builders<'a> {
    builders: Vec<(&'a Neighbour, Builder<'a>)>,
    progress: &'a dyn Progress,
}

impl<'a> Builders<'a> {
    /// Asks the build backend of each where only that can make its wheel.
    pub(super) fn of(
        neighbours: &'a Neighbours,
        projects: &ProjectSettings,
        settings: &WheelSettings,
        progress: &'a dyn Progress,
    ) -> Result<Self, Error> {
        let mut builders = Vec::new();
        for neighbour in &neighbours.found {
            let builder = Builder::of(&neighbour.project, projects, settings, progress)?;
            builders.push((neighbour, builder));
        }
        Ok(Self { builders, progress })
    }

    /// Writes the wheels into the directory `out`.
    pub(super) fn pack(&self, out: &Path, settings: &WheelSettings) -> Result<Vec<Wheel>, Error> {
        let mut wheels = Vec::new();
        for (neighbour, builder) in &self.builders {
            match builder.pack(out, settings, self.progress)? {
                Built::Wheel(wheel) => wheels.push(wheel),
                Built::Foreign { reason } => {
                    let error = CommandError::ForeignNeighbour {
                        directory: neighbour.directory.clone(),
                        declared_at: neighbour.declared_at.clone(),
                        reason,
                    };
                    return Err(error.into());
                }
            }
        }
        Ok(wheels)
    }
}
