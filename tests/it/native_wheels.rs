//! Wheels that are not what they should be, on their way into an image: refused by name with nothing pushed, or installed as they are.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::main_path::{docker_ok, repository};
use crate::native::{native_push, private_base, pulled, without_docker};
use crate::support::{Sandbox, Testbed, root};

/// Makes wheels of these kinds in a directory; each is the only version of a project of its name.
fn make(kinds: &[&str], directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    for kind in kinds {
        let script = root().join("tests/it/support/odd_wheel.py");
        let status = Command::new("python3").arg(script).arg(kind).arg(directory).status();
        assert!(status.unwrap().success(), "{kind}");
    }
}

/// The only index of a package that requires wheels of these kinds.
pub(crate) struct Index {
    pub(crate) sandbox: Sandbox,
    /// Its host and port.
    pub(crate) address: String,
    server: Child,
}

impl Index {
    pub(crate) fn of(kinds: &[&str]) -> Self {
        let sandbox = Sandbox::empty().with_testbed();
        let wheels = sandbox.home().join("wheels");
        make(kinds, &wheels);
        let mut server = Command::new("python3")
            .arg(root().join("tests/it/support/odd_index.py"))
            .arg(wheels)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(server.stdout.as_mut().unwrap())
            .read_line(&mut address)
            .unwrap();
        let address = address.trim().to_owned();
        require(&sandbox, kinds);
        sandbox.write("odd.py", "def train():\n    pass\n");
        let sandbox = without_docker(sandbox)
            .without("PIP_FIND_LINKS")
            .with("PIP_INDEX_URL", format!("http://{address}/simple"));
        Self {
            sandbox,
            address,
            server,
        }
    }
}

/// Makes the package one that requires wheels of these kinds.
pub(crate) fn require(sandbox: &Sandbox, kinds: &[&str]) {
    let requirements: Vec<String> = kinds.iter().map(|kind| format!("'{kind}==1.0'")).collect();
    sandbox.write(
        "setup.py",
        &format!(
            "from setuptools import setup\nsetup(name='odd-wheels', version='1.0', py_modules=['odd'], install_requires=[{}], entry_points={{'console_scripts': ['train = odd:train']}})\n",
            requirements.join(", ")
        ),
    );
}

impl Drop for Index {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// What the registry answers to a question for the repository's tags.
fn status_of(repository: &str) -> String {
    let testbed = Testbed::get();
    let host = testbed.variable("SGBUILD_TESTBED_REGISTRY");
    let output = Command::new("curl")
        .args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"])
        .args([
            "--user",
            "AWS:123456789012-auth-token",
            "--cacert",
            testbed.variable("SSL_CERT_FILE"),
        ])
        .arg(format!("https://{host}/v2/{repository}/tags/list"))
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn a_wheel_that_nobody_should_install_is_named_and_nothing_is_pushed() {
    for (kind, reasons) in [
        ("cut-off", &["of cut-off is no whole zip archive"][..]),
        ("leads-up", &["of leads-up has the name `../", "leads elsewhere"]),
        ("leads-away", &["of leads-away has the name `/", "leads elsewhere"]),
        (
            "same-name-twice",
            &["of same-name-twice has `same_name_twice/zz.py` twice"],
        ),
        ("becomes-gigabytes", &["of becomes-gigabytes says", "become 2147"]),
        (
            "record-lies",
            &["of record-lies has a RECORD that lies about the size of `record_lies/zz.py`"],
        ),
        (
            "directory-lies",
            &["of directory-lies has a damaged `directory_lies/zz.py`"],
        ),
        ("sum-is-wrong", &["of sum-is-wrong has a damaged `sum_is_wrong/zz.py`"]),
        ("by-another-method", &["of by-another-method has", "pip does not read"]),
        ("locked-up", &["of locked-up has `locked_up/zz.py` encrypted"]),
        (
            "whiteout",
            &["of whiteout has the name `", ".wh.python3`, which deletes another file"],
        ),
        (
            "whiteout-program",
            &["of whiteout-program has the name `.wh.python3`, which deletes another file"],
        ),
        ("no-program", &["of no-program has a program called `a\\x00b`"]),
        (
            "long-name",
            &["of long-name has the name `d/d/", "which is too long to be a file's"],
        ),
        ("deep", &["of deep has too many directories within each other"]),
        ("two-of-them", &["of two-of-them has several .dist-info"]),
        (
            "other-platform",
            &["other-platform==1.0 has no wheels with a matching platform"],
        ),
        ("other-hash", &["other_hash-1.0", "sha256:0000"]),
    ] {
        let index = Index::of(&[kind]);
        let repository = repository(&format!("native-{kind}"));
        let ran = index.sandbox.run(&native_push(private_base(), &repository));
        ran.exits(1).says(reasons);
        assert_eq!(status_of(&repository), "404", "{kind}");
    }
}

#[test]
fn what_a_zip_archive_may_be_is_installed() {
    let kinds = ["stored-only", "large-entries", "sizes-follow", "case-differs"];
    let index = Index::of(&kinds);
    let repository = repository("native-zips");
    let ran = index.sandbox.run(&native_push(private_base(), &repository)).exits(0);
    let image = pulled(&ran);
    let script = "import stored_only, large_entries.zz, sizes_follow.zz, case_differs.ZZ, case_differs.zz\n\
                  print(stored_only.VALUE, case_differs.ZZ.other)";
    let said = docker_ok(&["run", "--rm", "--entrypoint", "python", &image, "-c", script]);
    assert!(said.ends_with("1 2\n"), "{said}");
    docker_ok(&["run", "--rm", "--entrypoint", "python", &image, "-m", "pip", "check"]);
}

/// In KiB.
const MIB: u64 = 1 << 10;

/// The most memory that a program had so far, in KiB; `None` once it has ended.
fn peak_memory(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
fn a_wheel_is_never_held_in_memory_not_even_a_program_of_it() {
    let index = Index::of(&["large-program"]);
    let output = index.sandbox.home().join("image");
    let output = format!("oci:{}", output.display());
    let build = [
        "build",
        "--engine",
        "native",
        "--base-image",
        private_base(),
        "--output",
        &output,
    ];
    let mut running = index.sandbox.spawn(&build);
    let mut peak = 0;
    while running.try_wait().unwrap().is_none() {
        peak = peak_memory(&running).unwrap_or(0).max(peak);
        sleep(Duration::from_millis(5));
    }
    assert!(running.wait().unwrap().success());
    assert!((MIB..100 * MIB).contains(&peak), "{peak} KiB");
}
