//! Each way of saying that a requirement is a directory.

use std::fs::File;
use std::io::Read as _;

use super::{app, dist, fetched, package, repository, wheels};
use crate::support::Sandbox;

const BOTH: [&str; 2] = ["app-0.1-py3-none-any.whl", "common-0.1-py3-none-any.whl"];

/// What a wheel in `dist/` says that it requires.
fn requires_dist(sandbox: &Sandbox, wheel: &str) -> Vec<String> {
    let file = File::open(sandbox.project().join("app/dist").join(wheel)).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut text = String::new();
    let mut member = archive.by_name("app-0.1.dist-info/METADATA").unwrap();
    member.read_to_string(&mut text).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("Requires-Dist: "));
    lines.map(str::to_owned).collect()
}

/// A uv workspace whose members are in `packages`, and the project in `app`.
fn workspace(root_more: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write(
        "pyproject.toml",
        &format!("[tool.uv.workspace]\nmembers = [\"app\", \"packages/*\"]\n{root_more}"),
    );
    package(&sandbox, "packages/the-common", "common", "\"idna\"", "");
    sandbox
}

#[test]
fn a_member_of_the_workspace() {
    let sandbox = workspace("");
    app(
        &sandbox,
        "\"six>=1.16\", \"Common>=0.1\"",
        "[tool.uv.sources]\ncommon = { workspace = true }\n",
    );
    dist(&sandbox, &[])
        .exits(0)
        .says(&["common 0.1 is built from ../packages/the-common (pyproject.toml:15)"]);
    assert_eq!(fetched(&sandbox), ["six>=1.16", "idna"]);
    assert_eq!(wheels(&sandbox), BOTH);
    // A package of the index that requires `common` does not get it from there either.
    let constraints = sandbox.read("app/dist/constraints.txt");
    assert!(
        constraints.contains("common @ file:///a-neighbour-is-not-taken-from-an-index/"),
        "{constraints}"
    );
}

#[test]
fn what_the_workspaces_root_says_holds_for_its_members() {
    let sandbox = workspace("[tool.uv.sources]\ncommon = { workspace = true }\nbeside = { path = \"beside\" }\n");
    package(&sandbox, "beside", "beside", "", "");
    app(&sandbox, "\"common\", \"beside\"", "");
    dist(&sandbox, &[]).exits(0).says(&[
        "common 0.1 is built from ../packages/the-common (../pyproject.toml:4)",
        "beside 0.1 is built from ../beside (../pyproject.toml:5)",
    ]);
    assert_eq!(fetched(&sandbox), ["idna"]);
    // Its own word comes first.
    package(&sandbox, "other", "beside", "\"toolz\"", "");
    app(
        &sandbox,
        "\"beside\"",
        "[tool.uv.sources]\nbeside = { path = \"../other\", editable = true }\n",
    );
    dist(&sandbox, &[]).exits(0);
    assert_eq!(fetched(&sandbox), ["toolz"]);
}

#[test]
fn a_directory_in_a_tools_table() {
    for more in [
        "[tool.uv.sources]\ncommon = { path = \"../common\", editable = true }\n",
        "[tool.uv.sources.common]\npath = \"../common\"\n",
        "[tool.poetry.dependencies]\ncommon = { path = \"../common\", develop = true }\n",
        "[tool.poetry.group.dev.dependencies]\nCommon = { path = \"../common\" }\n",
        "[tool.pdm.dev-dependencies]\ndev = [\"-e file:///${PROJECT_ROOT}/../common#egg=common\"]\n",
        "[dependency-groups]\ndev = [\"pytest\", \"common @ file:///${PROJECT_ROOT}/../common\"]\n",
    ] {
        let sandbox = repository("\"six\", \"common\"", more);
        package(&sandbox, "common", "common", "", "");
        dist(&sandbox, &[])
            .exits(0)
            .says(&["common 0.1 is built from ../common"]);
        assert_eq!(
            (fetched(&sandbox), wheels(&sandbox).len()),
            (vec!["six".to_owned()], 2),
            "{more}"
        );
    }
}

