//! What MANIFEST.in adds and takes away.

use sgbuild::project::Build;

use super::oracle::same_as_setuptools;
use super::{BARE_SETUP, demo, write};

const TREE: [(&str, &str); 26] = [
    ("setup.py", BARE_SETUP),
    ("demo/__init__.py", ""),
    ("demo/a.txt", ""),
    ("demo/.dot.txt", ""),
    ("demo/sub/b.txt", ""),
    ("demo/sub/c.dat", ""),
    ("demo/sub/.h/d.dat", ""),
    ("docs/index.rst", ""),
    ("docs/api/x.rst", ""),
    ("docs/api/y.md", ""),
    ("docs/-.md", ""),
    ("docs/b.md", ""),
    ("docs2/z.rst", ""),
    ("data/1.csv", ""),
    ("data/2.csv", ""),
    ("data/old/1.csv", ""),
    ("data/old/keep.txt", ""),
    ("CHANGES", ""),
    ("notes.txt", ""),
    (".git/config", ""),
    (".gitignore", ""),
    ("demo/.svn/entries", ""),
    ("build/lib/x.txt", ""),
    (".venv/lib/y.txt", ""),
    (".tox/z.txt", ""),
    ("demo/build/kept.txt", ""),
];

fn manifest(text: &str) -> Vec<String> {
    same_as_setuptools(demo(), Build::default(), |root| {
        write(root, &TREE);
        write(root, &[("MANIFEST.in", text)]);
    })
}

#[test]
fn manifest_include_and_exclude() {
    manifest("include CHANGES *.txt docs/*.rst\nexclude notes.txt demo/*.py\ninclude d*/*/?.txt\n");
}

#[test]
fn manifest_recursive() {
    manifest("recursive-include docs *.rst [!a]*.md\nrecursive-include . *.dat\nrecursive-exclude docs/api x*\n");
    manifest("recursive-include d* old/*.csv\nrecursive-include docs **\n");
}

#[test]
fn manifest_global() {
    manifest("global-include *.txt .git*\nglobal-exclude keep.* .dot.txt\n");
    // It also takes requires.txt and the like out of the egg-info.
    manifest("graft data\nglobal-exclude *.txt\n");
}

#[test]
fn manifest_graft_and_prune() {
    manifest("graft docs\nprune docs/api\ngraft data/\n");
    manifest("graft .\nprune d*a\n");
    manifest("graft do*\nprune **/api\n");
}

#[test]
fn manifest_a_lone_dot() {
    manifest("graft docs\nprune .\nrecursive-exclude . *.md\n");
    // What comes from `.` keeps its `./`, and only `.` takes it away again.
    manifest("recursive-include . *.rst\nexclude docs/index.rst\n");
    manifest("recursive-include . *.rst\nprune .\n");
    manifest("global-exclude .\nrecursive-include data .\nrecursive-include notes.txt **\ngraft ./\n");
}

#[test]
fn manifest_finds_what_setuptools_writes() {
    manifest("global-exclude *.txt\ngraft demo.egg-info\n");
    manifest("prune demo.egg-info\nglobal-include PKG-*\n");
}

#[test]
fn manifest_brackets_and_stars_in_exclusions() {
    manifest("graft docs\ngraft data\nexclude docs/[a-c].md data/**/1.csv\n");
    manifest("graft docs\nexclude docs/*/[xy].*\nexclude docs/**\n");
}

#[test]
fn manifest_comments_continuations_and_errors() {
    let heard = manifest(
        "# everything\n\ninclude \\\n  CHANGES \\\n# not this\n  notes.txt # nor this\nincluude x\ngraft a b\n  prune\n\
         recursive-include docs\ninclude none.txt \\\n",
    );
    assert_eq!(
        heard,
        [
            "MANIFEST.in:7: unknown command `incluude`; the line is ignored",
            "MANIFEST.in:8: `graft` expects a single directory; the line is ignored",
            "MANIFEST.in:9: `prune` expects a single directory; the line is ignored",
            "MANIFEST.in:10: `recursive-include` expects a directory and one or more patterns; the line is ignored",
            "MANIFEST.in:11: nothing matches `none.txt`",
        ]
    );
}
