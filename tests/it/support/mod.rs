//! What every integration test stands on: the testbed's services, a scratch copy of a fixture, and the binary under test.

pub(crate) mod builders;
pub(crate) mod daemon;
pub(crate) mod emulator;
pub(crate) mod faults;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use sgbuild::explain::Code;
use tempfile::TempDir;

/// What `tests/testbed/testbed env` exports.
pub(crate) struct Testbed(BTreeMap<String, String>);

impl Testbed {
    /// The running testbed.
    ///
    /// # Panics
    /// When it does not run: start it with `make services`.
    pub(crate) fn get() -> &'static Self {
        static TESTBED: OnceLock<Testbed> = OnceLock::new();
        TESTBED.get_or_init(|| {
            let program = root().join("tests/testbed/testbed");
            let run = |verb: &str| {
                Command::new(&program)
                    .arg(verb)
                    .output()
                    .expect("tests/testbed/testbed is there")
            };
            let status = run("status");
            assert!(
                status.status.success(),
                "the testbed's services do not run; start them with `make services`\n{}{}",
                String::from_utf8_lossy(&status.stdout),
                String::from_utf8_lossy(&status.stderr)
            );
            let env = String::from_utf8(run("env").stdout).unwrap();
            let exports = env
                .lines()
                .filter_map(|line| line.strip_prefix("export ")?.split_once('='));
            Self(
                exports
                    .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
                    .collect(),
            )
        })
    }

    pub(crate) fn variable(&self, name: &str) -> &str {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("the testbed exports no {name}"))
    }
}

/// The function host runs the binary under test as the training Lambda `name`, and there is data to train with.
pub(crate) fn training_lambda(name: &str) {
    python(&format!(
        "import boto3\nboto3.client('s3').put_object(Bucket={:?}, Key='input/data/training/rows.csv', Body=b'a,b\\n1,2\\n')",
        Testbed::get().variable("SGBUILD_TESTBED_INPUT_BUCKET")
    ));
    registered(name, &serde_json::json!({}));
}

/// Registers the training Lambda under a name, with `further` fields of a registration at the testbed's function host.
pub(crate) fn registered(name: &str, further: &serde_json::Value) {
    let mut function =
        serde_json::json!({ "binary": env!("CARGO_BIN_EXE_sgbuild"), "handler": "start_training", "timeout": 60 });
    function
        .as_object_mut()
        .unwrap()
        .extend(further.as_object().unwrap().clone());
    let status = Command::new("curl")
        .args([
            "--silent",
            "--fail",
            "--output",
            "/dev/null",
            "--request",
            "PUT",
            "--data",
            &function.to_string(),
        ])
        .arg(format!(
            "{}/_functions/{name}",
            Testbed::get().variable("AWS_ENDPOINT_URL_LAMBDA")
        ))
        .status()
        .unwrap();
    assert!(status.success());
}

/// An HTTP client of a test's own, with the program's algorithms.
pub(crate) fn http() -> reqwest::ClientBuilder {
    // That another test has set them is as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "this is the tests' one place")]
    reqwest::Client::builder()
}

