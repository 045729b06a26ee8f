//! `sgbuild build`: `dist/` if it is stale, the image if it is, and where else it is wanted.

use serde_json::json;

use super::checkout::Checkout;
use super::job::{self, Job};
use super::{CommandError, dist, json, sbom, target};
use crate::cli;
use crate::engine::{self, BuiltImage, EngineKind, Output, output};
use crate::error::Error;
use crate::progress::size;
use crate::shown::Data;

pub(super) async fn run(arguments: &cli::Build, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let job = Job::open(checkout)?;
    job.check_trust()?;
    let kind = job::engine_kind(checkout)?;
    check_output(arguments, kind)?;
    sbom::wanted(checkout)?;
    let plan = job.plan()?;
    if arguments.dry_run.dry_run {
        let name = job.local_name()?;
        let title = format!("Would build {name} for {}", plan.platform);
        checkout.progress.step(&title);
        return dist::preview(&job, &plan, arguments.json.json);
    }
    let plan = job.on_base(plan, None).await?;
    let engine = job.engine(&plan).await?;
    // Who has no daemon is told at once.
    let daemon = if arguments.load {
        Some(job.docker().await?)
    } else {
        None
    };
    let packed = job.pack(&plan)?;
    let target = Box::pin(target::named_whole(&job)).await;
    let built = Box::pin(job.build(&plan, &packed, engine.as_ref(), target.as_ref())).await?;
    sbom::listed(&job, &packed, engine.as_ref(), &built).await?;
    if let Some(output) = &arguments.output {
        checkout.progress.step(&format!("Writing {}", built.name()));
        engine.write(&built, output, checkout.progress).await?;
    }
    if let Some(daemon) = &daemon {
        engine.load(&built, daemon, checkout.progress).await?;
    }
    checkout.done(&format!("image {}", size(built.size)));
    Ok(outcome(arguments, &built))
}

/// Refuses what cannot be written, before anybody waits.
fn check_output(arguments: &cli::Build, kind: EngineKind) -> Result<(), Error> {
    let Some(output) = &arguments.output else { return Ok(()) };
    if *output == Output::Stdout && arguments.json.json {
        return Err(CommandError::TwoOutputs.into());
    }
    if kind == EngineKind::Docker && matches!(output, Output::Layout(_)) {
        return Err(engine::Error::from(output::Error::DockerLayout).into());
    }
    Ok(output.check().map_err(engine::Error::from)?)
}

fn outcome(arguments: &cli::Build, built: &BuiltImage) -> Data {
    if arguments.output == Some(Output::Stdout) {
        return Data::Nothing;
    }
    if arguments.json.json {
        return json(&json!({ "image": built }));
    }
    Data::name(built.name().to_owned())
}
