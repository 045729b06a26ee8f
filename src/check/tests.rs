//! Each rule with one project that triggers it, and one like it that does not.

mod cases;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::cases::cases;
use super::*;
use crate::project::{self, ProjectSettings, ReadFor};
use crate::training::{Given, TrainingSettings};
use crate::uv::UvSettings;

/// A project that nothing is found in.
const SETUP: &str = "from setuptools import setup\nsetup(name='iris', version='1.0', packages=['iris'], install_requires=['numpy==1.26.4'], \
                     package_data={'iris': ['*', '.*']}, entry_points={'iris.training': ['train = iris.train:main']})\n";
const TRAIN: &str = "import numpy\n\n\ndef main():\n    pass\n";
const DOCKERFILE: &str =
    "FROM python:3.11-slim\nCOPY iris /opt/program/iris\nENTRYPOINT [\"python\", \"-m\", \"iris.train\"]\n";
const LFS: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

/// A project and a training, as far as they are not plain.
#[derive(Default)]
struct Case {
    files: Vec<(&'static str, String)>,
    dockerfile: Option<String>,
    training: BTreeMap<&'static str, &'static str>,
    metrics: BTreeMap<String, String>,
    platform: &'static str,
    repository: Option<&'static str>,
}

impl Case {
    fn file(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.files.push((name, text.into()));
        self
    }

    fn dockerfile(mut self, text: impl Into<String>) -> Self {
        self.dockerfile = Some(text.into());
        self
    }

    fn set(mut self, key: &'static str, value: &'static str) -> Self {
        self.training.insert(key, value);
        self
    }

    fn metric(mut self, expression: &str) -> Self {
        self.metrics.insert("accuracy".to_owned(), expression.to_owned());
        self
    }

    fn found(&self) -> Applied {
        let root = tempfile::tempdir().unwrap();
        self.look(root.path())
    }

