//! What SageMaker and S3 accept in the fields of a training request; one rule a function, shared by the CLI (before it sends)
//! and the Lambda (before it creates the job).
//!
//! A rule answers with the value in its final type where that is another one, or with what is wrong, as the part of a sentence that
//! follows the field's name: `` `m5.large` is not a SageMaker instance type, such as ml.m5.large``.
//! Limits: [CreateTrainingJob](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html),
//! [bucket names](https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::aws::is_account;
use crate::shown::quoted;

/// Twenty-eight days in seconds: the longest a training job may run.
pub(crate) const MAX_RUNTIME_SECONDS: i32 = 28 * 24 * 60 * 60;
/// The longest [key](https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html), in bytes.
const MAX_KEY: usize = 1024;
/// The longest image URI.
const MAX_IMAGE_URI: usize = 255;
/// The longest name of a training job.
const MAX_JOB_NAME: usize = 63;
/// The longest run id: fits a tag value (256) and an environment value (512).
const MAX_RUN_ID: usize = 128;

/// The longest commit: it becomes a variable of the container, which holds
/// [512](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html#sagemaker-CreateTrainingJob-request-Environment).
const MAX_COMMIT: usize = 512;

/// How many metrics a job may have, and how long a name and a regular expression may be
/// ([MetricDefinition](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MetricDefinition.html)).
const MAX_METRICS: usize = 40;
const MAX_METRIC_NAME: usize = 255;
const MAX_METRIC_REGEX: usize = 500;

/// The name of an S3 bucket.
pub(crate) fn bucket_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let well_formed = (3..=63).contains(&name.len())
        && name.chars().all(allowed)
        && name.starts_with(edge)
        && name.ends_with(edge)
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err();
    if well_formed {
        return Ok(());
    }
    if name.contains('/') || name.contains(':') {
        return Err(format!(
            "`{name}` is not a bucket's name: give the name alone, without s3:// and without a folder"
        ));
    }
    Err(format!(
        "`{name}` is not a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens"
    ))
}

/// `s3://bucket/` with or without a key prefix; answers with the bucket.
pub(crate) fn s3_uri(uri: &str) -> Result<&str, String> {
    let Some(path) = uri.strip_prefix("s3://") else {
        return Err(format!("`{uri}` is not an S3 URI, such as s3://bucket/folder/"));
    };
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    bucket_name(bucket).map_err(|problem| format!("`{uri}` is not an S3 URI: {problem}"))?;
    if key.len() > MAX_KEY {
        return Err(format!(
            "`{uri}` is not an S3 URI: its key has {} bytes, {MAX_KEY} at most",
            key.len()
        ));
    }
    // To S3 these are names like any other, but whoever reads the URI as a path is led elsewhere.
    if key.split('/').any(|part| part == "." || part == "..") {
        return Err(format!(
            "`{uri}` is not an S3 URI: `.` and `..` are no folders of a bucket"
        ));
    }
    Ok(bucket)
}

/// The ARN of an IAM role.
pub(crate) fn role_arn(arn: &str) -> Result<(), String> {
    let refused = || {
        Err(format!(
            "`{arn}` is not the ARN of an IAM role, such as arn:aws:iam::123456789012:role/training"
        ))
    };
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [arn_word, partition, service, region, account, resource] = parts[..] else {
        return refused();
    };
    let role = resource.strip_prefix("role/").unwrap_or_default();
    let role_character = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c);
    let well_formed = arn_word == "arn"
        && (partition == "aws" || partition.starts_with("aws-"))
        && service == "iam"
        && region.is_empty()
        && is_account(account)
        && !role.is_empty()
        && role.chars().all(role_character);
    if well_formed { Ok(()) } else { refused() }
}

/// A SageMaker instance type: `ml.<family>.<size>`.
pub(crate) fn instance_type(name: &str) -> Result<(), String> {
    let word = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    match name.split('.').collect::<Vec<_>>()[..] {
        ["ml", family, size] if word(family) && word(size) => Ok(()),
        _ => Err(format!(
            "`{name}` is not a SageMaker instance type, such as ml.m5.large"
        )),
    }
}

/// A whole number from 1 to `max`.
fn count(text: &str, what: &str, max: i32) -> Result<i32, String> {
    match text.trim().parse::<i32>() {
        Ok(number) if (1..=max).contains(&number) => Ok(number),
        _ if max == i32::MAX => Err(format!("`{text}` is not {what}: a whole number, 1 or more")),
        _ => Err(format!("`{text}` is not {what}: a whole number from 1 to {max}")),
    }
}

/// How many instances train.
pub(crate) fn instance_count(text: &str) -> Result<i32, String> {
    count(text, "a number of instances", i32::MAX)
}

/// The size of an instance's volume, in GiB.
pub(crate) fn volume_size(text: &str) -> Result<i32, String> {
    count(text, "a volume size in GiB", i32::MAX)
}

/// Seconds a training job may run.
pub(crate) fn max_runtime(text: &str) -> Result<i32, String> {
    count(text, "a run time in seconds, 28 days at most", MAX_RUNTIME_SECONDS)
}

/// An image URI, by tag or digest.
pub(crate) fn image_uri(uri: &str) -> Result<(), String> {
    if uri.is_empty() || uri.contains("://") || uri.chars().any(char::is_whitespace) {
        return Err(format!(
            "`{uri}` is not an image URI, such as account.dkr.ecr.region.amazonaws.com/name@sha256:…"
        ));
    }
    let length = uri.chars().count();
    if length > MAX_IMAGE_URI {
        return Err(format!(
            "`{uri}` has {length} characters; SageMaker takes image URIs of at most {MAX_IMAGE_URI}"
        ));
    }
    Ok(())
}

