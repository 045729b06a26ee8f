//! What a base image has: pip is the judge of what stays.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

#[tokio::test]
async fn what_the_base_has_stays_where_it_satisfies() {
    let asking = Asking::of(&["torch>=2", "numpy", "flask>=3.0.1", "scipy"]).with_installed(&[
        ("torch", "2.1.0+cu118", "Requires-Dist: numpy"),
        ("numpy", "1.26.0", ""),
        ("Flask", "3.0.0", "Requires-Dist: jinja2"),
        ("MarkupSafe", "2.0.0", ""),
        ("unrelated", "1.0", "Requires-Dist: nobody-has-this"),
    ]);
    let resolution = asking.ask().await.unwrap();
    let names = names(&resolution);
    assert!(names.contains(&"flask") && names.contains(&"scipy"), "{names:?}");
    assert!(!names.contains(&"torch") && !names.contains(&"numpy"), "{names:?}");
    assert_eq!(resolution.replaced.first().map(String::as_str), Some("Flask"));
}

/// What pip would install beside what there is, as its own report has it.
fn pips_additions(python: &Path, requirements: &[&str]) -> Vec<(String, String)> {
    let report = tempfile::NamedTempFile::new().unwrap();
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--dry-run", "--report"])
        .arg(report.path());
    let output = pip.args(requirements).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&fs::read(report.path()).unwrap()).unwrap();
    let install = report["install"].as_array().unwrap().iter();
    let mut found: Vec<_> = install
        .map(|item| {
            let text = |key: &str| item["metadata"][key].as_str().unwrap().to_owned();
            (text("name").to_lowercase().replace('_', "-"), text("version"))
        })
        .collect();
    found.sort();
    found
}

/// Name, version and metadata.
type Told = (String, String, String);

#[tokio::test]
async fn beside_what_is_installed_pip_would_install_the_same() {
    let there = [
        "click==8.1.0",
        "markupsafe==2.1.3",
        "jinja2==3.0.0",
        "werkzeug==2.0.0",
        "requests==2.28.0",
        "urllib3==1.26.0",
    ];
    let place = tempfile::tempdir().unwrap();
    let python = venv(&place, &there);
    let script = "
import importlib.metadata as m, json, sys
print(json.dumps([sys.version_info[:2], [(d.metadata['Name'], d.version, d.read_text('METADATA')) for d in m.distributions()]]))
";
    let said = Command::new(&python).args(["-c", script]).output().unwrap();
    let (python_version, packages): ((u16, u16), Vec<Told>) = serde_json::from_slice(&said.stdout).unwrap();
    for requirements in [
        vec!["flask>=2"],
        vec!["flask>=3"],
        vec!["requests", "boto3"],
        vec!["requests[socks]>=2.31"],
        vec!["urllib3>=2", "requests"],
    ] {
        let mut asking = Asking::of(&requirements);
        asking.target = target("amd64", python_version, DEBIAN);
        asking.installed = packages
            .iter()
            .map(|(name, version, metadata)| Installed {
                name: name.clone(),
                version: version.clone(),
                metadata: metadata.clone(),
            })
            .collect();
        let resolution = asking.ask().await.unwrap();
        let ours: Vec<_> = resolution
            .wheels
            .iter()
            .map(|wheel| (wheel.name.clone(), wheel.version.clone()))
            .collect();
        assert_eq!(ours, pips_additions(&python, &requirements), "{requirements:?}");
    }
}

/// The newest setuptools in the base is not what uv builds with.
#[tokio::test]
async fn what_the_base_has_builds_nothing_here() {
    let newest = Asking::of(&["setuptools"])
        .ask()
        .await
        .unwrap()
        .wheels
        .remove(0)
        .version;
    let mut asking =
        Asking::of(&["docopt==0.6.2"]).with_installed(&[("setuptools", &newest, ""), ("wheel", "0.9", "")]);
    let cache = tempfile::tempdir().unwrap();
    let nothing_yet = ("UV_CACHE_DIR".to_owned(), cache.path().display().to_string());
    asking.uv.environment.push(nothing_yet);
    assert_eq!(names(&asking.ask().await.unwrap()), ["docopt"]);
}
