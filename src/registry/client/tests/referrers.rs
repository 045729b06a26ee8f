//! Lists of what refers to an image, in registries that keep none by themselves.

use super::*;
use crate::oci::MediaType;

const ATTACHED: &str = r#"{"artifactType":"application/vnd.cyclonedx+json","annotations":{"a":"b"}}"#;
const OTHER: &str = r#"{"digest":"sha256:other","size":1}"#;

fn subject() -> Digest {
    Digest::of(b"image")
}

fn list(entries: &[&str]) -> String {
    format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","))
}

fn listed(body: &str) -> String {
    let index = MediaType::OciIndex;
    answer(
        "200 OK",
        &[("content-type", index.as_str()), ("etag", "\"seen\"")],
        body,
    )
}

fn is_of_list(request: &str) -> bool {
    let tag = subject().as_str().replace(':', "-");
    request
        .lines()
        .next()
        .unwrap_or_default()
        .contains(&format!("/manifests/{tag} "))
}

/// A registry whose answers about the list come one after the other; everything else is taken.
async fn attached(answers: Vec<String>) -> (Result<(), Error>, Vec<String>) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let server = registry(move |request, _| {
        if !is_of_list(request) {
            return answer("201 Created", &[], "");
        }
        let number = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        answers[number.min(answers.len() - 1)].clone()
    })
    .await;
    let client = connect(&server, &Credentials::Anonymous, Access::PullPush)
        .await
        .unwrap();
    let manifest = Manifest {
        bytes: ATTACHED.into(),
        media_type: MediaType::OciManifest,
        answered_digest: None,
    };
    let outcome = client.put_referrer(&manifest, &subject()).await;
    let seen = server.seen().into_iter().filter(|request| is_of_list(request));
    (outcome, seen.collect())
}

fn own() -> String {
    format!(r#"{{"digest":"{}","size":1}}"#, Digest::of(ATTACHED.as_bytes()))
}

#[tokio::test]
async fn what_others_list_meanwhile_is_not_lost_where_the_registry_can_tell() {
    let (outcome, seen) = attached(vec![
        answer("404 Not Found", &[], ""),
        answer("412 Precondition Failed", &[], ""),
        listed(&list(&[OTHER])),
        answer("201 Created", &[], ""),
        listed(&list(&[OTHER, &own()])),
    ])
    .await;
    outcome.unwrap();
    assert_eq!(seen.len(), 5, "{seen:#?}");
    assert!(seen[1].contains("if-none-match: *"), "{}", seen[1]);
    assert!(seen[3].contains("if-match: \"seen\""), "{}", seen[3]);
    assert!(
        seen[3].contains("sha256:other") && seen[3].contains(r#""annotations":{"a":"b"}"#),
        "{}",
        seen[3]
    );
}

#[tokio::test]
async fn a_list_that_somebody_wrote_over_is_written_again() {
    let (outcome, seen) = attached(vec![
        answer("404 Not Found", &[], ""),
        answer("201 Created", &[], ""),
        listed(&list(&[OTHER])),
        answer("201 Created", &[], ""),
        listed(&list(&[OTHER, &own()])),
    ])
    .await;
    outcome.unwrap();
    assert_eq!(seen.len(), 5, "{seen:#?}");
    assert!(
        seen[3].starts_with("PUT ") && seen[3].contains("sha256:other"),
        "{}",
        seen[3]
    );
}

#[tokio::test]
async fn what_is_listed_is_not_listed_twice_and_what_is_no_list_is_left_alone() {
    let (outcome, seen) = attached(vec![listed(&list(&[&own()]))]).await;
    outcome.unwrap();
    assert_eq!(seen.len(), 1);
    let image = answer(
        "200 OK",
        &[("content-type", MediaType::DockerManifest.as_str())],
        MANIFEST,
    );
    let (outcome, seen) = attached(vec![image]).await;
    let message = outcome.unwrap_err().to_string();
    assert!(
        message.contains("it is no list of what refers to an image"),
        "{message}"
    );
    assert_eq!(seen.len(), 1);
}
