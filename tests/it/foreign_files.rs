//! What else is in `dist/`, and beside it: kept as it is, or named where it is in the way.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;

use crate::bad_input::{as_nobody, tiny};
use crate::support::{Ran, Sandbox};

/// A project with a `dist/`, whose code then changed.
fn stale() -> Sandbox {
    let sandbox = tiny();
    sandbox.run(&["dist"]).exits(0);
    sandbox.write("setup.py", &sandbox.read("setup.py").replace("1.0.0", "1.0.1"));
    sandbox
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
}

/// The names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// `dist/` is as it was: whole, and of the first version.
#[track_caller]
fn is_as_before(sandbox: &Sandbox) {
    let left = names(&sandbox.project());
    assert!(!left.iter().any(|name| name.starts_with(".sgbuild")), "{left:?}");
    assert!(sandbox.project().join("dist/tiny-1.0.0.tar.gz").exists());
    assert!(!sandbox.project().join("dist/tiny-1.0.1.tar.gz").exists());
}

/// The transcript without the progress.
fn said(sandbox: &Sandbox, ran: &Ran) -> String {
    sandbox.transcript(ran).replace("==> Packing tiny-1.0.1.tar.gz\n", "")
}

#[test]
fn whatever_it_is_it_is_kept_as_it_is() {
    let sandbox = stale();
    let dist = sandbox.project().join("dist");
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("host-file"), "not ours").unwrap();
    symlink(elsewhere.path(), dist.join("directory-link")).unwrap();
    symlink("tiny-1.0.0.tar.gz", dist.join("file-link")).unwrap();
    symlink("nowhere", dist.join("broken-link")).unwrap();
    symlink(".", dist.join("loop")).unwrap();
    run("mkfifo", &[dist.join("pipe").to_str().unwrap()]);
    let _socket = UnixListener::bind(dist.join("socket")).unwrap();
    run("mknod", &[dist.join("zero").to_str().unwrap(), "c", "1", "5"]);
    sandbox.write("dist/tree/a/b/c/deep.txt", "mine");
    fs::set_permissions(dist.join("tree/a"), fs::Permissions::from_mode(0o700)).unwrap();
    sandbox.write("dist/two names.whl", "wheel");
    fs::hard_link(dist.join("two names.whl"), dist.join("again.whl")).unwrap();
    fs::create_dir(dist.join("closed")).unwrap();
    fs::set_permissions(dist.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();

    let looks = |name: &str| {
        let found = fs::symlink_metadata(dist.join(name)).unwrap();
        (
            found.ino(),
            found.mode(),
            found.mtime(),
            found.nlink(),
            found.file_type().is_fifo(),
        )
    };
    let kept = [
        "directory-link",
        "file-link",
        "broken-link",
        "loop",
        "pipe",
        "socket",
        "zero",
        "tree",
        "tree/a",
        "tree/a/b/c/deep.txt",
        "two names.whl",
        "again.whl",
        "closed",
    ];
    let before: Vec<_> = kept.iter().map(|name| looks(name)).collect();
    sandbox.run(&["dist"]).exits(0);
    let after: Vec<_> = kept.iter().map(|name| looks(name)).collect();
    assert_eq!(before, after);
    assert_eq!(fs::read_link(dist.join("directory-link")).unwrap(), elsewhere.path());
    assert_eq!(names(elsewhere.path()), ["host-file"]);
    assert!(dist.join("tiny-1.0.1.tar.gz").exists() && !dist.join("tiny-1.0.0.tar.gz").exists());
}

#[test]
fn another_users_file_and_a_protected_directory_are_kept() {
    let sandbox = stale();
    let dist = sandbox.project().join("dist");
    run("chown", &["-R", "65534:65534", sandbox.project().to_str().unwrap()]);
    // Of root, and not readable: the kernel lets nobody make a hard link to it.
    sandbox.write("dist/roots.whl", "secret");
    fs::set_permissions(dist.join("roots.whl"), fs::Permissions::from_mode(0o600)).unwrap();
    for (name, mode) in [("read-only", 0o555), ("closed", 0o000)] {
        fs::create_dir(dist.join(name)).unwrap();
        fs::set_permissions(dist.join(name), fs::Permissions::from_mode(mode)).unwrap();
        run("chown", &["65534:65534", dist.join(name).to_str().unwrap()]);
    }
    as_nobody(&sandbox, &["dist"]).exits(0);
    assert_eq!(sandbox.read("dist/roots.whl"), "secret");
    let mode = |name: &str| fs::metadata(dist.join(name)).unwrap().mode() & 0o7777;
    assert_eq!(
        (mode("roots.whl"), mode("read-only"), mode("closed")),
        (0o600, 0o555, 0o000)
    );
    assert!(dist.join("tiny-1.0.1.tar.gz").exists());
}

