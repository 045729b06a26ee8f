//! Situations in which `pyproject.toml` says it.

#![allow(clippy::too_many_lines, reason = "a table of situations is read line by line")]

use super::Kind::{Asked, Refused, Right, Static};
use super::{agree, files};

#[test]
fn pyproject() {
    let backend = "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n";
    let toml = |kind, name, text: &str| {
        files(
            kind,
            name,
            &[("pyproject.toml", &format!("{backend}[project]\nname = \"a\"\n{text}"))],
        )
    };
    let v = "version = \"1\"\n";
    let with_v = |kind, name, text: &str| toml(kind, name, &format!("{v}{text}"));
    let beside = |kind, name, script: &str, text: &str| {
        let setup_py = format!("from setuptools import setup\n{script}");
        files(
            kind,
            name,
            &[("setup.py", &setup_py), ("pyproject.toml", &format!("{backend}{text}"))],
        )
    };
    let project = "[project]\nname = \"a\"\nversion = \"1\"\n";
    agree(vec![
        with_v(
            Static,
            "all",
            "description = \"d\"\nrequires-python = \">=3.8\"\ndependencies = [\"six>=1\", \"idna; python_version<'3.9'\"]\n[project.optional-dependencies]\nb = [\"six\"]\n\"My_Extra\" = [\"idna\"]\n[project.scripts]\nx = \"pkg:x\"\n[project.gui-scripts]\ny = \"pkg:y\"\n[project.entry-points.\"g.h\"]\nz = \"pkg:z\"\n",
        ),
        with_v(Static, "no build-system", ""),
        files(Static, "no build-system at all", &[("pyproject.toml", project)]),
        toml(
            Static,
            "dynamic version by attr",
            "dynamic = [\"version\"]\n[tool.setuptools.dynamic]\nversion = {attr = \"pkg.__version__\"}\n",
        ),
        files(
            Static,
            "dynamic by file",
            &[
                ("VERSION", "4.2\n"),
                ("R.txt", "six\n\n# no\nidna # why\n"),
                (
                    "pyproject.toml",
                    "[project]\nname = \"a\"\ndynamic = [\"version\", \"dependencies\", \"optional-dependencies\"]\n[tool.setuptools.dynamic]\nversion = {file = \"VERSION\"}\ndependencies = {file = [\"R.txt\"]}\noptional-dependencies.b = {file = \"R.txt\"}\n",
                ),
            ],
        ),
        files(
            Right,
            "dynamic description and entry points",
            &[
                ("D.txt", "one\n"),
                ("E.txt", "[g]\na = pkg:a\n"),
                (
                    "pyproject.toml",
                    "[project]\nname = \"a\"\nversion = \"1\"\ndynamic = [\"description\", \"entry-points\"]\n[tool.setuptools.dynamic]\ndescription = {file = \"D.txt\"}\nentry-points = {file = \"E.txt\"}\n",
                ),
            ],
        ),
        files(
            Right,
            "a dynamic file that is missing",
            &[(
                "pyproject.toml",
                "[project]\nname = \"a\"\nversion = \"1\"\ndynamic = [\"dependencies\"]\n[tool.setuptools.dynamic]\ndependencies = {file = \"nowhere.txt\"}\n",
            )],
        ),
        beside(
            Asked,
            "with a setup.py that says more",
            "setup(install_requires=['six'], description='py')",
            project,
        ),
        beside(Static, "with a setup.py that says nothing", "setup()", project),
        beside(
            Static,
            "with a setup.py that has extension modules",
            "from setuptools import Extension\nsetup(ext_modules=[Extension('pkg.x', ['x.c'])])",
            project,
        ),
        beside(
            Static,
            "and looks for packages",
            "from setuptools import Extension, find_packages\nsetup(packages=find_packages(), zip_safe=False, include_package_data=False, ext_modules=[Extension('pkg.x', ['x.c'])], cmdclass={})",
            project,
        ),
        beside(
            Static,
            "and says where packages are",
            "from setuptools import Extension\nsetup(packages=['q'], package_dir={'q': 'pkg'}, package_data={'q': ['*.txt']}, ext_modules=[Extension('q.x', ['x.c'])])",
            project,
        ),
        beside(
            Static,
            "extension modules beside a dynamic version",
            "from setuptools import Extension\nsetup(ext_modules=[Extension('pkg.x', ['x.c'])])",
            "[project]\nname = \"a\"\ndynamic = [\"version\"]\n[tool.setuptools.dynamic]\nversion = {attr = \"pkg.__version__\"}\n",
        ),
        beside(
            Asked,
            "packages in both",
            "setup(packages=['pkg'])",
            &format!("{project}[tool.setuptools]\npackages = [\"pkg\"]\n"),
        ),
        beside(
            Asked,
            "a dynamic version beside packages in setup.py",
            "setup(packages=['pkg'])",
            "[project]\nname = \"a\"\ndynamic = [\"version\"]\n[tool.setuptools.dynamic]\nversion = {attr = \"pkg.__version__\"}\n",
        ),
        beside(
            Right,
            "dynamic in setup.py",
            "setup(version='3', install_requires=['six'])",
            "[project]\nname = \"a\"\ndynamic = [\"version\", \"dependencies\"]\n",
        ),
        beside(
            Right,
            "setup.py with a version, no project",
            "setup(name='a', version='3')",
            "",
        ),
        beside(
            Refused,
            "tool.setuptools over setup.py",
            "setup(name='a', version='3', packages=['other'])",
            "[tool.setuptools]\npackages = [\"pkg\"]\n",
        ),
        beside(
            Refused,
            "tool.setuptools alone with discovery",
            "setup(name='a', version='3')",
            "[tool.setuptools]\nzip-safe = false\n",
        ),
        beside(
            Right,
            "a plugin",
            "setup(name='a', version='3')",
            &"[build-system]\nrequires = [\"setuptools\", \"six\"]\nbuild-backend = \"setuptools.build_meta\"\n"
                .replace("[build-system]", "[tool.x]\n"),
        ),
        files(
            Asked,
            "a plugin in build requirements",
            &[
                ("setup.py", "from setuptools import setup\nsetup(name='a', version='1')"),
                (
                    "pyproject.toml",
                    "[build-system]\nrequires = [\"setuptools\", \"six\"]\nbuild-backend = \"setuptools.build_meta\"\n",
                ),
            ],
        ),
        with_v(
            Static,
            "find",
            "[tool.setuptools.packages.find]\nwhere = [\".\"]\nexclude = [\"tests*\"]\n",
        ),
        with_v(
            Right,
            "find where",
            "[tool.setuptools.packages.find]\nwhere = [\"pkg\"]\n",
        ),
        with_v(
            Right,
            "find without namespaces",
            "[tool.setuptools.packages.find]\nnamespaces = false\n",
        ),
        with_v(
            Static,
            "packages",
            "[tool.setuptools]\npackages = [\"pkg\"]\npy-modules = []\n",
        ),
        with_v(
            Refused,
            "a module that has no such name",
            "[tool.setuptools]\npy-modules = [\".hidden\"]\n",
        ),
        with_v(
            Right,
            "ext-modules",
            "[[tool.setuptools.ext-modules]]\nname = \"x\"\nsources = [\"x.c\"]\n",
        ),
        with_v(
            Right,
            "cmdclass",
            "[tool.setuptools.cmdclass]\nsdist = \"setuptools.command.sdist.sdist\"\n",
        ),
        with_v(Right, "empty dynamic", "dynamic = []\n"),
        with_v(
            Right,
            "setup.cfg's commands",
            "[tool.distutils.egg_info]\ntag_build = \".dev1\"\n",
        ),
        with_v(Refused, "a bad requirement", "dependencies = [\"six=>1\"]\n"),
        with_v(Refused, "a wrong type", "dependencies = \"six\"\n"),
        with_v(Refused, "both static and dynamic", "dynamic = [\"version\"]\n"),
        with_v(Refused, "an unknown key", "colour = \"red\"\n"),
        with_v(Refused, "a bad entry point", "[project.scripts]\nx = \"pkg x\"\n"),
        with_v(
            Right,
            "console_scripts as entry points",
            "[project.entry-points.console_scripts]\nx = \"pkg:x\"\n",
        ),
        with_v(Right, "a description of two lines", "description = \"one\\ntwo\"\n"),
        with_v(
            Refused,
            "a bad name of an extra",
            "[project.optional-dependencies]\n\"b c\" = [\"six\"]\n",
        ),
        with_v(Refused, "a wrong type beside what counts", "keywords = \"x\"\n"),
        with_v(Refused, "a wrong type of readme", "readme = 3\n"),
        with_v(Refused, "an odd tool table", "[tool.setuptools]\npackages = \"pkg\"\n"),
        with_v(
            Static,
            "what does not count",
            "readme = {text = \"x\", content-type = \"text/plain\"}\nlicense = \"MIT\"\nkeywords = [\"x\"]\nauthors = [{name = \"A\", email = \"a@example.com\"}]\nclassifiers = []\n[project.urls]\nx = \"https://example.com\"\n",
        ),
        with_v(Refused, "an odd license", "license = \"Mine\"\n"),
        with_v(Right, "a readme that is missing", "readme = \"README.md\"\n"),
        toml(Refused, "a bad version", "version = \"one\"\n"),
        files(
            Refused,
            "no name",
            &[("pyproject.toml", "[project]\nversion = \"1\"\n")],
        ),
        files(Refused, "broken", &[("pyproject.toml", "[project\n")]),
    ]);
}

#[test]
fn a_certain_setuptools_is_asked_itself() {
    let pinned = |requirement: &str| {
        let text = format!("[build-system]\nrequires = [\"{requirement}\"]\n");
        files(
            Asked,
            "pinned",
            &[
                ("pyproject.toml", &text),
                ("setup.py", "from setuptools import setup\nsetup(name='a', version='1')"),
            ],
        )
    };
    agree(vec![
        pinned("setuptools>=61,<81"),
        pinned("setuptools==75.8.0"),
        pinned("setuptools~=75.0"),
    ]);
}

#[test]
fn extras_keep_the_order_of_the_file() {
    let sandbox = crate::support::Sandbox::empty();
    sandbox.write("pkg/__init__.py", "");
    sandbox.write(
        "pyproject.toml",
        "[project]\nname = \"a\"\nversion = \"1\"\n[project.optional-dependencies]\nz = [\"six\"]\nb = [\"idna\"]\n",
    );
    let said = sandbox.run(&["inspect", "--json", "--static"]).exits(0).json();
    assert_eq!(said["provides_extra"], serde_json::json!(["z", "b"]));
}
