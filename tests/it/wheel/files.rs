//! Which files are in a wheel, and where.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::oracle::{same_as_setuptools, same_as_setuptools_where};
use super::{packed, setup};
use crate::sdist::write;

#[test]
fn a_flat_package() {
    let wheel = same_as_setuptools(&[
        ("setup.py", &setup("packages=['demo']")),
        ("demo/__init__.py", "x = 1"),
        ("demo/model.py", ""),
        ("demo/.hidden.py", ""),
        ("demo/my-script.py", ""),
        ("demo/py.typed", ""),
        ("demo/stub.pyi", ""),
        ("demo/data.csv", "1"),
        ("demo/sub/__init__.py", ""),
        ("other/__init__.py", ""),
        ("README.md", "# demo"),
        ("LICENSE", "mine"),
    ]);
    assert_eq!(
        wheel,
        [
            "demo/__init__.py",
            "demo/model.py",
            "demo/my-script.py",
            "demo/py.typed",
            "demo/stub.pyi",
            "demo-1.0.dist-info/licenses/LICENSE",
            "demo-1.0.dist-info/METADATA",
            "demo-1.0.dist-info/WHEEL",
            "demo-1.0.dist-info/top_level.txt",
            "demo-1.0.dist-info/RECORD",
        ]
    );
}

#[test]
fn a_src_layout() {
    same_as_setuptools(&[
        (
            "setup.py",
            &setup("packages=find_packages('src') + ['moved'], package_dir={'': 'src', 'moved': 'lib/elsewhere'}"),
        ),
        ("src/demo/__init__.py", ""),
        ("src/demo/sub/__init__.py", ""),
        ("src/demo/sub/x.py", ""),
        ("lib/elsewhere/__init__.py", ""),
        ("demo/decoy.py", ""),
    ]);
}

#[test]
fn package_data_and_what_is_excluded() {
    same_as_setuptools(&[
        (
            "setup.py",
            &setup(
                "packages=['demo', 'demo.sub'],
                package_data={'': ['*.txt'], 'demo': ['data/*.csv', 'deep/**/*.json', '[a-c].bin', './x.dat', '../beside/*.md']},
                exclude_package_data={'': ['secret.txt'], 'demo': ['deep/*/x.json', '*.pyi']}",
            ),
        ),
        ("demo/__init__.py", ""),
        ("demo/a.txt", ""),
        ("demo/.dot.txt", ""),
        ("demo/secret.txt", ""),
        ("demo/b.bin", ""),
        ("demo/d.bin", ""),
        ("demo/x.dat", ""),
        ("demo/stub.pyi", ""),
        ("demo/data/x.csv", ""),
        ("demo/data/sub/y.csv", ""),
        ("demo/deep/top.json", ""),
        ("demo/deep/a/b/low.json", ""),
        ("demo/deep/a/b/x.json", ""),
        ("demo/sub/__init__.py", ""),
        ("demo/sub/s.txt", ""),
        ("demo/sub/secret.txt", ""),
        ("beside/read.md", ""),
    ]);
}

#[test]
fn data_above_all_packages_is_not_installed() {
    same_as_setuptools(&[
        (
            "setup.py",
            &setup(
                "packages=['demo'], package_dir={'': 'src'}, package_data={'demo': ['../../data/*.csv', '../up.txt']}",
            ),
        ),
        ("src/demo/__init__.py", ""),
        ("src/up.txt", ""),
        ("data/x.csv", ""),
    ]);
}

