//! What the pipeline's stack is to be made of: settings, and what the checkout says of itself.

use std::collections::BTreeMap;
use std::path::Path;

use super::github::{self, Remote};
use super::{Checkout, job};
use crate::error::Error;
use crate::settings::PipelineSettings;
use crate::stack::{self, PlanSettings, Template};

/// The stack that the settings describe, made of `template`.
pub(super) fn plan_settings(checkout: &Checkout<'_>, template: Template) -> Result<PlanSettings, Error> {
    let settings = &checkout.settings;
    let mut given = settings.stack_parameters();
    if let Some(engine) = given.get_mut("Engine") {
        job::engine_kind(checkout)?.parameter().clone_into(engine);
    }
    if let Some(token) = github::token(settings.environment()) {
        given.insert("GitHubToken".to_owned(), token.to_owned());
    }
    given.extend(settings.other_stack_parameters().clone());
    let remote = remote(checkout)?;
    if let Some(Remote { host, .. }) = remote.as_ref().filter(|remote| remote.server().is_none())
        && !given.contains_key("GitHubHost")
    {
        checkout.progress.warn(&format!(
            "the remote's host {host} is a name of this machine's alone: a new stack takes github.com, or what `--github-host` says"
        ));
    }
    Ok(PlanSettings {
        stack: stack_name(checkout)?,
        template,
        derived: derived(remote.as_ref(), &given),
        given,
        tags: BTreeMap::new(),
    })
}

/// What the checkout says of a new pipeline.
fn derived(remote: Option<&Remote>, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut derived = BTreeMap::new();
    if let Some(remote) = remote {
        derived.insert("GitHubUser".to_owned(), remote.owner.clone());
        derived.insert("GitHubRepo".to_owned(), remote.repository.clone());
        if let Some(server) = remote.server() {
            derived.insert("GitHubHost".to_owned(), server.to_owned());
        }
    }
    if let Some(repository) = given.get("GitHubRepo").or(derived.get("GitHubRepo")) {
        derived.insert("PipelineName".to_owned(), github::plain_name(repository, 22));
    }
    derived
}

/// The stack's name: the setting, else the repository's name and `-pipeline`.
pub(super) fn stack_name(checkout: &Checkout<'_>) -> Result<String, Error> {
    let PipelineSettings { stack, github_repo, .. } = checkout.settings.pipeline();
    if let Some(name) = stack {
        return Ok(name.to_owned());
    }
    let remote = remote(checkout)?;
    let repository = github_repo.or_else(|| remote.as_ref().map(|remote| remote.repository.as_str()));
    Ok(format!(
        "{}-pipeline",
        github::plain_name(repository.unwrap_or("sgbuild"), usize::MAX)
    ))
}

fn remote(checkout: &Checkout<'_>) -> Result<Option<Remote>, Error> {
    let url = checkout.revision()?.and_then(|revision| revision.remote.as_deref());
    Ok(url.and_then(Remote::parse))
}

/// The template in the file `path`, or sgbuild's own.
pub(super) fn read_template(path: Option<&Path>) -> Result<String, Error> {
    let Some(path) = path else {
        return Ok(stack::TEMPLATE.to_owned());
    };
    std::fs::read_to_string(path).map_err(|source| {
        Error::from(stack::Error::Template {
            path: path.to_owned(),
            source,
        })
    })
}
