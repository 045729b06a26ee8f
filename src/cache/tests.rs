use super::*;
use std::os::unix::fs::{PermissionsExt as _, symlink};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_directory_that_others_may_write_is_not_used() {
    let cache = tempfile::tempdir().unwrap();
    let made = directory(cache.path(), "uv").unwrap();
    assert_eq!(made, cache.path().join("uv"));
    fs::set_permissions(&made, fs::Permissions::from_mode(0o777)).unwrap();
    let reason = directory(cache.path(), "uv").unwrap_err();
    assert!(reason.ends_with("uv: others may write there"), "{reason}");
}

#[test]
fn a_cache_that_cannot_be_made_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(directory(file.path(), "uv").unwrap_err().starts_with("cannot use "));
}

#[test]
fn every_level_that_is_made_is_the_users_alone() {
    let home = tempfile::tempdir().unwrap();
    let made = directory(&home.path().join(".cache/sgbuild"), "uv").unwrap();
    for level in made.ancestors().take(3) {
        assert_eq!(mode(level), 0o700, "{}", level.display());
    }
}

#[test]
fn what_an_older_sgbuild_made_is_used_on() {
    let cache = tempfile::tempdir().unwrap();
    let made = directory(&cache.path().join("sgbuild"), "uv").unwrap();
    for level in [made.as_path(), made.parent().unwrap()] {
        fs::set_permissions(level, fs::Permissions::from_mode(0o755)).unwrap();
    }
    assert!(directory(&cache.path().join("sgbuild"), "uv").is_ok());
}

#[test]
fn nothing_is_made_through_a_link() {
    let home = tempfile::tempdir().unwrap();
    let (cache, elsewhere) = (home.path().join("sgbuild"), home.path().join("elsewhere"));
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, &cache).unwrap();
    let reason = directory(&cache, "uv").unwrap_err();
    assert!(reason.ends_with("sgbuild is a link"), "{reason}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn below_a_shared_directory_nothing_is_made() {
    let shared = tempfile::tempdir().unwrap();
    fs::set_permissions(shared.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let reason = directory(&shared.path().join(".cache/sgbuild"), "uv").unwrap_err();
    assert!(
        reason.ends_with(&format!("others may write in {}", shared.path().display())),
        "{reason}"
    );
    assert!(!shared.path().join(".cache").exists());
}
