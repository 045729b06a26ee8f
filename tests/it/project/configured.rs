//! Situations in which `setup.cfg` or `pyproject.toml` says it.

#![allow(clippy::too_many_lines, reason = "a table of situations is read line by line")]

use super::Kind::{Asked, Refused, Right, Static};
use super::{agree, files};

const STUB: (&str, &str) = ("setup.py", "from setuptools import setup\nsetup()\n");

#[test]
fn setup_cfg() {
    let cfg = |kind, name, text: &str| files(kind, name, &[("setup.cfg", &format!("[metadata]\nname = a\n{text}"))]);
    let version = "version = 1\n";
    let options = |kind, name, text: &str| cfg(kind, name, &format!("{version}{text}"));
    agree(vec![
        options(
            Static,
            "alone",
            "description = d\n[options]\npackages = find:\ninstall_requires =\n  six\n  # no\n  idna; python_version<'3.9'\npython_requires = >=3.8,<4\n",
        ),
        files(
            Static,
            "with a stub",
            &[STUB, ("setup.cfg", "[metadata]\nname = a\nversion = 1\n")],
        ),
        cfg(Static, "attr: a literal", "version = attr: pkg.__version__\n"),
        files(
            Static,
            "attr: a tuple",
            &[
                ("pkg/v.py", "V: tuple = (1, 2, 'rc1')\n"),
                ("setup.cfg", "[metadata]\nname = a\nversion = attr: pkg.v.V\n"),
            ],
        ),
        files(
            Right,
            "attr: imported",
            &[
                ("pkg/v.py", "V = '5'\n"),
                ("pkg/__init__.py", "from .v import V\n"),
                (
                    "setup.cfg",
                    "[metadata]\nname = a\nversion = attr: pkg.V\n[options]\npackages = pkg\n",
                ),
            ],
        ),
        files(
            Right,
            "attr: a sum, then a literal",
            &[
                ("pkg/v.py", "V = '5' + '.1'\nV = '6'\n"),
                (
                    "setup.cfg",
                    "[metadata]\nname = a\nversion = attr: pkg.v.V\n[options]\npackages = pkg\n",
                ),
            ],
        ),
        files(
            Right,
            "attr: two literals",
            &[
                ("pkg/v.py", "V = '5'\nV = '6'\n"),
                ("setup.cfg", "[metadata]\nname = a\nversion = attr: pkg.v.V\n"),
            ],
        ),
        files(
            Right,
            "attr: conditional",
            &[
                ("pkg/v.py", "if True:\n    V = '5'\n"),
                ("setup.cfg", "[metadata]\nname = a\nversion = attr: pkg.v.V\n"),
            ],
        ),
        files(
            Right,
            "attr: a number",
            &[
                ("pkg/v.py", "V = 1.5\n"),
                ("setup.cfg", "[metadata]\nname = a\nversion = attr: pkg.v.V\n"),
            ],
        ),
        files(
            Right,
            "attr: below a nested package_dir",
            &[
                ("lib/v.py", "V = '8'\n"),
                ("pkg/sub/v.py", "V = '9'\n"),
                (
                    "setup.cfg",
                    "[metadata]\nname = a\nversion = attr: pkg.sub.v.V\n[options]\npackages = pkg, pkg.sub\npackage_dir =\n  pkg.sub = lib\n",
                ),
            ],
        ),
        files(
            Right,
            "attr: package_dir in setup.py",
            &[
                ("lib/pkg/__init__.py", "__version__ = '8'\n"),
                (
                    "setup.py",
                    "from setuptools import setup\nsetup(packages=['pkg'], package_dir={'': 'lib'})",
                ),
                ("setup.cfg", "[metadata]\nname = a\nversion = attr: pkg.__version__\n"),
            ],
        ),
        files(
            Static,
            "file:",
            &[
                ("VERSION", "2.5\n"),
                ("R.txt", "six\n# no\nidna>=2\n"),
                (
                    "setup.cfg",
                    "[metadata]\nname = a\nversion = file: VERSION\n[options]\ninstall_requires = file: R.txt\n",
                ),
            ],
        ),
        options(
            Static,
            "find: with options",
            "[options]\npackages = find:\n[options.packages.find]\nexclude =\n  tests*\n",
        ),
        options(
            Static,
            "extras and entry points",
            "[options.extras_require]\na = six; idna\nb =\n  six; os_name=='nt'\n[options.entry_points]\nconsole_scripts =\n  x = pkg:x\ng = a = pkg:a\n",
        ),
        options(
            Right,
            "entry points with commas",
            "[options.entry_points]\ng = a = pkg:a, b = pkg:b\n",
        ),
        options(
            Static,
            "entry points as text",
            "[options]\nentry_points =\n  [g]\n  a = pkg:a\n",
        ),
        options(
            Refused,
            "a marker on one line",
            "[options]\ninstall_requires = six; python_version<'3.9'\n",
        ),
        options(Right, "tag_build", "[egg_info]\ntag_build = .dev1\n"),
        options(Right, "tag_build of dist_info", "[dist_info]\ntag_build = .dev1\n"),
        options(Right, "percent signs", "description = 100%% of it\n"),
        options(Refused, "a lone percent sign", "description = 100% of it\n"),
        options(Right, "a reference", "description = %(name)s is it\n"),
        options(Right, "[DEFAULT]", "[DEFAULT]\ndescription = d\n"),
        options(
            Right,
            "dashes",
            "[options]\ninstall-requires = six\npython-requires = >=3\n",
        ),
        options(
            Right,
            "capitals",
            "Description = d\n[options]\nInstall_Requires = six\n",
        ),
        options(Right, "summary", "summary = s\n"),
        options(Right, "several lines", "description =\n  one\n  two\n"),
        options(
            Right,
            "a semicolon and a hash in a value",
            "description = one ; two # three\n",
        ),
        options(Right, "setup_requires", "[options]\nsetup_requires = six\n"),
        options(
            Right,
            "package_dir",
            "[options]\npackages = find:\npackage_dir =\n  = .\n",
        ),
        options(Right, "modules", "[options]\npy_modules = x, y\n"),
        options(Refused, "a key without a value", "[options]\nzip_safe\n"),
        options(Refused, "a key twice", "version = 2\n"),
        options(Refused, "an odd section", "[options.nonsense]\nx = 1\n"),
        files(
            Refused,
            "a byte order mark",
            &[STUB, ("setup.cfg", "\u{feff}[metadata]\r\nname = a\r\nversion = 1\r\n")],
        ),
    ]);
}

