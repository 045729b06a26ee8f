//! The training Lambda's payload, checked: from sgbuild, or from the setuptools-docker pipeline, which has no run id.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::training::asked::Asked;
use crate::training::{rules, training_job_name};

use super::fields::kind;
use super::input_data::Folders;
use crate::shown::{is_hidden, quoted};

/// The longest field, in bytes: the ARN of a role may have 2,048, nothing else comes near.
const MAX_FIELD: usize = 2048;
/// The longest commit: it becomes a variable of the container, which holds
/// [512](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html#sagemaker-CreateTrainingJob-request-Environment).
const MAX_COMMIT: usize = 512;

/// A payload in the types that the job needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The training channel's data.
    pub source_bucket_uri: String,
    /// The bucket of it, which also holds the hyperparameters.
    pub source_bucket: String,
    /// Where SageMaker writes the model artifact.
    pub destination_bucket_uri: String,
    /// The image, by digest where the payload has one.
    pub image: String,
    /// ARN of the role that SageMaker assumes.
    pub role: String,
    /// Instances.
    pub num_instances: i32,
    /// Such as `ml.m5.large`.
    pub instance_type: String,
    /// GiB.
    pub vol_in_gb: i32,
    /// Seconds.
    pub max_runtime_sec: i32,
    /// The job's name, derived from the payload's name and the run id.
    pub training_job_name: String,
    /// The run.
    pub run_id: String,
    /// The commit; empty where unknown.
    pub git_hash: String,
    /// The package's name, where known.
    pub package: Option<String>,
    /// The package's version, where known.
    pub version: Option<String>,
    /// Metrics by name: the regular expressions that find them in the training's log.
    pub metrics: BTreeMap<String, String>,
}

impl Payload {
    /// Checks a payload. Without a run id in it, `request_id` is the run id: Lambda keeps it when it delivers an
    /// asynchronous invocation again.
    ///
    /// # Errors
    /// Every problem found, each as one line.
    pub fn parse(payload: &Value, request_id: &str) -> Result<Self, Vec<String>> {
        let Value::Object(fields) = payload else {
            return Err(vec![format!(
                "the payload must be a JSON object, and is {}",
                kind(payload)
            )]);
        };
        let mut read = Reader {
            fields,
            problems: Vec::new(),
        };
        let name = read.required("training_job_name", |_| Ok(()));
        let run_id = read
            .optional("run_id", rules::run_id)
            .unwrap_or_else(|| request_id.to_owned());
        let image = read.required("image", rules::image_uri);
        let digest = read.optional("image_digest", |digest| image_digest(digest, &image));
        let source_bucket_uri = read.required("source_bucket_uri", |uri| rules::s3_uri(uri).map(drop));
        let parsed = Self {
            source_bucket: rules::s3_uri(&source_bucket_uri).unwrap_or_default().to_owned(),
            source_bucket_uri,
            destination_bucket_uri: read.required("destination_bucket_uri", |uri| rules::s3_uri(uri).map(drop)),
            image: by_digest(image, digest.as_deref()),
            role: read.required("role", rules::role_arn),
            num_instances: read.number("num_instances", |n| rules::count(n, "a number of instances", i32::MAX)),
            instance_type: read.required("instance_type", rules::instance_type),
            vol_in_gb: read.number("vol_in_gb", |n| rules::count(n, "a volume size in GiB", i32::MAX)),
            max_runtime_sec: read.number("max_runtime_sec", rules::max_runtime),
            training_job_name: training_job_name(&name, &run_id),
            run_id,
            git_hash: read.optional("git_hash", commit).unwrap_or_default(),
            package: read.optional("package", |_| Ok(())),
            version: read.optional("version", |_| Ok(())),
            metrics: read.metrics(),
        };
        if read.problems.is_empty() {
            Ok(parsed)
        } else {
            Err(read.problems)
        }
    }

    /// What the run is asked to be.
    #[must_use]
    pub fn asked(&self) -> Asked {
        Asked {
            image: self.image.clone(),
            commit: Some(self.git_hash.clone()).filter(|commit| !commit.is_empty()),
            role: Some(self.role.clone()),
            input: Some(Folders::of(&self.source_bucket_uri).training_uri()),
            output: Some(self.destination_bucket_uri.clone()),
            instance_type: Some(self.instance_type.clone()),
            instance_count: Some(self.num_instances),
            volume_gib: Some(self.vol_in_gb),
            max_runtime_seconds: Some(self.max_runtime_sec),
        }
    }
}

