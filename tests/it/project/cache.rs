//! What sgbuild keeps in the cache directory: runs that are killed, other users, links, disks that are full.
//!
//! The tests run as root, as the testbed does: directories of other users are made by giving them away.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use insta::assert_snapshot;

use super::hooks::computing;
use super::installer::fetched;
use crate::support::{Ran, Sandbox};

/// Nobody here.
const STRANGER: u32 = 4711;

/// A project that Python must be asked about, a uv, and a home directory with nothing in it.
fn at_home(code: &str) -> Sandbox {
    let sandbox = computing(code)
        .with("SGBUILD_UV", fetched().display().to_string())
        .without("XDG_CACHE_HOME");
    // uv's downloads of other tests, so that a new environment takes no time.
    let downloads = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("cache/uv")
        .display()
        .to_string();
    sandbox.with("UV_CACHE_DIR", downloads)
}

/// The same, with a build backend of the project's own, so that the environment is made in a moment: there is nothing in it.
fn at_home_with_nothing() -> Sandbox {
    let sandbox = at_home("");
    fs::remove_file(sandbox.project().join("setup.py")).unwrap();
    sandbox.write(
        "pyproject.toml",
        "[build-system]\nrequires = []\nbuild-backend = \"own\"\nbackend-path = [\"backend\"]\n",
    );
    let backend = "import pathlib
def prepare_metadata_for_build_wheel(directory, config_settings=None):
    made = pathlib.Path(directory, 'a-1.dist-info')
    made.mkdir()
    (made / 'METADATA').write_text('Metadata-Version: 2.1\\nName: a\\nVersion: 1\\n')
    (made / 'entry_points.txt').touch()
    return made.name
";
    sandbox.write("backend/own.py", backend);
    sandbox
}

fn environments(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join(".cache/sgbuild/build-environments")
}

/// The environments that are there, complete or not.
fn directories(sandbox: &Sandbox) -> Vec<PathBuf> {
    let entries = fs::read_dir(environments(sandbox)).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_dir()).collect()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// What somebody does to a directory.
type Spoil = fn(&Path);

/// Puts a program in the place of an environment's interpreter that tells that it ran.
fn plant(environment: &Path, canary: &Path) {
    let python = environment.join("bin/python");
    fs::remove_file(&python).unwrap();
    fs::write(&python, format!("#!/bin/sh\ntouch {}\n", canary.display())).unwrap();
    set_mode(&python, 0o755);
}

#[test]
fn a_run_after_one_that_was_killed_succeeds() {
    // From the first moments of the environment to the time after it is complete, on a machine that is slow or not.
    for milliseconds in [30, 90, 180, 300, 500, 900] {
        let sandbox = at_home("");
        let mut child = sandbox
            .command(&["inspect"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        // What it started writes on meanwhile.
        let ran = sandbox.run(&["inspect", "--json"]);
        assert_eq!(ran.exits(0).json()["version"], "1", "killed after {milliseconds} ms");
    }
}

#[test]
fn what_a_killed_run_left_is_removed_when_nobody_writes_in_it() {
    let sandbox = at_home("");
    let slow = sandbox.home().join("slow-uv");
    let pid = sandbox.home().join("pid");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = venv ] || exec {} \"$@\"\nfor directory; do :; done\necho half > \"$directory/half\"\necho $$ > {}\nexec sleep 60\n",
        fetched().display(),
        pid.display()
    );
    fs::write(&slow, script).unwrap();
    set_mode(&slow, 0o755);
    let mut command = sandbox.command(&["inspect"]);
    command
        .env("SGBUILD_UV", &slow)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    while !fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n')) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before uv started");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let [half] = directories(&sandbox).try_into().unwrap();
    sandbox.run(&["inspect"]).exits(0);
    assert!(half.join("half").exists(), "it is removed while uv may write in it");
    let pid = fs::read_to_string(&pid).unwrap();
    let killed = Command::new("kill").args(["-KILL", pid.trim()]).status().unwrap();
    assert!(killed.success());
    while Path::new("/proc").join(pid.trim()).join("exe").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    // Whoever makes another one looks around.
    sandbox.write("pyproject.toml", "[build-system]\nrequires = [\"setuptools>=40.1\"]\n");
    sandbox.run(&["inspect"]).exits(0);
    assert!(!half.exists());
    assert_eq!(directories(&sandbox).len(), 2);
}

