//! `sgbuild inspect`: the metadata as sgbuild understands it.

use serde::Serialize;

use super::{Checkout, job, json};
use crate::cli;
use crate::error::Error;
use crate::project::{Candidate, Descriptive, DynamicField, EntryPoint, Metadata, Project, Source, SourceKind};
use crate::shown::{Data, Page};

/// The keys of core metadata, then what sgbuild adds.
#[derive(Serialize)]
struct Inspection<'a> {
    #[serde(flatten)]
    metadata: &'a Metadata,
    license_files: Option<&'a [String]>,
    train: Option<&'a EntryPoint>,
    serve: Option<&'a EntryPoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initializer: Option<&'a EntryPoint>,
    source: &'a Source,
}

pub(super) fn run(arguments: &cli::Inspect, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let project = job::read_project(checkout)?;
    let Project {
        metadata,
        build,
        train,
        serve,
        initializer,
        source,
        ..
    } = &project;
    if arguments.json.json {
        return Ok(json(&Inspection {
            metadata,
            license_files: build.license_files.as_deref(),
            train: train.as_ref(),
            serve: serve.as_ref(),
            initializer: initializer.as_ref(),
            source,
        }));
    }
    Ok(Data::Page(page(&project)))
}

fn page(project: &Project) -> Page {
    let metadata = &project.metadata;
    let mut page = Page::new();
    let mut row = |name: &str, values: &[String]| {
        for (index, value) in values.iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            page.field(name, value);
        }
    };
    row("name", std::slice::from_ref(&metadata.name));
    row("version", std::slice::from_ref(&metadata.version));
    row("summary", metadata.descriptive.summary.as_slice());
    row("author", author(&metadata.descriptive).as_slice());
    row("license", license(&metadata.descriptive).as_slice());
    row("urls", &urls(&metadata.descriptive));
    row("requires python", metadata.requires_python.as_slice());
    row("requires", &metadata.requires_dist);
    row("extras", &metadata.provides_extra);
    row("packages", &metadata.packages);
    row("modules", &metadata.py_modules);
    if project.train_candidates.is_empty() {
        row("train", &[entry_point(project.train.as_ref())]);
    } else {
        let one_of = |candidate: &Candidate| {
            format!(
                "one of: {} = {}",
                candidate.name,
                entry_point(Some(&candidate.function))
            )
        };
        let candidates: Vec<_> = project.train_candidates.iter().map(one_of).collect();
        row("train", &candidates);
    }
    row("serve", &[entry_point(project.serve.as_ref())]);
    let initializer = project.initializer.as_ref();
    row(
        "initializer",
        initializer.map(|found| entry_point(Some(found))).as_slice(),
    );
    let source = match project.source.kind {
        SourceKind::Static => "static".to_owned(),
        SourceKind::Pep517 => format!("pep517, because {}", project.source.reason),
    };
    row("source", &[source]);
    row("left out", &left_out(&metadata.descriptive));
    page
}

/// The first line that says something.
fn line(text: Option<&String>) -> Option<&str> {
    text?.lines().map(str::trim).find(|line| !line.is_empty())
}

fn author(said: &Descriptive) -> Option<String> {
    match (line(said.author.as_ref()), line(said.author_email.as_ref())) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (name, email) => name.or(email).map(ToOwned::to_owned),
    }
}

fn license(said: &Descriptive) -> Option<String> {
    let stated = said.license_expression.as_ref().or(said.license.as_ref());
    line(stated).map(ToOwned::to_owned)
}

fn urls(said: &Descriptive) -> Vec<String> {
    let home_page = line(said.home_page.as_ref()).map(ToOwned::to_owned);
    home_page.into_iter().chain(said.project_urls.iter().cloned()).collect()
}

fn left_out(said: &Descriptive) -> Vec<String> {
    let shown = |left_out: &DynamicField| {
        let DynamicField {
            field,
            expression,
            place,
            reason,
        } = left_out;
        format!("{field}: {place}: `{expression}` {reason}")
    };
    said.dynamic.iter().map(shown).collect()
}

fn entry_point(found: Option<&EntryPoint>) -> String {
    found.map_or_else(
        || "-".to_owned(),
        |found| format!("{}  ({})", found.object, found.declared_in),
    )
}
