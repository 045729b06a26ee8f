use std::fs;
use std::os::unix::fs::symlink;

use super::*;

/// A project with links of every kind, and what lies beside it.
fn project() -> (tempfile::TempDir, PathBuf) {
    let around = tempfile::tempdir().unwrap();
    let around_it = around.path().canonicalize().unwrap();
    let root = around_it.join("project");
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::create_dir_all(around_it.join("secrets")).unwrap();
    fs::write(around_it.join("secrets/key"), "").unwrap();
    fs::write(root.join("own"), "").unwrap();
    fs::write(root.join(".git/config"), "").unwrap();
    for (target, link) in [
        ("own", "to-own"),
        ("to-own", "to-link"),
        ("../secrets/key", "to-key"),
        ("to-key", "to-key-too"),
        ("../secrets", "to-secrets"),
        ("..", "up"),
        ("nowhere", "to-nothing"),
        ("loop", "loop"),
        ("/dev/null", "to-device"),
        (".git", "to-git"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    (around, root)
}

#[test]
fn what_is_inside_is_named_without_links() {
    let (_around, root) = project();
    for path in [
        "own",
        "to-own",
        "to-link",
        "up/project/own",
        "to-secrets/../project/own",
    ] {
        match real(&root, path) {
            Ok(Real::Inside(real)) => assert_eq!(real, root.join("own"), "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
    for path in ["to-nothing", "loop", "none", "../none", "to-secrets/none"] {
        assert!(real(&root, path).is_err(), "{path}");
    }
}

#[test]
fn what_leads_out_is_named_by_its_link() {
    let (around, root) = project();
    let absolute = around.path().canonicalize().unwrap().join("secrets/key");
    let absolute_is_outside = format!("{} lies outside the project", absolute.display());
    for (path, said) in [
        (
            "to-key",
            "to-key is a link to a file outside the project (../secrets/key)",
        ),
        (
            "to-key-too",
            "to-key-too is a link to a file outside the project (to-key)",
        ),
        (
            "to-secrets",
            "to-secrets is a link to a directory outside the project (../secrets)",
        ),
        (
            "to-secrets/key",
            "to-secrets is a link to a directory outside the project (../secrets)",
        ),
        (
            "./up/secrets/key",
            "up is a link to a directory outside the project (..)",
        ),
        (
            "to-device",
            "to-device is a link to a pipe, socket or device outside the project (/dev/null)",
        ),
        (
            "to-git/config",
            "to-git is a link to a directory that is git's own (.git)",
        ),
        (".git/config", ".git/config is git's own, and not of the project"),
        ("../secrets/key", "../secrets/key lies outside the project"),
        (absolute.to_str().unwrap(), &absolute_is_outside),
    ] {
        match real(&root, path) {
            Ok(Real::Outside(outside)) => assert_eq!(outside.to_string(), said),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn a_file_without_a_name_is_outside() {
    use std::os::fd::AsRawFd as _;
    let (_around, root) = project();
    let nameless = tempfile::tempfile().unwrap();
    symlink(format!("/proc/self/fd/{}", nameless.as_raw_fd()), root.join("nameless")).unwrap();
    assert!(matches!(real(&root, "nameless"), Ok(Real::Outside(outside)) if outside.is_link()));
}

#[test]
fn what_a_file_of_the_project_names_is_followed_too() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("project");
    fs::create_dir_all(root.join("sub")).unwrap();
    fs::write(root.join("sub/own.txt"), "").unwrap();
    fs::write(directory.path().join("other.txt"), "").unwrap();
    symlink("sub/own.txt", root.join("to-own")).unwrap();
    symlink("../other.txt", root.join("to-other")).unwrap();
    symlink("..", root.join("up")).unwrap();
    symlink("/dev/null", root.join("device")).unwrap();
    // A name that only begins like the project's.
    fs::create_dir(directory.path().join("project-2")).unwrap();
    let is_outside = |name: &str| outside(&root, Path::new(name)).is_some();
    let absolute = root.join("to-own");
    for name in [
        "sub/own.txt",
        "sub/../to-own",
        "up/project/to-own",
        absolute.to_str().unwrap(),
        "gone.txt",
    ] {
        assert!(!is_outside(name), "{name}");
    }
    for name in [
        "../other.txt",
        "to-other",
        "up/other.txt",
        "device",
        "/dev/null",
        "../project-2",
        "../gone.txt",
        "/gone",
    ] {
        assert!(is_outside(name), "{name}");
    }
}