#[test]
fn what_a_killed_fetch_left_is_removed() {
    let sandbox = at_home_with_nothing().without("SGBUILD_UV");
    let kept = sandbox.home().join(".cache/sgbuild/uv");
    let program = kept.join("0.13/bin/uv");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::copy(fetched(), &program).unwrap();
    let left = kept.join(".new-0a0a0a0a");
    fs::create_dir(&left).unwrap();
    let lock = fs::File::create(kept.join(".new-0a0a0a0a.lock")).unwrap();
    lock.lock().unwrap();
    sandbox.run(&["inspect"]).exits(0);
    assert!(left.exists(), "it is removed while pip may write in it");
    drop(lock);
    fs::remove_dir_all(environments(&sandbox)).unwrap();
    sandbox.run(&["inspect"]).exits(0);
    assert!(!left.exists());
    assert!(program.is_file());
}

#[test]
fn every_level_that_is_made_is_the_users_alone() {
    let sandbox = at_home_with_nothing();
    sandbox.run(&["inspect"]).exits(0);
    let [environment] = directories(&sandbox).try_into().unwrap();
    for level in environment.ancestors().take(4) {
        assert_eq!(mode(level), 0o700, "{}", level.display());
    }
}

#[test]
fn what_another_user_can_replace_is_not_run() {
    let spoiled: [(&str, Spoil); 6] = [
        (".cache", |level| chown(level, Some(STRANGER), None).unwrap()),
        (".cache", |level| set_mode(level, 0o777)),
        (".cache/sgbuild", |level| chown(level, Some(STRANGER), None).unwrap()),
        (".cache/sgbuild", |level| set_mode(level, 0o1777)),
        (".cache/sgbuild/build-environments", |level| set_mode(level, 0o775)),
        (".cache/sgbuild/build-environments", |level| {
            let moved = level.with_extension("moved");
            fs::rename(level, &moved).unwrap();
            symlink(&moved, level).unwrap();
        }),
    ];
    for (level, spoil) in spoiled {
        let sandbox = at_home_with_nothing();
        sandbox.run(&["inspect"]).exits(0);
        let [environment] = directories(&sandbox).try_into().unwrap();
        let canary = sandbox.home().join("canary");
        plant(&environment, &canary);
        let level = sandbox.home().join(level);
        spoil(&level);
        let ran = sandbox.run(&["inspect", "--json"]).exits(0);
        assert_eq!(ran.json()["version"], "1");
        assert!(!canary.exists(), "{}", level.display());
        ran.says(&["The environment is not kept: cannot use ", &level.display().to_string()]);
    }
}

#[test]
fn an_environment_that_is_another_users_or_a_link_is_made_anew() {
    let spoiled: [Spoil; 3] = [
        |environment| chown(environment, Some(STRANGER), None).unwrap(),
        |environment| set_mode(environment, 0o777),
        |environment| {
            let elsewhere = environment.ancestors().nth(4).unwrap().join("elsewhere");
            fs::rename(environment, &elsewhere).unwrap();
            symlink(elsewhere, environment).unwrap();
        },
    ];
    for spoil in spoiled {
        let sandbox = at_home_with_nothing();
        sandbox.run(&["inspect"]).exits(0);
        let [environment] = directories(&sandbox).try_into().unwrap();
        let canary = sandbox.home().join("canary");
        plant(&environment, &canary);
        spoil(&environment);
        sandbox.run(&["inspect"]).exits(0).says(&["Preparing Python"]);
        assert!(!canary.exists());
        assert!(!environment.is_symlink());
        if let Ok(elsewhere) = fs::metadata(sandbox.home().join("elsewhere/bin/python")) {
            assert!(elsewhere.is_file(), "what a link leads to is not ours to remove");
        }
    }
}

#[test]
fn without_a_home_directory_each_user_has_one_of_his_own() {
    let sandbox = at_home_with_nothing();
    let shared = sandbox.home().join("shared");
    fs::create_dir(&shared).unwrap();
    set_mode(&shared, 0o1777);
    let sandbox = sandbox.without("HOME").with("TMPDIR", shared.display().to_string());
    sandbox.run(&["inspect"]).exits(0);
    let again = sandbox.run(&["inspect"]).exits(0);
    assert!(!again.stderr.contains("Preparing Python"), "{}", again.stderr);
    let own = shared.join("sgbuild-0");
    assert_eq!(mode(&own), 0o700);

    // Another user was there before.
    fs::remove_dir_all(&own).unwrap();
    for name in ["sgbuild", "sgbuild-0"] {
        fs::create_dir(shared.join(name)).unwrap();
        set_mode(&shared.join(name), 0o777);
        chown(shared.join(name), Some(STRANGER), None).unwrap();
    }
    let ran = sandbox.run(&["inspect", "--json"]).exits(0);
    assert_eq!(ran.json()["version"], "1");
    ran.says(&[&format!("{} belongs to another user", own.display())]);
    for name in ["sgbuild", "sgbuild-0"] {
        assert_eq!(fs::read_dir(shared.join(name)).unwrap().count(), 0, "{name}");
    }
}