#[test]
fn another_users_directory_is_named_and_nothing_changed() {
    let sandbox = stale();
    let dist = sandbox.project().join("dist");
    run("chown", &["-R", "65534:65534", sandbox.project().to_str().unwrap()]);
    sandbox.write("dist/cache/roots.txt", "roots");
    for number in 0..20 {
        sandbox.write(&format!("dist/{number}.whl"), "mine");
    }
    let ran = as_nobody(&sandbox, &["dist"]);
    is_as_before(&sandbox);
    assert_eq!(names(&dist).len(), 6 + 21);
    assert_snapshot!(said(&sandbox, &ran));
}

/// Runs `sgbuild dist` with something mounted, where nobody else sees it.
fn with_mount(sandbox: &Sandbox, mount: &str) -> Ran {
    let own = sandbox.command(&["dist"]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &format!("set -e; {mount}; exec \"$0\" dist")]);
    command
        .arg(own.get_program())
        .current_dir(sandbox.project())
        .env_clear();
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Ran::new(&["dist"], command.output().unwrap())
}

#[test]
fn a_mount_point_in_dist_is_named_and_nothing_changed() {
    let sandbox = stale();
    sandbox.write("dist/a.whl", "mine");
    fs::create_dir(sandbox.project().join("dist/data")).unwrap();
    let ran = with_mount(&sandbox, "mount -t tmpfs tmpfs dist/data");
    is_as_before(&sandbox);
    assert_eq!(sandbox.read("dist/a.whl"), "mine");
    assert_snapshot!(said(&sandbox, &ran));
}

#[test]
fn dist_as_a_mount_point_is_named() {
    let sandbox = stale();
    fs::create_dir(sandbox.project().join("other")).unwrap();
    let ran = with_mount(&sandbox, "mount -t tmpfs tmpfs dist");
    is_as_before(&sandbox);
    assert_snapshot!(said(&sandbox, &ran));
    // A directory of the same file system is one too.
    let again = with_mount(&sandbox, "mount --bind other dist");
    assert_eq!(said(&sandbox, &again), said(&sandbox, &ran));
}

/// An immutable file, until the test ends.
struct Immutable(std::path::PathBuf);

impl Drop for Immutable {
    fn drop(&mut self) {
        run("chattr", &["-i", self.0.to_str().unwrap()]);
    }
}

#[test]
fn an_immutable_file_is_named_and_nothing_changed() {
    let sandbox = stale();
    sandbox.write("dist/a.whl", "mine");
    sandbox.write("dist/sealed", "mine");
    run(
        "chattr",
        &["+i", sandbox.project().join("dist/sealed").to_str().unwrap()],
    );
    let sealed = Immutable(sandbox.project().join("dist/sealed"));
    let ran = sandbox.run(&["dist"]);
    is_as_before(&sandbox);
    assert_eq!(names(&sandbox.project().join("dist")).len(), 6 + 2);
    assert_snapshot!(said(&sandbox, &ran));
    drop(sealed);
    sandbox.run(&["dist"]).exits(0);
}

#[test]
fn a_directory_of_the_users_under_a_name_of_ours_is_not_deleted() {
    let sandbox = stale();
    fs::remove_file(sandbox.project().join("dist/run.py")).unwrap();
    sandbox.write("dist/run.py/precious", "mine");
    let ran = sandbox.run(&["dist"]);
    assert_eq!(sandbox.read("dist/run.py/precious"), "mine");
    is_as_before(&sandbox);
    assert_snapshot!(said(&sandbox, &ran));
}

