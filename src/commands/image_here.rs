//! The project's image in a daemon of this machine, where containers are made of it.

use super::checkout::Checkout;
use super::job::{self, Job};
use crate::engine::docker::Docker;
use crate::error::Error;

/// The daemon, and the image by which it knows it: the one that is `named`, else the project's, which is built if it is stale.
pub(super) async fn image_here(named: Option<&String>, checkout: &Checkout<'_>) -> Result<(Docker, String), Error> {
    let docker = job::docker(checkout).await?;
    if let Some(named) = named {
        return Ok((docker, named.clone()));
    }
    let job = Job::open(checkout)?;
    job.check_trust()?;
    let plan = job.on_base(job.plan()?, None).await?;
    let engine = job.engine(&plan).await?;
    let packed = job.pack(&plan)?;
    let built = Box::pin(job.build(&plan, &packed, engine.as_ref(), None)).await?;
    engine.load(&built, &docker, checkout.progress).await?;
    Ok((docker, built.name().to_owned()))
}
