//! Situations in which `setup.cfg` says it.

#![allow(clippy::too_many_lines, reason = "a table of situations is read line by line")]

use super::Kind::{Refused, Right, Static};
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
