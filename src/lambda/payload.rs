//! The training Lambda's payload, checked: from sgbuild, or from the setuptools-docker pipeline, which has no run id.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::fields::kind;
use crate::requirements::RequirementList;
use crate::shown::{first_of, is_hidden, quoted};
use crate::training::fields::Problem;
use crate::training::vocabulary::{FURTHER, Field, METRICS, REQUIREMENTS};
use crate::training::{self, Training, combinations, parts, rules, training_job_name};

/// The longest field, in bytes: the ARN of a role may have 2,048, nothing else comes near.
const MAX_FIELD: usize = 2048;
/// The most that the further fields may take, in bytes: they become part of the record, whose item has room for 400 KB.
const MAX_FURTHER: usize = 64 * 1024;

/// Reads a payload. Without a run id in it, `request_id` is the run id: Lambda keeps it when it delivers an asynchronous
/// invocation again.
///
/// # Errors
/// Every problem found, each as one line.
pub(super) fn read(payload: &Value, request_id: &str) -> Result<Training, Vec<String>> {
    let Value::Object(fields) = payload else {
        return Err(vec![format!(
            "the payload must be a JSON object, and is {}",
            kind(payload)
        )]);
    };
    let mut problems = Vec::new();
    let mut training = Training::default();
    match further(fields) {
        Ok(further) => training.further = Some(further),
        Err(found) => problems.extend(found),
    }
    for field in Field::in_order() {
        let outcome = match text(fields, field.key) {
            Ok(Some(_)) if field.is_about_instances() && training.lists_instances() => {
                Err(format!("{FURTHER} lists the instances"))
            }
            Ok(None) if field.is_required(&training) => Err("missing".to_owned()),
            Ok(Some(text)) => (field.read)(&mut training, &text),
            Ok(None) => Ok(()),
            Err(problem) => Err(problem),
        };
        problems.extend(outcome.err().map(|problem| format!("{}: {problem}", field.key)));
    }
    match metrics(fields) {
        Ok(metrics) => training.metrics = metrics,
        Err(problem) => problems.push(format!("{METRICS}: {problem}")),
    }
    match requirements(fields) {
        Ok(requirements) => training.requirements = requirements,
        Err(problem) => problems.push(format!("{REQUIREMENTS}: {problem}")),
    }
    if problems.is_empty() {
        problems = in_words(combinations::check(&training));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if training.run_id.is_empty() {
        request_id.clone_into(&mut training.run_id);
    }
    training.job_name = training_job_name(&training.job_name, &training.run_id);
    Ok(training)
}

/// The further fields of the request; without any, there are none.
fn further(fields: &Map<String, Value>) -> Result<Map<String, Value>, Vec<String>> {
    let further = match fields.get(FURTHER) {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::Object(further)) => further,
        Some(other) => return Err(vec![format!("{FURTHER}: must be an object, and is {}", kind(other))]),
    };
    let size = Value::Object(further.clone()).to_string().len();
    if size > MAX_FURTHER {
        return Err(vec![format!(
            "{FURTHER}: {size} bytes are too many: {MAX_FURTHER} at most"
        )]);
    }
    let mut problems = training::fields::check(further);
    problems.extend(parts::said_by_every_training(further));
    if problems.is_empty() {
        return Ok(further.clone());
    }
    Err(in_words(problems))
}

/// Of very many problems the first ones.
fn in_words(problems: Vec<Problem>) -> Vec<String> {
    let lines = problems
        .into_iter()
        .map(|problem| format!("{FURTHER}: {} {}", quoted(&problem.path), problem.what));
    first_of(lines.collect())
}

/// A field's text; `None` where it is absent, null or empty.
fn text(fields: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    let text = match fields.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(other) => return Err(format!("must be a string, and is {}", kind(other))),
    };
    one_line(&text)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn metrics(fields: &Map<String, Value>) -> Result<BTreeMap<String, String>, String> {
    let metrics = match fields.get(METRICS) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(value) => BTreeMap::<String, String>::deserialize(value)
            .map_err(|_| "must be an object of names and regular expressions".to_owned())?,
    };
    for (name, regex) in &metrics {
        one_line(name)?;
        one_line(regex)?;
    }
    rules::metrics(&metrics)?;
    Ok(metrics)
}

/// The list of what is in the image; a setuptools-docker pipeline's payload has none.
fn requirements(fields: &Map<String, Value>) -> Result<Option<RequirementList>, String> {
    let list = match fields.get(REQUIREMENTS) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => RequirementList::deserialize(value)
            .map_err(|_| "must be an object with digest, installed and lines".to_owned())?,
    };
    for line in std::iter::once(&list.digest).chain(&list.lines) {
        one_line(line)?;
    }
    list.check()?;
    Ok(Some(list))
}

/// Every field ends up in records, messages and logs, where the second line of a text would pass for a line of ours.
fn one_line(text: &str) -> Result<(), String> {
    if text.len() > MAX_FIELD {
        return Err(format!("{} bytes are too many: {MAX_FIELD} at most", text.len()));
    }
    if text.contains(is_hidden) {
        return Err(format!("{} has a control character", quoted(text)));
    }
    Ok(())
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
        let payload = read(&original(), "7d6f2f0e-1d2c-4b3a-9f8e-0a1b2c3d4e5f").unwrap();
        assert_eq!(payload.run_id, "7d6f2f0e-1d2c-4b3a-9f8e-0a1b2c3d4e5f");
        assert_eq!(payload.job_name, "iris-classifier-7d6f2f0e-1d2c-4b3a-9f8e-0a1b2c3d4e5f");
        assert_eq!(payload.input_bucket, "iris-input");
        assert!(payload.image.ends_with("iris:latest"));
    }

    #[test]
    fn a_list_of_requirements_is_one_that_its_digest_is_of() {
        let list = RequirementList::new(true, vec!["numpy==2.1.0".to_owned()]);
        let mut payload = original();
        payload["requirements"] = json!(list);
        assert_eq!(read(&payload, "r").unwrap().requirements, Some(list));
        payload["requirements"]["lines"] = json!(["numpy==1.0"]);
        assert_eq!(
            read(&payload, "r").unwrap_err(),
            ["requirements: the digest is not that of the lines"]
        );
        payload["requirements"] = json!(["numpy==1.0"]);
        assert_eq!(
            read(&payload, "r").unwrap_err(),
            ["requirements: must be an object with digest, installed and lines"]
        );
        payload["requirements"] = json!({"digest": "x", "installed": true, "lines": ["a\nb"]});
        assert_eq!(
            read(&payload, "r").unwrap_err(),
            ["requirements: `a\\nb` has a control character"]
        );
    }

    #[test]
    fn numbers_may_be_json_numbers() {
        let mut payload = original();
        payload["num_instances"] = json!(2);
        payload["max_runtime_sec"] = json!(3600);
        let payload = read(&payload, "r").unwrap();
        assert_eq!(
            (payload.instance_count, payload.max_runtime_seconds, payload.volume_gib),
            (2, 3600, 30)
        );
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
        insta::assert_snapshot!(read(&payload, "r").unwrap_err().join("\n"), @r#"
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
            read(&json!("x"), "r").unwrap_err(),
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
        let problems = read(&payload, "r").unwrap_err().join("\n");
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