/// The same tree for every way to name a package's directory: it decides what `include_package_data` finds.
#[test]
fn include_package_data_with_a_manifest() {
    for arguments in [
        "packages=['demo', 'demo.sub'], include_package_data=True",
        "packages=['demo', 'demo.sub'], package_dir={'': '.'}, include_package_data=True",
        "packages=['demo', 'demo.sub'], package_dir={'demo': './demo/'}, include_package_data=True",
        "packages=['demo'], include_package_data=True, exclude_package_data={'': ['*.bin'], 'demo': ['notes/*']}",
        "packages=['demo'], include_package_data=False, package_data={'demo': ['*.bin']}",
        "packages=['demo'], package_dir={'demo': '.'}, include_package_data=True",
    ] {
        same_as_setuptools(&[
            ("setup.py", &setup(arguments)),
            (
                "MANIFEST.in",
                "graft demo\nrecursive-include . *.cfg2\ninclude *.md\nglobal-exclude *.tmp\nprune demo/pruned\n",
            ),
            ("README.md", ""),
            ("top.cfg2", ""),
            ("demo/__init__.py", ""),
            ("demo/a.bin", ""),
            ("demo/.hidden", ""),
            ("demo/.hidden.py", ""),
            ("demo/my-script.py", ""),
            ("demo/here.cfg2", ""),
            ("demo/x.tmp", ""),
            ("demo/notes/n.txt", ""),
            ("demo/notes/code.py", "no package, but a file below one"),
            ("demo/sub/__init__.py", ""),
            ("demo/sub/s.bin", ""),
            ("demo/pruned/p.bin", ""),
        ]);
    }
}

#[test]
fn pyproject_includes_data_by_itself() {
    same_as_setuptools(&[
        (
            "pyproject.toml",
            "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n[project]\nname = 'demo'\n\
             version = '1.0'\nlicense-files = ['legal/**/*.txt', 'COPYING']\n[project.scripts]\nrun = 'demo:main'\n\
             [tool.setuptools]\npackages = ['demo']\nzip-safe = true\n[tool.setuptools.data-files]\n\
             'share/demo' = ['conf/*.ini', 'conf/**/*.yaml']\netc = ['conf/a.ini']\n",
        ),
        ("MANIFEST.in", "graft demo\n"),
        ("demo/__init__.py", ""),
        ("demo/data.csv", ""),
        ("legal/a.txt", "a"),
        ("legal/deep/b.txt", "b"),
        ("COPYING", "c"),
        ("conf/a.ini", ""),
        ("conf/b.ini", ""),
        ("conf/deep/c.yaml", ""),
    ]);
}

#[test]
fn data_files_have_directories() {
    same_as_setuptools(&[
        (
            "setup.py",
            &setup(
                "packages=['demo'], data_files=[('etc/demo', ['conf/a.ini', './conf//b.ini']), ('', ['top.txt']), 'bare.txt',
                ('./share//x/', ['top.txt']), ('/abs/olute', ['top.txt']), ('../beside', ['top.txt']), ('empty', [])]",
            ),
        ),
        ("demo/__init__.py", ""),
        ("conf/a.ini", "a"),
        ("conf/b.ini", "b"),
        ("top.txt", "t"),
        ("bare.txt", "u"),
    ]);
    same_as_setuptools(&[
        (
            "setup.cfg",
            "[metadata]\nname = demo\nversion = 1.0\n[options]\npackages = demo\n[options.data_files]\n\
             share/demo = conf/*.ini, top.txt\netc =\n  conf/**/*.yaml\n  conf/a.ini\n",
        ),
        ("demo/__init__.py", ""),
        ("conf/a.ini", "a"),
        ("conf/b.ini", "b"),
        ("conf/.c.ini", ""),
        ("conf/deep/d.yaml", ""),
        ("top.txt", "t"),
    ]);
}

#[test]
fn scripts_and_modes() {
    same_as_setuptools_where(
        &[
            (
                "setup.py",
                &setup(
                    "packages=['demo'], package_data={'demo': ['*.sh']}, scripts=['bin/run', './bin//shell', 'bin/plain', 'other/run.py'], data_files=[('libexec', ['bin/tool'])]",
                ),
            ),
            ("demo/__init__.py", ""),
            ("demo/tool.py", ""),
            ("demo/tool.sh", ""),
            ("bin/run", "#!/usr/bin/env python3 -u\r\nimport demo\r\nx = 'a\rb'\n"),
            ("bin/shell", "#!/bin/sh\r\nexit\r\n"),
            ("bin/plain", "import demo\r\n"),
            ("bin/tool", "#!python\r\n"),
            ("other/run.py", "#! /usr/local/bin/python2.7\n# größe\nimport demo"),
            ("LICENSE", ""),
        ],
        |root| {
            for path in ["demo/tool.py", "demo/tool.sh", "bin/tool", "LICENSE"] {
                fs::set_permissions(root.join(path), fs::Permissions::from_mode(0o755)).unwrap();
            }
        },
    );
}

