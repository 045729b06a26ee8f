//! `sgbuild init`, and the schema of what it writes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::json;

use crate::bad_input::tiny;
use crate::support::{Sandbox, Testbed, root};

const PYPROJECT: &str = "# ours\n[build-system]\nrequires = [\"setuptools>=61\"]\nbuild-backend = \"setuptools.build_meta\"\n\n[project]\nname = \"Fancy.Model\"\nversion = \"1.0\" # kept\n[tool.setuptools]\npackages = [\"fancy\"]\n";

/// A project of pyproject.toml whose module `fancy.fit` is `code`.
fn fancy(code: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("pyproject.toml", PYPROJECT);
    sandbox.write("fancy/__init__.py", "");
    sandbox.write("fancy/fit.py", code);
    sandbox
}

#[test]
fn a_section_is_added_and_nothing_else_is_changed() {
    let sandbox = fancy("def train(epochs=3, *, seed=1):\n    pass\n");
    let preview = sandbox.run(&["init", "--dry-run"]).exits(0).stdout;
    assert_eq!(sandbox.read("pyproject.toml"), PYPROJECT);
    let ran = sandbox.run(&["init"]).exits(0);
    assert_eq!(ran.stdout, "pyproject.toml\n");
    let ran = ran.says(&["The training is fancy.fit:train: nothing declares it, so the settings say it"]);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    let text = sandbox.read("pyproject.toml");
    let added = text.strip_prefix(PYPROJECT).unwrap();
    assert_eq!(
        preview,
        format!("# ==> added to pyproject.toml\n{}", added.trim_start())
    );
    for line in [
        "[tool.sgbuild]",
        "train = \"fancy.fit:train\"",
        "repository = \"fancy-model\"",
        "# role = \"",
    ] {
        assert!(added.lines().any(|is| is.starts_with(line)), "{line} not in\n{added}");
    }
    let settings = sandbox.run(&["settings", "--json"]).exits(0).json();
    assert_eq!(settings["train"]["value"], "fancy.fit:train");
    assert_eq!(settings["role"]["value"], json!(null));
    let inspected = sandbox.run(&["inspect", "--static"]).exits(0).stdout;
    assert!(inspected.contains("fancy.fit:train"), "{inspected}");

    // Another time there is nothing to do.
    let again = sandbox.run(&["init"]).exits(0);
    assert_eq!(again.stdout, "");
    again.says(&["The settings are at pyproject.toml:12 already, and left as they are"]);
    assert_eq!(sandbox.read("pyproject.toml"), text);
}

#[test]
fn a_training_that_is_not_certain_is_asked_for() {
    for (code, says) in [
        ("def fit():\n    pass\n", "set `train` to package.module:function"),
        ("def train(data):\n    pass\n", "set `train` to package.module:function"),
        (
            "class A:\n    def train():\n        pass\n",
            "set `train` to package.module:function",
        ),
    ] {
        let sandbox = fancy(code);
        sandbox
            .run(&["init"])
            .exits(0)
            .says(&["nothing says which function trains", says]);
        assert!(!sandbox.read("pyproject.toml").contains("\ntrain ="));
    }
    let sandbox = fancy("def train():\n    pass\n");
    sandbox.write("fancy/other.py", "def train():\n    pass\n");
    let ran = sandbox.run(&["init"]).exits(0);
    ran.says(&["set `train` to fancy.fit:train or fancy.other:train"]);
    // One that is declared is named, and needs no setting.
    let declared = tiny();
    declared
        .run(&["init"])
        .exits(0)
        .says(&["The training is tiny.train:train, of setup.py:"]);
    assert!(!declared.read("setup.cfg").contains("\ntrain ="));
}

#[test]
fn without_a_pyproject_it_goes_into_setup_cfg_so_that_pip_builds_as_before() {
    let sandbox = tiny();
    assert_eq!(sandbox.run(&["init"]).exits(0).stdout, "setup.cfg\n");
    assert!(!sandbox.project().join("pyproject.toml").exists());
    let before = sandbox.run(&["settings", "--json"]).exits(0).json();
    assert_eq!(before["repository"]["origin"], "setup.cfg:5");
    // setuptools reads the file too.
    let python = Testbed::get().variable("SGBUILD_TESTBED_PYTHON");
    let read = "from configparser import RawConfigParser; c = RawConfigParser(); c.read('setup.cfg'); print(dict(c['sgbuild']))";
    let output = Command::new(python)
        .current_dir(sandbox.project())
        .args(["-c", read])
        .output();
    assert_eq!(
        String::from_utf8_lossy(&output.unwrap().stdout),
        "{'repository': 'tiny'}\n"
    );
    // One that is there keeps what it says, line ends included.
    let windows = tiny();
    windows.write("setup.cfg", "[metadata]\r\nlicense = MIT");
    windows.run(&["init"]).exits(0);
    let text = windows.read("setup.cfg");
    assert!(
        text.starts_with("[metadata]\r\nlicense = MIT\r\n\r\n[sgbuild]\r\n"),
        "{text:?}"
    );
    assert!(!text.replace("\r\n", "").contains('\n'), "{text:?}");
    windows.run(&["inspect"]).exits(0);
}