#[test]
fn setup_py_over_setup_cfg_field_by_field() {
    let both = |kind, name, arguments: &str, cfg: &str| {
        let script = format!("from setuptools import setup\nsetup({arguments})");
        files(kind, name, &[("setup.py", &script), ("setup.cfg", cfg)])
    };
    let cfg = "[metadata]\nname = b\nversion = 2\ndescription = cfg\n[options]\npackages = pkg\ninstall_requires = six\npython_requires = >=3.6\n[options.extras_require]\na = idna\n[options.entry_points]\ng = x = pkg:cfg\n";
    agree(vec![
        both(
            Right,
            "all in both",
            "name='a', version='1', description='py', packages=['pkg'], install_requires=['attrs'], python_requires='>=3.7', extras_require={'b': ['six']}, entry_points={'g': ['x = pkg:py']}",
            cfg,
        ),
        both(
            Refused,
            "empty values in setup.py",
            "name='', version='', description='', packages=[], install_requires=[], python_requires='', extras_require={}, entry_points={}",
            cfg,
        ),
        both(
            Right,
            "None in setup.py",
            "name=None, version=None, description=None, packages=None, install_requires=None, python_requires=None, extras_require=None, entry_points=None",
            cfg,
        ),
        both(
            Right,
            "empty values in setup.cfg",
            "name='a', version='1', description='py', install_requires=['attrs']",
            "[metadata]\nname =\nversion = 2\ndescription =\n[options]\ninstall_requires =\n",
        ),
        both(
            Right,
            "packages in one, modules in the other",
            "name='a', version='1', py_modules=['m']",
            "[options]\npackages = pkg\n",
        ),
        both(
            Right,
            "entry points as text in setup.py",
            "name='a', version='1', entry_points='[h]\\ny = pkg:y'",
            cfg,
        ),
        both(
            Right,
            "computed in setup.py",
            "name='a', version='1'.strip(), install_requires=list(('attrs',))",
            cfg,
        ),
        both(Right, "only the name in setup.py", "name='a'", cfg),
        both(
            Refused,
            "find: in setup.cfg, package_dir in setup.py",
            "name='a', version='1', package_dir={'': 'pkg'}",
            "[options]\npackages = find:\n[options.packages.find]\nwhere = .\n",
        ),
    ]);
}

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
