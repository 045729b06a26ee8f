//! The metrics' expressions, tried on a log as SageMaker does it: line by line, and the first group is the value
//! ([MetricDefinition](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MetricDefinition.html)).

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use regex_lite::Regex;

use crate::check::finding::{Finding, Place};
use crate::check::rule::Rule;
use crate::reading;
use crate::training::TrainingSettings;

/// What is read of a log.
const MOST: u64 = 64_000_000;

/// Expressions that are none, or of a kind that is not known here.
pub(super) fn unreadable(training: &TrainingSettings) -> Vec<Finding> {
    let metrics = training.metrics.value.iter();
    let bad = metrics.filter_map(|(name, expression)| Some((name, expression, Regex::new(expression).err()?)));
    bad.map(|(name, expression, error)| {
        Finding::new(
            Rule::MetricNotTried,
            format!("the expression of {name}, {expression:?}, cannot be tried: {error}"),
            "Mend it, or write it without lookaround and back references.",
        )
        .at(place(training))
    })
    .collect()
}

fn place(training: &TrainingSettings) -> Option<Place> {
    training.metrics.origin.as_deref().and_then(Place::parse)
}

/// What the expressions find in the log.
pub(super) fn tried(training: &TrainingSettings, log: &Path) -> Vec<Finding> {
    let mut left: Vec<(&String, Regex)> = Vec::new();
    for (name, expression) in &training.metrics.value {
        left.extend(Regex::new(expression).ok().map(|expression| (name, expression)));
    }
    let mut found = Vec::new();
    let lines = match reading::open(log) {
        Ok((file, _)) => BufReader::new(file.take(MOST)).split(b'\n'),
        Err(error) => {
            let message = format!("the log cannot be read: {error}");
            let place = Place::file(log.display().to_string());
            return vec![Finding::new(Rule::MetricNotTried, message, "Name the log of an earlier training.").at(place)];
        }
    };
    for line in lines.map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        left.retain(|(name, expression)| {
            let Some(groups) = expression.captures(&line) else {
                return true;
            };
            let value = groups.get(1).map_or("", |group| group.as_str());
            if value.trim().parse::<f64>().is_err() {
                let message = format!("{name} finds {value:?} in the log's line {line:?}, which is no number");
                found.push((message, "Let the first group hold the number alone, as in ([0-9.]+)."));
            }
            false
        });
    }
    let nothing = left.iter().map(|(name, expression)| {
        let message = format!("{name} finds nothing in {}: {:?}", log.display(), expression.as_str());
        (
            message,
            "Print the metric as the expression has it, with flush, or change the expression.",
        )
    });
    found.extend(nothing);
    let finding =
        |(message, advice): (String, &str)| Finding::new(Rule::MetricFindsNothing, message, advice).at(place(training));
    found.into_iter().map(finding).collect()
}
