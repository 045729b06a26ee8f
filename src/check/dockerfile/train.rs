//! Whether an image answers `docker run IMAGE train`: by an entry point, or by a program of that name.

use std::fs;
use std::path::Path;

use super::Seen;
use super::parsed::{Form, Instruction};
use crate::check::finding::{Finding, Place};
use crate::check::rule::Rule;

/// Images without an entry point of their own, or with one that only runs what it is given.
const PLAIN: [&str; 12] = [
    "alpine",
    "amazonlinux",
    "centos",
    "debian",
    "fedora",
    "nvidia/cuda",
    "python",
    "rockylinux",
    "tensorflow/tensorflow",
    "ubuntu",
    "nvcr.io/nvidia/cuda",
    "almalinux",
];
/// Where they are kept, too.
const MIRRORS: [&str; 4] = [
    "docker.io/library/",
    "public.ecr.aws/docker/library/",
    "public.ecr.aws/",
    "docker.io/",
];
/// Programs that would take `train` for a file.
const INTERPRETERS: [&str; 6] = ["bash", "python", "python3", "sh", "Rscript", "julia"];
/// As deep in what is copied a program is looked for.
const DEEP: usize = 3;
/// Entries that are looked at.
const MOST: usize = 2_000;

/// What is found where nothing seems to answer.
pub(super) fn missing(seen: &Seen<'_>) -> Option<Finding> {
    let entry = seen.parsed.last("ENTRYPOINT");
    if !entry.is_none_or(is_bare_interpreter) {
        return None;
    }
    let base = seen.parsed.base.as_deref()?;
    if entry.is_none() && !is_plain(base) {
        return None;
    }
    let is_elsewhere = seen.dockerfile.brings_train || names(seen.text, "train") || copies_train(seen);
    if is_elsewhere || is_for_something_else(seen.text) || requires_toolkit(&seen.dockerfile.context) {
        return None;
    }
    let runs = || seen.parsed.instructions.iter().filter(|one| one.word == "RUN");
    // An installation may bring a program of that name.
    let may_bring = |one: &Instruction| {
        ["install", "curl", "wget", "git "]
            .iter()
            .any(|word| one.rest.contains(word))
    };
    let is_emptied = entry.is_some_and(|entry| matches!(entry.form(), Form::Exec(words) if words.is_empty()));
    let message = match entry {
        Some(_) if is_emptied => {
            "the entry point is emptied, and there is no program `train` for SageMaker to run".to_owned()
        }
        Some(_) => {
            "the entry point is an interpreter, which takes the argument train for the name of a file".to_owned()
        }
        None => format!("there is no ENTRYPOINT, and no program `train` for SageMaker to run: {base} has neither"),
    };
    let place = match entry {
        Some(entry) => Place::line(seen.dockerfile.name.clone(), entry.line),
        None => Place::file(seen.dockerfile.name.clone()),
    };
    Some(
        Finding::new(
            Rule::NoTrainCommand,
            message,
            "Add ENTRYPOINT [\"python\", \"train.py\"], or put an executable `train` where PATH leads: CMD is not used in a training.",
        )
        .at(place)
        .certain(seen.dockerfile.is_meant && !names(seen.text, "serve") && !runs().any(may_bring)),
    )
}

/// Whether it has the toolkit, which brings `train`, or is for a notebook or a processing job.
fn is_for_something_else(text: &str) -> bool {
    [
        super::PROCESSING,
        "sagemaker-training",
        "sagemaker-containers",
        "sagemaker_training",
        "ipykernel",
        "jupyter",
    ]
    .iter()
    .any(|word| text.contains(word))
}

fn is_bare_interpreter(entry: &Instruction) -> bool {
    match entry.form() {
        Form::Exec(words) => match &words[..] {
            [] => true,
            [one] => INTERPRETERS.contains(&one.rsplit('/').next().unwrap_or(one)),
            _ => false,
        },
        Form::Shell(_) | Form::Unknown => false,
    }
}

fn is_plain(base: &str) -> bool {
    let name = MIRRORS
        .iter()
        .find_map(|mirror| base.strip_prefix(mirror))
        .unwrap_or(base);
    let name = name.split(['@', ':']).next().unwrap_or(name);
    PLAIN.contains(&name)
}

/// Whether the text has `program` as a word of its own, which may be a program or a link to one.
fn names(text: &str, program: &str) -> bool {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines
        .flat_map(|line| line.split(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c))))
        .any(|word| word == program)
}

/// Whether a program of that name is in what is copied, or in a directory of it.
fn copies_train(seen: &Seen<'_>) -> bool {
    let copied = seen
        .parsed
        .instructions
        .iter()
        .filter(|one| matches!(one.word.as_str(), "COPY" | "ADD"));
    copied.into_iter().any(|instruction| {
        let (options, paths) = instruction.copied();
        // Of another stage, nobody knows.
        let is_from_elsewhere = options.iter().any(|option| option.starts_with("from="));
        let sources = paths.split_last().map_or(&[][..], |(_, sources)| sources);
        is_from_elsewhere
            || sources
                .iter()
                .any(|source| may_hold_train(&seen.dockerfile.context, source))
    })
}

fn may_hold_train(context: &Path, source: &str) -> bool {
    if source.contains(['$', '*', '?', '[', '{']) || source.contains("://") || source.contains("..") {
        return true;
    }
    let mut left = MOST;
    holds_train(&context.join(source.trim_start_matches('/')), DEEP, &mut left)
}

fn holds_train(path: &Path, deep: usize, left: &mut usize) -> bool {
    if path.file_name().is_some_and(|name| name == "train") && path.is_file() {
        return true;
    }
    let Ok(entries) = fs::read_dir(path) else {
        return false;
    };
    for entry in entries.flatten() {
        if *left == 0 {
            return true;
        }
        *left -= 1;
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let is_it = entry.file_name() == "train" && !is_directory;
        if is_it || (is_directory && deep > 0 && holds_train(&entry.path(), deep - 1, left)) {
            return true;
        }
    }
    false
}

/// Whether the training toolkit, which has a program `train`, is required by a file beside the Dockerfile.
fn requires_toolkit(context: &Path) -> bool {
    ["requirements.txt", "environment.yml", "pyproject.toml", "setup.py"]
        .iter()
        .any(|name| {
            let text = crate::reading::text(&context.join(name), 1_000_000);
            text.is_ok_and(|text| text.contains("sagemaker") || text.contains("baklava"))
        })
}
