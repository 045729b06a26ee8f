//! `sgbuild inspect`: the metadata as sgbuild understands it.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Checkout, json};
use crate::cli;
use crate::error::Error;
use crate::project::{EntryPoint, Metadata, Project, Source, SourceKind};

/// The keys of core metadata, then what sgbuild adds.
#[derive(Serialize)]
struct Inspection<'a> {
    #[serde(flatten)]
    metadata: &'a Metadata,
    train: Option<&'a EntryPoint>,
    serve: Option<&'a EntryPoint>,
    source: &'a Source,
}

pub(super) fn run(arguments: &cli::Inspect, checkout: &Checkout<'_>) -> Result<String, Error> {
    let project = checkout.project()?;
    let Project {
        metadata,
        train,
        serve,
        source,
        ..
    } = &project;
    if arguments.json.json {
        return Ok(json(&Inspection {
            metadata,
            train: train.as_ref(),
            serve: serve.as_ref(),
            source,
        }));
    }
    Ok(text(&project))
}

fn text(project: &Project) -> String {
    let metadata = &project.metadata;
    let mut text = String::new();
    let mut row = |name: &str, values: &[String]| {
        for (index, value) in values.iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:16}{value}");
        }
    };
    row("name", std::slice::from_ref(&metadata.name));
    row("version", std::slice::from_ref(&metadata.version));
    row("summary", metadata.summary.as_slice());
    row("requires python", metadata.requires_python.as_slice());
    row("requires", &metadata.requires_dist);
    row("extras", &metadata.provides_extra);
    row("packages", &metadata.packages);
    row("modules", &metadata.py_modules);
    row("train", &[entry_point(project.train.as_ref())]);
    row("serve", &[entry_point(project.serve.as_ref())]);
    let source = match project.source.kind {
        SourceKind::Static => "static".to_owned(),
        SourceKind::Pep517 => format!("pep517, because {}", project.source.reason),
    };
    row("source", &[source]);
    text
}

fn entry_point(found: Option<&EntryPoint>) -> String {
    found.map_or_else(
        || "-".to_owned(),
        |found| format!("{}  ({})", found.object, found.declared_in),
    )
}
