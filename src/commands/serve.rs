//! `sgbuild serve --local`: the image as an endpoint runs it, with a model.

use super::image_here::{ImageHere, image_here};
use super::{Checkout, CommandError, Print, runs};
use crate::cli;
use crate::error::Error;
use crate::local::Run;
use crate::serving::{self, Model, Served};
use crate::shown::Data;

pub(super) async fn run(arguments: &cli::Serve, checkout: &Checkout<'_>, print: &Print<'_>) -> Result<Data, Error> {
    let model = match &arguments.run {
        Some(run) => Some(model_of(run, checkout).await?),
        None => arguments.model.clone(),
    };
    let ImageHere {
        docker, name: image, ..
    } = Box::pin(image_here(arguments.image.as_ref(), checkout)).await?;
    let run = Run::begin(&checkout.settings.environment().cache_dir(), &docker).await?;
    let aws = async || checkout.aws().await.clone();
    let model = match &model {
        Some(model) => Some(serving::placed(model, run.directory(), aws, checkout.progress).await?),
        None => None,
    };
    checkout.progress.step(&format!("Serving {image}"));
    let served = Served {
        image,
        model,
        port: arguments.port,
        environment: checkout.settings.image_as_set().environment,
    };
    let ready = |address: &str| print(&Data::name(address));
    serving::serve(&served, (&docker, &run), &ready, checkout.progress).await?;
    Ok(Data::Nothing)
}

/// The model that a recorded run made.
async fn model_of(id: &str, checkout: &Checkout<'_>) -> Result<Model, Error> {
    let found = runs::find(id, checkout).await?;
    let is_recorded = found.is_some();
    let artifact = found.and_then(|run| run.artifact);
    // A record is not to say which directory of this machine a container reads.
    let is_in_s3 = |model: &Model| matches!(model, Model::S3(_));
    let artifact = artifact.and_then(|artifact| artifact.parse().ok()).filter(is_in_s3);
    let missing = || CommandError::NoArtifact {
        run: id.to_owned(),
        is_recorded,
    };
    Ok(artifact.ok_or_else(missing)?)
}
