//! Where a wheel is from: an index with a password, a URL, a directory, a build.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

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
async fn nothing_is_built_where_no_code_may_run() {
    for requirement in [
        "docopt==0.6.2",
        "--no-binary tabulate",
        "git+https://git.invalid/a/b.git",
    ] {
        let mut lines = vec![requirement];
        lines.extend(requirement.starts_with("--").then_some("tabulate"));
        let told = Asking {
            may_build: false,
            ..Asking::of(&lines)
        };
        let told = told.told().await;
        assert!(told.contains("--static"), "{requirement}: {told}");
    }
    let wheels = Asking {
        may_build: false,
        ..Asking::of(&["six"])
    };
    assert_eq!(wheels.ask().await.unwrap().wheels.len(), 1);
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
    let fetched = asking
        .store()
        .fetch(&resolution.wheels, &Sites::of(&asking.uv), &Silent)
        .await;
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
