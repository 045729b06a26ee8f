//! Against the index that this machine's settings name, as uv and pip find it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::engine::native::Libc;
use crate::explain::Report;
use crate::oci::Platform;
use crate::progress::Silent;
use crate::settings::{Environment, Settings};

const DEBIAN: Libc = Libc::Glibc(2, 36);

struct Asking {
    requirements: Vec<String>,
    constraints: Vec<String>,
    locked: bool,
    target: Target,
    installed: Vec<Installed>,
    uv: UvSettings,
    upgrade: bool,
    cache: TempDir,
}

impl Asking {
    fn of(requirements: &[&str]) -> Self {
        let nowhere = tempfile::tempdir().unwrap();
        let environment = Environment::new(std::env::vars().collect());
        let settings = Settings::resolve(nowhere.path(), Vec::new(), environment).unwrap();
        Self {
            requirements: requirements.iter().map(|line| (*line).to_owned()).collect(),
            constraints: Vec::new(),
            locked: false,
            target: target("amd64", (3, 11), DEBIAN),
            installed: Vec::new(),
            uv: settings.uv(),
            upgrade: false,
            cache: tempfile::tempdir().unwrap(),
        }
    }

    fn with_installed(mut self, packages: &[(&str, &str, &str)]) -> Self {
        self.installed = packages
            .iter()
            .map(|(name, version, more)| installed(name, version, more))
            .collect();
        self
    }

    fn store(&self) -> Store {
        Store::open(&self.cache.path().join("sgbuild"), u64::MAX, &Silent).unwrap()
    }

    async fn ask(&self) -> Result<Resolution, Error> {
        let question = Question {
            requirements: &self.requirements,
            constraints: &self.constraints,
            locked: self.locked,
            target: &self.target,
            python_full: None,
            installed: &self.installed,
            uv: &self.uv,
            upgrade: self.upgrade,
            no_cache: false,
        };
        resolve(&question, &self.store(), &Sites::of(&self.uv), &Silent).await
    }

    async fn told(&self) -> String {
        let error = self.ask().await.unwrap_err();
        let report = Report::of(&error);
        format!(
            "{}\n{}\n{}",
            report.title,
            report.log.unwrap_or_default(),
            report.advice.hints.join("\n")
        )
    }
}

fn target(architecture: &str, python: (u16, u16), libc: Libc) -> Target {
    Target {
        platform: Platform::new("linux", architecture),
        python,
        libc,
    }
}

fn installed(name: &str, version: &str, more: &str) -> Installed {
    Installed {
        name: name.to_owned(),
        version: version.to_owned(),
        metadata: format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}\n"),
    }
}

fn names(resolution: &Resolution) -> Vec<&str> {
    resolution.wheels.iter().map(|wheel| wheel.name.as_str()).collect()
}

/// Files of this machine by pip's own choice.
fn pips_choice(target: &Target, python: &str, platforms: &[&str], requirement: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mut pip = Command::new(venv().join("bin/python"));
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

/// A virtual environment with the packages that judge, made once a run.
fn venv() -> PathBuf {
    static VENV: std::sync::OnceLock<TempDir> = std::sync::OnceLock::new();
    let venv = VENV.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let run = |program: &Path, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        run(
            Path::new("python3"),
            &["-m", "venv", directory.path().to_str().unwrap()],
        );
        let python = directory.path().join("bin/python");
        run(
            &python,
            &["-m", "pip", "install", "--quiet", "--upgrade", "pip", "packaging"],
        );
        directory
    });
    venv.path().to_owned()
}

#[tokio::test]
async fn open_requirements_come_to_wheels_that_are_fetched_once() {
    let asking = Asking::of(&["# of the package", "flask", "markupsafe>=2"]);
    let resolution = asking.ask().await.unwrap();
    assert!(names(&resolution).contains(&"jinja2"), "{resolution:?}");
    let requested: Vec<_> = resolution.wheels.iter().filter(|wheel| wheel.requested).collect();
    let requested: Vec<_> = requested.iter().map(|wheel| wheel.name.as_str()).collect();
    assert_eq!(requested, ["flask", "markupsafe"]);
    let store = asking.store();
    let sites = Sites::of(&asking.uv);
    let wheels = store.fetch(&resolution.wheels, &sites, &Silent).await.unwrap();
    let compiled = wheels.iter().find(|wheel| wheel.name == "markupsafe").unwrap();
    assert!(compiled.file_name.contains("cp311-cp311-manylinux"), "{compiled:?}");
    assert_eq!(Digest::of(&fs::read(&compiled.path).unwrap()), compiled.digest);
    // Nobody is asked again: neither the index, nor for a file.
    let mut offline = UvSettings {
        program: Some("/nonexistent/uv".into()),
        ..asking.uv.clone()
    };
    offline
        .environment
        .push(("ALL_PROXY".to_owned(), "http://127.0.0.1:9".to_owned()));
    let sites = Sites::of(&offline);
    let again = Asking { uv: offline, ..asking };
    assert_eq!(again.ask().await.unwrap(), resolution);
    assert_eq!(store.fetch(&resolution.wheels, &sites, &Silent).await.unwrap(), wheels);
    let anew = Asking { upgrade: true, ..again };
    assert!(matches!(anew.ask().await, Err(Error::Uv(_))));
}

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

