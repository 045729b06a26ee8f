//! Which wheels fit, and which is best: `packaging` and pip are the judges.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

/// Files of this machine by pip's own choice.
fn pips_choice(judge: &Path, target: &Target, python: &str, platforms: &[&str], requirement: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mut pip = Command::new(judge);
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
    ]);
    pip.args(["--implementation", "cp", "--python-version", python, "--dest"]);
    pip.arg(directory.path());
    pip.args(platforms.iter().map(|tag| format!("--platform={tag}")));
    let output = pip.arg(requirement).output().unwrap();
    assert!(
        output.status.success(),
        "{target}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let file = fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap();
    file.file_name().into_string().unwrap()
}

#[test]
fn the_order_of_tags_is_packagings() {
    let place = tempfile::tempdir().unwrap();
    let judge = venv(&place, &["packaging"]);
    let script = "
import sys
from packaging import tags
minor, platforms = int(sys.argv[1]), sys.argv[2].split(',')
found = [*tags.cpython_tags((3, minor), platforms=platforms), *tags.compatible_tags((3, minor), f'cp3{minor}', platforms)]
print('\\n'.join(f'{t.interpreter}-{t.abi}-{t.platform}' for t in found))
";
    for (target, minor) in [
        (target("amd64", (3, 11), DEBIAN), "11"),
        (target("arm64", (3, 9), Libc::Glibc(2, 17)), "9"),
        (target("amd64", (3, 13), Libc::Musl(1, 2)), "13"),
    ] {
        let platforms = target.platform_tags();
        let output = Command::new(&judge)
            .args(["-c", script, minor, &platforms.join(",")])
            .output()
            .unwrap();
        let theirs = String::from_utf8(output.stdout).unwrap();
        let theirs: Vec<_> = theirs.lines().collect();
        assert!(theirs.len() > 50, "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(target.supported().in_order(), theirs, "{target}");
    }
}

/// The platforms of a C library, as `packaging` finds them where it runs on it.
#[test]
fn the_platforms_of_a_c_library_are_packagings() {
    let place = tempfile::tempdir().unwrap();
    let judge = venv(&place, &["packaging"]);
    let script = "
import sys
from packaging import _manylinux as m, _musllinux as u
kind, major, minor, arch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
if kind == 'glibc':
    m._get_glibc_version = lambda: m._GLibCVersion(major, minor)
    m._have_compatible_abi = lambda *a: True
    m._is_compatible = lambda *a: True
    found = m.platform_tags([arch])
else:
    u._get_musl_version = lambda *a: u._MuslVersion(major, minor)
    found = u.platform_tags([arch])
print('\\n'.join([*found, f'linux_{arch}']))
";
    for (architecture, machine, libc, words) in [
        ("amd64", "x86_64", DEBIAN, ["glibc", "2", "36"]),
        ("arm64", "aarch64", Libc::Glibc(2, 28), ["glibc", "2", "28"]),
        ("amd64", "x86_64", Libc::Musl(1, 2), ["musl", "1", "2"]),
    ] {
        let output = Command::new(&judge)
            .args(["-c", script])
            .args(words)
            .arg(machine)
            .output()
            .unwrap();
        let theirs = String::from_utf8(output.stdout).unwrap();
        let theirs: Vec<_> = theirs.lines().collect();
        let ours = target(architecture, (3, 11), libc).platform_tags();
        assert_eq!(ours, theirs, "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test]
async fn of_a_versions_wheels_pip_would_choose_the_same() {
    let place = tempfile::tempdir().unwrap();
    let judge = venv(&place, &["packaging"]);
    let target = target("amd64", (3, 11), DEBIAN);
    let platforms = target.platform_tags();
    let platforms: Vec<_> = platforms.iter().map(String::as_str).collect();
    for requirement in [
        "numpy==1.26.4",
        "cryptography==42.0.5",
        "psutil==5.9.8",
        "markupsafe==2.1.5",
        "charset-normalizer==3.3.2",
    ] {
        let asking = Asking {
            locked: true,
            ..Asking::of(&[requirement])
        };
        let ours = asking.ask().await.unwrap().wheels.remove(0).file_name;
        let pips = pips_choice(&judge, &target, "3.11", &platforms, requirement);
        assert_eq!(ours, pips);
    }
}

/// Sets of requirements as people have them, with what pip would install of each: names of files.
#[tokio::test]
async fn of_real_sets_pip_would_install_the_same_files() {
    let place = tempfile::tempdir().unwrap();
    let judge = venv(&place, &["packaging"]);
    let target = target("amd64", (3, 11), DEBIAN);
    let platforms = target.platform_tags();
    for requirements in [
        vec!["flask", "gunicorn", "gevent"],
        vec!["pandas<2.2", "scikit-learn", "joblib"],
        vec!["boto3", "nothing-of-that-name ; python_version < '3'", "pyyaml"],
        vec!["fastapi[standard]", "uvicorn"],
        vec!["requests>=2.0,<3", "cryptography", "lxml", "pillow"],
    ] {
        let directory = tempfile::tempdir().unwrap();
        let report = directory.path().join("report.json");
        let mut pip = Command::new(&judge);
        pip.args(["-m", "pip", "install", "--quiet", "--dry-run", "--only-binary", ":all:"]);
        pip.args(["--implementation", "cp", "--python-version", "3.11", "--target"]);
        pip.arg(directory.path().join("target")).arg("--report").arg(&report);
        pip.args(platforms.iter().map(|tag| format!("--platform={tag}")));
        let output = pip.args(&requirements).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
        let urls = report["install"].as_array().unwrap().iter();
        let mut theirs: Vec<_> = urls
            .map(|item| {
                let url = item["download_info"]["url"].as_str().unwrap();
                url.rsplit('/').next().unwrap().replace("%2B", "+")
            })
            .collect();
        let asking = Asking {
            target: target.clone(),
            ..Asking::of(&requirements)
        };
        let resolution = asking.ask().await.unwrap();
        let mut ours: Vec<_> = resolution.wheels.into_iter().map(|wheel| wheel.file_name).collect();
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs, "{requirements:?}");
    }
}