    fn look(&self, root: &Path) -> Applied {
        let plain = [("setup.py", SETUP), ("iris/__init__.py", ""), ("iris/train.py", TRAIN)];
        let plain = plain.map(|(name, text)| (name, text.to_owned()));
        for (name, text) in plain.iter().chain(&self.files) {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let loaded = project::load(root, &settings(), &crate::progress::Silent);
        let mut unread = Vec::new();
        let project = loaded
            .map_err(|error| unread.push(declared::of_report(&Report::of(&error))))
            .ok();
        let dockerfiles: Vec<Dockerfile> = self.dockerfile.iter().map(|text| dockerfile(root, text)).collect();
        let training = self.training_settings();
        let has = |name: &str| Some(root.join(name)).filter(|path| path.exists());
        let request = Request {
            training: &training,
            platform: Some(
                if self.platform.is_empty() {
                    "linux/amd64"
                } else {
                    self.platform
                }
                .parse()
                .unwrap(),
            ),
            has_own_base: false,
            repository: self
                .repository
                .map(|named| named.parse::<crate::oci::Reference>().unwrap().repository),
            region: None,
            log: has("training.log"),
            hyperparameters: has("hyperparameters.json"),
        };
        let subject = Subject {
            root,
            project: project.as_ref(),
            requirements: None,
            dockerfiles: &dockerfiles,
            request: &request,
            is_alone: true,
        };
        let mut found = offline(&subject, &crate::progress::Silent);
        found.findings.extend(unread);
        found.without_exceptions((&[], ""), |_| true)
    }

    fn training_settings(&self) -> TrainingSettings {
        let given = self
            .training
            .iter()
            .filter(|(key, _)| **key != "function")
            .map(|(key, value)| {
                let given = Given {
                    value: (*value).to_owned(),
                    origin: Some("pyproject.toml:2".to_owned()),
                };
                (*key, given)
            });
        TrainingSettings {
            function: self.training.get("function").map(|name| (*name).to_owned()),
            given: given.collect(),
            metrics: Given {
                value: self.metrics.clone(),
                origin: Some("pyproject.toml:4".to_owned()),
            },
            ..TrainingSettings::default()
        }
    }
}

fn settings() -> ProjectSettings {
    ProjectSettings {
        train: None,
        serve: None,
        initializer: None,
        static_only: true,
        python: PathBuf::from("python3"),
        python_timeout: 1,
        environment: Vec::new(),
        cache_dir: PathBuf::from("/nonexistent"),
        uv: UvSettings::default(),
        read_for: ReadFor::default(),
    }
}

fn dockerfile(root: &Path, text: &str) -> Dockerfile {
    Dockerfile {
        name: "Dockerfile".to_owned(),
        text: Ok(text.to_owned()),
        context: root.to_owned(),
        is_meant: true,
        brings_train: false,
    }
}

fn ids(applied: &Applied) -> Vec<&'static str> {
    applied.findings.iter().map(|finding| finding.rule.id()).collect()
}

fn case() -> Case {
    Case::default()
}

fn setup(old: &str, new: &str) -> Case {
    assert!(SETUP.contains(old), "{old}");
    case().file("setup.py", SETUP.replace(old, new))
}

/// Data may hold modules too, so that nothing is certain.
fn without_data() -> String {
    SETUP.replace("package_data={'iris': ['*', '.*']}, ", "")
}

fn docker(text: &str) -> Case {
    case().dockerfile(text)
}

#[test]
fn each_rule_finds_its_fault_and_nothing_where_there_is_none() {
    let nothing = case().dockerfile(DOCKERFILE).found();
    assert_eq!(ids(&nothing), [] as [&str; 0], "{nothing:?}");
    let mut seen = Vec::new();
    for (id, bad, good) in cases() {
        let (bad, good) = (bad.found(), good.found());
        assert!(ids(&bad).contains(&id), "{id} is not found: {:?}", bad.findings);
        assert!(!ids(&good).contains(&id), "{id} is found: {:?}", good.findings);
        let told = bad.findings.iter().find(|finding| finding.rule.id() == id).unwrap();
        assert_eq!(told.severity, told.rule.severity(), "{id}");
        assert!(!told.message.is_empty() && !told.advice.is_empty(), "{id}");
        seen.push(id);
    }
    let offline = Rule::ALL
        .iter()
        .filter(|rule| !matches!(rule.group(), Group::Image | Group::Aws));
    assert_eq!(seen, offline.map(|rule| rule.id()).collect::<Vec<_>>());
}

#[test]
fn places_are_those_of_the_fault() {
    let (_, bad, _) = cases().into_iter().find(|(id, ..)| *id == "SGB006").unwrap();
    let applied = bad.found();
    let place = applied.findings[0].place.clone().unwrap();
    assert_eq!(
        (place.to_string().as_str(), applied.count(Severity::Error)),
        ("iris/train.py:1:1", 0)
    );
    let applied = case().set("role", "training").found();
    assert_eq!(applied.findings[0].place, Some(Place::line("pyproject.toml", 2)));
}

#[test]
fn what_is_meant_is_not_told() {
    let text = "FROM python:3.11\n# sgbuild: allow[SGB101] only used here\nENTRYPOINT [\"tini\"]\n";
    let applied = case().dockerfile(text).found();
    assert_eq!(ids(&applied), [] as [&str; 0]);
    assert_eq!(applied.allowed[0].1, "only used here");
}

#[test]
fn a_dockerfile_for_something_else_is_no_error() {
    let root = tempfile::tempdir().unwrap();
    let text = "FROM python:3.11\nCOPY a /a\nCMD [\"a\"]\n";
    let other = Dockerfile {
        is_meant: false,
        ..dockerfile(root.path(), text)
    };
    let found = dockerfile::look(&other).findings;
    assert!(
        !found.is_empty() && found.iter().all(|finding| !finding.is_error()),
        "{found:?}"
    );
}

/// Forms that Dockerfiles in use have, and what is said of them.
#[test]
fn what_works_in_a_training_is_no_error() {
    let cases: [(&str, &[&str]); 13] = [
        // What has no end is no here-document.
        ("RUN python -c \"print(1<<n)\"\nENTRYPOINT [\"python\", \"a.py\"]", &[]),
        (
            "RUN cat <<EOF > a\nENTRYPOINT b\nEOF\nENTRYPOINT [\"python\", \"a.py\"]",
            &[],
        ),
        (
            "COPY a /opt/ml/code/\nENTRYPOINT [\"python\", \"/opt/ml/code/a.py\"]",
            &[],
        ),
        ("WORKDIR /opt/ml/processing\nCOPY . .\nENTRYPOINT [\"python3\"]", &[]),
        ("COPY a /opt/ml/checkpoints/\nENTRYPOINT [\"a\"]", &["warning SGB103"]),
        ("COPY a /opt/ml/model/\nENTRYPOINT [\"a\"]", &["warning SGB103"]),
        (
            "COPY a /opt/ml/input/data/train/\nENTRYPOINT [\"a\"]",
            &["error SGB103"],
        ),
        ("ENTRYPOINT exec python a.py", &["warning SGB102"]),
        ("ENTRYPOINT exec a; b", &["error SGB102"]),
        ("ENTRYPOINT ['python', 'a.py']", &["error SGB102"]),
        ("ENTRYPOINT [\"python\", \\\n  # why\n  \"a.py\"]", &[]),
        ("ENTRYPOINT []", &["error SGB104"]),
        ("RUN pip install a\nCMD [\"train.py\"]", &["warning SGB104"]),
    ];
    for (text, expected) in cases {
        let applied = docker(&format!("\u{feff}FROM python:3.11\n{text}\n")).found();
        let told: Vec<String> = applied
            .findings
            .iter()
            .map(|finding| format!("{} {}", finding.severity, finding.rule.id()))
            .collect();
        assert_eq!(told, expected, "{text}: {:?}", applied.findings);
    }
}

#[test]
fn a_dockerfile_of_a_training_says_so() {
    for (text, is_for_training) in [
        ("COPY a /opt/program/", true),
        ("RUN mkdir -p /opt/ml/model", true),
        ("ENV SAGEMAKER_PROGRAM=a.py", true),
        ("RUN pip install sagemaker-training", true),
        ("RUN pip install sagemaker boto3", false),
        ("# calls an endpoint of SageMaker, see /opt/ml", false),
        ("WORKDIR /opt/ml/processing/code", false),
    ] {
        let text = format!("FROM python:3.11\n{text}\n");
        assert_eq!(Dockerfile::is_for_training(&text), is_for_training, "{text}");
    }
    let unread = Dockerfile {
        text: Err("it is not UTF-8".to_owned()),
        is_meant: false,
        ..dockerfile(Path::new("."), "")
    };
    assert!(!dockerfile::look(&unread).findings[0].is_error());
}

#[test]
fn mending_leaves_nothing_to_mend() {
    let root = tempfile::tempdir().unwrap();
    let text = "FROM python:3.11\nENTRYPOINT python train.py --epochs 3\n";
    fs::write(root.path().join("Dockerfile"), text).unwrap();
    let applied = case().dockerfile(text).look(root.path());
    let done = mend(root.path(), &applied.findings).unwrap().done;
    assert_eq!(
        done,
        ["Dockerfile:2: ENTRYPOINT [\"python\", \"train.py\", \"--epochs\", \"3\"]"]
    );
    let mended = fs::read_to_string(root.path().join("Dockerfile")).unwrap();
    assert_eq!(ids(&case().dockerfile(mended).found()), [] as [&str; 0]);
}

#[test]
fn an_empty_init_is_made() {
    let root = tempfile::tempdir().unwrap();
    let bad = case()
        .file(
            "setup.py",
            SETUP
                .replace("package_data={'iris': ['*', '.*']}, ", "")
                .replace("iris.train:main", "iris.rank.train:main"),
        )
        .file("iris/rank/train.py", TRAIN);
    let applied = bad.look(root.path());
    assert_eq!(ids(&applied), ["SGB005"], "{:?}", applied.findings);
    assert_eq!(
        mend(root.path(), &applied.findings).unwrap().done,
        ["iris/rank/__init__.py: made"]
    );
}

#[test]
fn imports_through_the_project_are_followed() {
    let project = case()
        .file(
            "iris/train.py",
            format!("from . import data\nfrom .models import net\n{TRAIN}"),
        )
        .file("iris/data.py", "def load():\n    import pandas as pd\n    return pd\n")
        .file("iris/models/__init__.py", "")
        .file("iris/models/net.py", "import torch\n")
        .file("iris/unused.py", "import tensorflow\n")
        .file(
            "setup.py",
            SETUP.replace("packages=['iris']", "packages=['iris', 'iris.models']"),
        );
    let applied = project.found();
    let told: Vec<String> = applied
        .findings
        .iter()
        .map(|finding| finding.place.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(
        told,
        ["iris/data.py:2:5", "iris/models/net.py:1:1"],
        "{:?}",
        applied.findings
    );
}

#[test]
fn what_a_requirement_may_bring_is_not_missed() {
    for (requirement, import) in [
        ("pandas==2", "numpy"),
        ("opencv-python-headless==4", "cv2"),
        ("scikit-learn==1", "sklearn.linear_model"),
        ("acme-tools==1", "numpy"),
        ("my.other_pkg==1", "my_other_pkg.sub"),
        ("protobuf==4", "google.protobuf"),
        ("lightning==2", "torch"),
    ] {
        let project = setup("numpy==1.26.4", requirement)
            .file("iris/train.py", format!("import {import}\n\n\ndef main():\n    pass\n"));
        assert_eq!(ids(&project.found()), [] as [&str; 0], "{requirement} {import}");
    }
}

#[test]
fn every_rule_has_a_page_with_its_parts() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
    let index = fs::read_to_string(directory.join("README.md")).unwrap();
    for rule in Rule::ALL {
        let (id, page) = (rule.id(), rule.page());
        let head = format!(
            "# {}\n\n`{id}`, `{}`, {}\n\n",
            rule.summary(),
            rule.name(),
            rule.severity()
        );
        assert!(page.starts_with(&head), "{id}: {head}");
        for part in [
            "\n## Why\n\n",
            "\n## Example\n\n",
            "\n```\n",
            "\n## What to do\n\n",
            "\n## If it is meant\n\n",
            "https://",
        ] {
            assert!(
                page.contains(part) || *rule >= Rule::ExceptionWithoutReason,
                "{id} has no {part:?}"
            );
        }
        assert!(
            index.contains(&format!(
                "| [{id}]({id}.md) | `{}` | {} | {} |",
                rule.name(),
                rule.summary(),
                rule.severity()
            )),
            "{id}"
        );
        assert_eq!(Rule::find(id), Some(*rule));
        assert_eq!(Rule::find(rule.name()), Some(*rule));
    }
    let pages = fs::read_dir(directory).unwrap().count();
    assert_eq!(pages, Rule::ALL.len() + 1);
}

/// What [the schema](https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json) requires of what is used of it.
#[test]
fn sarif_is_what_its_schema_says() {
    let applied = case()
        .dockerfile("FROM python:3.11\nENTRYPOINT python train.py\n")
        .metric("(")
        .found();
    let log = sarif(&applied, "1.2.3");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(
        (&driver["name"], &driver["version"]),
        (&json!("sgbuild"), &json!("1.2.3"))
    );
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), applied.findings.len());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(driver["rules"][index]["id"], result["ruleId"]);
        assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
        assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
        let physical = &result["locations"][0]["physicalLocation"];
        assert!(physical["artifactLocation"]["uri"].is_string());
        assert!(physical["region"]["startLine"].as_u64().is_none_or(|line| line > 0));
    }
    for rule in driver["rules"].as_array().unwrap() {
        assert!(rule["help"]["text"].is_string() && rule["shortDescription"]["text"].is_string());
        let keys: Vec<&String> = rule.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "id",
                "name",
                "shortDescription",
                "help",
                "defaultConfiguration",
                "properties"
            ]
        );
    }
    assert!(!log.to_string().contains(": null") && log["$schema"] != Value::Null);
}