#[tokio::test]
async fn a_hash_decides_which_file_it_is() {
    let resolution = Asking::of(&["six==1.16.0"]).ask().await.unwrap();
    let Source::File(remote) = &resolution.wheels[0].source else {
        panic!("{resolution:?}")
    };
    let hash = remote.sha256.clone().unwrap();
    let line = format!("six==1.16.0 \\\n    --hash={hash}");
    let locked = Asking::of(&[&line]).ask().await.unwrap();
    assert_eq!(locked.wheels[0].hashes, [hash.as_str()]);
    let zeros = "0".repeat(64);
    let told = Asking::of(&[&format!("six==1.16.0 --hash=sha256:{zeros}")])
        .told()
        .await;
    assert!(
        told.starts_with("the requirements allow none of the files that there are of six: six-1.16.0-py2.py3"),
        "{told}"
    );
    let told = Asking::of(&[&line, "markupsafe"]).told().await;
    assert!(
        told.starts_with("the requirements have hashes, and none for markupsafe"),
        "{told}"
    );
}

#[tokio::test]
async fn the_target_decides_and_not_this_machine() {
    for (target, marked) in [
        (target("arm64", (3, 12), Libc::Glibc(2, 41)), "cp312-cp312-manylinux"),
        (target("amd64", (3, 10), Libc::Glibc(2, 29)), "cp310-cp310-manylinux"),
        (
            target("amd64", (3, 12), Libc::Musl(1, 2)),
            "cp312-cp312-musllinux_1_2_x86_64",
        ),
    ] {
        let asking = Asking {
            target: target.clone(),
            ..Asking::of(&[
                "markupsafe==3.0.2 ; platform_machine != 'none'",
                "colorama ; sys_platform == 'win32'",
            ])
        };
        let resolution = asking.ask().await.unwrap();
        assert_eq!(names(&resolution), ["markupsafe"], "{target}");
        assert!(
            resolution.wheels[0].file_name.contains(marked),
            "{target}: {resolution:?}"
        );
    }
    let old = Asking {
        target: target("amd64", (3, 11), Libc::Glibc(2, 12)),
        ..Asking::of(&["six"])
    };
    let told = old.told().await;
    assert!(told.contains("glibc 2.12: uv has no name for that platform"), "{told}");
}

#[tokio::test]
async fn constraints_and_a_lock_limit_what_comes() {
    let mut asking = Asking::of(&["flask"]);
    asking.constraints = vec!["# of the project".to_owned(), "flask==3.0.0".to_owned()];
    asking.locked = true;
    let resolution = asking.ask().await.unwrap();
    assert_eq!(names(&resolution), ["flask"]);
    assert_eq!(resolution.wheels[0].version, "3.0.0");
}

#[tokio::test]
async fn what_cannot_be_met_is_told_in_uvs_words() {
    let told = Asking::of(&["flask==3.0.0", "werkzeug<3"]).told().await;
    assert!(told.contains("glibc 2.36") && told.contains("flask"), "{told}");
    assert!(
        told.ends_with("Change the requirements so that they can be met together."),
        "{told}"
    );
}

