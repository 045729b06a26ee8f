//! A file of hyperparameters, held against SageMaker's limits
//! ([HyperParameters](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html#sagemaker-CreateTrainingJob-request-HyperParameters)).

use std::path::Path;

use crate::check::finding::{Finding, Place};
use crate::check::rule::Rule;
use crate::reading::{self, SETTINGS_FILE};
use crate::training::hyperparameters;

/// What is wrong with the file.
pub(super) fn look(file: &Path) -> Vec<Finding> {
    let problems = match reading::text(file, SETTINGS_FILE) {
        Ok(text) => problems(&text),
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

/// The same that the training function refuses.
fn problems(text: &str) -> Vec<String> {
    hyperparameters::parse(text.as_bytes()).err().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert!(problems("{\"a\": 1, \"b\": [1, 2], \"c\": \"\"}").is_empty());
        assert!(problems("\u{feff}{}").is_empty());
        assert!(problems("[1]")[0].ends_with("and is a list"));
        assert_eq!(problems("{\"a\": null}").len(), 1);
        assert_eq!(problems(&format!("{{\"a\": \"{}\"}}", "x".repeat(2501))).len(), 1);
        assert_eq!(problems(&format!("{{\"{}\": 1}}", "x".repeat(257))).len(), 1);
    }
}