#[test]
fn a_directory_for_temporary_files_that_others_can_exchange_is_refused() {
    let sandbox = at_home("");
    let shared = sandbox.home().join("shared");
    fs::create_dir(&shared).unwrap();
    set_mode(&shared, 0o777);
    let sandbox = sandbox.with("TMPDIR", shared.display().to_string());
    let ran = sandbox.run(&["inspect"]).exits(1);
    assert_eq!(fs::read_dir(&shared).unwrap().count(), 0);
    assert_snapshot!(sandbox.transcript(&ran), @r"
    exit 1
    --- stdout
    --- stderr
    error[cache-unusable]: cannot use [SANDBOX]/home/shared: others may write there
      hint: Name a directory for temporary files that you may write in, and nobody else, with TMPDIR.
    ");
}

/// Runs it where the directories are disks of their own, with so many KiB.
fn on_small_disks(sandbox: &Sandbox, disks: &[(&Path, usize)]) -> Ran {
    let mount = |(place, kib): &(&Path, usize)| {
        fs::create_dir_all(place).unwrap();
        format!("mount -t tmpfs -o size={kib}k,mode=700 none {}; ", place.display())
    };
    let mounts: String = disks.iter().map(mount).collect();
    let own = sandbox.command(&["inspect", "--json"]);
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-e", "-c"])
        .arg(format!("{mounts}exec {} inspect --json", own.get_program().display()))
        .current_dir(sandbox.project())
        .env_clear()
        .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Ran::new(&["inspect", "--json"], command.output().unwrap())
}

#[test]
fn where_the_cache_is_full_the_environment_is_for_this_run() {
    let sandbox = at_home("");
    let cache = sandbox.home().join(".cache");
    // Room for nothing, and for the beginning.
    for kib in [8, 512] {
        let ran = on_small_disks(&sandbox, &[(&cache, kib)]).exits(0);
        assert_eq!(ran.json()["version"], "1");
        ran.says(&["The environment is not kept: "]);
    }
}

#[test]
fn where_every_disk_is_full_it_is_told() {
    let sandbox = at_home("");
    let (cache, temporary) = (sandbox.home().join(".cache"), sandbox.home().join("tmp"));
    let sandbox = sandbox.with("TMPDIR", temporary.display().to_string());
    on_small_disks(&sandbox, &[(&cache, 512), (&temporary, 512)])
        .exits(1)
        .says(&["No space left on device", "hint: Free some space: "]);
}

#[test]
fn where_there_is_no_room_for_uv_it_is_for_this_run() {
    let sandbox = at_home("").without("SGBUILD_UV");
    let cache = sandbox.home().join(".cache");
    let ran = on_small_disks(&sandbox, &[(&cache, 4096)]).exits(0);
    ran.says(&["Fetching uv 0.13, for this once: there is no room left in "]);
}

#[test]
fn any_number_is_a_time_limit() {
    let sandbox = at_home("").with("SGBUILD_PYTHON_TIMEOUT", u64::MAX.to_string());
    sandbox.run(&["inspect"]).exits(0);
    sandbox.write("pyproject.toml", "[tool.sgbuild]\npython-timeout = 0\n");
    let ran = sandbox.without("SGBUILD_PYTHON_TIMEOUT").run(&["inspect"]).exits(2);
    ran.says(&["pyproject.toml:2: `python-timeout` is `0`, and a whole number, 1 or more, is expected"]);
}

/// uv configured to write into the project and to ask nobody's index.
const STEERING: &str = "cache-dir = \"./steered\"\nindex-url = \"http://127.0.0.1:9/simple\"\nno-index = true\n";

#[test]
fn the_project_does_not_configure_uv() {
    let sandbox = computing("").with("SGBUILD_UV", fetched().display().to_string());
    let cache = sandbox.home().join("cache").display().to_string();
    let sandbox = sandbox.with("XDG_CACHE_HOME", cache);
    sandbox.write("uv.toml", STEERING);
    let above = sandbox.project().parent().unwrap().join("uv.toml");
    fs::write(&above, STEERING).unwrap();
    sandbox.run(&["inspect"]).exits(0);
    assert!(!sandbox.project().join("steered").exists());
    assert!(!above.with_file_name("steered").exists());
}
