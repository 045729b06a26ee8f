//! `sgbuild build`: `dist/` if it is stale, then the image if it is.

use serde_json::json;

use super::{Checkout, Surroundings, dist, json};
use crate::cli;
use crate::dist::Dist;
use crate::engine::docker::{self, DockerSettings};
use crate::engine::{BuildRequest, BuiltImage, Engine, EngineKind};
use crate::error::Error;
use crate::handover::{Handover, OwnRecords, Source};
use crate::project::Project;
use crate::registry::auth::{self, AuthSettings};
use crate::registry::reference::{repository_name, tag};
use crate::registry::{Reference, Repository};
use crate::shown::Data;

pub(super) async fn run(arguments: &cli::Build, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let project = checkout.project()?;
    let surroundings = Surroundings::of(&project, checkout)?;
    check_trust(&project, checkout, &surroundings)?;
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
        Data::name(built.reference)
    })
}

/// The engine that the settings name.
pub(super) async fn engine(checkout: &Checkout<'_>) -> Result<Box<dyn Engine>, Error> {
    match check_engine(checkout)? {
        EngineKind::Auto | EngineKind::Docker => Ok(Box::new(docker::connect(&docker_settings(checkout)).await?)),
    }
}

/// The engine that the settings name, if there is one.
pub(super) fn check_engine(checkout: &Checkout<'_>) -> Result<EngineKind, Error> {
    let name = checkout.settings.text("engine").unwrap_or_default();
    EngineKind::named(name).map_err(|source| Error::UnknownEngine {
        source,
        origin: checkout.settings.engine().origin.to_string(),
    })
}

/// Whether the project's own lines would come to see credentials in the build; asked before anything is sent there.
pub(super) fn check_trust(
    project: &Project,
    checkout: &Checkout<'_>,
    surroundings: &Surroundings,
) -> Result<(), Error> {
    let requirements = surroundings.requirements.as_ref();
    Ok(checkout
        .settings
        .check_trust(project, requirements, &surroundings.secrets)?)
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
    let handover = Handover {
        source: source(project, checkout, surroundings),
        built: built.clone(),
        pushed: None,
    };
    note(
        &handover,
        dist,
        "the next command will not know of this build",
        checkout,
    );
    Ok(built)
}

/// Keeps what the next command goes on from. The image is there whether or not it is noted: a note that cannot be written is a
/// warning, with what is `lost` by it.
pub(super) fn note(handover: &Handover, dist: &Dist, lost: &str, checkout: &Checkout<'_>) {
    if let Err(error) = handover.write(dist, &own_records(checkout), checkout.progress) {
        let reason = std::error::Error::source(&error).map(|source| format!(": {source}"));
        checkout
            .progress
            .warn(&format!("{error}{}; {lost}", reason.unwrap_or_default()));
    }
}

/// The build records that this user's sgbuild wrote.
pub(super) fn own_records(checkout: &Checkout<'_>) -> OwnRecords {
    OwnRecords::of(checkout.settings.environment().cache_dir())
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
    let Some(Handover { built, .. }) = Handover::read(dist, &own_records(checkout)) else {
        return Ok(None);
    };
    let held = engine.find(&built.id).await?;
    let tagged = held.is_some_and(|image| image.tags.iter().any(|held| held == tag));
    // A template of the user's need not name the platform: then the context is the same for all of them.
    let is_same = built.engine == engine.name() && built.reference == tag && built.platform == dist.plan.platform;
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
