use super::about::{About, License};
use super::*;
use crate::oci::Platform;

fn license(metadata: &str) -> Option<License> {
    About::parse(&format!(
        "Metadata-Version: 2.1\nName: a\nVersion: 1\n{metadata}\n\nLicense: of the description\n"
    ))
    .license
}

fn names(names: &[&str]) -> License {
    License::Names(names.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn a_licence_is_what_the_metadata_calls_it() {
    let expression = Some(License::Expression("MIT OR Apache-2.0".to_owned()));
    assert_eq!(
        license("License: old words\nLicense-Expression: MIT OR Apache-2.0"),
        expression
    );
    assert_eq!(license("License: BSD 3-Clause"), Some(names(&["BSD 3-Clause"])));
    assert_eq!(
        license("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License"),
        Some(names(&["MIT License"]))
    );
    assert_eq!(license("License: UNKNOWN"), None);
    assert_eq!(license("Classifier: License :: OSI Approved"), None);
    assert_eq!(license(""), None);
    let two = "Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: Public Domain\nClassifier: Topic :: X";
    assert_eq!(license(two), Some(names(&["MIT License", "Public Domain"])));
}

#[test]
fn the_text_of_a_licence_is_not_its_name() {
    let text = "License: Copyright (c) somebody\n        \n        Permission is granted";
    assert_eq!(license(text), Some(names(&["Copyright (c) somebody"])));
    let classified = format!("{text}\nClassifier: License :: OSI Approved :: ISC License (ISCL)");
    assert_eq!(license(&classified), Some(names(&["ISC License (ISCL)"])));
}

#[test]
fn a_package_url_holds_nothing_that_ends_one_of_its_parts() {
    assert_eq!(
        purl::distribution("Odd.Package", "1!2.0+cpu.1", None),
        "pkg:pypi/odd-package@1%212.0%2Bcpu.1"
    );
    assert_eq!(
        purl::distribution("torch", "2.0+cpu", Some("torch-2.0+cpu-py3-none-any.whl")),
        "pkg:pypi/torch@2.0%2Bcpu?file_name=torch-2.0%2Bcpu-py3-none-any.whl"
    );
    let digest = Digest::of(b"");
    let platform = Platform::new("linux", "arm64");
    let from = "registry.example:5000/team/python:3.11".parse().unwrap();
    assert_eq!(
        purl::image("registry.example:5000/team/python", &digest, &platform, Some(&from)),
        format!("pkg:oci/python@{digest}?arch=arm64&repository_url=registry.example:5000/team/python&tag=3.11")
    );
}

#[test]
fn a_serial_number_is_of_the_content() {
    let number = serial_number("a");
    assert_eq!(number, serial_number("a"));
    assert_ne!(number, serial_number("b"));
    let digits = number.strip_prefix("urn:uuid:").unwrap();
    assert_eq!((digits.len(), &digits[14..15]), (36, "8"), "{number}");
}

#[test]
fn what_may_be_a_secret_in_a_url_is_not_told() {
    let url = "https://me:hunter2@files.example/six-1.0-py3-none-any.whl?signature=hunter2#hunter2".to_owned();
    let index = Origin::Index {
        url: url.clone(),
        index: Some("https://me:hunter2@index.example/simple?token=hunter2".to_owned()),
    };
    let built = Origin::Built {
        of: "https://me:hunter2@git.example/six@0a1b".to_owned(),
    };
    for origin in [Origin::Url(url), index, built] {
        let listed = Listed {
            name: "six".to_owned(),
            version: "1.0".to_owned(),
            file_name: "six-1.0-py3-none-any.whl".to_owned(),
            digest: Digest::of(b""),
            origin,
        };
        let component = Component::wheel(&listed, &About::default());
        let text = serde_json::to_string(&component).unwrap();
        assert!(text.contains("example") && !text.contains("hunter2"), "{text}");
    }
}
