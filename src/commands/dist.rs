//! `sgbuild dist`: a complete build context in `dist/`.

use serde_json::json;

use super::checkout::Checkout;
use super::job::{Job, Packed};
use super::{CommandError, json};
use crate::cli;
use crate::error::Error;
use crate::image::ImagePlan;
use crate::package::wheel::Wheel;
use crate::shown::Data;

pub(super) fn run(arguments: &cli::Dist, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let job = Job::open(checkout)?;
    let plan = job.plan()?;
    Job::check_context(&plan)?;
    if arguments.dry_run.dry_run {
        return preview(&job, &plan, arguments.json.json);
    }
    // Its paths are what is printed: half-right ones would name nothing.
    if job.project.root.to_str().is_none() {
        let path = job.project.root.clone();
        return Err(CommandError::NotUnicode { path }.into());
    }
    let packed = job.pack(&plan)?;
    checkout.done_at_last();
    if arguments.json.json {
        return Ok(as_json(&packed, &plan));
    }
    let paths = packed
        .dist
        .files
        .iter()
        .map(|file| packed.dist.directory.join(file).into());
    Ok(Data::Names(paths.collect()))
}

fn as_json(Packed { dist, archives }: &Packed, plan: &ImagePlan) -> Data {
    let (sdist, wheel) = (&archives.sdist, archives.wheel.as_ref());
    let mut plan = json!(plan);
    plan["sdist"] = json!(sdist.file_name);
    plan["wheel"] = json!(wheel.map(|wheel| &wheel.file_name));
    let as_json = |Wheel {
                       path,
                       sha256,
                       size,
                       files,
                       ..
                   }: &Wheel| json!({ "path": path, "sha256": sha256, "size": size, "files": files });
    json(&json!({
        "directory": dist.directory,
        "files": dist.files,
        "sdist": { "path": sdist.path, "sha256": sdist.sha256, "size": sdist.size, "files": sdist.files },
        "wheel": wheel.map(as_json),
        "neighbours": archives.neighbours.iter().map(as_json).collect::<Vec<_>>(),
        "context_digest": dist.context_digest,
        "changed": dist.changed,
        "plan": plan,
    }))
}

/// `--dry-run`: the files and the Dockerfile that would be written.
pub(super) fn preview(job: &Job<'_>, plan: &ImagePlan, as_json: bool) -> Result<Data, Error> {
    let preview = job.preview(plan)?;
    if as_json {
        return Ok(json(&preview));
    }
    let files = preview.files.join(", ");
    job.checkout.progress.step(&format!("Would write dist/: {files}"));
    Ok(Data::File(preview.dockerfile))
}
