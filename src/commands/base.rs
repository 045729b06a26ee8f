//! `sgbuild base`: what only Docker can do for the image, done once, in a base image that the native engine builds on from then on.

use std::collections::BTreeMap;

use serde_json::json;

use super::checkout::Checkout;
use super::job::Job;
use super::{CommandError, json, target};
use crate::cli;
use crate::engine::native;
use crate::engine::{self, Engine, Order, Prepared};
use crate::error::Error;
use crate::oci::Reference;
use crate::push::{self, Ahead, PushSettings};
use crate::shown::Data;
use crate::web::Retry;

pub(super) async fn run(arguments: &cli::Base, checkout: &Checkout<'_>) -> Result<Data, Error> {
    checkout.check_build()?;
    let job = Job::open(checkout)?;
    let plan = job.plan()?;
    match native::check(&plan) {
        Err(native::Error::Unprepared { .. }) => {}
        Err(other) => return Err(engine::Error::from(other).into()),
        Ok(()) => {
            let text = "Nothing has to be run in the image: every build is native without a base image of its own";
            checkout.progress.step(text);
            let nothing = json(&json!({ "base": null }));
            return Ok(if arguments.json.json { nothing } else { Data::Nothing });
        }
    }
    let prepared = job.prepared(&plan, Retry::default().tries).await?;
    let mut target = target::settings(&job).await?;
    target.tags = vec![prepared.tag()];
    if arguments.dry_run.dry_run {
        return Ok(preview(&prepared, &target, arguments.json.json, checkout));
    }
    let base = made(&job, &prepared, &target).await?;
    job.keep_base(&prepared, &base)?;
    checkout.done_at_last();
    if arguments.json.json {
        return Ok(json(&json!({ "base": base, "tag": prepared.tag() })));
    }
    Ok(Data::name(base.to_string()))
}

/// The base image in the repository: the one that is there, unless all is to be made anew, else a new one.
async fn made(job: &Job<'_>, prepared: &Prepared, target: &PushSettings) -> Result<Reference, Error> {
    let progress = job.checkout.progress;
    let set = job.checkout.settings.engine();
    let tag = prepared.tag();
    if !set.no_cache
        && let Some(digest) = push::held(target, &tag).await?
    {
        progress.step(&format!("{}:{tag} is there already", target.target));
        return Ok(by_digest(target, digest));
    }
    job.check_original(prepared).await?;
    let ahead = Ahead::begin(target, None);
    let docker = job.docker().await?;
    docker.check(&prepared.plan)?;
    let context = tempfile::tempdir().map_err(CommandError::Scratch)?;
    let dist = prepared.write(context.path()).map_err(CommandError::Scratch)?;
    let name = job.local_name_of(&tag)?;
    progress.step(&format!("Building {name}"));
    let order = Order {
        plan: &prepared.plan,
        dist: &dist,
        name,
        target: None,
        base_credentials: job.base_credentials(&prepared.plan).await?,
        // The project's own lines are run here, and nothing of this machine's is theirs.
        secrets: &BTreeMap::new(),
        pull: set.pull,
        upgrade: false,
        no_cache: set.no_cache,
    };
    let built = docker.build(&order, progress).await?;
    let pushed = push::push(&built, &docker, target, ahead, None, progress).await?;
    Ok(by_digest(target, pushed.digest))
}

fn by_digest(target: &PushSettings, digest: crate::oci::Digest) -> Reference {
    Reference {
        repository: target.target.clone(),
        tag: None,
        digest: Some(digest),
    }
}

/// `--dry-run`: where it would be pushed, and the Dockerfile that it would be made of.
fn preview(prepared: &Prepared, target: &PushSettings, as_json: bool, checkout: &Checkout<'_>) -> Data {
    let name = format!("{}:{}", target.target, prepared.tag());
    if as_json {
        return json(&json!({ "would_push": [name], "dockerfile": prepared.dockerfile }));
    }
    checkout.progress.step(&format!("Would build and push {name}"));
    Data::File(prepared.dockerfile.clone())
}
