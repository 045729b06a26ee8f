//! What a question may be about: every reading of it that some run answers to.

use super::{Subject, output_of};
use crate::record::RunRecord;
use crate::training::fields;
use crate::training::vocabulary::digest_of;

/// The shortest beginning of a commit or digest, as in git
/// ([`core.abbrev`](https://git-scm.com/docs/git-config#Documentation/git-config.txt-coreabbrev)).
const SHORTEST: usize = 4;
/// What marks the commit of a tree that differed from it.
const DIRTY: &str = "-dirty";

/// A run that is of what was asked about.
pub(super) struct Match<'a> {
    /// How the question was understood.
    pub(super) subject: Subject,
    /// The whole name of what was asked about.
    pub(super) name: String,
    pub(super) run: &'a RunRecord,
}

/// Whether a run is of what was asked about, and what that is with its whole name.
type Reading = fn(&RunRecord, &str) -> Option<(Subject, String)>;

/// Every run that `asked` may mean, under every reading.
pub(super) fn matches<'a>(runs: &'a [RunRecord], asked: &str) -> Vec<Match<'a>> {
    let readings: &[Reading] = if asked.starts_with("s3://") {
        &[model, object]
    } else {
        &[job, run_id, commit, image, data, version]
    };
    let found = runs.iter().flat_map(|run| {
        let names = readings.iter().filter_map(|reading| reading(run, asked));
        names.map(move |(subject, name)| Match { subject, name, run })
    });
    let found: Vec<Match<'a>> = found.collect();
    // A job's whole name is that job, whatever begins like it.
    let is_exact = |found: &Match<'_>| found.subject == Subject::Job;
    if found.iter().any(is_exact) {
        return found.into_iter().filter(is_exact).collect();
    }
    found
}

fn model(run: &RunRecord, asked: &str) -> Option<(Subject, String)> {
    let is_artifact = run.artifact.as_deref() == Some(asked);
    let is_output = output_of(run).is_some_and(|output| asked.starts_with(&output));
    (is_artifact || is_output).then(|| (Subject::Model, asked.to_owned()))
}

fn job(run: &RunRecord, asked: &str) -> Option<(Subject, String)> {
    let name = &run.training.job_name;
    let is_arn = run.training_job_arn.as_deref() == Some(asked);
    (name == asked || is_arn).then(|| (Subject::Job, name.clone()))
}

fn run_id(run: &RunRecord, asked: &str) -> Option<(Subject, String)> {
    let id = &run.training.run_id;
    (id == asked).then(|| (Subject::Run, id.clone()))
}

/// A commit is found with the trees that differed from it; asked for as one of those, only with them.
fn commit(run: &RunRecord, asked: &str) -> Option<(Subject, String)> {
    let commit = run.training.commit.as_str();
    if commit == asked && !commit.is_empty() {
        let name = if asked.ends_with(DIRTY) { commit } else { clean(commit) };
        return Some((Subject::Commit, name.to_owned()));
    }
    begins(clean(commit), asked).then(|| (Subject::Commit, clean(commit).to_owned()))
}

fn clean(commit: &str) -> &str {
    commit.strip_suffix(DIRTY).unwrap_or(commit)
}

fn image(run: &RunRecord, asked: &str) -> Option<(Subject, String)> {
    let digest = digest_of(&run.training.image)?;
    let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
    // By another name, or from another registry, it is the same image.
    let asked = digest_of(asked).unwrap_or(asked);
    let is_it = digest == asked || (asked.contains(':') && begins(digest, asked)) || begins(hex, asked);
    is_it.then(|| (Subject::Image, digest.to_owned()))
}

fn data(run: &RunRecord, asked: &str) -> Option<(Subject, String)> {
    let digest = run.data_digest()?;
    begins(&digest, asked).then_some((Subject::Data, digest))
}

/// A version id of S3's, which is never given in short.
fn version(run: &RunRecord, asked: &str) -> Option<(Subject, String)> {
    let versions = run.input_versions.iter();
    let key = versions
        .filter(|(_, version)| *version == asked)
        .map(|(key, _)| key)
        .next()?;
    let uri = format!("s3://{}/{key}", run.training.input_bucket);
    Some((Subject::Object, format!("{uri} version {asked}")))
}

/// An object of the data, whichever of its versions.
fn object(run: &RunRecord, asked: &str) -> Option<(Subject, String)> {
    let bucket = format!("s3://{}/", run.training.input_bucket);
    let key = asked.strip_prefix(&bucket)?;
    run.input_versions
        .contains_key(key)
        .then(|| (Subject::Object, asked.to_owned()))
}

/// Whether hexadecimal digits begin with those that were given.
fn begins(whole: &str, asked: &str) -> bool {
    asked.len() >= SHORTEST && whole.starts_with(&asked.to_ascii_lowercase())
}

/// Every place that a run takes data from.
pub(super) fn inputs(run: &RunRecord) -> Vec<&str> {
    let further = run.training.further.iter().flat_map(fields::leaves);
    let said = further.filter(|leaf| leaf.place.ends_with("S3Uri") && !leaf.place.contains("Output"));
    let said = said.filter_map(|leaf| leaf.value.as_str());
    std::iter::once(run.training.input.as_str()).chain(said).collect()
}
