//! `hyperparameters.json`: a flat JSON object, of which SageMaker takes strings.
//!
//! Values become what the [SageMaker training toolkit](https://github.com/aws/sagemaker-training-toolkit) decodes again: every
//! value that is not a string is its JSON text (`0.1`, `true`, `[1,2]`). Limits:
//! [AlgorithmSpecification](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html#sagemaker-CreateTrainingJob-request-HyperParameters).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fields::kind;
use crate::shown::{first_of, quoted};

/// The object in the input bucket.
pub(crate) const KEY: &str = "input/config/hyperparameters.json";
/// No file within SageMaker's limits comes near this many bytes.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How many there may be.
pub(crate) const MAX_ENTRIES: usize = 100;
/// How many characters a name may have.
pub(crate) const MAX_NAME: usize = 256;
/// How many characters a value may have.
pub(crate) const MAX_VALUE: usize = 2500;

/// Reads the file's bytes.
///
/// # Errors
/// The problems found, each as one sentence without a full stop; of very many the first ones.
pub(crate) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, String>, Vec<String>> {
    let entries = object(bytes).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    if entries.len() > MAX_ENTRIES {
        problems.push(format!(
            "it has {} entries; SageMaker takes at most {MAX_ENTRIES}",
            entries.len()
        ));
    }
    let mut strings = BTreeMap::new();
    for (name, value) in entries {
        match entry(&name, value) {
            Ok(text) => drop(strings.insert(name, text)),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(strings)
    } else {
        Err(first_of(problems))
    }
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("it is larger than {} MiB", MAX_BYTES / 1024 / 1024));
    }
    // Editors on Windows put a byte order mark before the text.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice(text) {
        Ok(Value::Object(entries)) => Ok(entries),
        Ok(other) => Err(format!(
            "it must be a JSON object such as {{\"max_depth\": 3}}, and is {}",
            kind(&other)
        )),
        Err(error) => Err(format!("it is not valid JSON: {error}")),
    }
}

fn entry(name: &str, value: Value) -> Result<String, String> {
    let text = match value {
        Value::Null => return Err(format!("{} is null: give a value, or leave it out", quoted(name))),
        Value::String(text) => text,
        other => other.to_string(),
    };
    let (name_length, length) = (name.chars().count(), text.chars().count());
    if name_length == 0 || name_length > MAX_NAME {
        return Err(format!(
            "the name {} has {name_length} characters; SageMaker takes 1 to {MAX_NAME}",
            quoted(name)
        ));
    }
    if length > MAX_VALUE {
        return Err(format!(
            "the value of {} has {length} characters; SageMaker takes at most {MAX_VALUE}",
            quoted(name)
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> BTreeMap<String, String> {
        parse(text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().join("\n")
    }

    #[test]
    fn every_value_becomes_a_string() {
        let text = r#"{"depth": 3, "rate": 0.1, "tiny": 1e-7, "big": 18446744073709551615, "shuffle": true, "off": false,
                       "name": "tree", "empty": "", "layers": [64, 32], "grid": {"a": [1, "b"]}}"#;
        insta::assert_debug_snapshot!(parsed(text), @r#"
        {
            "big": "18446744073709551615",
            "depth": "3",
            "empty": "",
            "grid": "{\"a\":[1,\"b\"]}",
            "layers": "[64,32]",
            "name": "tree",
            "off": "false",
            "rate": "0.1",
            "shuffle": "true",
            "tiny": "1e-7",
        }
        "#);
    }

    #[test]
    fn an_empty_object_and_a_byte_order_mark_are_fine() {
        assert!(parsed("{}").is_empty());
        assert_eq!(parsed("\u{feff}{\"a\": 1}")["a"], "1");
    }

    #[test]
    fn what_is_not_a_flat_object_is_refused_with_its_place() {
        assert_eq!(
            refused("{\n  \"a\": 1,\n}"),
            "it is not valid JSON: trailing comma at line 3 column 1"
        );
        assert_eq!(
            refused(""),
            "it is not valid JSON: EOF while parsing a value at line 1 column 0"
        );
        assert!(refused("[1]").ends_with("and is a list"));
        assert!(parse(b"{\"a\": \"\xff\"}").is_err());
    }

    #[test]
    fn every_problem_is_listed() {
        let long = "x".repeat(2501);
        let problems = refused(&format!(
            r#"{{"a": null, "b": "{long}", "": 1, "{}": 2}}"#,
            "n".repeat(257)
        ));
        assert_eq!(problems.lines().count(), 4, "{problems}");
        assert!(problems.contains("`b` has 2501 characters"), "{problems}");
    }

    #[test]
    fn of_very_many_and_very_long_problems_little_is_said() {
        let nulls: Vec<String> = (0..100_000).map(|n| format!("\"{n}\": null")).collect();
        let problems = refused(&format!("{{{}}}", nulls.join(",")));
        assert!(problems.ends_with("and 99991 more"), "{problems}");
        let long = refused(&format!("{{\"{}\\n\": 1}}", "n".repeat(1_000_000)));
        assert!(long.len() < 500 && long.contains("has 1000001 characters"), "{long}");
        let deep = refused(&format!("{{\"a\": {}", "[".repeat(100_000)));
        assert_eq!(
            deep,
            "it is not valid JSON: recursion limit exceeded at line 1 column 133"
        );
    }

    #[test]
    fn the_limits_are_sagemakers() {
        let entries = |count: usize| {
            let entries: Vec<String> = (0..count).map(|n| format!("\"k{n}\": {n}")).collect();
            format!("{{{}}}", entries.join(","))
        };
        assert_eq!(parsed(&entries(100)).len(), 100);
        assert!(refused(&entries(101)).contains("101 entries"));
        let fits = "ä".repeat(2500);
        assert_eq!(parsed(&format!("{{\"{}\": \"{fits}\"}}", "n".repeat(256))).len(), 1);
        assert!(parse(&vec![b' '; MAX_BYTES + 1]).unwrap_err()[0].contains("4 MiB"));
    }
}
