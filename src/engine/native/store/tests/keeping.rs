//! What is kept and what goes, where there is no place, and what is cleared.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[tokio::test]
async fn a_store_that_cannot_be_written_is_told() {
    let cache = tempfile::tempdir().unwrap();
    let store = opened(&cache, PLENTY);
    fs::remove_dir_all(store.root.join(INCOMING)).unwrap();
    let server = Scripted::start(|_, _| answer("200 OK", &[], TEXT)).await;
    let error = fetched(&store, &server).await.unwrap_err();
    assert!(
        error.to_string().starts_with("cannot write to the store of wheels, "),
        "{error}"
    );
    let full = Error::Write {
        store: PathBuf::from("/s"),
        source: io::Error::from(io::ErrorKind::StorageFull),
    };
    assert!(full.advice().hints[0].starts_with("Free some space there; `sgbuild cache` shows"));
}

#[test]
fn without_a_cache_directory_there_is_a_store_for_this_run() {
    let shared = tempfile::tempdir().unwrap();
    fs::set_permissions(shared.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let store = Store::open(&shared.path().join("sgbuild"), PLENTY, &Silent).unwrap();
    let root = store.root.clone();
    assert!(root.is_dir() && !root.starts_with(shared.path()));
    drop(store);
    assert!(!root.exists());
}

#[test]
fn the_least_recently_used_go_first_and_none_while_another_run_may_want_it() {
    let cache = tempfile::tempdir().unwrap();
    let put = |store: &Store, name: &str, age: u64| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(format!("{name}-1.0-py3-none-any.whl"));
        fs::write(&file, name.repeat(100)).unwrap();
        let wheel = store.put(&file, false).unwrap();
        let then = SystemTime::now() - Duration::from_hours(age);
        File::open(&wheel.path).unwrap().set_modified(then).unwrap();
        wheel
    };
    let store = opened(&cache, 250);
    let (old, older) = (put(&store, "b", 2), put(&store, "a", 3));
    let (new, left) = (put(&store, "c", 0), store.root.join(INCOMING).join("left"));
    fs::write(&left, "by a killed run").unwrap();
    assert_eq!((new.name.as_str(), new.version.as_str(), new.size), ("c", "1.0", 100));
    // Its use makes it a recent one.
    assert!(store.get(&older.digest).is_some());
    let other = opened(&cache, PLENTY);
    drop(store);
    assert!(old.path.exists() && left.exists());
    put(&other, "d", 0);
    drop(other);
    assert!(old.path.exists());
    let store = opened(&cache, 450);
    put(&store, "e", 0);
    drop(store);
    assert!(!old.path.exists() && older.path.exists() && new.path.exists() && !left.exists());
}

#[test]
fn notes_are_kept_by_kind_and_key() {
    let cache = tempfile::tempdir().unwrap();
    let store = opened(&cache, PLENTY);
    store.keep_note("splice", "a/../b", &vec![1, 2]);
    assert_eq!(store.note::<Vec<u8>>("splice", "a/../b"), Some(vec![1, 2]));
    assert_eq!(store.note::<Vec<u8>>("splice", "other"), None);
    assert_eq!(store.note::<Vec<u8>>("other", "a/../b"), None);
    assert_eq!(store.note::<String>("splice", "a/../b"), None);
}

#[test]
fn clearing_waits_for_nobody_who_is_gone_and_tells_what_there_was() {
    let cache = tempfile::tempdir().unwrap();
    let sgbuild = cache.path().join("sgbuild");
    assert!(usage::clear(&sgbuild, &Silent).unwrap().entries.is_empty());
    let store = opened(&cache, PLENTY);
    store.keep_note("splice", "a", &1);
    assert!(matches!(usage::clear(&sgbuild, &Stopped), Err(Error::Cancelled(_))));
    drop(store);
    let usage = usage::clear(&sgbuild, &Silent).unwrap();
    assert_eq!(usage.entries.len(), 1);
    assert!(usage::Usage::of(&sgbuild).entries.is_empty());
    // It can be used again.
    opened(&cache, PLENTY).keep_note("splice", "a", &1);
    assert_eq!(usage::Usage::of(&sgbuild).entries.len(), 1);
}

#[test]
fn a_name_that_is_no_wheels_is_refused() {
    let cache = tempfile::tempdir().unwrap();
    let file = cache.path().join("a-1.tar.gz");
    fs::write(&file, "").unwrap();
    assert!(matches!(
        opened(&cache, PLENTY).put(&file, true),
        Err(Error::NoWheel { .. })
    ));
    assert_eq!(normal("My.Pkg__x"), "my-pkg-x");
}
