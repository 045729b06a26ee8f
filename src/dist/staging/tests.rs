use super::*;
use crate::dist::DOCKERIGNORE;
use crate::dist::context::Hash;

#[test]
fn directories_change_places() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = (root.path().join("a"), root.path().join("b"));
    for exchange in [exchange, exchange_by_renames] {
        for (directory, file) in [(&a, "1"), (&b, "2")] {
            let _ = fs::remove_dir_all(directory);
            fs::create_dir(directory).unwrap();
            fs::write(directory.join(file), file).unwrap();
        }
        exchange(&a, &b).unwrap();
        assert!(a.join("2").exists() && b.join("1").exists());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }
}

/// Writes a Dockerfile as sgbuild does, which lists it.
fn write_dockerfile(directory: &Path, text: &str) {
    fs::write(directory.join("Dockerfile"), text).unwrap();
    let listed = written::listed("*\n", &[Hash::of(directory, "Dockerfile").unwrap()]);
    fs::write(directory.join(DOCKERIGNORE), listed).unwrap();
}

/// A project with an old `dist/`, and the next one all written.
fn project() -> (tempfile::TempDir, Staging) {
    let project = tempfile::tempdir().unwrap();
    let directory = project.path().join("dist");
    fs::create_dir(&directory).unwrap();
    write_dockerfile(&directory, "old");
    fs::write(directory.join("wheel"), "mine").unwrap();
    let staging = Staging::beside(&directory, project.path()).unwrap();
    write_dockerfile(&staging.next(), "new");
    fs::write(staging.root().join(WRITTEN), "").unwrap();
    (project, staging)
}

/// What is in the project after the next run swept up.
fn swept(project: &Path) -> (String, String) {
    let directory = project.join("dist");
    sweep_abandoned(project, &directory, &crate::progress::Silent);
    let names: Vec<_> = fs::read_dir(project).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["dist"]);
    let read = |name| fs::read_to_string(directory.join(name)).unwrap();
    (read("Dockerfile"), read("wheel"))
}

#[test]
fn a_run_that_is_killed_at_any_rename_loses_nothing() {
    let as_before = ("old".to_owned(), "mine".to_owned());
    // After the move of what is not ours.
    let (project, staging) = project();
    let directory = project.path().join("dist");
    fs::rename(directory.join("wheel"), staging.next().join("wheel")).unwrap();
    std::mem::forget(staging);
    assert_eq!(swept(project.path()), as_before);

    // After the first rename of three.
    let (project, staging) = self::project();
    let directory = project.path().join("dist");
    fs::rename(directory.join("wheel"), staging.next().join("wheel")).unwrap();
    fs::rename(&directory, staging.root().join(ASIDE)).unwrap();
    std::mem::forget(staging);
    assert_eq!(swept(project.path()), as_before);

    // After the exchange; another tool had written one more into the old one meanwhile.
    let (project, staging) = self::project();
    let directory = project.path().join("dist");
    exchange(&staging.next(), &directory).unwrap();
    std::mem::forget(staging);
    assert_eq!(swept(project.path()), ("new".to_owned(), "mine".to_owned()));
}

#[test]
fn only_what_sgbuild_made_is_swept_up() {
    let project = tempfile::tempdir().unwrap();
    let directory = project.path().join("dist");
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("precious"), "mine").unwrap();
    let make = |name: &str, files: &[(&str, &str)]| {
        let path = project.path().join(name);
        fs::create_dir_all(&path).unwrap();
        for (file, text) in files {
            fs::write(path.join(file), text).unwrap();
        }
        path
    };
    let kept = [
        make(".sgbuild-dist-notes1", &[("todo.txt", "mine")]),
        make(".sgbuild-dist-abc123", &[(MARK, "another text"), (NEXT, "mine")]),
        make(".sgbuild-dist-longer-name", &[(MARK, MARK_TEXT)]),
        make(".sgbuild-dist-abc124", &[(MARK, MARK_TEXT), ("more", "mine")]),
    ];
    // Killed before the mark was there.
    let empty = [
        make(".sgbuild-dist-abc127", &[]),
        make(".sgbuild-dist-abc128", &[(MARK, "")]),
    ];
    // A link in it is not followed, a link to one is not taken for one.
    let forged = make(".sgbuild-dist-abc125", &[(MARK, MARK_TEXT), (WRITTEN, "")]);
    std::os::unix::fs::symlink(elsewhere.path(), forged.join(NEXT)).unwrap();
    let link = project.path().join(".sgbuild-dist-abc126");
    std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
    sweep_abandoned(project.path(), &directory, &crate::progress::Silent);
    assert!(kept.iter().all(|path| path.exists()) && fs::symlink_metadata(link).is_ok());
    assert!(empty.iter().all(|path| !path.exists()));
    assert!(!forged.exists() && elsewhere.path().join("precious").exists());
}
