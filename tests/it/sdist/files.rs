//! Which files are packed.

use sgbuild::project::{Build, Metadata};

use super::oracle::same_as_setuptools;
use super::{BARE_SETUP, data_files, demo, map, strings, write};

#[test]
fn a_flat_package() {
    let heard = same_as_setuptools(demo(), Build::default(), |root| {
        write(
            root,
            &[
                ("setup.py", BARE_SETUP),
                ("README.md", "# demo"),
                ("README.rst", "demo"),
                ("demo/__init__.py", "x = 1"),
                ("demo/model.py", ""),
                ("demo/.hidden.py", ""),
                ("demo/py.typed", ""),
                ("demo/stub.pyi", ""),
                ("demo/data.csv", "1"),
                ("demo/sub/__init__.py", ""),
                ("other/__init__.py", ""),
                ("tests/test_demo.py", ""),
                ("tests/conftest.py", ""),
                ("test/test_more.py", ""),
                ("LICENSE", ""),
                ("LICENCE.txt", ""),
                ("LICENSE~", ""),
                ("COPYING.md", ""),
                ("NOTICE", ""),
                ("AUTHORS.rst", ""),
                ("license.txt", ""),
            ],
        );
    });
    assert_eq!(heard, Vec::<String>::new());
}

#[test]
fn a_src_layout() {
    let mut metadata = demo();
    metadata.packages = strings(&["demo", "demo.sub", "moved"]);
    let package_dir = [("", "src"), ("moved", "lib/elsewhere")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let build = Build {
        package_dir: package_dir.into(),
        ..Build::default()
    };
    same_as_setuptools(metadata, build, |root| {
        write(
            root,
            &[
                (
                    "setup.py",
                    "from setuptools import setup\nsetup(name='demo', version='1.0', packages=['demo', 'demo.sub', 'moved'], \
                 package_dir={'': 'src', 'moved': 'lib/elsewhere'})\n",
                ),
                ("src/demo/__init__.py", ""),
                ("src/demo/sub/only_module.py", ""),
                ("lib/elsewhere/__init__.py", ""),
                ("demo/decoy.py", ""),
            ],
        );
    });
}

#[test]
fn package_data() {
    let mut metadata = demo();
    metadata.packages = strings(&["demo", "demo.sub"]);
    let build = Build {
        package_data: map(&[
            ("", &["*.txt"]),
            ("demo", &["data/*.csv", "deep/**/*.json", "[a-c].bin", "data"]),
        ]),
        exclude_package_data: map(&[("", &["secret.txt"]), ("demo", &["deep/*/x.json"])]),
        include_package_data: true,
        ..Build::default()
    };
    same_as_setuptools(metadata, build, |root| {
        write(
            root,
            &[
                (
                    "setup.py",
                    "from setuptools import setup\nsetup(name='demo', version='1.0', packages=['demo', 'demo.sub'],\n\
                 package_data={'': ['*.txt'], 'demo': ['data/*.csv', 'deep/**/*.json', '[a-c].bin', 'data']},\n\
                 exclude_package_data={'': ['secret.txt'], 'demo': ['deep/*/x.json']}, include_package_data=True)\n",
                ),
                ("demo/__init__.py", ""),
                ("demo/a.txt", ""),
                ("demo/.dot.txt", ""),
                ("demo/secret.txt", ""),
                ("demo/b.bin", ""),
                ("demo/d.bin", ""),
                ("demo/data/x.csv", ""),
                ("demo/data/.x.csv", ""),
                ("demo/data/sub/y.csv", ""),
                ("demo/deep/top.json", ""),
                ("demo/deep/a/b/low.json", ""),
                ("demo/deep/a/b/x.json", ""),
                ("demo/deep/.h/no.json", ""),
                ("demo/sub/__init__.py", ""),
                ("demo/sub/s.txt", ""),
                ("demo/sub/secret.txt", ""),
            ],
        );
    });
}

#[test]
fn patterns_that_name_no_file() {
    let build = Build {
        // The empty name means all packages; `*` does so only in setup.cfg and pyproject.toml, which are read into that.
        package_data: map(&[("*", &["*.txt"]), ("demo", &["data/", "./*.csv"])]),
        exclude_package_data: map(&[("demo", &[".//b.csv"])]),
        license_files: Some(strings(&["TERMS*/", "legal/*"])),
        ..Build::default()
    };
    same_as_setuptools(demo(), build, |root| {
        write(
            root,
            &[
                (
                    "setup.py",
                    "from setuptools import setup\nsetup(name='demo', version='1.0', packages=['demo'],\n\
                 package_data={'*': ['*.txt'], 'demo': ['data/', './*.csv']},\n\
                 exclude_package_data={'demo': ['.//b.csv']}, license_files=['TERMS*/', 'legal/*'])\n",
                ),
                ("demo/__init__.py", ""),
                ("demo/a.txt", ""),
                ("demo/a.csv", ""),
                ("demo/b.csv", ""),
                ("demo/data", "a file"),
                ("TERMS.txt", ""),
                ("legal/a", ""),
            ],
        );
    });
}

#[test]
fn modules_scripts_and_data_files() {
    let metadata = Metadata {
        packages: Vec::new(),
        py_modules: strings(&["one", "pkg.two"]),
        ..demo()
    };
    let build = Build {
        data_files: data_files("etc", &["conf/a.ini", "./conf//b.ini"]),
        scripts: strings(&["bin/run"]),
        ..Build::default()
    };
    same_as_setuptools(metadata, build, |root| {
        write(
            root,
            &[
                (
                    "setup.py",
                    "from setuptools import setup\nsetup(name='demo', version='1.0', py_modules=['one', 'pkg.two'],\n\
                 data_files=[('etc', ['conf/a.ini', './conf//b.ini'])], scripts=['bin/run'])\n",
                ),
                ("one.py", ""),
                ("pkg/__init__.py", ""),
                ("pkg/two.py", ""),
                ("pkg/three.py", ""),
                ("conf/a.ini", ""),
                ("conf/b.ini", ""),
                ("conf/c.ini", ""),
                ("bin/run", "#!/bin/sh\n"),
            ],
        );
    });
}

#[test]
fn setup_cfg_alone_with_referenced_files() {
    let build = Build {
        referenced_files: strings(&["docs/LONG.txt", "VERSION"]),
        license_files: Some(strings(&["legal/*.txt", "MISSING*"])),
        ..Build::default()
    };
    let heard = same_as_setuptools(demo(), build, |root| {
        write(
            root,
            &[
                (
                    "setup.cfg",
                    "# a comment\n[metadata]\nname = demo\nversion = file: VERSION\nlong_description = file: docs/LONG.txt\n\
                 license_files =\n    legal/*.txt\n    MISSING*\n[options]\npackages = demo\n",
                ),
                ("VERSION", "1.0"),
                ("docs/LONG.txt", "long"),
                ("legal/a.txt", ""),
                ("legal/b.md", ""),
                ("LICENSE", ""),
                ("MANIFEST.in", "exclude VERSION legal/a.txt setup.cfg\n"),
                ("demo/__init__.py", ""),
            ],
        );
    });
    assert_eq!(heard, ["`license_files` names `MISSING*`, but no file matches"]);
}

#[test]
fn pyproject_alone() {
    let metadata = Metadata {
        name: "My.Demo--Name".into(),
        version: "1.0".into(),
        ..demo()
    };
    let build = Build {
        readme: Some("docs/about.md".into()),
        ..Build::default()
    };
    same_as_setuptools(metadata, build, |root| {
        write(
            root,
            &[
                (
                    "pyproject.toml",
                    "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n[project]\n\
                 name = 'My.Demo--Name'\nversion = '1.0'\nreadme = 'docs/about.md'\n[tool.setuptools]\n\
                 packages = ['demo']\ninclude-package-data = false\n",
                ),
                ("docs/about.md", "about"),
                ("demo/__init__.py", ""),
            ],
        );
    });
}

#[test]
fn names_that_are_long_or_not_ascii() {
    let long = format!("demo/{}/{}.txt", "d".repeat(120), "f".repeat(150));
    same_as_setuptools(demo(), Build::default(), |root| {
        write(
            root,
            &[
                ("setup.py", BARE_SETUP),
                ("MANIFEST.in", "graft demo\n"),
                ("demo/__init__.py", ""),
                ("demo/größe 中.txt", "x"),
                ("demo/A.txt", "upper"),
                ("demo/a.txt", "lower"),
                (&long, "y"),
                (&format!("demo/{}/é.txt", "e".repeat(200)), "z"),
            ],
        );
    });
}