/// Runs a script in the testbed's Python, with boto3 turned to the emulator: what it prints.
pub(crate) fn python(script: &str) -> String {
    let sandbox = Sandbox::empty().with_testbed();
    let own = sandbox.command(&[]);
    let output = Command::new(Testbed::get().variable("SGBUILD_TESTBED_PYTHON"))
        .args(["-c", script])
        .env_clear()
        .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A scratch directory with a project in it, and a home directory of its own.
pub(crate) struct Sandbox {
    directory: TempDir,
    variables: BTreeMap<String, String>,
}

impl Sandbox {
    /// A copy of `fixtures/<name>` in the environment of the testbed.
    pub(crate) fn of_fixture(name: &str) -> Self {
        let sandbox = Self::empty();
        copy(&root().join("fixtures").join(name), &sandbox.project());
        sandbox
    }

    /// An empty project directory, without the testbed: for what needs no service.
    pub(crate) fn empty() -> Self {
        let directory = tempfile::Builder::new().prefix("sgbuild-it-").tempdir().unwrap();
        for name in ["project", "home"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let home = directory.path().join("home");
        let mut variables = BTreeMap::from([
            ("HOME".to_owned(), home.display().to_string()),
            ("XDG_CACHE_HOME".to_owned(), cache().display().to_string()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
            ("AWS_CONFIG_FILE".to_owned(), "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE".to_owned(), "/dev/null".to_owned()),
        ]);
        // The way to the package index is the machine's own.
        let passed = std::env::vars().filter(|(name, _)| {
            name == "PATH" || name.starts_with("PIP_") || name.ends_with("_proxy") || name == "SSL_CERT_FILE"
        });
        variables.extend(passed);
        Self { directory, variables }
    }

    /// Adds the testbed's environment: AWS, the registry's certificates, the daemon.
    pub(crate) fn with_testbed(mut self) -> Self {
        let exported = Testbed::get()
            .0
            .iter()
            .filter(|(name, _)| !name.starts_with("SGBUILD_"));
        self.variables
            .extend(exported.map(|(name, value)| (name.clone(), value.clone())));
        // Most of these tests are of what Docker makes; those of the native engine name it.
        self.with("SGBUILD_ENGINE", "docker")
    }

    /// Sets a variable for every command.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Takes a variable away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Makes the project a git checkout with one commit.
    pub(crate) fn committed(self) -> Self {
        self.git(&["init", "--quiet", "--initial-branch=main"]);
        self.commit("first");
        self
    }

    /// Commits everything.
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&[
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.com",
            "commit",
            "--quiet",
            "--message",
            message,
        ]);
    }

    /// Runs git in the project, as somebody does who trusts it.
    pub(crate) fn git(&self, arguments: &[&str]) {
        let status = Command::new("git")
            .arg("-C")
            .arg(self.project())
            .args(arguments)
            .status()
            .unwrap();
        assert!(status.success(), "git {arguments:?}");
    }

    /// The project's directory.
    pub(crate) fn project(&self) -> PathBuf {
        self.directory.path().join("project")
    }

    /// The home directory of the commands.
    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file of the project.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.project().join(name)).unwrap()
    }

    /// The binary with `arguments`, not yet started, in the project's directory.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sgbuild"));
        command
            .args(arguments)
            .current_dir(self.project())
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary in the project's directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::new(arguments, self.command(arguments).output().unwrap())
    }

    /// Starts the binary, its output kept.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// What the command said, with this sandbox's paths replaced, for comparison with a transcript.
    pub(crate) fn transcript(&self, ran: &Ran) -> String {
        let text = format!(
            "exit {}\n--- stdout\n{}--- stderr\n{}",
            ran.code, ran.stdout, ran.stderr
        );
        text.replace(&self.project().display().to_string(), "[PROJECT]")
            .replace(&self.directory.path().display().to_string(), "[SANDBOX]")
    }
}

/// Where prepared interpreters are kept between test runs.
pub(crate) fn cache() -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    target.join("cache")
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    arguments: Vec<String>,
}

impl Ran {
    #[track_caller]
    pub(crate) fn new(arguments: &[&str], output: Output) -> Self {
        let ran = Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        };
        ran.ends_as_its_error_says();
        ran
    }

    /// Whatever is tested: an error that is printed has a page, and this tells of the exit code that it has.
    #[track_caller]
    fn ends_as_its_error_says(&self) {
        for line in self.stderr.lines() {
            let Some((name, _)) = line.strip_prefix("error[").and_then(|rest| rest.split_once("]: ")) else {
                continue;
            };
            let code = Code::find(name).unwrap_or_else(|| panic!("{name} is no error code: {line}"));
            assert!(
                code.exit_codes().iter().any(|exit| i32::from(*exit) == self.code),
                "docs/errors/{name}.md does not tell of the exit code {}: sgbuild {:?}\n{}",
                self.code,
                self.arguments,
                self.stderr
            );
        }
    }

    /// The same, after checking the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "sgbuild {:?}\n{}\n{}",
            self.arguments, self.stdout, self.stderr
        );
        self
    }

    /// Checks that stderr holds every one of `texts`.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "`{text}` is not in what sgbuild {:?} said:\n{}",
                self.arguments,
                self.stderr
            );
        }
        self
    }

    /// Stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// Copies a directory tree, without what builds leave in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0
            || !(name == "dist" || name == "build" || name == "__pycache__" || name.ends_with(".egg-info"))
    }) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else if entry.path_is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
