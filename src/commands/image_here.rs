//! The image in a daemon of this machine, for those who run it.

use super::checkout::Checkout;
use super::job::{Job, auth_settings, connect};
use crate::engine;
use crate::engine::docker::Docker;
use crate::error::Error;
use crate::local;
use crate::oci::Reference;
use crate::registry::auth;

/// An image that a daemon has.
pub(super) struct ImageHere {
    pub(super) docker: Docker,
    /// By which the daemon knows it.
    pub(super) name: String,
    /// The package in it, and its version; the version is empty where that is not known.
    pub(super) package: String,
    pub(super) version: String,
}

/// The image that is `named`, else the project's.
pub(super) async fn image_here(given: Option<&String>, checkout: &Checkout<'_>) -> Result<ImageHere, Error> {
    match given {
        Some(given) => named(given, checkout).await,
        None => built(checkout).await,
    }
}

/// The image `named`, fetched where the daemon does not have it.
pub(super) async fn named(named: &str, checkout: &Checkout<'_>) -> Result<ImageHere, Error> {
    let docker = connect(checkout).await.map_err(local::Error::from)?;
    let held = docker.image_id(named).await.map_err(engine::Error::from)?;
    if held.is_none() {
        let reference = &named.parse::<Reference>()?;
        checkout.progress.step(&format!("Pulling {reference}"));
        let settings = auth_settings(checkout, Some(&reference.repository)).await;
        let credentials = auth::credentials(&reference.repository, &settings).await?;
        let pulled = docker.pull(reference, &credentials, checkout.progress).await;
        pulled.map_err(engine::Error::from)?;
    }
    Ok(ImageHere {
        package: package_of(named),
        version: String::new(),
        name: named.to_owned(),
        docker,
    })
}

/// What an image is called that says nothing else of its package: the last part of its repository's name.
pub(super) fn package_of(image: &str) -> String {
    let reference = image.parse::<Reference>();
    let name = reference.map(|reference| reference.repository.path.rsplit('/').next().map(ToOwned::to_owned));
    name.ok().flatten().unwrap_or_else(|| "training".to_owned())
}

/// The image of the project, as `sgbuild build --load` makes it.
pub(super) async fn built(checkout: &Checkout<'_>) -> Result<ImageHere, Error> {
    let job = Job::open(checkout)?;
    job.check_trust()?;
    let plan = job.plan()?;
    let plan = job.on_base(plan, None).await?;
    let engine = job.engine(&plan).await?;
    // Who has no daemon is told at once.
    let docker = connect(checkout).await.map_err(local::Error::from)?;
    let packed = job.pack(&plan)?;
    let built = Box::pin(job.build(&plan, &packed, engine.as_ref(), None)).await?;
    engine.load(&built, &docker, checkout.progress).await?;
    Ok(ImageHere {
        docker,
        name: built.name().to_owned(),
        package: job.project.metadata.name.clone(),
        version: job.project.metadata.version.clone(),
    })
}
