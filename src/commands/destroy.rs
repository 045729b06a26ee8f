//! `sgbuild destroy`: the stack goes, the data stays.

use serde::Serialize;

use super::pipeline::stack_name;
use super::{Checkout, json};
use crate::cli;
use crate::error::Error;
use crate::progress::Progress;
use crate::shown::Data;
use crate::stack::{self, CloudFormation, Kept};

/// What was done, or would be.
#[derive(Serialize)]
struct Outcome<'a> {
    /// Nothing was changed: `--dry-run`.
    dry_run: bool,
    stack: &'a str,
    /// What is still there, and still costs its storage.
    kept: &'a [Kept],
}

pub(super) async fn run(arguments: &cli::Destroy, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let aws = checkout.aws().await;
    let cloud_formation = CloudFormation::new(&aws)?;
    let name = stack_name(checkout)?;
    let stack = cloud_formation.describe(&name).await?;
    let stack = stack.ok_or_else(|| stack::Error::Missing {
        name: name.clone(),
        region: aws.region().map(ToString::to_string).unwrap_or_default(),
    })?;
    stack.must_be_a_pipeline()?;
    if stack.is_busy() {
        let status = stack.status;
        return Err(stack::Error::Busy { name, status }.into());
    }
    let kept = cloud_formation.kept(&stack.id).await?;
    tell(&name, &kept, checkout.progress);
    if !arguments.dry_run.dry_run {
        if !arguments.yes {
            return Err(stack::Error::NotConfirmed { name }.into());
        }
        delete(&cloud_formation, &name, &stack.id, checkout.progress).await?;
        checkout.done_at_last();
    }
    Ok(outcome(arguments, &name, &kept))
}

async fn delete(cloud_formation: &CloudFormation, name: &str, id: &str, progress: &dyn Progress) -> Result<(), Error> {
    progress.step(&format!("Deleting the stack {name}"));
    progress.detail("AWS goes on even when this command is interrupted; `sgbuild status` shows how it ended");
    let mark = stack::mark(cloud_formation, id).await?;
    cloud_formation.delete(id).await?;
    stack::follow(cloud_formation, name, id, mark, progress).await?;
    progress.step(&format!("The stack {name} is gone; its data is where it was"));
    Ok(())
}

fn tell(name: &str, kept: &[Kept], progress: &dyn Progress) {
    progress.step(&format!("This will delete the stack {name}, and keep:"));
    for kept in kept {
        progress.output(&format!("= {} ({})", kept.name, kept.kind));
    }
}

fn outcome(arguments: &cli::Destroy, name: &str, kept: &[Kept]) -> Data {
    if arguments.json.json {
        return json(&Outcome {
            dry_run: arguments.dry_run.dry_run,
            stack: name,
            kept,
        });
    }
    Data::Names(kept.iter().map(|kept| kept.name.clone().into()).collect())
}