#[test]
fn a_directory_in_the_requirement_itself() {
    let sandbox = repository("", "");
    package(&sandbox, "common", "common", "", "");
    let common = sandbox.project().join("common");
    for url in [
        format!("file://{}", common.display()),
        format!("file://localhost{}", common.display()),
    ] {
        app(
            &sandbox,
            &format!("\"six\", \"common @ {url} ; python_version > '3'\""),
            "",
        );
        dist(&sandbox, &[]).exits(0);
        assert_eq!(fetched(&sandbox), ["six"], "{url}");
        // The same in every directory.
        assert_eq!(
            requires_dist(&sandbox, BOTH[0]),
            ["six", "common ; python_version > \"3\""]
        );
    }
}

#[test]
fn backends_that_fill_in_the_projects_directory() {
    for (backend, requires, url, more) in [
        (
            "hatchling.build",
            "hatchling",
            "{root:uri}/../common",
            "[tool.hatch.metadata]\nallow-direct-references = true\n",
        ),
        (
            "hatchling.build",
            "hatchling",
            "{root:parent:uri}/common",
            "[tool.hatch.metadata]\nallow-direct-references = true\n",
        ),
        ("pdm.backend", "pdm-backend", "file:///${PROJECT_ROOT}/../common", ""),
    ] {
        let sandbox = repository("", "");
        package(&sandbox, "common", "common", "", "");
        sandbox.write(
            "app/pyproject.toml",
            &format!(
                "[build-system]\nrequires = [\"{requires}\"]\nbuild-backend = \"{backend}\"\n[project]\nname = \"app\"\nversion = \"0.1\"\n\
                 dependencies = [\"six\", \"common @ {url}\"]\n[project.scripts]\ntrain = \"app:train\"\n{more}"
            ),
        );
        // What is read is what the backend says.
        let read = sandbox.run(&["inspect", "app", "--json", "--static"]).exits(0).json();
        let asked = super::locked::as_the_backend_says(&sandbox, requires);
        assert_eq!(read["requires_dist"], asked, "{backend}");
        dist(&sandbox, &[]).exits(0);
        assert_eq!(
            (fetched(&sandbox), wheels(&sandbox).len()),
            (vec!["six".to_owned()], 2),
            "{backend}"
        );
    }
}

#[test]
fn poetrys_metadata_names_the_directory() {
    let sandbox = repository("", "");
    package(&sandbox, "common", "common", "\"idna\"", "");
    sandbox.write(
        "app/pyproject.toml",
        "[build-system]\nrequires = [\"poetry-core>=2\"]\nbuild-backend = \"poetry.core.masonry.api\"\n\
         [tool.poetry]\nname = \"app\"\nversion = \"0.1\"\ndescription = \"\"\nauthors = []\n\
         [tool.poetry.scripts]\ntrain = \"app:train\"\n\
         [tool.poetry.dependencies]\npython = \"^3.9\"\nsix = \"^1.16\"\ncommon = { path = \"../common\", develop = true }\n",
    );
    dist(&sandbox, &[])
        .exits(0)
        .says(&["common 0.1 is built from ../common (pyproject.toml:14)"]);
    assert_eq!(fetched(&sandbox), ["six (>=1.16,<2.0)", "idna"]);
    assert_eq!(wheels(&sandbox), BOTH);
    // Poetry writes the directory that it builds in into the wheel; what is installed has the name.
    let required = requires_dist(&sandbox, BOTH[0]);
    assert_eq!(required, ["common", "six (>=1.16,<2.0)"]);
    dist(&sandbox, &[]).exits(0).says(&["unchanged"]);
    super::locked::pip_accepts(&sandbox, BOTH[0]);
}

