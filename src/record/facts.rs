//! A run as facts, each with a name: what two runs are compared by, and what a page tells of a run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{DataSource, RunRecord, in_words};
use crate::training::fields;

/// What facts are about, in the order in which people ask for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The commit and the package made of it.
    Code,
    /// The image.
    Image,
    /// What is installed in the image.
    Requirements,
    /// The data, object by object.
    Data,
    /// The hyperparameters that the job got.
    Hyperparameters,
    /// What else the job was asked to be: instances, limits, roles.
    Request,
    /// The last values of metrics.
    Metrics,
    /// How it ended, and how long it took.
    Outcome,
}

impl Kind {
    /// As a heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Code => "Code",
            Self::Image => "Image",
            Self::Requirements => "Requirements",
            Self::Data => "Data",
            Self::Hyperparameters => "Hyperparameters",
            Self::Request => "Request",
            Self::Metrics => "Metrics",
            Self::Outcome => "Outcome",
        }
    }
}

/// What is known of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    /// What the facts are about.
    pub(crate) kind: Kind,
    /// What stands for all of it, where that is long: its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    /// The facts by their names; `None` where they are not recorded, which is not the same as none.
    pub(crate) facts: Option<BTreeMap<String, String>>,
}

impl RunRecord {
    /// Everything that tells this run from another, but its names and times.
    #[must_use]
    pub(crate) fn facts(&self) -> [Group; 8] {
        [
            Group::known(Kind::Code, self.code()),
            Group::known(Kind::Image, [("image", self.training.image.clone())]),
            self.requirements(),
            self.data(),
            self.hyperparameters(),
            Group::known(Kind::Request, self.request()),
            Group::known(
                Kind::Metrics,
                self.metrics.iter().map(|(name, value)| (name, value.to_string())),
            ),
            Group::known(Kind::Outcome, self.outcome()),
        ]
    }

    fn code(&self) -> [(&'static str, String); 3] {
        let training = &self.training;
        [
            ("commit", training.commit.clone()),
            ("package", training.package.clone()),
            ("version", training.version.clone()),
        ]
    }

    fn requirements(&self) -> Group {
        let list = self.training.requirements.as_ref();
        let lines = list.and_then(|list| Some(by_name(list.by_name()?)));
        Group {
            kind: Kind::Requirements,
            digest: list.map(|list| list.digest.clone()),
            facts: lines,
        }
    }

    fn data(&self) -> Group {
        let is_listed = self.data_source.is_some() && self.input_versions_uri.is_none();
        Group {
            kind: Kind::Data,
            digest: self.data_digest(),
            facts: is_listed.then(|| self.input_versions.clone()),
        }
    }

    /// A run that ended before it had data had no hyperparameters read either.
    fn hyperparameters(&self) -> Group {
        let is_known = self.data_source.is_some() || !self.hyperparameters.is_empty();
        Group {
            kind: Kind::Hyperparameters,
            digest: None,
            facts: is_known.then(|| self.hyperparameters.clone()),
        }
    }

    fn request(&self) -> BTreeMap<String, String> {
        let training = &self.training;
        let number = |number: i32| if number == 0 { String::new() } else { number.to_string() };
        let mut request = BTreeMap::from([
            ("instance type".to_owned(), training.instance_type.clone()),
            ("number of instances".to_owned(), number(training.instance_count)),
            ("volume size in GiB".to_owned(), number(training.volume_gib)),
            (
                "longest run in seconds".to_owned(),
                number(training.max_runtime_seconds),
            ),
            ("input".to_owned(), training.input.clone()),
            ("output".to_owned(), training.output.clone()),
            ("role".to_owned(), training.role.clone()),
            ("channels".to_owned(), self.channels.join(", ")),
        ]);
        let further = training.further.iter().flat_map(fields::leaves);
        request.extend(further.map(|leaf| (leaf.place, leaf.value.to_string())));
        request
    }

    fn outcome(&self) -> [(&'static str, String); 7] {
        let seconds = |seconds: Option<i64>| seconds.map(in_words).unwrap_or_default();
        let source = self.data_source.map(|source| match source {
            DataSource::Uploaded => "uploaded",
            DataSource::Synthetic => "synthetic",
        });
        [
            ("status", self.job_status.to_string()),
            ("reason", self.failure_reason.clone().unwrap_or_default()),
            ("data", source.unwrap_or_default().to_owned()),
            ("duration", seconds(self.duration())),
            ("training time", seconds(self.training_seconds.map(i64::from))),
            ("billable time", seconds(self.billable_of_all())),
            ("model", self.artifact.clone().unwrap_or_default()),
        ]
    }
}

impl Group {
    /// Of facts that every record has; empty ones are not there.
    fn known<N: ToString>(kind: Kind, facts: impl IntoIterator<Item = (N, String)>) -> Self {
        let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
        Self {
            kind,
            digest: None,
            facts: Some(facts.map(|(name, value)| (name.to_string(), value)).collect()),
        }
    }
}

/// A name may have several lines, each for other environments.
fn by_name<'a>(lines: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for (name, rest) in lines {
        let value = named.entry(name.to_owned()).or_default();
        if !value.is_empty() {
            value.push_str(" | ");
        }
        value.push_str(rest);
    }
    named
}
