//! What a tired user reads when the project is not right. Each message is a snapshot, so that a change of it is seen.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use insta::assert_snapshot;

use crate::support::{Ran, Sandbox};

pub(crate) const SETUP: &str = r#"from setuptools import find_packages, setup

setup(
    name="tiny",
    version="1.0.0",
    packages=find_packages(),
    python_version="3.11",
    entry_points={"tiny.training": ["train = tiny.train:train"]},
)
"#;

/// A project that is right, to be spoiled.
pub(crate) fn tiny() -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("setup.py", SETUP);
    sandbox.write("tiny/__init__.py", "");
    sandbox.write("tiny/train.py", "def train():\n    print('trained')\n");
    sandbox
}

fn with_setup(from: &str, to: &str) -> Sandbox {
    let sandbox = tiny();
    assert!(SETUP.contains(from));
    sandbox.write("setup.py", &SETUP.replace(from, to));
    sandbox
}

fn dist(sandbox: &Sandbox) -> String {
    let ran = sandbox.run(&["dist"]);
    assert!(!sandbox.project().join("dist").is_dir(), "a failed dist leaves nothing");
    sandbox.transcript(&ran)
}

#[test]
fn the_project_to_spoil_is_right() {
    let sandbox = tiny();
    let ran = sandbox.run(&["dist"]).exits(0);
    let written: Vec<_> = ran
        .stdout
        .lines()
        .map(|line| line.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        written,
        [
            ".dockerignore",
            "Dockerfile",
            "requirements.txt",
            "run.py",
            "tiny-1.0.0-py3-none-any.whl",
            "tiny-1.0.0.tar.gz"
        ]
    );
}

#[test]
fn no_project() {
    let sandbox = Sandbox::empty();
    assert_snapshot!(dist(&sandbox));
}