#[test]
fn a_line_of_a_requirements_file() {
    let sandbox = repository("\"common\"", "");
    package(
        &sandbox,
        "common",
        "common",
        "\"idna\"",
        "[project.optional-dependencies]\nfast = [\"toolz\"]\n",
    );
    let url = format!("file://{}", sandbox.project().join("common").display());
    for (line, extra) in [
        ("../common".to_owned(), false),
        ("-e ../common[fast]".to_owned(), true),
        ("--editable=../common".to_owned(), false),
        ("file:../common".to_owned(), false),
        (url.clone(), false),
        (format!("-e {url}#egg=common[fast]"), true),
        (format!("common[fast] @ {url}"), true),
        ("../common[fast] ; sys_platform == 'linux'".to_owned(), true),
    ] {
        sandbox.write("app/requirements.txt", &format!("six==1.16.0\ncommon>=0.1\n{line}\n"));
        dist(&sandbox, &["--requirements", "requirements.txt"])
            .exits(0)
            .says(&["common 0.1 is built from ../common (requirements.txt:3)"]);
        let expected = if extra {
            &["six==1.16.0", "idna", "toolz"][..]
        } else {
            &["six==1.16.0", "idna"]
        };
        assert_eq!(fetched(&sandbox), expected, "{line}");
        assert_eq!(wheels(&sandbox), BOTH, "{line}");
    }
}

#[test]
fn neighbours_of_neighbours_and_circles() {
    let sandbox = repository("\"a[x]\"", "[tool.uv.sources]\na = { path = \"../a\" }\n");
    package(
        &sandbox,
        "a",
        "a",
        "\"six\", \"b\"",
        "[project.optional-dependencies]\nx = [\"b[y]\", \"idna\"]\nz = [\"toolz\"]\n[tool.uv.sources]\nb = { path = \"../deep/b\" }\n",
    );
    // It requires who requires it, and the project itself; and `a` by its name alone.
    package(
        &sandbox,
        "deep/b",
        "b",
        "\"a>=0.1\", \"app\", \"six\"",
        "[project.optional-dependencies]\ny = [\"a[z]\"]\n[tool.uv.sources]\napp = { path = \"../../app\" }\n",
    );
    dist(&sandbox, &[])
        .exits(0)
        .says(&["b 0.1 is built from ../deep/b (../a/pyproject.toml:16)"]);
    assert_eq!(fetched(&sandbox), ["six", "idna", "toolz"]);
    assert_eq!(
        wheels(&sandbox),
        [
            "a-0.1-py3-none-any.whl",
            "app-0.1-py3-none-any.whl",
            "b-0.1-py3-none-any.whl"
        ]
    );
}

#[test]
fn markers_and_extras_decide() {
    let sources = "[tool.uv.sources]\nwin = { path = \"../nowhere\" }\nmac = { index = \"internal\" }\nextra = { path = \"../extra\" }\n\
                   common = [{ path = \"../common\", marker = \"sys_platform == 'linux'\" }, { path = \"../nowhere\" }]\n\
                   [project.optional-dependencies]\ngpu = [\"extra\"]\n";
    let sandbox = repository(
        "\"common\", \"win ; sys_platform == 'win32'\", \"mac ; sys_platform == 'darwin'\"",
        sources,
    );
    package(&sandbox, "common", "common", "", "");
    package(&sandbox, "extra", "extra", "", "");
    dist(&sandbox, &[]).exits(0);
    assert_eq!(
        (fetched(&sandbox).len(), wheels(&sandbox)),
        (0, BOTH.map(str::to_owned).to_vec())
    );
    dist(&sandbox, &["--extra", "gpu"]).exits(0);
    assert_eq!(wheels(&sandbox).len(), 3);
}

#[test]
fn other_sources_are_not_looked_for_by_name() {
    let sandbox = repository(
        "\"a[x]>=1 ; python_version > '3'\", \"b\", \"c\"",
        "[tool.uv.sources]\na = { git = \"https://git.example/a.git\", tag = \"v1\", subdirectory = \"lib\" }\n\
         b = { url = \"https://files.example/b-1.0.zip\" }\nc = { git = \"https://git.example/c\" }\n",
    );
    dist(&sandbox, &[]).exits(0);
    assert_eq!(
        fetched(&sandbox),
        [
            "a[x] @ git+https://git.example/a.git@v1#subdirectory=lib ; python_full_version >= '3.1'",
            "b @ https://files.example/b-1.0.zip",
            "c @ git+https://git.example/c",
        ]
    );
}
