use std::fs;

use super::super::globs::Dialect;
use super::*;

fn tree(files: &[&str]) -> (tempfile::TempDir, Tree) {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let tree = Tree::new(dir.path(), |_| false);
    (dir, tree)
}

#[test]
fn dialects_differ_in_dot_files() {
    let (_dir, tree) = tree(&["p/a.txt", "p/.b.txt", "p/.h/c.txt", "p/s/d.txt"]);
    assert_eq!(tree.expand("p/*.txt", Dialect::Python, true).unwrap(), ["p/a.txt"]);
    assert_eq!(
        tree.expand("p/*.txt", Dialect::Setuptools, true).unwrap(),
        ["p/.b.txt", "p/a.txt"]
    );
    assert_eq!(
        tree.expand("p/**/*.txt", Dialect::Python, true).unwrap(),
        ["p/a.txt", "p/s/d.txt"]
    );
    assert_eq!(
        tree.expand("p/**/*.txt", Dialect::Setuptools, true).unwrap(),
        ["p/.b.txt", "p/.h/c.txt", "p/a.txt", "p/s/d.txt"]
    );
    assert_eq!(
        tree.expand("p/**/c.txt", Dialect::Setuptools, false).unwrap(),
        ["p/.h/c.txt"]
    );
    assert_eq!(tree.expand("./p/a.txt", Dialect::Python, true).unwrap(), ["p/a.txt"]);
}

#[cfg(unix)]
#[test]
fn a_walk_passes_links_to_directories_by() {
    let (dir, tree) = tree(&["d/a"]);
    std::os::unix::fs::symlink(dir.path(), dir.path().join("d/up")).unwrap();
    std::os::unix::fs::symlink("loop", dir.path().join("d/loop")).unwrap();
    assert_eq!(tree.walk("").unwrap(), ["d/a", "d/loop"]);
    assert_eq!(tree.links_passed(), ["d/up"]);
    assert_eq!(tree.kind("d/loop").unwrap(), Kind::Missing);
    // A path that names the link goes through it.
    assert_eq!(
        tree.expand("d/up/d/a", Dialect::Setuptools, true).unwrap(),
        ["d/up/d/a"]
    );
    assert_eq!(tree.real("d/up/d/a").unwrap(), dir.path().join("d/a"));
}

#[cfg(unix)]
#[test]
fn what_a_link_leads_to_outside_is_not_listed() {
    let (away, _) = tree(&["s/key"]);
    let (dir, tree) = tree(&["d/a"]);
    std::os::unix::fs::symlink(away.path(), dir.path().join("d/away")).unwrap();
    std::os::unix::fs::symlink(away.path().join("s/key"), dir.path().join("d/key")).unwrap();
    // Their names are the project's own.
    assert_eq!(
        tree.expand("d/*", Dialect::Setuptools, true).unwrap(),
        ["d/a", "d/away", "d/key"]
    );
    assert_eq!(tree.walk("d").unwrap(), ["d/a", "d/key"]);
    assert_eq!(tree.expand("d/key/*", Dialect::Setuptools, true).unwrap(), [""; 0]);
    for pattern in ["d/away/*", "d/away/s/*", "d/away/**/key", "*/*/*"] {
        let error = tree.expand(pattern, Dialect::Setuptools, true).unwrap_err();
        assert!(
            error.to_string().starts_with("d/away is a link to a directory"),
            "{error}"
        );
    }
    for path in ["d/key", "d/away", "d/away/s", "d/away/s/key"] {
        assert!(matches!(tree.real(path), Err(Error::Outside(_))), "{path}");
    }
}
