use super::*;
use crate::progress::Silent;

fn shell<'a>(script: &str, seconds: u64) -> Run<'a> {
    Run {
        what: "the script",
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        directory: Path::new("/"),
        seconds,
    }
}

/// Whether the process whose id the file holds is there; waits for the file.
fn is_running(pid_file: &Path) -> bool {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let pid = std::fs::read_to_string(pid_file).unwrap();
        if pid.ends_with('\n') {
            return Path::new("/proc").join(pid.trim()).exists();
        }
        assert!(Instant::now() < deadline, "it did not start");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_last_lines_are_kept_without_credentials() {
    let ended = shell("seq 100; echo http://me:pw@host/ >&2; exit 3", 10)
        .wait(&Silent)
        .unwrap();
    assert!(!ended.success && ended.status.contains('3'));
    assert!(
        ended.log.ends_with("100\nhttp://***@host/") && !ended.log.contains("\n50\n"),
        "{}",
        ended.log
    );
}

#[test]
fn temporary_files_go_with_the_program_however_it_ends() {
    let marker = tempfile::NamedTempFile::new().unwrap();
    for (rest, is_stopped) in [("true", false), ("sleep 60", true)] {
        let script = format!("mktemp > {}; mktemp -d > /dev/null; {rest}", marker.path().display());
        let ended = shell(&script, 1).wait(&Silent);
        assert_eq!(matches!(ended, Err(Error::TimedOut { .. })), is_stopped);
        let made = std::fs::read_to_string(marker.path()).unwrap();
        let directory = Path::new(made.trim()).parent().unwrap();
        let name = directory.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("sgbuild-run-") && !directory.exists(), "{made}");
    }
}

#[test]
fn one_that_writes_without_end_is_stopped_at_the_limit() {
    let started = Instant::now();
    let stopped = shell("while :; do echo again and again; done", 1).wait(&Silent);
    assert!(matches!(stopped, Err(Error::TimedOut { seconds: 1, .. })));
    assert!(started.elapsed() < Duration::from_secs(3));
    let ended = shell("head --bytes=300000000 /dev/zero; echo; echo done", 30)
        .wait(&Silent)
        .unwrap();
    assert!(ended.log.ends_with("\ndone") && ended.log.len() <= 64 * 1024);
}

#[test]
fn the_whole_group_ends_at_the_limit() {
    let marker = tempfile::NamedTempFile::new().unwrap();
    let script = format!("(sleep 2; echo late > {}) & sleep 60", marker.path().display());
    let started = Instant::now();
    assert!(matches!(
        shell(&script, 1).wait(&Silent),
        Err(Error::TimedOut { seconds: 1, .. })
    ));
    assert!(started.elapsed() < Duration::from_secs(2));
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(std::fs::read_to_string(marker.path()).unwrap(), "");
}

#[cfg(target_os = "linux")]
#[test]
fn what_left_group_and_tree_ends_too() {
    let daemon = |end: &str, seconds| {
        let pid = tempfile::NamedTempFile::new().unwrap();
        // The shell between ends at once, the daemon has a session and an environment of its own, and ignores signals.
        let script = format!(
            "setsid env -i /bin/sh -c 'trap \"\" TERM HUP INT; (echo $$ > {0}; while :; do sleep 1; done) & exit' & {end}",
            pid.path().display()
        );
        let started = Instant::now();
        let ended = shell(
            &format!("{script} while [ ! -s {0} ]; do sleep 0.01; done", pid.path().display()),
            seconds,
        )
        .wait(&Silent);
        (pid, ended, started.elapsed())
    };
    let (pid, ended, _) = daemon("", 10);
    assert!(ended.unwrap().success);
    assert!(!is_running(pid.path()));
    let (pid, ended, elapsed) = daemon("sleep 60;", 1);
    assert!(matches!(ended, Err(Error::TimedOut { .. })));
    assert!(!is_running(pid.path()));
    assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn other_children_of_ours_are_left_alone() {
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    let beside = std::thread::spawn(|| shell("sleep 1; echo beside", 10).wait(&Silent).unwrap().log);
    shell("true", 10).wait(&Silent).unwrap();
    assert!(other.try_wait().unwrap().is_none());
    assert_eq!(beside.join().unwrap(), "beside");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_program_finds_others_by_absolute_entries_only() {
    let mut run = shell("echo $PATH", 10);
    run.environment = vec![("PATH".to_owned(), ".:/usr/bin::relative:/bin:".to_owned())];
    assert_eq!(run.wait(&Silent).unwrap().log, "/usr/bin:/bin");
}

#[test]
fn a_name_is_looked_up_in_path() {
    let environment = [("PATH".to_owned(), "/nonexistent:relative:/usr/bin:/bin".to_owned())];
    assert_eq!(
        absolute_path(&environment).as_deref(),
        Some("/nonexistent:/usr/bin:/bin")
    );
    let here = [("PATH".to_owned(), ":.:bin::./x:/usr/bin:".to_owned())];
    assert_eq!(absolute_path(&here).as_deref(), Some("/usr/bin"));
    let found = find(Path::new("sh"), &environment).unwrap();
    assert!(found.is_absolute() && found.ends_with("sh"));
    assert_eq!(find(Path::new("no-such-program"), &environment), None);
    assert_eq!(find(Path::new("./own"), &environment), Some(PathBuf::from("./own")));
}