/// The digest of `image`, which may name a digest itself: then it must be the same.
pub(crate) fn image_digest(digest: &str, image: &str) -> Result<(), String> {
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

/// A commit, by whatever name git or the user gives it.
pub(crate) fn commit(text: &str) -> Result<(), String> {
    if text.len() > MAX_COMMIT {
        return Err(format!("{} bytes are too many: {MAX_COMMIT} at most", text.len()));
    }
    Ok(())
}

/// The name of a training job, as SageMaker knows it.
pub(crate) fn training_job_name(name: &str) -> Result<(), String> {
    let edge = |c: char| c.is_ascii_alphanumeric();
    let well_formed = (1..=MAX_JOB_NAME).contains(&name.len())
        && name.chars().all(|c| edge(c) || c == '-')
        && name.starts_with(edge)
        && name.ends_with(edge);
    if well_formed {
        return Ok(());
    }
    Err(format!(
        "{} is not a training job's name: 1 to {MAX_JOB_NAME} letters, digits and hyphens",
        quoted(name)
    ))
}

/// A run id: the characters that a tag's value may have, but for blanks.
pub(crate) fn run_id(id: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.:/=+-@".contains(c);
    if (1..=MAX_RUN_ID).contains(&id.len()) && id.chars().all(allowed) {
        return Ok(());
    }
    Err(format!(
        "`{id}` is not a run id: 1 to {MAX_RUN_ID} letters, digits and _ . : / = + - @"
    ))
}

/// Metrics by name, each with the regular expression that finds it. Whether that is a valid one, only SageMaker can tell.
pub(crate) fn metrics(metrics: &BTreeMap<String, String>) -> Result<(), String> {
    if metrics.len() > MAX_METRICS {
        return Err(format!("{} metrics are too many: 40 at most", metrics.len()));
    }
    for (name, regex) in metrics {
        if name.is_empty() || name.len() > MAX_METRIC_NAME {
            return Err(format!("`{name}` is not a metric's name: 1 to 255 characters"));
        }
        if regex.is_empty() || regex.len() > MAX_METRIC_REGEX {
            return Err(format!(
                "`{regex}` does not find the metric `{name}`: 1 to 500 characters of a regular expression"
            ));
        }
        if !regex.contains('(') {
            return Err(format!(
                "`{regex}` has no group that is the value of `{name}`, as in {name}=([0-9.]+)"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets() {
        for good in ["abc", "iris-input", "a.b-c.1", &"a".repeat(63)] {
            assert_eq!(bucket_name(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "ab",
            "Iris",
            "a_b_c",
            "-abc",
            "abc-",
            "a..b",
            "192.168.5.4",
            &"a".repeat(64),
        ] {
            assert!(bucket_name(bad).is_err(), "{bad}");
        }
        assert!(bucket_name("s3://iris/").unwrap_err().contains("without s3://"));
        assert_eq!(s3_uri("s3://iris-input/input/data/training/"), Ok("iris-input"));
        assert_eq!(s3_uri("s3://iris-input"), Ok("iris-input"));
        assert!(s3_uri("https://iris/").is_err() && s3_uri("s3:///input").is_err());
        assert!(
            s3_uri("s3://iris-input/input/../../other/")
                .unwrap_err()
                .ends_with("no folders of a bucket")
        );
        assert!(s3_uri("s3://iris-input/./input/").is_err() && s3_uri("s3://iris-input/..input/").is_ok());
        let key = |length: usize| format!("s3://iris-input/{}", "k".repeat(length));
        assert!(s3_uri(&key(1024)).is_ok() && s3_uri(&key(1025)).is_err());
    }

    #[test]
    fn roles() {
        for good in [
            "arn:aws:iam::123456789012:role/training",
            "arn:aws-cn:iam::123456789012:role/service-role/a_b@c",
        ] {
            assert_eq!(role_arn(good), Ok(()), "{good}");
        }
        let user = "arn:aws:iam::123456789012:user/me";
        for bad in [
            "",
            "training",
            user,
            "arn:aws:iam::1234:role/x",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:s3:::b",
        ] {
            assert!(role_arn(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn instance_types() {
        for good in ["ml.m5.large", "ml.p4d.24xlarge", "ml.p6e-gb200.36xlarge"] {
            assert_eq!(instance_type(good), Ok(()), "{good}");
        }
        for bad in [
            "m5.large",
            "ml.m5",
            "ml..large",
            "ML.m5.large",
            "ml.m5.large ",
            "ml.m5.large.x",
        ] {
            assert!(instance_type(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(count("1", "a count", i32::MAX), Ok(1));
        assert_eq!(max_runtime("2419200"), Ok(MAX_RUNTIME_SECONDS));
        for bad in ["0", "-1", "1.5", "", "two", "2419201", "99999999999999999999"] {
            assert!(max_runtime(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn images_and_run_ids() {
        assert_eq!(image_uri("1.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:00"), Ok(()));
        assert!(image_uri("https://registry/iris").is_err() && image_uri("").is_err() && image_uri("a b").is_err());
        assert!(image_uri(&"a".repeat(256)).unwrap_err().contains("256 characters"));
        assert!(run_id("20261124-041205-1a2b3c4d").is_ok() && run_id("project:1f-0c").is_ok());
        assert!(run_id("").is_err() && run_id("a b").is_err() && run_id(&"a".repeat(129)).is_err());
    }
}
