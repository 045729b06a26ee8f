use super::super::super::scratch::unusable;
use super::*;
use crate::progress::Silent;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::atomic::{AtomicUsize, Ordering};

/// As good as an environment to what keeps it.
fn made(directory: &Path) -> Result<(), Error> {
    fs::create_dir_all(directory.join("bin"))
        .and_then(|()| fs::write(directory.join("bin/python"), ""))
        .map_err(unusable(directory))
}

fn kept(cache: &Path) -> Kept {
    Kept::in_cache(cache).unwrap()
}

fn names(kept: &Kept) -> Vec<String> {
    let entries = fs::read_dir(&kept.directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Sets when an environment says that it was made.
fn set_made(environment: &Path, made: SystemTime) {
    let ready = File::options().write(true).open(environment.join(READY)).unwrap();
    ready.set_modified(made).unwrap();
}

#[test]
fn runs_at_the_same_time_make_it_once() {
    let cache = tempfile::tempdir().unwrap();
    let times = AtomicUsize::new(0);
    let make = |directory: &Path| {
        times.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(100));
        made(directory)
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| kept(cache.path()).place("k", &Silent, make).map(|_| ()).unwrap());
        }
    });
    assert_eq!(times.load(Ordering::SeqCst), 1);
}

#[test]
fn one_that_is_half_made_old_or_without_its_interpreter_is_made_anew() {
    let cache = tempfile::tempdir().unwrap();
    let times = AtomicUsize::new(0);
    let make = |directory: &Path| {
        times.fetch_add(1, Ordering::SeqCst);
        assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
        made(directory)
    };
    let place = || {
        let place = kept(cache.path()).place("k", &Silent, make).unwrap();
        place.environment().to_owned()
    };
    let half = kept(cache.path()).directory.join("k-0a0a0a0a/lib");
    fs::create_dir_all(&half).unwrap();
    let environment = place();
    assert!(!half.exists());
    assert_eq!(environment, place());
    assert_eq!(times.load(Ordering::SeqCst), 1);
    let python = environment.join("bin/python");
    fs::remove_file(&python).unwrap();
    symlink("/no/such/python3", &python).unwrap();
    let environment = place();
    assert_eq!(times.load(Ordering::SeqCst), 2);
    set_made(&environment, SystemTime::now() - LIFETIME);
    let environment = place();
    assert_eq!(times.load(Ordering::SeqCst), 3);
    // As after a clock that was wrong for a while.
    set_made(&environment, SystemTime::now() + LIFETIME * 2);
    place();
    assert_eq!(times.load(Ordering::SeqCst), 4);
    assert_eq!(names(&kept(cache.path())).len(), 3);
}

#[test]
fn the_old_are_pruned_unless_they_are_used() {
    let cache = tempfile::tempdir().unwrap();
    let kept = kept(cache.path());
    let old = SystemTime::now() - LIFETIME;
    let (used, unused) = (
        kept.place("used", &Silent, made).unwrap(),
        kept.place("unused", &Silent, made).unwrap(),
    );
    set_made(used.environment(), old);
    set_made(unused.environment(), old);
    drop(unused);
    let new = kept.place("new", &Silent, made).unwrap();
    let name = |place: &Place| place.environment().file_name().unwrap().to_str().unwrap().to_owned();
    let (used, new) = (name(&used), name(&new));
    assert_eq!(
        names(&kept),
        [
            new.clone(),
            format!("{new}.lock"),
            "new.lock".to_owned(),
            used.clone(),
            format!("{used}.lock")
        ]
    );
}

#[test]
fn what_others_planted_is_not_used_and_not_followed() {
    let cache = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    made(elsewhere.path()).unwrap();
    fs::write(elsewhere.path().join(READY), "").unwrap();
    let kept = kept(cache.path());
    let link = kept.directory.join("k-00000000");
    symlink(elsewhere.path(), &link).unwrap();
    let open = kept.directory.join("k-00000001");
    made(&open).unwrap();
    fs::write(open.join(READY), "").unwrap();
    assert!(is_ready(&open));
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let place = kept.place("k", &Silent, made).unwrap();
    assert!(place.environment() != link && place.environment() != open);
    assert!(!link.is_symlink() && !open.exists());
    assert!(elsewhere.path().join(READY).is_file());
}

#[test]
fn where_there_is_no_room_another_directory_may_have_some() {
    let cache = tempfile::tempdir().unwrap();
    let kept = kept(cache.path());
    let full = |_: &Path| {
        Err(Error::BuildRequirements {
            requires: Vec::new(),
            log: "failed to write: No space left on device (os error 28)".to_owned(),
        })
    };
    let refused = kept.place("k", &Silent, full).map(|_| ()).unwrap_err();
    assert!(matches!(refused, NoPlace::Unusable(_)), "{refused:?}");
    assert_eq!(names(&kept), ["k.lock"]);
}