#[test]
fn a_directory_without_a_project_becomes_one_that_trains() {
    let sandbox = Sandbox::empty();
    let directory = sandbox.project().join("Iris-Model");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("notes.txt"), "mine").unwrap();
    let preview = sandbox.run(&["init", "Iris-Model", "--dry-run"]).exits(0).stdout;
    assert!(preview.contains("# ==> new file setup.py\n"), "{preview}");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    let ran = sandbox.run(&["init", "Iris-Model"]).exits(0);
    assert_eq!(
        ran.stdout,
        "setup.py\niris_model/__init__.py\niris_model/train.py\nsetup.cfg\n"
    );
    ran.says(&["There is no project here: making the package iris-model, which trains"]);
    let inspected = sandbox
        .run(&["inspect", "Iris-Model", "--static", "--json"])
        .exits(0)
        .json();
    assert_eq!(inspected["train"]["object"], "iris_model.train:train", "{inspected:#}");
    sandbox.run(&["dist", "Iris-Model", "--static"]).exits(0);

    // What it wrote trains, and says how well.
    let data = sandbox.project().join("ml/input/data/training");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("rows.csv"), "a,b,kind\n1,2,x\n1.5,2,x\n8,9,y\n").unwrap();
    let train = || {
        Command::new(Testbed::get().variable("SGBUILD_TESTBED_PYTHON"))
            .current_dir(&directory)
            .env("TRAINING_PREFIX", sandbox.project().join("ml"))
            .args(["-B", "-c", "import iris_model.train; iris_model.train.train()"])
            .output()
            .unwrap()
    };
    let trained = train();
    assert_eq!(String::from_utf8_lossy(&trained.stdout), "rows=3 accuracy=1.000\n");
    let model: serde_json::Value = serde_json::from_str(&sandbox.read("ml/model/model.json")).unwrap();
    assert_eq!(model["x"]["a"], json!(1.25));
    fs::remove_file(data.join("rows.csv")).unwrap();
    let nothing = String::from_utf8_lossy(&train().stderr).into_owned();
    assert!(nothing.contains("there are no rows in"), "{nothing}");
}

#[test]
fn nothing_is_overwritten() {
    let sandbox = Sandbox::empty();
    sandbox.write("project/train.py", "mine");
    let ran = sandbox.run(&["init"]).exits(1).says(&[
        "cannot write ",
        "project/train.py",
        "Nothing that is there is overwritten",
    ]);
    assert_eq!(ran.stdout, "");
    assert!(!sandbox.project().join("setup.py").exists());
    assert_eq!(sandbox.read("project/train.py"), "mine");
}

#[test]
fn files_that_cannot_be_added_to_are_refused_and_left() {
    let train = "def train():\n    pass\n";
    let malformed = fancy(train);
    malformed.write("pyproject.toml", "[project\n");
    malformed.run(&["init"]).exits(1).says(&["pyproject.toml:1"]);
    assert_eq!(malformed.read("pyproject.toml"), "[project\n");

    // A table that is written in one piece cannot be added to from outside.
    let inline = fancy(train);
    let text = PYPROJECT
        .replace("[tool.setuptools]\n", "")
        .replace("packages = [\"fancy\"]\n", "");
    let text = format!("tool = {{ setuptools = {{ packages = [\"fancy\"] }} }}\n{text}");
    inline.write("pyproject.toml", &text);
    inline
        .run(&["init"])
        .exits(1)
        .says(&["cannot add [tool.sgbuild] to pyproject.toml"]);
    assert_eq!(inline.read("pyproject.toml"), text);

    let read_only = fancy(train);
    let path = read_only.project().join("pyproject.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    read_only
        .run(&["init"])
        .exits(1)
        .says(&["cannot write ", "pyproject.toml", "--dry-run"]);
    assert_eq!(read_only.read("pyproject.toml"), PYPROJECT);

    // A link in the project stays one.
    let linked = fancy(train);
    linked.write("config/pyproject.toml", PYPROJECT);
    let path = linked.project().join("pyproject.toml");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("config/pyproject.toml", &path).unwrap();
    linked.run(&["init"]).exits(0);
    assert!(path.symlink_metadata().unwrap().is_symlink());
    assert!(linked.read("config/pyproject.toml").contains("[tool.sgbuild]"));
    // And one that leads out is the business of whoever has it.
    let outside = fancy(train);
    let path = outside.project().join("pyproject.toml");
    fs::rename(&path, outside.home().join("pyproject.toml")).unwrap();
    std::os::unix::fs::symlink(outside.home().join("pyproject.toml"), &path).unwrap();
    let ran = outside.run(&["init"]);
    assert_ne!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        fs::read_to_string(outside.home().join("pyproject.toml")).unwrap(),
        PYPROJECT
    );
}

