//! A lineage as a tree for people.

use std::fmt::Write as _;

use super::{Lineage, Origin};
use crate::record::in_words;

/// So many of a list's items are read at a glance.
const SHOWN: usize = 10;

/// A line of the tree, and what is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    text: String,
    below: Vec<Branch>,
}

impl Lineage {
    /// What was asked about at the root; of one run everything below it, of several what came of each. `all` leaves nothing out of long lists.
    #[must_use]
    pub fn tree(&self, all: bool) -> Branch {
        let root = format!("{} {}", self.subject.noun(), self.name);
        let below = if self.subject.is_of_one_run() {
            self.runs.iter().map(|origin| origin.whole(&self.name, all)).collect()
        } else {
            self.runs.iter().map(|origin| origin.outcome(&self.name)).collect()
        };
        Branch { text: root, below }
    }
}

impl Branch {
    fn leaf(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            below: Vec::new(),
        }
    }

    /// A list of items, of which the first ones are told.
    fn list(text: String, items: impl ExactSizeIterator<Item = String>, all: bool) -> Self {
        let most = if all { usize::MAX } else { SHOWN };
        let left = items.len().saturating_sub(most);
        let mut below: Vec<Self> = items.take(most).map(Self::leaf).collect();
        if left > 0 {
            below.push(Self::leaf(format!("… and {left} more (--all)")));
        }
        Self { text, below }
    }

    /// The lines, each with what draws the tree before it.
    #[must_use]
    pub fn lines(&self) -> Vec<(String, &str)> {
        let mut lines = vec![(String::new(), self.text.as_str())];
        self.add_below("", &mut lines);
        lines
    }

    fn add_below<'a>(&'a self, before: &str, lines: &mut Vec<(String, &'a str)>) {
        for (number, branch) in self.below.iter().enumerate() {
            let (own, others) = if number + 1 == self.below.len() {
                ("└─", "  ")
            } else {
                ("├─", "│ ")
            };
            lines.push((format!("{before}{own}"), &branch.text));
            branch.add_below(&format!("{before}{others} "), lines);
        }
    }
}

impl Origin {
    /// A run in a line, with what came of it. Whatever is `named` above is not told again.
    fn outcome(&self, named: &str) -> Branch {
        let commit = &self.run.training.commit;
        let commit = (commit != named).then(|| Branch::leaf(format!("commit {}", known(commit))));
        Branch {
            text: self.in_a_line(),
            below: commit.into_iter().chain(self.came_of_it(named)).collect(),
        }
    }

    fn came_of_it(&self, named: &str) -> Vec<Branch> {
        let model = self.run.artifact.iter().filter(|model| *model != named);
        let mut below: Vec<Branch> = model.map(|model| Branch::leaf(format!("model {model}"))).collect();
        let reason = self.run.failure_reason.as_deref();
        let reason = reason.and_then(|reason| reason.lines().next());
        below.extend(reason.map(|reason| Branch::leaf(format!("reason {reason}"))));
        let jobs = self.used_by.iter();
        below.extend(jobs.map(|job| Branch::leaf(format!("an input of job {job}"))));
        below
    }

    /// A run with all that is recorded of it.
    fn whole(&self, named: &str, all: bool) -> Branch {
        let training = &self.run.training;
        let package = format!("{} {}", training.package, training.version);
        let instances = training.instances().into_iter();
        let instances: Vec<String> = instances.map(|(name, count)| format!("{count} × {name}")).collect();
        let mut below = vec![
            Branch::leaf(format!("run {}", training.run_id)),
            Branch::leaf(format!("commit {}", known(&training.commit))),
            Branch::leaf(format!("package {}", known(package.trim()))),
            self.image(all),
            self.data(all),
            self.hyperparameters(all),
            Branch::leaf(format!("instances {}", known(&instances.join(", ")))),
        ];
        let jobs = self.made_of.iter();
        below.extend(jobs.map(|job| Branch::leaf(format!("output of job {job} as an input"))));
        below.extend(self.came_of_it(named));
        Branch {
            text: self.in_a_line(),
            below,
        }
    }

    /// `job iris-1, Completed 2026-11-24 04:20 after 8 min 0 s, accuracy=0.97`.
    fn in_a_line(&self) -> String {
        let run = &self.run;
        let when = run.job_end_time.unwrap_or(run.recorded_at).strftime("%Y-%m-%d %H:%M");
        let mut line = format!("job {}, {} {when}", run.training.job_name, run.job_status);
        if let Some(seconds) = run.duration() {
            let _ = write!(line, " after {}", in_words(seconds));
        }
        for (name, value) in &run.metrics {
            let _ = write!(line, ", {name}={value}");
        }
        line
    }

    fn image(&self, all: bool) -> Branch {
        let image = Branch::leaf(format!("image {}", self.run.training.image));
        let Some(list) = &self.run.training.requirements else {
            return image;
        };
        let what = if list.installed { "installed" } else { "asked for" };
        let text = match list.lines.len() {
            0 => format!("{what}: a list of {}", list.digest),
            number => format!("{what}: {}", count(number, "requirement")),
        };
        Branch {
            below: vec![Branch::list(text, list.lines.iter().cloned(), all)],
            ..image
        }
    }

    fn data(&self, all: bool) -> Branch {
        let run = &self.run;
        let Some(digest) = &self.data_digest else {
            let text = match (&run.input_versions_uri, run.data_source) {
                (Some(uri), _) => format!("data, {}: {uri}", count(run.input_object_count, "object")),
                (None, _) => "data not recorded".to_owned(),
            };
            return Branch::leaf(text);
        };
        let mut text = format!(
            "data {}, {} of s3://{}",
            digest.get(..8).unwrap_or(digest),
            count(run.input_object_count, "object"),
            run.training.input_bucket
        );
        if let Some(uri) = &run.input_versions_uri {
            let _ = write!(text, ", listed in {uri}");
        }
        let versions = run.input_versions.iter();
        Branch::list(
            text,
            versions.map(|(key, version)| format!("{key} version {version}")),
            all,
        )
    }

    fn hyperparameters(&self, all: bool) -> Branch {
        let hyperparameters = &self.run.hyperparameters;
        if hyperparameters.is_empty() {
            return Branch::leaf("hyperparameters none");
        }
        let items = hyperparameters.iter().map(|(name, value)| format!("{name}={value}"));
        Branch::list("hyperparameters".to_owned(), items, all)
    }
}

/// `1 object`, `2 objects`.
fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

fn known(text: &str) -> &str {
    if text.is_empty() { "not recorded" } else { text }
}