#[tokio::test]
async fn what_this_engine_cannot_is_refused_by_name() {
    for (line, title) in [
        ("--prefer-binary", "the native engine cannot install `--prefer-binary`"),
        (
            "-e git+https://h.example/r.git#egg=r",
            "the native engine cannot install `-e git+https://h.example/r.git#egg=r`",
        ),
        ("-r other.txt", "the native engine cannot install the file `other.txt`"),
        (
            "six --global-option=x",
            "the native engine cannot install `--global-option` of six",
        ),
    ] {
        let told = Asking::of(&[line]).told().await;
        assert!(told.starts_with(title), "{told}");
        assert!(
            told.ends_with("Or build the image with Docker: --engine docker."),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_package_without_wheels_is_built_once() {
    let asking = Asking::of(&["docopt==0.6.2"]);
    let resolution = asking.ask().await.unwrap();
    let Source::Built { digest, .. } = &resolution.wheels[0].source else {
        panic!("{resolution:?}")
    };
    assert!(resolution.wheels[0].file_name.starts_with("docopt-0.6.2-py"));
    assert!(resolution.wheels[0].requested);
    let store = asking.store();
    let sites = Sites::of(&asking.uv);
    let wheel = store.fetch_one(&resolution.wheels[0], &sites, &Silent).await.unwrap();
    assert_eq!(&wheel.digest, digest);
    // Asked anew, but not built anew.
    let again = Asking {
        upgrade: true,
        ..asking
    };
    assert_eq!(again.ask().await.unwrap().wheels, resolution.wheels);
}

#[tokio::test]
async fn what_must_be_compiled_is_refused_with_the_ways_out() {
    let there = Asking::of(&["--no-binary markupsafe", "markupsafe==3.0.2"])
        .told()
        .await;
    assert!(
        there.starts_with("markupsafe 3.0.2 was built, but markupsafe-3.0.2-cp311-cp311-linux_x86_64.whl"),
        "{there}"
    );
    let elsewhere = Asking {
        target: target("arm64", (3, 11), DEBIAN),
        ..Asking::of(&["docopt"])
    };
    let told = elsewhere.told().await;
    assert!(
        told.starts_with("docopt 0.6.2 must be built, as no wheel of it fits"),
        "{told}"
    );
}

#[test]
fn the_order_of_tags_is_packagings() {
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
        let output = Command::new(venv().join("bin/python"))
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
        let output = Command::new(venv().join("bin/python"))
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
        let pips = pips_choice(&target, "3.11", &platforms, requirement);
        assert_eq!(ours, pips);
    }
}

#[tokio::test]
async fn a_commit_is_built_of_its_repository() {
    let repository = tempfile::tempdir().unwrap();
    let root = repository.path();
    fs::create_dir_all(root.join("below/src/tinypack")).unwrap();
    fs::write(root.join("below/src/tinypack/__init__.py"), "").unwrap();
    let project = "[project]\nname = 'tinypack'\nversion = '1.5'\n[build-system]\nrequires = ['setuptools']\n\
                   build-backend = 'setuptools.build_meta'\n[tool.uv.sources]\nsetuptools = { path = '/nonexistent' }\n";
    fs::write(root.join("below/pyproject.toml"), project).unwrap();
    let git = |arguments: &[&str]| {
        let who = ["-c", "user.name=a", "-c", "user.email=a@b.example"];
        let output = Command::new("git")
            .arg("-C")
            .arg(root)
            .args(who)
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "one"]);
    let commit = git(&["rev-parse", "HEAD"]);
    let place = format!("git+file://{}", root.display());
    for line in [
        format!("tinypack @ {place}@{commit}#subdirectory=below"),
        format!("{place}#subdirectory=below&egg=tinypack"),
    ] {
        let asking = Asking::of(&[&line]);
        let resolution = asking.ask().await.unwrap();
        let wheel = &resolution.wheels[0];
        assert_eq!(
            (wheel.version.as_str(), wheel.file_name.as_str()),
            ("1.5", "tinypack-1.5-py3-none-any.whl")
        );
        assert!(wheel.requested, "{line}");
        let Source::Built { of, .. } = &wheel.source else {
            panic!("{wheel:?}")
        };
        assert!(of.ends_with(&commit), "{of}");
    }
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
    let directory = tempfile::tempdir().unwrap();
    let run = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(
        Path::new("python3"),
        &["-m", "venv", directory.path().to_str().unwrap()],
    );
    let python = directory.path().join("bin/python");
    let there = [
        "click==8.1.0",
        "markupsafe==2.0.0",
        "jinja2==3.0.0",
        "werkzeug==2.0.0",
        "requests==2.28.0",
        "urllib3==1.26.0",
    ];
    run(&python, &[&["-m", "pip", "install", "--quiet"][..], &there].concat());
    let script = "
import importlib.metadata as m, json, sys
print(json.dumps([sys.version_info[:2], [(d.metadata['Name'], d.version, d.read_text('METADATA')) for d in m.distributions()]]))
";
    let said = run(&python, &["-c", script]);
    let (python_version, packages): ((u16, u16), Vec<Told>) = serde_json::from_str(&said).unwrap();
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

/// An index of one wheel, which asks for a password.
struct PrivateIndex {
    server: std::process::Child,
    host: String,
    directory: TempDir,
}

impl PrivateIndex {
    fn start() -> Self {
        use std::io::BufRead as _;
        let directory = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/private_index.py");
        let mut python = Command::new("python3");
        python
            .arg(script)
            .args(["127.0.0.1", "me", "hunter2"])
            .arg(directory.path());
        let mut server = python.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut host = String::new();
        std::io::BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut host)
            .unwrap();
        Self {
            server,
            host: host.trim().to_owned(),
            directory,
        }
    }

    fn asking(&self, requirements: &[&str]) -> Asking {
        let mut asking = Asking::of(requirements);
        let index = format!("http://me:hunter2@{}/simple", self.host);
        asking
            .uv
            .environment
            .retain(|(name, _)| !name.starts_with("UV_FIND_LINKS"));
        asking.uv.environment.push(("UV_DEFAULT_INDEX".to_owned(), index));
        asking
    }
}

impl Drop for PrivateIndex {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[tokio::test]
async fn a_private_index_hears_its_password_and_nothing_keeps_it() {
    let index = PrivateIndex::start();
    let asking = index.asking(&["privatepkg"]);
    let resolution = asking.ask().await.unwrap();
    let store = asking.store();
    store
        .fetch(&resolution.wheels, &Sites::of(&asking.uv), &Silent)
        .await
        .unwrap();
    drop(store);
    for file in walkdir::WalkDir::new(asking.cache.path()) {
        let file = file.unwrap();
        if file.file_type().is_file() {
            let bytes = fs::read(file.path()).unwrap();
            assert!(
                !String::from_utf8_lossy(&bytes).contains("hunter2"),
                "{}",
                file.path().display()
            );
        }
    }
    // Without it, one is told.
    let mut nobody = index.asking(&["privatepkg"]);
    nobody.uv.environment.retain(|(name, _)| name != "UV_DEFAULT_INDEX");
    nobody
        .uv
        .environment
        .push(("UV_DEFAULT_INDEX".to_owned(), format!("http://{}/simple", index.host)));
    let told = nobody.told().await;
    assert!(told.contains("401 Unauthorized"), "{told}");
    let store = nobody.store();
    let denied = store
        .fetch(&resolution.wheels, &Sites::of(&nobody.uv), &Silent)
        .await
        .unwrap_err();
    assert_eq!(
        denied.to_string(),
        "127.0.0.1 does not give privatepkg-1.0-py3-none-any.whl to just anybody"
    );
}

#[tokio::test]
async fn a_url_is_a_wheel_like_any_other() {
    let index = PrivateIndex::start();
    let url = format!("http://{}/files/privatepkg-1.0-py3-none-any.whl", index.host);
    for line in [format!("privatepkg @ {url}"), url.clone()] {
        let resolution = index.asking(&[&line]).ask().await.unwrap();
        let wheel = &resolution.wheels[0];
        assert_eq!(
            (wheel.name.as_str(), wheel.version.as_str(), wheel.requested),
            ("privatepkg", "1.0", true)
        );
    }
    // uv does not look at a file whose hash is said.
    let zeros = "0".repeat(64);
    let asking = index.asking(&[&format!("privatepkg @ {url}#sha256={zeros}")]);
    let resolution = asking.ask().await.unwrap();
    let fetched = asking.store().fetch(&resolution.wheels, &Sites::of(&asking.uv), &Silent).await;
    let told = fetched.unwrap_err().to_string();
    assert!(told.ends_with(&format!("and not sha256:{zeros}")), "{told}");
    // What the base has in that version is replaced: the URL may be another build of it.
    let over = index
        .asking(&[&format!("privatepkg @ {url}")])
        .with_installed(&[("privatepkg", "1.0", "")]);
    assert_eq!(over.ask().await.unwrap().replaced, ["privatepkg"]);
}

#[tokio::test]
async fn a_wheel_of_this_machine_is_looked_at_each_time() {
    let index = PrivateIndex::start();
    let mut asking = Asking::of(&["privatepkg"]);
    let links = index.directory.path().display().to_string();
    asking.uv.environment.retain(|(name, _)| name != "UV_FIND_LINKS");
    asking.uv.environment.push(("UV_FIND_LINKS".to_owned(), links));
    asking.uv.index_arguments = vec!["--no-index".to_owned()];
    let first = asking.ask().await.unwrap();
    let sites = Sites::of(&asking.uv);
    let kept = asking.store().fetch(&first.wheels, &sites, &Silent).await.unwrap();
    let file = index.directory.path().join(&kept[0].file_name);
    assert_eq!(fs::read(&kept[0].path).unwrap(), fs::read(&file).unwrap());
    let made = Command::new("python3")
        .args([
            "-c",
            "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'a').writestr('more.py', '')",
        ])
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    let second = asking.ask().await.unwrap();
    assert_ne!(first.wheels[0].source, second.wheels[0].source);
    let replaced = asking
        .store()
        .fetch_one(&first.wheels[0], &sites, &Silent)
        .await
        .unwrap();
    assert_eq!(replaced.digest, kept[0].digest);
    asking.store().discard(&replaced.digest);
    let error = asking
        .store()
        .fetch_one(&first.wheels[0], &sites, &Silent)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("has the digest"), "{error}");
}

#[tokio::test]
async fn a_build_comes_to_the_same_bytes() {
    let (one, other) = (Asking::of(&["docopt==0.6.2"]), Asking::of(&["docopt==0.6.2"]));
    let first = one.ask().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(first.wheels, other.ask().await.unwrap().wheels);
}
