//! A file of hyperparameters, held against SageMaker's limits
//! ([HyperParameters](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html#sagemaker-CreateTrainingJob-request-HyperParameters)).

use std::path::Path;

use serde_json::Value;

use crate::check::finding::{Finding, Place};
use crate::check::rule::Rule;
use crate::reading::{self, SETTINGS_FILE};
use crate::shown::quoted;
use crate::training::hyperparameters::{MAX_ENTRIES, MAX_NAME, MAX_VALUE};

/// What is wrong with the file.
pub(super) fn look(file: &Path) -> Vec<Finding> {
    let problems = match reading::text(file, SETTINGS_FILE) {
        Ok(text) => problems(text.trim_start_matches('\u{feff}')),
        Err(error) => vec![format!("it cannot be read: {error}")],
    };
    let finding = |problem: String| {
        Finding::new(
            Rule::HyperparametersInvalid,
            problem,
            "Write a flat JSON object, such as {\"max_depth\": 3}; what is large belongs into a channel.",
        )
        .at(Place::file(file.display().to_string()))
    };
    problems.into_iter().map(finding).collect()
}

fn problems(text: &str) -> Vec<String> {
    let entries = match serde_json::from_str(text) {
        Ok(Value::Object(entries)) => entries,
        Ok(_) => return vec!["it is not a JSON object".to_owned()],
        Err(error) => return vec![format!("it is not valid JSON: {error}")],
    };
    let mut found = Vec::new();
    if entries.len() > MAX_ENTRIES {
        found.push(format!(
            "it has {} entries; SageMaker takes {MAX_ENTRIES} at most",
            entries.len()
        ));
    }
    for (name, value) in &entries {
        let length = match value {
            Value::Null => {
                found.push(format!("{} is null: give a value, or leave it out", quoted(name)));
                continue;
            }
            Value::String(text) => text.chars().count(),
            other => other.to_string().chars().count(),
        };
        if name.is_empty() || name.chars().count() > MAX_NAME {
            found.push(format!(
                "the name {} is not 1 to {MAX_NAME} characters long",
                quoted(name)
            ));
        }
        if length > MAX_VALUE {
            found.push(format!(
                "the value of {} has {length} characters; SageMaker takes {MAX_VALUE} at most",
                quoted(name)
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert!(problems("{\"a\": 1, \"b\": [1, 2], \"c\": \"\"}").is_empty());
        assert_eq!(problems("[1]"), ["it is not a JSON object"]);
        assert_eq!(problems("{\"a\": null}").len(), 1);
        assert_eq!(problems(&format!("{{\"a\": \"{}\"}}", "x".repeat(2501))).len(), 1);
        assert_eq!(problems(&format!("{{\"{}\": 1}}", "x".repeat(257))).len(), 1);
    }
}
