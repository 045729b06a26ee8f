//! What a person is told of a run that has ended.

use std::fmt::Write as _;

use crate::record::{DataSource, JobStatus, RunRecord, in_words};
use crate::shown::bounded;
use crate::shown::{block, cell};
use crate::training::Training;

/// The longest value of a line, in bytes: all of them together stay far below the 256 KB that SNS takes.
const MAX_VALUE: usize = 8192;
/// The longest subject: [Publish](https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
const MAX_SUBJECT: usize = 100;

/// The column in which the values begin.
const VALUES: usize = 12;

/// A message about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// At most 100 printable ASCII characters, of which the first is a letter.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

impl Message {
    /// The message about a run that has ended, with links into the console of `region`.
    #[must_use]
    pub fn of(record: &RunRecord, region: &str) -> Self {
        let training = &record.training;
        let what = match training.package.as_str() {
            "" => "The package",
            name => name,
        };
        let subject = format!("{}: {what} ({})", heading(record.job_status), training.job_name);
        Self {
            subject: ascii_line(&subject),
            body: body(record, region),
        }
    }
}

fn heading(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Completed => "Training completed",
        JobStatus::Stopped => "Training stopped",
        _ => "Training failed",
    }
}

fn body(record: &RunRecord, region: &str) -> String {
    let job = &record.training.job_name;
    let mut text = format!("{}.\n\n", heading(record.job_status));
    // The reason of a failure and the names of metrics are written by the training itself: nothing in them may look like another
    // line of the message.
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let name = format!("{}:", cell(name));
            let _ = writeln!(text, "{name:<VALUES$}{}", block(&bounded(value, MAX_VALUE), VALUES));
        }
    };
    line("Job", job);
    line("Status", &record.job_status.to_string());
    line("Reason", record.failure_reason.as_deref().unwrap_or_default().trim());
    let training = &record.training;
    line("Package", &package(training));
    line("Commit", &training.commit);
    line("Image", &training.image);
    line("Data", &data(record));
    line("Duration", &record.duration().map(in_words).unwrap_or_default());
    line("Billed", &billed(record).unwrap_or_default());
    for (name, value) in &record.metrics {
        line(name, &value.to_string());
    }
    // SageMaker names a place for the model of a failed job too, but there is no model.
    if record.job_status != JobStatus::Failed {
        line("Model", record.artifact.as_deref().unwrap_or_default());
    }
    if record.training_job_arn.is_some() {
        let console = format!("https://{region}.console.aws.amazon.com");
        line(
            "Details",
            &format!("{console}/sagemaker/home?region={region}#/jobs/{job}"),
        );
        // The console escapes a path with `$25` for `%`.
        let log = "$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3D";
        line(
            "Log",
            &format!("{console}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{log}{job}$252F"),
        );
    }
    text
}

fn package(training: &Training) -> String {
    match (training.package.as_str(), training.version.as_str()) {
        ("", _) => String::new(),
        (name, "") => name.to_owned(),
        (name, version) => format!("{name} {version}"),
    }
}

fn data(record: &RunRecord) -> String {
    let objects = match record.input_object_count {
        1 => "1 object".to_owned(),
        count => format!("{count} objects"),
    };
    match record.data_source {
        Some(DataSource::Uploaded) => format!("{objects} in s3://{}", record.training.input_bucket),
        Some(DataSource::Synthetic) => format!(
            "synthetic ({objects}): none was uploaded to s3://{}",
            record.training.input_bucket
        ),
        None => String::new(),
    }
}

fn billed(record: &RunRecord) -> Option<String> {
    let seconds = i64::from(record.billable_seconds?);
    let instances = record.training.instances().into_iter();
    let instances: Vec<String> = instances.map(|(name, count)| format!("{count} x {name}")).collect();
    Some(format!(
        "{seconds} s ({}) on {}",
        in_words(seconds),
        instances.join(" and ")
    ))
}

/// The beginning of a text in printable ASCII, without line breaks: what SNS takes in a subject, and CloudWatch in a dimension.
pub(super) fn ascii_line(text: &str) -> String {
    let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    text.chars().map(printable).take(MAX_SUBJECT).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn failed() -> RunRecord {
        serde_json::from_value(json!({
            "training_job_name": "iris-1", "run_id": "r", "image": "host/iris@sha256:fe", "package": "iris",
            "instance_type": "ml.m5.large", "instance_count": 1, "volume_in_gb": 30, "max_runtime_seconds": 60,
            "input_bucket": "iris", "recorded_at": "2026-11-24T04:12:05Z", "job_status": "Failed",
        }))
        .unwrap()
    }

    #[test]
    fn a_jobs_own_words_cannot_pass_for_lines_of_the_message() {
        let mut record = failed();
        record.failure_reason =
            Some("row 17\r\nDetails:    https://evil.example\u{1b}[2J\rStatus:     Completed".to_owned());
        record.metrics = [("a\nModel".to_owned(), 1.0)].into();
        record.training.commit = "1f\n\u{202e}0c".to_owned();
        insta::assert_snapshot!(Message::of(&record, "eu-west-1").body, @r"
        Training failed.

        Job:        iris-1
        Status:     Failed
        Reason:     row 17
                    Details:    https://evil.example\x1b[2J\rStatus:     Completed
        Package:    iris
        Commit:     1f
                    \u{202e}0c
        Image:      host/iris@sha256:fe
        a\nModel:   1
        ");
        record.failure_reason = Some("x".repeat(1_000_000));
        assert!(Message::of(&record, "eu-west-1").body.len() < 10_000);
    }

    #[test]
    fn a_subject_is_what_sns_takes() {
        let mut record = failed();
        record.training.package = format!("i\r\nris\u{1b}\u{e9}{}", "x".repeat(200));
        let subject = Message::of(&record, "eu-west-1").subject;
        assert!(subject.starts_with("Training failed: i??ris??x"), "{subject}");
        assert_eq!(subject.len(), 100);
    }
}
