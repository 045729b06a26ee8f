//! `sgbuild dist`: a complete build context in `dist/`.

use serde_json::json;

use super::{Checkout, CommandError, Surroundings, json};
use crate::cli;
use crate::dist::{self, Dist, DistSettings};
use crate::error::Error;
use crate::project::Project;
use crate::shown::Data;

pub(super) fn run(arguments: &cli::Dist, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let project = checkout.project()?;
    let surroundings = Surroundings::of(&project, checkout)?;
    if arguments.dry_run.dry_run {
        return preview(&project, checkout, &surroundings, arguments.json.json);
    }
    // Its paths are what is printed: half-right ones would name nothing.
    if project.root.to_str().is_none() {
        let path = project.root.clone();
        return Err(CommandError::NotUnicode { path }.into());
    }
    let dist = write(&project, checkout, &surroundings)?;
    if arguments.json.json {
        return Ok(json(&json!({
            "directory": dist.directory,
            "files": dist.files,
            "sdist": { "path": dist.sdist.path, "sha256": dist.sdist.sha256, "size": dist.sdist.size, "files": dist.sdist.files },
            "context_digest": dist.context_digest,
            "changed": dist.changed,
            "plan": dist.plan,
        })));
    }
    let paths = dist.files.iter().map(|file| dist.directory.join(file).into());
    Ok(Data::Names(paths.collect()))
}

fn settings<'a>(checkout: &'a Checkout<'_>, surroundings: &Surroundings) -> Result<DistSettings<'a>, Error> {
    let (requirements, revision) = (surroundings.requirements.as_ref(), surroundings.revision.as_ref());
    Ok(checkout.settings.dist(requirements, &surroundings.secrets, revision)?)
}

/// Makes `dist/`, or finds it already right.
pub(super) fn write(project: &Project, checkout: &Checkout<'_>, surroundings: &Surroundings) -> Result<Dist, Error> {
    let settings = settings(checkout, surroundings)?;
    let dist = dist::write(project, &settings, checkout.progress)?;
    tell_of_unused_lock(checkout);
    let outcome = if dist.changed { "written" } else { "unchanged" };
    checkout.progress.detail(&format!(
        "{}: {} files, sdist of {} bytes, {outcome}",
        dist.directory.display(),
        dist.files.len(),
        dist.sdist.size
    ));
    Ok(dist)
}

/// A lock that nobody points at is probably forgotten.
fn tell_of_unused_lock(checkout: &Checkout<'_>) {
    let settings = &checkout.settings;
    let mut locks = ["pylock.toml", "uv.lock", "poetry.lock"].into_iter();
    let beside = locks.find(|lock| settings.root().join(lock).is_file());
    if let Some(lock) = beside.filter(|_| settings.text("requirements").is_none()) {
        let text = format!("{lock} is not used; the setting `requirements` can name it, to pin what is installed");
        checkout.progress.detail(&text);
    }
}

/// `--dry-run`: the files and the Dockerfile that would be written.
pub(super) fn preview(
    project: &Project,
    checkout: &Checkout<'_>,
    surroundings: &Surroundings,
    as_json: bool,
) -> Result<Data, Error> {
    let settings = settings(checkout, surroundings)?;
    let preview = dist::preview(project, &settings, checkout.progress)?;
    if as_json {
        return Ok(json(&preview));
    }
    checkout
        .progress
        .step(&format!("Would write dist/: {}", preview.files.join(", ")));
    Ok(Data::File(preview.dockerfile))
}
