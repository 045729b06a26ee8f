//! `RunRecord ─▶ Lineage`: from a model back to what it was made of, and forward from a commit, an image or data to the models that were
//! made of it. Everything is taken from the record: no other service is asked.

mod asked;
mod error;
mod tree;

pub use error::Error;
pub use tree::Branch;

use serde::Serialize;

use crate::record::RunRecord;
use crate::training::vocabulary::digest_of;
use asked::{Match, matches};

/// By what runs are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A file below a job's output, such as its model.
    Model,
    /// A training job, by its name or ARN.
    Job,
    /// A run id.
    Run,
    /// A commit.
    Commit,
    /// An image, by its digest.
    Image,
    /// All versions of the data, by the digest that stands for them.
    Data,
    /// One object of the data, or one of its versions.
    Object,
}

impl Subject {
    /// As it is called in a sentence.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Job => "job",
            Self::Run => "run",
            Self::Commit => "commit",
            Self::Image => "image",
            Self::Data => "data",
            Self::Object => "object",
        }
    }

    /// Whether there is one run of it, which is told in full.
    fn is_of_one_run(self) -> bool {
        matches!(self, Self::Model | Self::Job | Self::Run)
    }
}

/// What runs are of something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lineage {
    /// What the question turned out to be about.
    pub subject: Subject,
    /// The whole name of what was asked about, which may have been given in short.
    pub name: String,
    /// The runs, the first one first.
    pub runs: Vec<Origin>,
}

/// A run, with what it is made of and what was made of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Origin {
    /// The digest of the image.
    pub image_digest: Option<String>,
    /// What stands for all versions of the data.
    pub data_digest: Option<String>,
    /// The record.
    #[serde(flatten)]
    pub run: RunRecord,
    /// The jobs that had this run's output as an input.
    pub used_by: Vec<String>,
    /// The jobs whose output this run had as an input.
    pub made_of: Vec<String>,
}

/// Finds what `asked` is: a URI, a job, a run id, a commit, a digest. Commits and digests may be given by their beginning.
///
/// # Errors
/// [`Error::Unknown`] where nothing recorded is called so, [`Error::Ambiguous`] where several things are.
pub fn find(runs: &[RunRecord], asked: &str) -> Result<Lineage, Error> {
    let found = matches(runs, asked.trim());
    let mut subjects: Vec<(Subject, &str)> = found.iter().map(|found| (found.subject, found.name.as_str())).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let (subject, name) = match subjects.as_slice() {
        [] => return Err(Error::unknown(asked, runs)),
        [one] => *one,
        several => return Err(Error::ambiguous(asked, several)),
    };
    let mut found: Vec<&RunRecord> = found.iter().map(|Match { run, .. }| *run).collect();
    found.sort_by_key(|run| run.recorded_at);
    Ok(Lineage {
        subject,
        name: name.to_owned(),
        runs: found.into_iter().map(|run| origin(run, runs)).collect(),
    })
}

/// The one run that `asked` is of.
///
/// # Errors
/// As [`find`], and [`Error::Several`] where there are more runs of it.
pub(crate) fn one<'a>(runs: &'a [RunRecord], asked: &str) -> Result<&'a RunRecord, Error> {
    let found = find(runs, asked)?;
    let [only] = found.runs.as_slice() else {
        return Err(Error::several(asked, &found.runs));
    };
    let name = &only.run.training.job_name;
    let run = runs.iter().find(|run| run.training.job_name == *name);
    run.ok_or_else(|| Error::unknown(asked, runs))
}

fn origin(run: &RunRecord, all: &[RunRecord]) -> Origin {
    let others = || {
        all.iter()
            .filter(|other| other.training.job_name != run.training.job_name)
    };
    let names = |used: Vec<&RunRecord>| used.iter().map(|run| run.training.job_name.clone()).collect();
    Origin {
        image_digest: digest_of(&run.training.image).map(ToOwned::to_owned),
        data_digest: run.data_digest(),
        run: run.clone(),
        used_by: names(others().filter(|other| takes_of(other, run)).collect()),
        made_of: names(others().filter(|other| takes_of(run, other)).collect()),
    }
}

/// Whether `run` has something of the output of `earlier` among its inputs.
fn takes_of(run: &RunRecord, earlier: &RunRecord) -> bool {
    let Some(output) = output_of(earlier) else { return false };
    let inputs = asked::inputs(run);
    inputs.iter().any(|input| input.starts_with(&output))
}

/// The prefix below which SageMaker writes what a job makes, `s3://bucket/job/`; unknown in older records without an artifact.
fn output_of(run: &RunRecord) -> Option<String> {
    let job = &run.training.job_name;
    let by_artifact = || {
        let artifact = run.artifact.as_deref()?;
        let end = artifact.find(&format!("/{job}/"))?;
        Some(artifact[..end].to_owned())
    };
    let output = Some(run.training.output.trim_end_matches('/')).filter(|output| !output.is_empty());
    let output = output.map(ToOwned::to_owned).or_else(by_artifact)?;
    Some(format!("{output}/{job}/"))
}

#[cfg(test)]
mod tests;
