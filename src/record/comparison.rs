//! Two runs side by side: what differs, and nothing else.

use serde::Serialize;

use super::{Group, Kind, RunRecord};

/// What stands for a list that is not told item by item.
const DIGEST: &str = "digest of all";

/// One fact that two runs do not share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// What it is about.
    pub(crate) kind: Kind,
    /// Which fact.
    pub(crate) name: String,
    /// What the first run has; `None` where it has nothing.
    pub(crate) a: Option<String>,
    /// What the second run has.
    pub(crate) b: Option<String>,
}

/// What differs between `a` and `b`, in the order of [`Kind`] and of names.
#[must_use]
pub(crate) fn differences(a: &RunRecord, b: &RunRecord) -> Vec<Difference> {
    let (a, b) = (a.facts(), b.facts());
    a.iter().zip(&b).flat_map(|(a, b)| between(a, b)).collect()
}

/// Lists are compared item by item where both are recorded; else what stands for them is, so that what is not known is not told as gone.
fn between(a: &Group, b: &Group) -> Vec<Difference> {
    let kind = a.kind;
    let difference = |name: &str, a: Option<&String>, b: Option<&String>| {
        (a != b).then(|| Difference {
            kind,
            name: name.to_owned(),
            a: a.cloned(),
            b: b.cloned(),
        })
    };
    let (Some(of_a), Some(of_b)) = (&a.facts, &b.facts) else {
        let (a, b) = (in_short(a), in_short(b));
        return difference(DIGEST, a.as_ref(), b.as_ref()).into_iter().collect();
    };
    let mut names: Vec<&String> = of_a.keys().chain(of_b.keys()).collect();
    names.sort();
    names.dedup();
    let differences = names
        .into_iter()
        .filter_map(|name| difference(name, of_a.get(name), of_b.get(name)));
    differences.collect()
}

fn in_short(group: &Group) -> Option<String> {
    let count = group.facts.as_ref().map(|facts| format!("{} listed", facts.len()));
    group.digest.clone().or(count)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn run(changes: &Value) -> RunRecord {
        let mut record = json!({
            "training_job_name": "iris-1", "run_id": "r", "git_hash": "1f0c2ab", "image": "host/iris@sha256:1f",
            "instance_type": "ml.m5.large", "instance_count": 1, "volume_in_gb": 30, "max_runtime_seconds": 60,
            "input_bucket": "iris", "data_source": "uploaded", "input_versions": { "a.csv": "v1", "b.csv": "v1" },
            "hyperparameters": { "depth": "3" }, "recorded_at": "2026-11-24T04:12:05Z", "job_status": "Completed",
            "metrics": { "accuracy": 0.9 },
            "requirements": { "digest": "sha256:1", "installed": true, "lines": ["numpy==2.1.0", "scipy==1.14.0"] },
        });
        for (name, value) in changes.as_object().unwrap() {
            record[name] = value.clone();
        }
        serde_json::from_value(record).unwrap()
    }

    fn told(a: &RunRecord, b: &RunRecord) -> String {
        let lines = differences(a, b).into_iter().map(|one| {
            let side = |side: Option<String>| side.unwrap_or_else(|| "-".to_owned());
            format!("{:?} {}: {} / {}", one.kind, one.name, side(one.a), side(one.b))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn only_what_differs_is_told() {
        let a = run(&json!({}));
        assert_eq!(told(&a, &a), "");
        let b = run(&json!({
            "git_hash": "2e0c2ab", "input_versions": { "a.csv": "v2", "c.csv": "v1" }, "hyperparameters": {},
            "metrics": { "accuracy": 0.95, "rows": 3.0 }, "instance_count": 2,
            "requirements": { "digest": "sha256:2", "installed": true, "lines": ["numpy==2.2.0", "scipy==1.14.0"] },
        }));
        insta::assert_snapshot!(told(&a, &b), @r"
        Code commit: 1f0c2ab / 2e0c2ab
        Requirements numpy: ==2.1.0 / ==2.2.0
        Data a.csv: v1 / v2
        Data b.csv: v1 / -
        Data c.csv: - / v1
        Hyperparameters depth: 3 / -
        Request number of instances: 1 / 2
        Metrics accuracy: 0.9 / 0.95
        Metrics rows: - / 3
        ");
    }

    #[test]
    fn what_is_not_recorded_is_not_told_as_gone() {
        let a = run(&json!({}));
        let mut older = run(&json!({}));
        older.training.requirements = None;
        insta::assert_snapshot!(told(&a, &older), @"Requirements digest of all: sha256:1 / -");
        assert_eq!(told(&older, &older), "");
        let large = run(&json!({ "input_versions": {}, "input_versions_uri": "s3://b/k", "input_digest": "77" }));
        let digest = a.data_digest().unwrap();
        assert_eq!(told(&a, &large), format!("Data digest of all: {digest} / 77"));
        let mut nothing = run(&json!({ "hyperparameters": {}, "input_versions": {} }));
        nothing.data_source = None;
        assert!(
            told(&a, &nothing).contains("Hyperparameters digest of all: 1 listed / -"),
            "{}",
            told(&a, &nothing)
        );
    }
}
