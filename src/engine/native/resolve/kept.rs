//! The answer to a question that was asked before, under all that decides it.

use jiff::Timestamp;
use serde_json::json;

use super::{Question, Resolution, Source};
use crate::engine::native::store::Store;
use crate::oci::Digest;
use crate::progress::Progress;

/// Of the notes in the store.
const KIND: &str = "resolution";
/// Another number where answers are found in another way.
const FORMAT: u32 = 2;
/// From this age on it is told.
const HOURS: i64 = 24;

/// All that the answer depends on, but the time.
pub(super) fn key(question: &Question<'_>) -> String {
    let installed: Vec<_> = question
        .installed
        .iter()
        .map(|package| (&package.name, &package.version, Digest::of(package.metadata.as_bytes())))
        .collect();
    let uv: Vec<_> = question.uv.decisive().iter().map(|part| Digest::of(part)).collect();
    let all = json!({
        "format": FORMAT,
        "requirements": question.requirements,
        "constraints": question.constraints,
        "locked": question.locked,
        "target": question.target,
        "python": question.python_full,
        "may_build": question.may_build,
        "installed": installed,
        "uv": uv,
    });
    all.to_string()
}

/// The kept answer, unless the user wants a new one or what was built for it is gone. How old it is, is told.
pub(super) fn answer(question: &Question<'_>, key: &str, store: &Store, progress: &dyn Progress) -> Option<Resolution> {
    if question.anew {
        return None;
    }
    let kept: Resolution = store.note(KIND, key)?;
    let is_there = |source: &Source| match source {
        Source::File(_) => true,
        Source::Built { digest, .. } => store.get(digest).is_some(),
    };
    if !kept.wheels.iter().all(|wheel| is_there(&wheel.source)) {
        return None;
    }
    if let Some(age) = age(kept.resolved_at, Timestamp::now()) {
        progress.detail(&format!(
            "The versions are those of {age} ago; --upgrade asks the indexes anew"
        ));
    }
    Some(kept)
}

/// Keeps the answer, unless it names files of this machine, which may change under their names.
pub(super) fn keep(resolution: &Resolution, key: &str, store: &Store) {
    let is_local = |source: &Source| matches!(source, Source::File(remote) if remote.url.starts_with("file:"));
    if !resolution.wheels.iter().any(|wheel| is_local(&wheel.source)) {
        store.keep_note(KIND, key, resolution);
    }
}

/// The age in words, where it is worth a word.
fn age(then: Timestamp, now: Timestamp) -> Option<String> {
    let hours = now.duration_since(then).as_hours();
    match hours / HOURS {
        ..=0 => None,
        1 => Some("a day".to_owned()),
        days => Some(format!("{days} days")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_today_says_nothing_of_its_age() {
        let then: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (now, told) in [
            ("2025-12-31T00:00:00Z", None),
            ("2026-01-01T23:59:59Z", None),
            ("2026-01-02T00:00:00Z", Some("a day")),
            ("2026-01-08T12:00:00Z", Some("7 days")),
        ] {
            assert_eq!(age(then, now.parse().unwrap()).as_deref(), told, "{now}");
        }
    }
}
