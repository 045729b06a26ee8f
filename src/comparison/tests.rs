use super::summary::summary;
use super::tree::{File, FileChange, Tree, changes};
use crate::engine::native::base::{Item, Listing, Owner, What};
use crate::oci::Digest;

fn item(path: &str, what: What) -> Item {
    Item {
        path: path.to_owned(),
        what,
    }
}

fn file(path: &str, content: &str) -> Item {
    let kept = path.ends_with("METADATA").then(|| content.to_owned());
    let (size, digest) = (content.len() as u64, Digest::of(content.as_bytes()));
    item(
        path,
        What::File {
            mode: 0o644,
            size,
            digest,
            kept,
        },
    )
}

fn layer(items: Vec<Item>) -> Listing {
    let diff_id = Digest::of(b"");
    Listing {
        diff_id,
        unpacked: 0,
        items,
    }
}

/// Of layers of which the lowest was not read.
fn above_unread(items: Vec<Item>) -> Tree {
    Tree::of(vec![None, Some(layer(items))])
}

fn tree(layers: Vec<Listing>) -> Tree {
    Tree::of(layers.into_iter().map(Some).collect())
}

fn paths(changes: &[FileChange]) -> Vec<String> {
    let sign = |change: &FileChange| match (&change.a, &change.b) {
        (None, _) => '+',
        (_, None) => '-',
        _ => '~',
    };
    changes
        .iter()
        .map(|change| format!("{}{}", sign(change), change.path))
        .collect()
}

#[test]
fn layers_come_to_what_the_last_of_them_says() {
    let below = || {
        layer(vec![
            file("d/one", "1"),
            file("d/two", "2"),
            file("e/three", "3"),
            file("f", "f"),
        ])
    };
    let a = tree(vec![below()]);
    let b = tree(vec![
        below(),
        layer(vec![
            item("d", What::Emptied),
            item("e", What::Removed),
            file("d/two", "2"),
            item(
                "f",
                What::Directory {
                    mode: 0o755,
                    owner: Owner::default(),
                },
            ),
            item("g", What::Link("d/two".to_owned())),
            item("h", What::Same("d/two".to_owned())),
        ]),
    ]);
    assert_eq!(paths(&changes(&a, &b)), ["-/d/one", "-/e/three", "-/f", "+/g", "+/h"]);
    assert!(changes(&a, &a).is_empty());
}

#[test]
fn a_mode_is_a_change_and_another_layer_is_none() {
    let a = tree(vec![layer(vec![file("x", "1")]), layer(vec![file("x", "2")])]);
    let b = tree(vec![layer(vec![file("x", "2")])]);
    assert!(changes(&a, &b).is_empty());
    let mut runs = file("x", "2");
    if let What::File { mode, .. } = &mut runs.what {
        *mode = 0o755;
    }
    assert_eq!(paths(&changes(&b, &tree(vec![layer(vec![runs])]))), ["~/x"]);
}

const PACKAGES: &str = "usr/lib/python3.11/site-packages";

fn installed(name: &str, version: &str) -> Item {
    let path = format!("{PACKAGES}/{name}-{version}.dist-info/METADATA");
    file(
        &path,
        &format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
    )
}

fn told(a: &Tree, b: &Tree) -> Vec<String> {
    let version = |version: Option<String>| version.unwrap_or_default();
    let changes = super::distributions::changes(a, b).into_iter();
    changes
        .map(|one| format!("{} {}>{}", one.name, version(one.a), version(one.b)))
        .collect()
}

#[test]
fn a_requirement_is_added_removed_or_another_version() {
    let a = tree(vec![layer(vec![
        installed("Six", "1.0"),
        installed("same", "1"),
        installed("gone", "1"),
    ])]);
    let b = tree(vec![layer(vec![
        installed("six", "2.0"),
        installed("same", "1"),
        installed("new_one", "1"),
    ])]);
    assert_eq!(told(&a, &b), ["gone 1>", "new-one >1", "six 1.0>2.0"]);
    let bundled = file(
        &format!("{PACKAGES}/pip/_vendor/x-1.dist-info/METADATA"),
        "Name: x\nVersion: 1\n",
    );
    let with = tree(vec![layer(vec![bundled])]);
    assert!(told(&tree(vec![layer(vec![])]), &with).is_empty());
}

#[test]
fn what_a_layer_takes_away_of_one_that_was_not_read_is_in_the_other_image() {
    for removed in ["six-1.0.dist-info", "six-1.0.dist-info/METADATA"] {
        let removed = item(&format!("{PACKAGES}/{removed}"), What::Removed);
        let a = above_unread(vec![]);
        let b = above_unread(vec![removed, installed("six", "2.0")]);
        assert_eq!(told(&a, &b), ["six 1.0>2.0"]);
        assert_eq!(told(&b, &a), ["six 2.0>1.0"]);
        assert!(paths(&changes(&a, &b)).iter().any(|path| path.starts_with('-')));
    }
}

#[test]
fn thousands_of_files_are_a_few_rows_and_few_files_are_all_there() {
    let change = |path: String, size| FileChange {
        path,
        a: None,
        b: Some(File {
            size,
            mode: None,
            digest: None,
            link: None,
        }),
    };
    let mut files: Vec<FileChange> = (0..5000).map(|n| change(format!("/usr/lib/one/{n:04}"), 2)).collect();
    files.push(change("/opt/run.py".to_owned(), 7));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let rows = summary(&files, 24);
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.path.as_str(), row.added, row.after))
        .collect();
    assert_eq!(shown, [("/opt/run.py", 1, 7), ("/usr/lib/one/", 5000, 10_000)]);
    assert_eq!(summary(&files, usize::MAX).len(), 5001);
    assert!(summary(&[], 24).is_empty());
}