#[test]
fn what_has_no_end_under_a_name_of_ours_is_named_and_not_read() {
    let sandbox = tiny();
    sandbox.run(&["dist"]).exits(0);
    let dist = sandbox.project().join("dist");
    for name in ["run.py", "requirements.txt", "Dockerfile", "tiny-1.0.0.tar.gz"] {
        fs::remove_file(dist.join(name)).unwrap();
    }
    symlink("/dev/zero", dist.join("run.py")).unwrap();
    run("mkfifo", &[dist.join("requirements.txt").to_str().unwrap()]);
    run("mkfifo", &[dist.join("Dockerfile").to_str().unwrap()]);
    let sparse = fs::File::create(dist.join("tiny-1.0.0.tar.gz")).unwrap();
    sparse.set_len(1 << 42).unwrap();
    let started = std::time::Instant::now();
    let ran = sandbox.run(&["dist"]).exits(1);
    assert!(started.elapsed() < std::time::Duration::from_secs(10));
    assert_snapshot!(sandbox.transcript(&ran));
    assert_eq!(fs::read_link(dist.join("run.py")).unwrap(), Path::new("/dev/zero"));
    assert!(fs::symlink_metadata("/dev/zero").unwrap().file_type().is_char_device());
}

#[test]
fn archives_that_others_built_are_kept() {
    let sandbox = stale();
    for (name, text) in [
        ("tiny-0.9.tar.gz", "an older release"),
        ("tiny-0.9-py3-none-any.whl", "its wheel"),
        ("constraints.txt", "numpy<2"),
    ] {
        sandbox.write(&format!("dist/{name}"), text);
    }
    sandbox.run(&["dist"]).exits(0);
    assert_eq!(sandbox.read("dist/tiny-0.9.tar.gz"), "an older release");
    assert_eq!(sandbox.read("dist/tiny-0.9-py3-none-any.whl"), "its wheel");
    assert_eq!(sandbox.read("dist/constraints.txt"), "numpy<2");
    let dist = sandbox.project().join("dist");
    // What sgbuild wrote for the version before goes.
    assert!(dist.join("tiny-1.0.1.tar.gz").exists() && !dist.join("tiny-1.0.0.tar.gz").exists());
    sandbox.run(&["dist"]).exits(0);
    assert_eq!(names(&dist).len(), 6 + 3);
}

#[test]
fn a_file_of_the_users_under_a_name_of_ours_is_named_and_nothing_changed() {
    let sandbox = tiny();
    let mine = [
        ("Dockerfile", "FROM mine\n"),
        ("tiny-1.0.0.tar.gz", "by another tool"),
        ("image.json", "{\"width\": 3}"),
    ];
    for (name, text) in mine {
        sandbox.write(&format!("dist/{name}"), text);
    }
    let ran = sandbox.run(&["dist"]).exits(1);
    assert_snapshot!(sandbox.transcript(&ran));
    for (name, text) in mine {
        assert_eq!(sandbox.read(&format!("dist/{name}")), text);
    }
    assert_eq!(names(&sandbox.project().join("dist")).len(), 3);
    fs::remove_dir_all(sandbox.project().join("dist")).unwrap();
    sandbox.run(&["dist"]).exits(0);
}

#[test]
fn what_was_edited_since_is_named_and_its_own_bytes_are_no_obstacle() {
    let sandbox = stale();
    let edited = sandbox.read("dist/Dockerfile") + "RUN true\n";
    sandbox.write("dist/Dockerfile", &edited);
    sandbox
        .run(&["dist"])
        .exits(1)
        .says(&["dist/Dockerfile: sgbuild writes there"]);
    assert_eq!(sandbox.read("dist/Dockerfile"), edited);
    is_as_before(&sandbox);
    // Without the list, what is the same as it will be is in nobody's way.
    let sandbox = tiny();
    sandbox.run(&["dist"]).exits(0);
    fs::remove_file(sandbox.project().join("dist/.dockerignore")).unwrap();
    sandbox.run(&["dist"]).exits(0);
    assert_eq!(names(&sandbox.project().join("dist")).len(), 6);
}

#[test]
fn a_directory_of_the_users_with_our_prefix_stays() {
    let sandbox = stale();
    sandbox.write(".sgbuild-dist-notes/todo.txt", "mine");
    sandbox.write(".sgbuild-dist-notes1/dist/todo.txt", "mine");
    sandbox.run(&["dist"]).exits(0);
    assert_eq!(sandbox.read(".sgbuild-dist-notes/todo.txt"), "mine");
    assert_eq!(sandbox.read(".sgbuild-dist-notes1/dist/todo.txt"), "mine");
}

#[test]
fn thousands_of_files_are_kept_in_a_moment() {
    let sandbox = stale();
    let dist = sandbox.project().join("dist");
    for number in 0..5_000 {
        fs::write(dist.join(format!("{number}.whl")), "").unwrap();
    }
    let started = std::time::Instant::now();
    sandbox.run(&["dist"]).exits(0);
    assert!(
        started.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(names(&dist).len(), 6 + 5_000);
}
