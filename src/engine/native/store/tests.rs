//! Faults are injected by a server that answers as a test says; the files are real.

mod keeping;

use tempfile::TempDir;

use super::*;
use crate::engine::native::resolve::{Remote, Resolved, Source};
use crate::explain::{Explain as _, Fault};
use crate::progress::{Cancelled, Silent, Task};
use crate::registry::scripted::{Scripted, answer};
use crate::uv::UvSettings;
use crate::web::Retry;

const TEXT: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
const PLENTY: u64 = u64::MAX;

fn opened(cache: &TempDir, limit: u64) -> Store {
    Store::open(&cache.path().join("sgbuild"), limit, &Silent).unwrap()
}

fn sites(pairs: &[(&str, &str)]) -> Sites {
    let mut sites = Sites::of(&UvSettings {
        environment: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        ..UvSettings::default()
    });
    sites.retry = Retry {
        base: Duration::from_millis(1),
        cap: Duration::from_millis(2),
        ..Retry::default()
    };
    sites
}

/// The wheel at `url`, which an index says to be [`TEXT`].
fn wheel(url: &str) -> Resolved {
    Resolved {
        name: "a".to_owned(),
        version: "1".to_owned(),
        file_name: "a-1-py3-none-any.whl".to_owned(),
        requested: true,
        source: Source::File(Remote {
            url: url.to_owned(),
            sha256: Some(Digest::of(TEXT.as_bytes())),
            size: Some(TEXT.len() as u64),
        }),
        hashes: Vec::new(),
        is_of_index: true,
        index: None,
    }
}

fn saying(wheel: &Resolved, change: impl FnOnce(&mut Remote)) -> Resolved {
    let mut other = wheel.clone();
    if let Source::File(remote) = &mut other.source {
        change(remote);
    }
    other
}

async fn fetched(store: &Store, server: &Scripted) -> Result<Wheel, Error> {
    let url = format!("http://{}/a-1-py3-none-any.whl", server.host());
    store.fetch_one(&wheel(&url), &sites(&[]), &Silent).await
}

/// Part of the text as a server sends it that goes away before the end.
fn cut(status: &str, headers: &str, part: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{part}",
        TEXT.len()
    )
}