#[test]
fn two_files_for_one_place_are_refused_unless_they_are_the_same() {
    for arguments in [
        "py_modules=[], data_files=[('etc', ['a/x.csv', 'b/x.csv'])]",
        "packages=['demo'], package_dir={'demo': 'a'}, py_modules=[], data_files=[('etc', ['b/x.csv']), ('etc', ['a/x.csv'])]",
    ] {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &[
                ("setup.py", &setup(arguments)),
                ("a/__init__.py", ""),
                ("a/x.csv", "1"),
                ("b/x.csv", "2"),
            ],
        );
        let error = packed(root.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("x.csv would both be installed as demo-1.0.data/data/etc/x.csv"),
            "{error}"
        );
        fs::write(root.path().join("b/x.csv"), "1").unwrap();
        packed(root.path()).unwrap();
    }
}

#[test]
fn scripts_that_setuptools_fails_at_are_refused() {
    for (bytes, message) in [(&b""[..], "is empty"), (b"\x7fELF\xff", "is not UTF-8 text")] {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &[("setup.py", &setup("scripts=['run'], py_modules=[]"))]);
        fs::write(root.path().join("run"), bytes).unwrap();
        let error = packed(root.path()).unwrap_err().to_string();
        assert!(
            error.ends_with(&format!("run {message}, which setuptools takes for no script")),
            "{error}"
        );
    }
}

#[test]
fn namespace_packages() {
    same_as_setuptools(&[
        (
            "setup.py",
            &setup("packages=find_namespace_packages(include=['org.*']), package_data={'org.team': ['*.json']}"),
        ),
        ("org/team/demo/__init__.py", ""),
        ("org/team/demo/x.py", ""),
        ("org/team/data.json", ""),
    ]);
}

#[test]
fn modules_alone() {
    same_as_setuptools(&[
        (
            "setup.py",
            &setup("py_modules=['one', 'pkg.two', 'setup', 'missing'], package_dir={'pkg': 'lib'}"),
        ),
        ("one.py", ""),
        ("lib/__init__.py", ""),
        ("lib/two.py", ""),
        ("lib/three.py", ""),
        ("lib/data.pyi", ""),
    ]);
}

#[test]
fn the_root_is_a_package() {
    for arguments in ["packages=['']", "packages=['demo'], package_dir={'demo': ''}"] {
        same_as_setuptools(&[("setup.py", &setup(arguments)), ("__init__.py", ""), ("train.py", "")]);
    }
    // Then all that is packed is its data, setuptools' own files among it.
    same_as_setuptools(&[
        ("setup.py", &setup("packages=['', 'demo'], include_package_data=True")),
        ("MANIFEST.in", "graft demo\nexclude *.egg-info/PKG-INFO\n"),
        ("README.md", ""),
        ("train.py", ""),
        ("demo/__init__.py", ""),
        ("demo/a.bin", ""),
    ]);
}

#[test]
fn what_it_says_of_itself() {
    same_as_setuptools(&[
        (
            "setup.py",
            "from setuptools import setup\nsetup(name='My.Demo_Pkg', version='1.0-rc1+Local.2', packages=['demo'], py_modules=['solo'],
             zip_safe=False, install_requires=['b>=1', 'a'], extras_require={'x': ['c']}, license_files=['LICENSES/*/*', 'LIC*'],
             entry_points={'console_scripts': ['run = demo:main'], 'demo.training': ['train = demo:main']}, author='Ann',
             description='D', long_description='L', url='https://e.com')\n",
        ),
        ("setup.cfg", "[bdist_wheel]\nuniversal = 1\n"),
        ("demo/__init__.py", ""),
        ("solo.py", ""),
        ("LICENSES/deep/MIT.txt", "m"),
        ("LICENSE", "l"),
    ]);
}