/// Reads fields, and remembers every problem on the way: what it answers after a problem is never used.
struct Reader<'a> {
    fields: &'a Map<String, Value>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn required(&mut self, key: &str, rule: impl FnOnce(&str) -> Result<(), String>) -> String {
        let known = self.problems.len();
        let text = self.optional(key, rule);
        if text.is_none() && self.problems.len() == known {
            self.problems.push(format!("{key}: missing"));
        }
        text.unwrap_or_default()
    }

    /// The field's text; `None` where it is absent, null, empty, or (a problem) of another type, too long, or more than a line.
    fn optional(&mut self, key: &str, rule: impl FnOnce(&str) -> Result<(), String>) -> Option<String> {
        let text = match self.fields.get(key)? {
            Value::Null => return None,
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            other => {
                self.problems
                    .push(format!("{key}: must be a string, and is {}", kind(other)));
                return None;
            }
        };
        if text.is_empty() {
            return None;
        }
        if let Err(problem) = one_line(&text) {
            self.problems.push(format!("{key}: {problem}"));
            return None;
        }
        if let Err(problem) = rule(&text) {
            self.problems.push(format!("{key}: {problem}"));
        }
        Some(text)
    }

    fn metrics(&mut self) -> BTreeMap<String, String> {
        let metrics = match self.fields.get("metrics") {
            None | Some(Value::Null) => return BTreeMap::new(),
            Some(value) => BTreeMap::<String, String>::deserialize(value),
        };
        let metrics = metrics.unwrap_or_else(|_| {
            self.problems
                .push("metrics: must be an object of names and regular expressions".to_owned());
            BTreeMap::new()
        });
        let one_line_each = metrics
            .iter()
            .try_for_each(|(name, regex)| one_line(name).and_then(|()| one_line(regex)));
        if let Err(problem) = one_line_each.and_then(|()| rules::metrics(&metrics)) {
            self.problems.push(format!("metrics: {problem}"));
        }
        metrics
    }

    fn number(&mut self, key: &str, rule: impl Fn(&str) -> Result<i32, String>) -> i32 {
        let text = self.required(key, |text| rule(text).map(drop));
        rule(&text).unwrap_or_default()
    }
}

/// Every field ends up in records, messages and logs, where a second line would be somebody else's.
fn one_line(text: &str) -> Result<(), String> {
    if text.len() > MAX_FIELD {
        return Err(format!("{} bytes are too many: {MAX_FIELD} at most", text.len()));
    }
    if text.contains(is_hidden) {
        return Err(format!("{} has a control character", quoted(text)));
    }
    Ok(())
}

fn commit(text: &str) -> Result<(), String> {
    if text.len() > MAX_COMMIT {
        return Err(format!("{} bytes are too many: {MAX_COMMIT} at most", text.len()));
    }
    Ok(())
}

/// Two digests would say two things.
fn image_digest(digest: &str, image: &str) -> Result<(), String> {
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    if hex.len() != 64 || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(format!(
            "`{digest}` is not an image digest, such as sha256: and 64 hexadecimal digits"
        ));
    }
    match image.split_once('@') {
        Some((_, other)) if other != digest => Err(format!("`{digest}` is not the digest of `{image}`")),
        _ => Ok(()),
    }
}

/// What is trained is the image that was pushed, whatever its tag points at by now.
fn by_digest(image: String, digest: Option<&str>) -> String {
    match digest {
        Some(digest) if !image.contains('@') => format!("{}@{digest}", repository(&image)),
        _ => image,
    }
}

