//! `sgbuild build`: `dist/` if it is stale, then the image if it is.

use serde_json::json;

use super::{Checkout, Surroundings, dist, json};
use crate::cli;
use crate::dist::Dist;
use crate::engine::docker::{self, DockerSettings};
use crate::engine::{BuildRequest, BuiltImage, Engine};
use crate::error::Error;
use crate::handover::{Handover, Source};
use crate::project::Project;
use crate::registry::auth::{self, AuthSettings};
use crate::registry::reference::{repository_name, tag};
use crate::registry::{Reference, Repository};

pub(super) async fn run(arguments: &cli::Build, checkout: &Checkout<'_>) -> Result<String, Error> {
    let project = checkout.project()?;
    let surroundings = Surroundings::of(&project, checkout)?;
    check_engine(checkout)?;
    if arguments.dry_run.dry_run {
        let tag = local_tag(&project, checkout, &surroundings)?;
        checkout.progress.step(&format!(
            "Would build {tag} for {}",
            checkout.settings.text("platform").unwrap_or_default()
        ));
        return dist::preview(&project, checkout, &surroundings, arguments.json.json);
    }
    let engine = engine(checkout).await?;
    let dist = dist::write(&project, checkout, &surroundings)?;
    let built = image(&project, &dist, engine.as_ref(), checkout, &surroundings).await?;
    Ok(if arguments.json.json {
        json(&json!({ "image": built }))
    } else {
        built.reference
    })
}

/// The engine that the settings name: `auto` is the Docker daemon.
pub(super) async fn engine(checkout: &Checkout<'_>) -> Result<Box<dyn Engine>, Error> {
    check_engine(checkout)?;
    Ok(Box::new(docker::connect(&docker_settings(checkout)).await?))
}

/// Whether there is an engine of the name that the settings give.
pub(super) fn check_engine(checkout: &Checkout<'_>) -> Result<(), Error> {
    let name = checkout.settings.text("engine").unwrap_or_default();
    if matches!(name, "auto" | "docker") {
        return Ok(());
    }
    Err(Error::UnknownEngine {
        name: name.to_owned(),
        origin: checkout.settings.origin("engine").to_owned(),
    })
}

fn docker_settings(checkout: &Checkout<'_>) -> DockerSettings {
    let environment = checkout.settings.environment();
    let text = |name| environment.get(name).map(ToOwned::to_owned);
    DockerSettings {
        host: text("DOCKER_HOST"),
        context: text("DOCKER_CONTEXT"),
        config_dir: environment.docker_config_dir(),
        tls_verify: environment.get("DOCKER_TLS_VERIFY").is_some(),
        cert_path: text("DOCKER_CERT_PATH").map(Into::into),
        buildkit: environment.get("DOCKER_BUILDKIT").map(|value| value != "0"),
        path: text("PATH"),
        withheld: environment.credentials_unlike("SSH_"),
    }
}

/// The image of `dist`: the one that an earlier run built of the same context, if the engine still has it, else a new one.
pub(super) async fn image(
    project: &Project,
    dist: &Dist,
    engine: &dyn Engine,
    checkout: &Checkout<'_>,
    surroundings: &Surroundings,
) -> Result<BuiltImage, Error> {
    let tag = local_tag(project, checkout, surroundings)?;
    if let Some(built) = already_built(dist, engine, checkout, &tag).await? {
        checkout.progress.step(&format!("Building {tag}: unchanged"));
        return Ok(built);
    }
    checkout.progress.step(&format!("Building {tag}"));
    let base = dist.plan.base.parse::<Reference>()?;
    let request = BuildRequest {
        context: dist.directory.clone(),
        files: dist.files.clone(),
        context_digest: dist.context_digest.clone(),
        tag,
        platform: dist.plan.platform.clone(),
        base_credentials: auth::credentials(&base.repository, &auth_settings(checkout, &base.repository).await).await?,
        base,
        secrets: surroundings.secrets.clone(),
        pull: checkout.settings.flag("pull"),
        no_cache: checkout.settings.flag("no-cache"),
    };
    let built = engine.build(&request, checkout.progress).await?;
    Handover {
        source: source(project, checkout, surroundings),
        built: built.clone(),
        pushed: None,
    }
    .write(&dist.directory)?;
    Ok(built)
}

/// What `dist/image.json` says was built of the same context, if the engine still has it under this tag.
async fn already_built(
    dist: &Dist,
    engine: &dyn Engine,
    checkout: &Checkout<'_>,
    tag: &str,
) -> Result<Option<BuiltImage>, Error> {
    if checkout.settings.flag("no-cache") || checkout.settings.flag("pull") {
        return Ok(None);
    }
    let Some(Handover { built, .. }) = Handover::read(dist) else {
        return Ok(None);
    };
    let held = engine.find(&built.id).await?;
    let tagged = held.is_some_and(|image| image.tags.iter().any(|held| held == tag));
    // A template of the user's need not name the platform: then the context is the same for all of them.
    let is_same = built.reference == tag && built.platform == dist.plan.platform;
    Ok((tagged && is_same).then_some(built))
}

/// Where the image lives in the daemon: `sgbuild/<package>:<version>-<commit>`.
fn local_tag(project: &Project, checkout: &Checkout<'_>, surroundings: &Surroundings) -> Result<String, Error> {
    let name = repository_name(&project.metadata.name)?;
    Ok(format!(
        "sgbuild/{name}:{}",
        default_tag(project, checkout, surroundings)
    ))
}

/// The version and the short commit, marked where the tree differs from it.
pub(super) fn default_tag(project: &Project, checkout: &Checkout<'_>, surroundings: &Surroundings) -> String {
    let commit = checkout.settings.commit(surroundings.revision.as_ref());
    tag(
        &project.metadata.version,
        commit.map(|commit| commit.short()).as_deref(),
    )
}

/// What the image is built from.
pub(super) fn source(project: &Project, checkout: &Checkout<'_>, surroundings: &Surroundings) -> Source {
    let commit = checkout.settings.commit(surroundings.revision.as_ref());
    Source {
        package: project.metadata.name.clone(),
        version: project.metadata.version.clone(),
        revision: commit.map(|commit| commit.to_string()),
    }
}

/// AWS is asked only for a registry that is Amazon's.
pub(super) async fn auth_settings(checkout: &Checkout<'_>, repository: &Repository) -> AuthSettings {
    let aws = if repository.ecr().is_some() {
        Some(checkout.aws().await)
    } else {
        None
    };
    AuthSettings {
        aws,
        docker_config_dir: checkout.settings.environment().docker_config_dir(),
        path: checkout.settings.environment().get("PATH").map(ToOwned::to_owned),
    }
}
