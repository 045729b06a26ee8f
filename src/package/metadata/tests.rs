use super::*;
use crate::project::{Descriptive, DynamicField};

fn metadata() -> Metadata {
    Metadata {
        name: "Iris".into(),
        version: "1.0".into(),
        requires_python: Some(">=3.9".into()),
        requires_dist: vec![
            "Numpy>=1,<3".into(),
            "tomli; python_version < \"3.11\"".into(),
            "pytest ; extra == \"test\"".into(),
            "mock; (python_version < \"3.8\") and extra == \"test\"".into(),
            "lib @ https://example.com/a;b.zip ; extra == 'test'".into(),
        ],
        provides_extra: vec!["test".into(), "empty".into()],
        entry_points: BTreeMap::from([
            (
                "b".to_owned(),
                BTreeMap::from([("y".to_owned(), "m:g".to_owned()), ("x".to_owned(), "m:f".to_owned())]),
            ),
            ("a".to_owned(), BTreeMap::from([("x".to_owned(), "m:f".to_owned())])),
            ("none".to_owned(), BTreeMap::new()),
        ]),
        packages: vec!["iris".into(), "iris.sub".into()],
        py_modules: vec!["alone".into()],
        descriptive: Descriptive {
            summary: Some("One.".into()),
            home_page: Some(String::new()),
            author: Some("Ann".into()),
            license: Some("One.\nTwo.\n".into()),
            project_urls: vec!["Code, https://example.com".into()],
            keywords: vec!["a".into(), "b c".into()],
            classifiers: vec!["Topic :: Software Development".into()],
            description_content_type: Some("text/markdown".into()),
            description: Some("# Iris\n\nText".into()),
            dynamic: vec![DynamicField {
                field: "maintainer",
                expression: "whoami()".into(),
                place: "setup.py:3".into(),
                reason: "is computed".into(),
            }],
            ..Descriptive::default()
        },
    }
}

fn build() -> Build {
    Build {
        dynamic_fields: vec!["author", "requires-dist"],
        ..Build::default()
    }
}

#[test]
fn the_files_of_a_full_project() {
    let metadata = metadata();
    let licenses = ["LICENSE".to_owned()];
    let files = files(&metadata, &Names::of(&metadata).unwrap(), &build(), &licenses);
    let files: Vec<String> = files.iter().map(|(name, text)| format!("== {name}\n{text}")).collect();
    insta::assert_snapshot!(files.concat(), @r#"
    == PKG-INFO
    Metadata-Version: 2.4
    Name: Iris
    Version: 1.0
    Summary: One.
    Home-page: 
    Author: Ann
    License: One.
            Two.
            
    Project-URL: Code, https://example.com
    Keywords: a,b c
    Classifier: Topic :: Software Development
    Requires-Python: >=3.9
    Description-Content-Type: text/markdown
    License-File: LICENSE
    Requires-Dist: Numpy<3,>=1
    Requires-Dist: tomli; python_version < "3.11"
    Provides-Extra: test
    Requires-Dist: pytest; extra == "test"
    Requires-Dist: mock; python_version < "3.8" and extra == "test"
    Requires-Dist: lib @ https://example.com/a;b.zip ; extra == "test"
    Provides-Extra: empty
    Dynamic: author
    Dynamic: license-file
    Dynamic: maintainer
    Dynamic: requires-dist

    # Iris

    Text
    == dependency_links.txt

    == entry_points.txt
    [a]
    x = m:f

    [b]
    x = m:f
    y = m:g
    == requires.txt
    Numpy>=1,<3

    [:python_version < "3.11"]
    tomli

    [empty]

    [test]
    pytest
    lib @ https://example.com/a;b.zip

    [test:python_version < "3.8"]
    mock
    == top_level.txt
    alone
    iris
    "#);
}

#[test]
fn a_bare_project_has_no_empty_files() {
    let metadata = Metadata {
        name: "x".into(),
        version: "1".into(),
        ..Metadata::default()
    };
    let files = files(&metadata, &Names::of(&metadata).unwrap(), &Build::default(), &[]);
    assert_eq!(
        files.keys().copied().collect::<Vec<_>>(),
        ["PKG-INFO", "dependency_links.txt", "top_level.txt"]
    );
    assert_eq!(files["PKG-INFO"], "Metadata-Version: 2.4\nName: x\nVersion: 1\n");
}

#[test]
fn sources_are_sorted_by_directory_first() {
    assert_eq!(
        sources(["a/b/c", "a/z", "z", "a/b\nc", "z"].into_iter()),
        "z\na/z\na/b/c"
    );
}