/// An image's name without tag and digest.
pub(super) fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    let name_start = image.rfind('/').map_or(0, |slash| slash + 1);
    match image[name_start..].find(':') {
        Some(tag) => &image[..name_start + tag],
        None => image,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn original() -> Value {
        json!({
            "source_bucket_uri": "s3://iris-input/input/data/training/",
            "destination_bucket_uri": "s3://iris-output/",
            "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris:latest",
            "role": "arn:aws:iam::123456789012:role/training",
            "num_instances": "1",
            "instance_type": "ml.m5.large",
            "vol_in_gb": "30",
            "training_job_name": "iris_classifier",
            "max_runtime_sec": "86400",
            "git_hash": "1f0c2ab",
        })
    }

    #[test]
    fn an_original_payload_runs_under_the_request_id() {
        let payload = Payload::parse(&original(), "7d6f2f0e-1d2c-4b3a-9f8e-0a1b2c3d4e5f").unwrap();
        assert_eq!(payload.run_id, "7d6f2f0e-1d2c-4b3a-9f8e-0a1b2c3d4e5f");
        assert_eq!(
            payload.training_job_name,
            "iris-classifier-7d6f2f0e-1d2c-4b3a-9f8e-0a1b2c3d4e5f"
        );
        assert_eq!(payload.source_bucket, "iris-input");
        assert!(payload.image.ends_with("iris:latest"));
    }

    #[test]
    fn numbers_may_be_json_numbers() {
        let mut payload = original();
        payload["num_instances"] = json!(2);
        payload["max_runtime_sec"] = json!(3600);
        let payload = Payload::parse(&payload, "r").unwrap();
        assert_eq!(
            (payload.num_instances, payload.max_runtime_sec, payload.vol_in_gb),
            (2, 3600, 30)
        );
    }

    #[test]
    fn the_digest_wins_over_a_tag() {
        let digest = format!("sha256:{}", "1f".repeat(32));
        let image = |image: &str| by_digest(image.to_owned(), Some(&digest));
        assert_eq!(image("localhost:5000/iris:1"), format!("localhost:5000/iris@{digest}"));
        assert_eq!(image("localhost:5000/iris"), format!("localhost:5000/iris@{digest}"));
        assert_eq!(image("iris@sha256:00"), "iris@sha256:00");
    }

    #[test]
    fn every_problem_is_listed() {
        let payload = json!({
            "source_bucket_uri": "iris-input",
            "destination_bucket_uri": null,
            "image": ["iris"],
            "role": "training",
            "num_instances": 0,
            "instance_type": "m5.large",
            "vol_in_gb": "",
            "max_runtime_sec": 2_419_201,
            "run_id": "a b",
            "image_digest": "sha256:1f",
            "metrics": {"accuracy": "accuracy=[0-9.]+"},
        });
        insta::assert_snapshot!(Payload::parse(&payload, "r").unwrap_err().join("\n"), @r#"
        training_job_name: missing
        run_id: `a b` is not a run id: 1 to 128 letters, digits and _ . : / = + - @
        image: must be a string, and is a list
        image_digest: `sha256:1f` is not an image digest, such as sha256: and 64 hexadecimal digits
        source_bucket_uri: `iris-input` is not an S3 URI, such as s3://bucket/folder/
        destination_bucket_uri: missing
        role: `training` is not the ARN of an IAM role, such as arn:aws:iam::123456789012:role/training
        num_instances: `0` is not a number of instances: a whole number, 1 or more
        instance_type: `m5.large` is not a SageMaker instance type, such as ml.m5.large
        vol_in_gb: missing
        max_runtime_sec: `2419201` is not a run time in seconds, 28 days at most: a whole number from 1 to 2419200
        metrics: `accuracy=[0-9.]+` has no group that is the value of `accuracy`, as in accuracy=([0-9.]+)
        "#);
        assert_eq!(
            Payload::parse(&json!("x"), "r").unwrap_err(),
            ["the payload must be a JSON object, and is a string"]
        );
    }

    #[test]
    fn a_field_is_one_line_of_bounded_length_and_says_one_thing() {
        let mut payload = original();
        payload["package"] = json!("iris\nStatus: Completed");
        payload["version"] = json!("1.0\u{202e}0.1");
        payload["git_hash"] = json!("f".repeat(513));
        payload["training_job_name"] = json!("x".repeat(1_000_000));
        payload["metrics"] = json!({"a\nb": "(x)"});
        payload["image"] = json!("iris@sha256:1f");
        payload["image_digest"] = json!(format!("sha256:{}", "1f".repeat(32)));
        let problems = Payload::parse(&payload, "r").unwrap_err().join("\n");
        insta::assert_snapshot!(problems.replace(&"1f".repeat(32), "1f…"), @r"
        training_job_name: 1000000 bytes are too many: 2048 at most
        image_digest: `sha256:1f…` is not the digest of `iris@sha256:1f`
        git_hash: 513 bytes are too many: 512 at most
        package: `iris\nStatus: Completed` has a control character
        version: `1.0\u{202e}0.1` has a control character
        metrics: `a\nb` has a control character
        ");
    }
}