fn content(store: &Store) -> Vec<PathBuf> {
    let shards = fs::read_dir(store.root.join(CONTENT)).unwrap();
    let files = shards.flat_map(|shard| fs::read_dir(shard.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

fn is_left_over(store: &Store) -> bool {
    fs::read_dir(store.root.join(INCOMING)).unwrap().count() > 0
}

#[tokio::test]
async fn a_file_is_fetched_once() {
    let cache = tempfile::tempdir().unwrap();
    let store = opened(&cache, PLENTY);
    let server = Scripted::start(|_, _| answer("200 OK", &[], TEXT)).await;
    let first = fetched(&store, &server).await.unwrap();
    assert_eq!(fs::read_to_string(&first.path).unwrap(), TEXT);
    assert_eq!(fetched(&store, &server).await.unwrap(), first);
    assert_eq!(server.seen().len(), 1);
    // By another run too.
    drop(store);
    assert_eq!(fetched(&opened(&cache, PLENTY), &server).await.unwrap(), first);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_break_is_gone_on_from() {
    let cache = tempfile::tempdir().unwrap();
    let store = opened(&cache, PLENTY);
    let server = Scripted::start(|_, number| match number {
        0 => cut("200 OK", "etag: \"v1\"\r\n", &TEXT[..10]),
        1 => "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".to_owned(),
        2 => cut(
            "206 Partial Content",
            "content-range: bytes 10-35/36\r\netag: \"v1\"\r\n",
            &TEXT[10..20],
        ),
        _ => answer(
            "206 Partial Content",
            &[("content-range", "bytes 20-35/36")],
            &TEXT[20..],
        ),
    })
    .await;
    let wheel = fetched(&store, &server).await.unwrap();
    assert_eq!(fs::read_to_string(&wheel.path).unwrap(), TEXT);
    let seen = server.seen();
    assert_eq!(seen.len(), 4);
    assert!(
        seen[3].contains("range: bytes=20-") && seen[3].contains("if-range: \"v1\""),
        "{}",
        seen[3]
    );
}

#[tokio::test]
async fn a_server_that_goes_on_with_something_else_is_asked_for_all_of_it() {
    for second in [
        answer("206 Partial Content", &[("content-range", "bytes 5-35/36")], &TEXT[5..]),
        answer(
            "206 Partial Content",
            &[("content-range", "bytes 10-35/36")],
            &"?".repeat(26),
        ),
        answer("416 Range Not Satisfiable", &[], ""),
        answer("200 OK", &[], TEXT),
    ] {
        let cache = tempfile::tempdir().unwrap();
        let store = opened(&cache, PLENTY);
        let server = Scripted::start(move |_, number| match number {
            0 => cut("200 OK", "", &TEXT[..10]),
            1 => second.clone(),
            _ => answer("200 OK", &[], TEXT),
        })
        .await;
        let wheel = fetched(&store, &server).await.unwrap();
        assert_eq!(fs::read_to_string(&wheel.path).unwrap(), TEXT);
        assert!(!is_left_over(&store));
    }
}

#[tokio::test]
async fn what_does_not_pass_is_not_asked_again() {
    for (status, headers, said) in [
        (
            "401 Unauthorized",
            vec![],
            "127.0.0.1 does not give a-1-py3-none-any.whl to just anybody",
        ),
        (
            "403 Forbidden",
            vec![],
            "127.0.0.1 does not give a-1-py3-none-any.whl to just anybody",
        ),
        (
            "404 Not Found",
            vec![],
            "127.0.0.1 answered with status 404 to the request for a-1-py3-none-any.whl",
        ),
        (
            "301 Moved",
            vec![("location", "ftp://h/x")],
            "a-1-py3-none-any.whl cannot be fetched from http://",
        ),
    ] {
        let cache = tempfile::tempdir().unwrap();
        let store = opened(&cache, PLENTY);
        let server = Scripted::start(move |_, _| answer(status, &headers, "")).await;
        let error = fetched(&store, &server).await.unwrap_err();
        assert!(error.to_string().starts_with(said), "{error}");
        assert_eq!(error.advice().fault, Fault::User);
        assert_eq!(server.seen().len(), 1, "{status}");
        assert!(content(&store).is_empty() && !is_left_over(&store));
    }
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_then_told() {
    for answered in [
        answer("502 Bad Gateway", &[], ""),
        answer("429 Slow", &[("retry-after", "0")], ""),
        String::new(),
    ] {
        let cache = tempfile::tempdir().unwrap();
        let store = opened(&cache, PLENTY);
        let server = Scripted::start(move |_, _| answered.clone()).await;
        let error = fetched(&store, &server).await.unwrap_err();
        assert_eq!(error.advice().fault, Fault::Temporary, "{error}");
        assert_eq!(server.seen().len(), 5);
    }
}

#[tokio::test]
async fn a_stall_is_a_break() {
    let cache = tempfile::tempdir().unwrap();
    let store = opened(&cache, PLENTY);
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.whl", silent.local_addr().unwrap());
    let mut sites = sites(&[("UV_HTTP_TIMEOUT", "1")]);
    sites.retry.tries = 1;
    let error = store.fetch_one(&wheel(&url), &sites, &Silent).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("a-1-py3-none-any.whl did not come from 127.0.0.1 as a whole"),
        "{error}"
    );
}

#[tokio::test]
async fn another_file_than_the_index_says_is_not_kept() {
    let cache = tempfile::tempdir().unwrap();
    let store = opened(&cache, PLENTY);
    let other = TEXT.replace('0', "1");
    let server = Scripted::start(move |_, _| answer("200 OK", &[], &other)).await;
    let error = fetched(&store, &server).await.unwrap_err();
    let expected = format!("and not {}", Digest::of(TEXT.as_bytes()));
    assert!(error.to_string().ends_with(&expected), "{error}");
    assert_eq!(server.seen().len(), 1);
    let longer = Scripted::start(|_, _| answer("200 OK", &[], &format!("{TEXT}x"))).await;
    let error = fetched(&store, &longer).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it is larger than the 36 bytes that the index says"),
        "{error}"
    );
    assert!(content(&store).is_empty() && !is_left_over(&store));
}

#[tokio::test]
async fn a_requirements_hash_of_any_kind_is_held_against_the_file() {
    use sha2::Sha512;
    let cache = tempfile::tempdir().unwrap();
    let store = opened(&cache, PLENTY);
    let server = Scripted::start(|_, _| answer("200 OK", &[], TEXT)).await;
    let url = format!("http://{}/a-1-py3-none-any.whl", server.host());
    let sha512 = |text: &str| format!("sha512:{}", crate::hex::hex(&Sha512::digest(text.as_bytes())));
    let nameless = saying(&wheel(&url), |remote| remote.sha256 = None);
    let wrong = Resolved {
        hashes: vec![sha512("other")],
        ..nameless.clone()
    };
    let error = store.fetch_one(&wrong, &sites(&[]), &Silent).await.unwrap_err();
    assert!(matches!(error, Error::OtherDigest { .. }), "{error}");
    let right = Resolved {
        hashes: vec![sha512("other"), sha512(TEXT)],
        ..nameless.clone()
    };
    let kept = store.fetch_one(&right, &sites(&[]), &Silent).await.unwrap();
    assert_eq!(kept.digest, Digest::of(TEXT.as_bytes()));
    // The index says nothing of it, and yet it is known again.
    let asked = server.seen().len();
    store.fetch_one(&nameless, &sites(&[]), &Silent).await.unwrap();
    assert_eq!(server.seen().len(), asked);
}

#[tokio::test]
async fn credentials_go_to_their_own_host_only() {
    let cache = tempfile::tempdir().unwrap();
    let store = opened(&cache, PLENTY);
    let elsewhere = Scripted::start(|_, _| answer("200 OK", &[], TEXT)).await;
    let location = format!("http://{}/a.whl", elsewhere.host().replace("127.0.0.1", "localhost"));
    let index = Scripted::start(move |_, _| answer("302 Found", &[("location", &location)], "")).await;
    let told = format!("http://me:hunter2@{}/simple", index.host());
    let url = format!("http://{}/files/a.whl", index.host());
    store
        .fetch_one(&wheel(&url), &sites(&[("UV_INDEX_URL", &told)]), &Silent)
        .await
        .unwrap();
    let authorized = |seen: Vec<String>| {
        seen.iter()
            .any(|request| request.to_lowercase().contains("authorization:"))
    };
    assert!(authorized(index.seen()));
    assert!(!authorized(elsewhere.seen()));
}

#[tokio::test]
async fn what_was_cut_off_in_the_store_is_fetched_anew() {
    let cache = tempfile::tempdir().unwrap();
    let store = opened(&cache, PLENTY);
    let server = Scripted::start(|_, _| answer("200 OK", &[], TEXT)).await;
    let first = fetched(&store, &server).await.unwrap();
    fs::write(&first.path, "0").unwrap();
    assert_eq!(store.get(&first.digest), None);
    assert_eq!(fetched(&store, &server).await.unwrap(), first);
    assert_eq!(fs::read_to_string(&first.path).unwrap(), TEXT);
    // Whoever reads it all finds what a size does not show.
    store.discard(&first.digest);
    assert_eq!(fetched(&store, &server).await.unwrap(), first);
    assert_eq!(server.seen().len(), 3);
}

/// Remembers nothing but that the user asked to stop.
struct Stopped;

impl Progress for Stopped {
    fn step(&self, _title: &str) {}
    fn detail(&self, _line: &str) {}
    fn warn(&self, _text: &str) {}
    fn task(&self, _title: &str, _total: Option<u64>) -> Box<dyn Task> {
        Box::new(Silent)
    }
    fn cancelled(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn an_interrupt_ends_it_and_leaves_nothing() {
    let cache = tempfile::tempdir().unwrap();
    let store = opened(&cache, PLENTY);
    let server = Scripted::start(|_, _| answer("200 OK", &[], TEXT)).await;
    let url = format!("http://{}/a.whl", server.host());
    let error = store.fetch_one(&wheel(&url), &sites(&[]), &Stopped).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled(Cancelled)));
    assert!(content(&store).is_empty() && !is_left_over(&store));
}

#[tokio::test]
async fn runs_at_once_do_not_mind_each_other() {
    let cache = tempfile::tempdir().unwrap();
    let (one, other) = (opened(&cache, PLENTY), opened(&cache, PLENTY));
    let server = Scripted::start(|_, _| answer("200 OK", &[], TEXT)).await;
    let (first, second) = tokio::join!(fetched(&one, &server), fetched(&other, &server));
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(content(&one).len(), 1);
    let url = format!("http://{}/a.whl", server.host());
    let twice = [wheel(&url), wheel(&url)];
    assert_eq!(one.fetch(&twice, &sites(&[]), &Silent).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_requirements_file_trusts_hosts_beside_those_of_this_machine() {
    let own = sites(&[("UV_INSECURE_HOST", "one.example")]);
    let both = own.trusting(&["two.example:8443".to_owned()]);
    assert_eq!(own.known(&Silent).await.unwrap().trusted(), ["one.example"]);
    assert_eq!(
        both.known(&Silent).await.unwrap().trusted(),
        ["one.example", "two.example:8443"]
    );
    assert!(sites(&[]).known(&Silent).await.unwrap().trusted().is_empty());
}