/// What a validator of others finds wrong with `[tool.sgbuild]`, written in TOML; empty where it is fine.
fn by_schema(table: &str) -> String {
    let script = r"
import json, sys, tomllib, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
table = tomllib.loads(sys.stdin.read())['tool']['sgbuild']
for error in jsonschema.Draft7Validator(schema).iter_errors(table):
    print('.'.join(map(str, error.absolute_path)), error.message)
";
    let mut python = Command::new(Testbed::get().variable("SGBUILD_TESTBED_PYTHON"));
    python.args(["-c", script]).arg(root().join("docs/sgbuild.schema.json"));
    let input = tempfile::NamedTempFile::new().unwrap();
    fs::write(input.path(), format!("[tool.sgbuild]\n{table}\n")).unwrap();
    let output = python.stdin(input.reopen().unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_schema_takes_what_is_taken_and_refuses_what_is_refused() {
    for (table, is_fine) in [
        ("", true),
        (
            "role = 'arn:aws:iam::123456789012:role/x'\ninstance-count = 2\nspot = true",
            true,
        ),
        ("python-version = 3.11", true),
        (
            "system-packages = ['git']\ntag = 'latest'\nenvironment = { A = 'b' }",
            true,
        ),
        (
            "engine = 'native'\nsbom = 'off'\nplatform = 'linux/arm64'\ninput-mode = 'Pipe'",
            true,
        ),
        (
            "[tool.sgbuild.training]\nDebugHookConfig = { S3OutputPath = 's3://b/d' }",
            true,
        ),
        (
            "[tool.sgbuild.training.ProfilerConfig]\nProfilingIntervalInMilliseconds = 500",
            true,
        ),
        ("rolle = 'x'", false),
        ("instance-count = '2'", false),
        ("instance-count = 0", false),
        ("retry-attempts = 31", false),
        ("spot = 'yes'", false),
        ("system-packages = [1]", false),
        ("environment = { A = 1 }", false),
        ("python = '/usr/bin/python3'", false),
        ("training = 'x'", false),
        ("training = { DebugHookConfg = {} }", false),
        ("training = { RoleArn = 'x' }", false),
        (
            "training = { ProfilerConfig = { ProfilingIntervalInMilliseconds = 'x' } }",
            false,
        ),
    ] {
        let said = by_schema(table);
        assert_eq!(said.is_empty(), is_fine, "{table}: {said}");
        let sandbox = tiny();
        sandbox.write("pyproject.toml", &format!("[tool.sgbuild]\n{table}\n"));
        let ran = sandbox.run(&["settings"]);
        assert_eq!(ran.code == 0, is_fine, "{table}: {}", ran.stderr);
    }
    // What only its user would be told of, when it is used.
    assert!(by_schema("engine = 'podman'").contains("'podman' is not one of"));
}

#[test]
fn a_schema_is_printed_where_there_is_no_project() {
    let ran = Sandbox::empty().run(&["settings", "--schema"]).exits(0);
    assert_eq!(
        ran.stdout,
        fs::read_to_string(root().join("docs/sgbuild.schema.json")).unwrap()
    );
}

#[test]
fn all_about_one_setting() {
    let sandbox = tiny().with("SGBUILD_INSTANCE_TYPE", "ml.m5.xlarge");
    sandbox.write("setup.cfg", "[sgbuild]\ninstance_type = ml.c5.large\n");
    let mut told = String::new();
    for name in [
        "instance-type",
        "--no-create",
        "SGBUILD_SUBNETS",
        "max_pending",
        "platform",
        "tool.sgbuild.environment",
    ] {
        told += &sandbox.run(&["settings", "--explain", name]).exits(0).stdout;
        told += "\n";
    }
    insta::assert_snapshot!(told);
    let json = sandbox
        .run(&["settings", "--explain", "InstanceType", "--json"])
        .exits(0)
        .json();
    assert_eq!(
        json["places"][1],
        json!({ "origin": "setup.cfg:2", "value": "ml.c5.large" })
    );
    assert_eq!(json["value"], "ml.m5.xlarge");
    let unknown = sandbox.run(&["settings", "--explain", "instanse-type"]).exits(2);
    unknown.says(&["there is no setting `instanse-type`; did you mean `instance-type`?"]);
    let secret = sandbox.with("SGBUILD_SOURCE_URL", "https://me:c4nary@host/x");
    let ran = secret.run(&["settings", "--explain", "source-url"]).exits(0);
    assert!(
        !ran.stdout.contains("c4nary") && ran.stdout.contains("host/x"),
        "{}",
        ran.stdout
    );
}
