//! The name of a training job, derived from its run.
//!
//! SageMaker takes 1 to 63 characters of `^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`
//! ([CreateTrainingJob](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html)).

use sha2::{Digest, Sha256};

use crate::hex::hex;

/// The longest name SageMaker takes.
const MAX_NAME: usize = 63;
/// The room a run id gets. UUIDs (36) and full git hashes (40) fit unshortened.
const MAX_RUN_PART: usize = 40;
/// How many hexadecimal digits of its SHA-256 stand for a text that had to be changed or shortened.
const HASH_DIGITS: usize = 8;
/// What a name starts with when the prefix has no usable character.
const FALLBACK_PREFIX: &str = "training";

/// The training job's name for a run: `<prefix>-<run id>`, always valid, and the same for the same inputs.
///
/// Characters that SageMaker refuses become `-`. Different run ids give different names: where a run id had to be changed
/// or shortened, or a prefix shortened, eight digits of its SHA-256 are appended to it.
#[must_use]
pub(crate) fn training_job_name(prefix: &str, run_id: &str) -> String {
    let run_part = run_part(prefix, run_id);
    let prefix_part = prefix_part(prefix, MAX_NAME - 1 - run_part.len());
    format!("{prefix_part}-{run_part}")
}

/// A prefix that SageMaker accepts as the beginning of a job name, at most `max_length` (9 or more) long.
pub(super) fn prefix_part(prefix: &str, max_length: usize) -> String {
    let clean = allowed_characters(prefix);
    match clean.as_str() {
        "" => FALLBACK_PREFIX.to_owned(),
        fits if fits.len() <= max_length => fits.to_owned(),
        _ => shortened(&clean, prefix, max_length),
    }
}

fn run_part(prefix: &str, run_id: &str) -> String {
    let clean = allowed_characters(run_id);
    if clean == run_id && clean.len() <= MAX_RUN_PART && !clean.is_empty() {
        return clean;
    }
    // A build id of CodeBuild begins with the project's name, which often begins with the prefix: it need not be there twice.
    let distinct = clean.strip_prefix(&allowed_characters(prefix)).unwrap_or(&clean);
    shortened(distinct.trim_start_matches('-'), run_id, MAX_RUN_PART)
}

/// `text` with `-` for every character but ASCII letters and digits, beginning and ending with one of those.
fn allowed_characters(text: &str) -> String {
    let replaced: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    replaced.trim_matches('-').to_owned()
}

/// The beginning of `clean` and the hash of the `original`, together at most `max_length` long.
fn shortened(clean: &str, original: &str, max_length: usize) -> String {
    let kept: String = clean.chars().take(max_length - HASH_DIGITS - 1).collect();
    let kept = kept.trim_end_matches('-');
    let hash = short_hash(original);
    if kept.is_empty() {
        hash
    } else {
        format!("{kept}-{hash}")
    }
}

fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text)[..HASH_DIGITS / 2])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pattern of the API reference, written out: first and last a letter or digit, hyphens only between.
    fn is_valid(name: &str) -> bool {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        (1..=63).contains(&name.len())
            && edge(name.chars().next())
            && edge(name.chars().last())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    }

    #[test]
    fn usual_names_stay_readable() {
        let name = training_job_name("iris-classifier", "20261124-041205-1a2b3c4d");
        assert_eq!(name, "iris-classifier-20261124-041205-1a2b3c4d");
        assert_eq!(training_job_name("iris_classifier", "r1"), "iris-classifier-r1");
        assert_eq!(training_job_name("___", "r1"), "training-r1");
    }

    #[test]
    fn a_changed_run_id_carries_its_hash() {
        let colon = training_job_name("iris", "iris:1f0c");
        let dot = training_job_name("iris", "iris.1f0c");
        assert!(colon.starts_with("iris-1f0c-"), "{colon}");
        assert_ne!(colon, dot);
    }

    #[test]
    fn a_long_prefix_gives_way_to_the_run_id() {
        let run_id = "8e0f7a3c5b1d2e4f6a8b0c1d2e3f4a5b6c7d8e9f";
        let one = training_job_name("forecasting-of-electricity-demand-north", run_id);
        let other = training_job_name("forecasting-of-electricity-demand-south", run_id);
        assert!(is_valid(&one) && one.ends_with(run_id), "{one}");
        assert_ne!(one, other);
    }

    proptest! {
        #[test]
        fn every_name_is_valid(prefix in ".*", run_id in ".*") {
            let name = training_job_name(&prefix, &run_id);
            prop_assert!(is_valid(&name), "{name:?}");
            prop_assert_eq!(name, training_job_name(&prefix, &run_id));
        }

        #[test]
        fn every_length_is_valid(prefix in "[a-z_-]{0,80}", run_id in "[a-z0-9_-]{0,80}") {
            let name = training_job_name(&prefix, &run_id);
            prop_assert!(is_valid(&name), "{name:?}");
        }

        #[test]
        fn different_runs_have_different_names(prefix in "[a-z-]{1,70}", a in "[ab._:-]{1,60}", b in "[ab._:-]{1,60}") {
            prop_assume!(a != b);
            prop_assert_ne!(training_job_name(&prefix, &a), training_job_name(&prefix, &b));
        }

        #[test]
        fn a_generated_run_id_is_never_changed(prefix in ".{1,90}", seconds in 0_i64..4_102_444_800, random: u32) {
            let now = jiff::Timestamp::from_second(seconds).unwrap();
            let run_id = crate::training::new_run_id(now, random);
            prop_assert!(training_job_name(&prefix, &run_id).ends_with(&run_id));
        }
    }
}