#[test]
fn no_such_directory() {
    let sandbox = Sandbox::empty();
    let ran = sandbox.run(&["inspect", "nowhere"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn syntax_error() {
    assert_snapshot!(dist(&with_setup("version=\"1.0.0\",", "version=\"1.0.0\" oops,")));
}

#[test]
fn no_training_function() {
    assert_snapshot!(dist(&with_setup("train = tiny.train:train", "fit = tiny.train:train")));
}

#[test]
fn several_training_functions() {
    let two = "\"train = tiny.train:train\"], \"other\": [\"train = tiny.other:train\"";
    assert_snapshot!(dist(&with_setup("\"train = tiny.train:train\"", two)));
}

#[test]
fn no_name() {
    assert_snapshot!(dist(&with_setup("    name=\"tiny\",\n", "")));
}

#[test]
fn no_version() {
    assert_snapshot!(dist(&with_setup("    version=\"1.0.0\",\n", "")));
}

#[test]
fn setup_cfg_alone_is_no_project_to_pip() {
    let sandbox = Sandbox::of_fixture("cfg-without-setup-py");
    assert_snapshot!(dist(&sandbox));
}

#[test]
fn setup_py_left_out_of_the_sdist() {
    let sandbox = tiny();
    sandbox.write("MANIFEST.in", "exclude setup.py\n");
    assert_snapshot!(dist(&sandbox));
}

#[test]
fn not_utf8() {
    let sandbox = tiny();
    fs::write(
        sandbox.project().join("setup.py"),
        b"from setuptools import setup\nsetup(name='caf\xe9')\n",
    )
    .unwrap();
    assert_snapshot!(dist(&sandbox));
}

#[test]
fn setup_cfg_not_utf8() {
    let sandbox = tiny();
    fs::write(sandbox.project().join("setup.cfg"), b"[metadata]\nauthor = Andr\xe9\n").unwrap();
    assert_snapshot!(dist(&sandbox));
}

#[test]
fn manifest_not_utf8() {
    let sandbox = tiny();
    fs::write(sandbox.project().join("MANIFEST.in"), b"include caf\xe9\n").unwrap();
    assert_snapshot!(dist(&sandbox));
}

#[test]
fn python_needed_but_refused() {
    let sandbox = with_setup("version=\"1.0.0\"", "version=compute()");
    let ran = sandbox.run(&["inspect", "--static"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn unknown_setting() {
    let sandbox = tiny();
    sandbox.write(
        "pyproject.toml",
        "[build-system]\nrequires = [\"setuptools\"]\n\n[tool.sgbuild]\nbase-imgae = \"x\"\n",
    );
    assert_snapshot!(dist(&sandbox));
}

#[test]
fn malformed_requirement() {
    assert_snapshot!(dist(&with_setup(
        "packages=",
        "install_requires=[\"numpy=>1\"],\n    packages="
    )));
}

/// Each a message of its own kind; the file and line are the user's.
#[test]
fn an_option_of_pips_is_no_requirement() {
    for (lines, at) in [
        ("-r base.txt\n", "requirements.txt:2"),
        (
            "--extra-index-url https://download.example.org/whl\n",
            "requirements.txt:2",
        ),
        ("-e .\n", "requirements.txt:2"),
        ("--no-binary :all:\n", "requirements.txt:2"),
    ] {
        let sandbox = with_setup(
            "packages=",
            "install_requires=open(\"requirements.txt\").read().splitlines(),\n    packages=",
        );
        sandbox.write("requirements.txt", &format!("six\n{lines}"));
        let ran = sandbox
            .run(&["dist"])
            .exits(1)
            .says(&[at, "the setting `requirements`"]);
        if lines.starts_with("-r") {
            assert_snapshot!(sandbox.transcript(&ran));
        }
    }
    let sandbox = with_setup("packages=", "install_requires=[\"-r base.txt\"],\n    packages=");
    sandbox
        .run(&["dist"])
        .exits(1)
        .says(&["setup.py:6: \"-r base.txt\"", "the setting `requirements`"]);
}

#[test]
fn a_table_of_another_tool_without_a_build_system() {
    let poetry = "[tool.poetry]\nname = \"poet\"\nversion = \"0.1.0\"\n";
    for (text, line, backend) in [
        (poetry, "pyproject.toml:1", "poetry.core.masonry.api"),
        (
            "\n[tool.flit.metadata]\nmodule = \"x\"\n",
            "pyproject.toml:2",
            "flit_core.buildapi",
        ),
        ("[tool.pdm]\nname = \"x\"\n", "pyproject.toml:1", "pdm.backend"),
    ] {
        let sandbox = Sandbox::empty();
        sandbox.write("pyproject.toml", text);
        let ran = sandbox.run(&["dist"]).exits(1).says(&[line, backend]);
        if text == poetry {
            assert_snapshot!(sandbox.transcript(&ran));
        }
    }
    let sandbox = Sandbox::empty();
    sandbox.write("pyproject.toml", "[tool.black]\nline-length = 100\n");
    sandbox.run(&["dist"]).exits(1).says(&["does not name the package"]);
}

#[test]
fn a_version_is_no_range() {
    for (text, said) in [
        ("3.6", "\"3.6\" is a version, and not a range"),
        ("3", "\"3\" is a version, and not a range"),
        ("=>3.6", "is not a range of Python versions such as"),
        ("3.6+", "is not a range of Python versions such as"),
    ] {
        let sandbox = with_setup("packages=", &format!("python_requires=\"{text}\",\n    packages="));
        let ran = sandbox.run(&["dist"]).exits(1).says(&["setup.py:6", said]);
        assert!(!ran.stderr.contains("operator:"), "{}", ran.stderr);
    }
}

#[test]
fn a_python_on_which_training_cannot_start() {
    let setup = SETUP.replace("    python_version=\"3.11\",\n", "    python_requires=\"==3.6.*\",\n");
    let sandbox = tiny();
    sandbox.write("setup.py", &setup);
    assert_snapshot!("only_old_pythons", dist(&sandbox));
    let sandbox = with_setup(
        "python_version=\"3.11\"",
        "python_requires=\">=3.5,<3.10\", python_version=\"3.6\"",
    );
    assert_snapshot!("old_python", dist(&sandbox));
    for (requires, python) in [("==3.7.*", "3.7"), (">=3.6,<3.8", "3.7"), ("==3.11.4", "3.11.4")] {
        let sandbox = tiny();
        sandbox.write("setup.py", &setup.replace("==3.6.*", requires));
        sandbox.run(&["dist"]).exits(0);
        let dockerfile = sandbox.read("dist/Dockerfile");
        assert!(
            dockerfile.contains(&format!("python:{python}-slim")),
            "{requires}: {dockerfile}"
        );
    }
}

#[test]
fn an_import_that_nothing_installs_is_told_before_the_build() {
    let sandbox = tiny();
    sandbox.write("setup.py", &format!("import numpy\n{SETUP}"));
    let told = "warning: setup.py:1: numpy is imported, which nothing installs";
    sandbox.run(&["dist"]).exits(0).says(&[told]);
    sandbox.write(
        "pyproject.toml",
        "[build-system]\nrequires = [\"setuptools\", \"numpy\"]\nbuild-backend = \"setuptools.build_meta\"\n",
    );
    let ran = sandbox.run(&["inspect"]).exits(0);
    assert!(!ran.stderr.contains("numpy"), "{}", ran.stderr);
}

#[test]
fn requirements_in_utf16_without_a_mark() {
    let sandbox = tiny();
    let text: Vec<u8> = "six\nnumpy\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(sandbox.project().join("requirements.txt"), text).unwrap();
    let ran = sandbox.run(&["dist", "--requirements", "requirements.txt"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn what_the_pipeline_sets_itself_is_no_misspelt_setting() {
    let sandbox = tiny().with("SGBUILD_CODE", "s3://bucket/key");
    let ran = sandbox
        .run(&["inspect", "--requirements", "r.txt", "--python-version", "3.11"])
        .exits(0);
    assert!(!ran.stderr.contains("SGBUILD_CODE"), "{}", ran.stderr);
}

#[test]
fn impossible_python_version() {
    assert_snapshot!(dist(&with_setup(
        "packages=",
        "python_requires=\">=3.12\",\n    packages="
    )));
}

#[test]
fn template_with_an_unknown_variable() {
    let sandbox = tiny();
    sandbox.write("Dockerfile.j2", "FROM {{ base }}\nRUN echo {{ nonsense }}\n");
    let ran = sandbox.run(&["dist", "--dockerfile-template", "Dockerfile.j2"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn dist_is_a_file() {
    let sandbox = tiny();
    sandbox.write("dist", "mine");
    let ran = sandbox.run(&["dist"]);
    assert_eq!(sandbox.read("dist"), "mine");
    assert_snapshot!(sandbox.transcript(&ran));
}

/// Root may write everywhere, so these run the binary as `nobody`.
pub(crate) fn as_nobody(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let parent = sandbox.project().parent().unwrap().to_owned();
    fs::set_permissions(&parent, fs::Permissions::from_mode(0o755)).unwrap();
    // The target directory and the testbed's certificates may be in a place that `nobody` cannot reach.
    let binary = parent.join("sgbuild");
    fs::copy(env!("CARGO_BIN_EXE_sgbuild"), &binary).unwrap();
    let own = sandbox.command(arguments);
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(binary)
        .args(arguments);
    command.current_dir(sandbox.project()).env_clear();
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env_remove("SSL_CERT_FILE");
    Ran::new(arguments, command.output().unwrap())
}

#[test]
fn read_only_project() {
    let sandbox = tiny();
    let ran = as_nobody(&sandbox, &["dist"]);
    assert!(!sandbox.project().join("dist").exists());
    // The staging directory's name is random.
    let said = sandbox.transcript(&ran);
    let (before, after) = said.split_once(".sgbuild-dist-").unwrap();
    assert_snapshot!(format!("{before}.sgbuild-dist-[RANDOM]{}", &after[6..]));
}

#[test]
fn read_only_dist() {
    let sandbox = tiny();
    fs::set_permissions(sandbox.project(), fs::Permissions::from_mode(0o777)).unwrap();
    sandbox.write("dist/Dockerfile", "FROM old\n");
    let ran = as_nobody(&sandbox, &["dist"]);
    assert_eq!(sandbox.read("dist/Dockerfile"), "FROM old\n");
    let left: Vec<_> = fs::read_dir(sandbox.project())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 3, "nothing half-written: {left:?}");
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn unreadable_file() {
    let sandbox = tiny();
    fs::set_permissions(sandbox.project().join("setup.py"), fs::Permissions::from_mode(0o000)).unwrap();
    let ran = as_nobody(&sandbox, &["inspect"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn unknown_flag() {
    tiny().run(&["dist", "--nonsense"]).exits(2);
}

#[test]
fn unknown_engine() {
    let sandbox = tiny();
    let ran = sandbox.run(&["build", "--engine", "podman"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn a_pipeline_of_nothing_is_refused() {
    let sandbox = tiny()
        .with_testbed()
        .with("SGBUILD_INSTANCE_COUNT", "0")
        .with("SGBUILD_VOLUME_SIZE", "0");
    sandbox.write("setup.cfg", "[sgbuild]\nmax-runtime = 0\n");
    let ran = sandbox.run(&["launch"]);
    assert_snapshot!("pipeline_without_instances", sandbox.transcript(&ran));
    let ran = tiny().with_testbed().run(&["launch", "--build-timeout", "0"]);
    assert_snapshot!("pipeline_without_time", sandbox.transcript(&ran));
}

#[test]
fn docker_does_not_run() {
    let sandbox = tiny().with("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let ran = sandbox.run(&["build", "--engine", "docker"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn nothing_pushed_to_train() {
    let sandbox = tiny();
    let ran = sandbox.run(&["train", "--function", "f"]);
    assert_snapshot!(sandbox.transcript(&ran));
}

#[test]
fn training_settings_missing_are_told_before_anything_is_built() {
    let sandbox = tiny();
    let ran = sandbox.run(&["push", "--repository", "localhost:1/x", "--function", "f"]);
    assert!(!sandbox.project().join("dist").exists());
    assert_snapshot!(sandbox.transcript(&ran));
}
