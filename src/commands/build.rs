//! `sgbuild build`: `dist/` if it is stale, the image if it is.

use serde_json::json;

use super::checkout::Checkout;
use super::job::{self, Job};
use super::{dist, json};
use crate::cli;
use crate::error::Error;
use crate::shown::Data;

pub(super) async fn run(arguments: &cli::Build, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let job = Job::open(checkout)?;
    job.check_trust()?;
    job::engine_kind(checkout)?;
    let plan = job.plan()?;
    if arguments.dry_run.dry_run {
        let name = job.local_name()?;
        let title = format!("Would build {name} for {}", plan.platform);
        checkout.progress.step(&title);
        return dist::preview(&job, &plan, arguments.json.json);
    }
    let engine = job.engine(&plan).await?;
    let packed = job.pack(&plan)?;
    let built = job.build(&plan, &packed, engine.as_ref()).await?;
    if arguments.json.json {
        return Ok(json(&json!({ "image": built })));
    }
    Ok(Data::name(built.name().to_owned()))
}
