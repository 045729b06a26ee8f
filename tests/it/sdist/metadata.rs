//! What PKG-INFO and the egg-info say.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sgbuild::package::sdist::{SdistSettings, pack};
use sgbuild::progress::Silent;
use sgbuild::project::{Build, Metadata, ProjectSettings, ReadFor, load};
use sgbuild::uv::UvSettings;

use super::oracle::{members, same_as_setuptools, setuptools_sdist};
use super::{BARE_SETUP, demo, project, strings, write};

/// The bytes of PKG-INFO, by sgbuild and by setuptools, of a project that is read statically.
fn pkg_info_of_both(files: &[(&str, &str)]) -> (String, String) {
    let (root, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path(), files);
    let settings = ProjectSettings {
        train: None,
        serve: None,
        initializer: None,
        static_only: true,
        python: "python3".into(),
        python_timeout: 60,
        environment: Vec::new(),
        cache_dir: out.path().into(),
        uv: UvSettings::default(),
        read_for: ReadFor::default(),
    };
    let project = load(root.path(), &settings, &Silent).unwrap();
    let ours = pack(&project, &out.path().join("ours"), &SdistSettings::default(), &Silent).unwrap();
    let theirs = setuptools_sdist(root.path(), &out.path().join("theirs"));
    let pkg_info = |archive: &Path| {
        let members = members(archive);
        let (_, bytes) = members
            .iter()
            .find(|(path, _)| path.ends_with("-1.0/PKG-INFO"))
            .unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    };
    (pkg_info(&ours.path), pkg_info(&theirs))
}

#[test]
fn pkg_info_is_setuptools_to_the_byte() {
    let common = [
        ("demo/__init__.py", ""),
        ("LICENSE", "x"),
        ("AUTHORS", "x"),
        ("README.md", "# Demo"),
    ];
    let setup_py = "from setuptools import setup\nsetup(name='demo', version='1.0', packages=['demo'], url='', author='A',
        license='One.\\nTwo.\\n', keywords='b, a', classifiers=['Topic :: Utilities'], python_requires='>=3.8, <4',
        install_requires=['B >=1,<3', 'a; python_version<\"3\"'], extras_require={'z': [], 'My_X': ['c [q,p]'], ':os_name==\"nt\"': ['d']},
        description='d', long_description=open('README.md').read(), long_description_content_type='text/markdown',
        project_urls={'Code': 'https://e.com'})\n";
    let setup_cfg = "[metadata]\nname = demo\nversion = 1.0\nauthor = A\ndownload_url = https://e.com\nlicense_files = AUTH*\n\
        license_expression = mit\nlong_description = file: README.md\n[options]\npackages = demo\npython_requires = >=3.8,<4\n\
        install_requires =\n  b\n[options.extras_require]\nt = c\n";
    let pyproject = "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n[project]\nname = 'demo'\n\
        version = '1.0'\nreadme = 'README.md'\nlicense = 'MIT'\nauthors = [{name = 'A, B', email = 'a@e.com'}]\n\
        requires-python = '>=3.8,<4'\ndependencies = ['b @ https://e.com/b.zip ; os_name==\"nt\"']\nkeywords = ['k']\n\
        [project.optional-dependencies]\nt = ['c']\n";
    for file in [
        ("setup.py", setup_py),
        ("setup.cfg", setup_cfg),
        ("pyproject.toml", pyproject),
    ] {
        let (ours, theirs) = pkg_info_of_both(&[&common[..], &[file]].concat());
        assert_eq!(ours, theirs, "{}", file.0);
    }
}

#[test]
fn requirements_and_entry_points() {
    let entry_points = [("console_scripts", "demo-run"), ("demo.training", "train")];
    let metadata = Metadata {
        requires_dist: strings(&[
            "numpy<3,>=1",
            "tomli; python_version < \"3.11\"",
            "pytest; extra == \"test\"",
            "mock; python_version < \"3.8\" and extra == \"test\"",
        ]),
        provides_extra: strings(&["test", "none"]),
        entry_points: entry_points
            .map(|(group, name)| {
                (
                    group.to_owned(),
                    BTreeMap::from([(name.to_owned(), "demo:main".to_owned())]),
                )
            })
            .into(),
        ..demo()
    };
    same_as_setuptools(metadata, Build::default(), |root| {
        write(
            root,
            &[
                (
                    "setup.py",
                    "from setuptools import setup\nsetup(name='demo', version='1.0', packages=['demo'],\n\
                 install_requires=['numpy>=1,<3', 'tomli; python_version < \"3.11\"'],\n\
                 extras_require={'test': ['pytest', 'mock; python_version < \"3.8\"'], 'none': []},\n\
                 entry_points={'console_scripts': ['demo-run=demo:main'], 'demo.training': ['train = demo:main']})\n",
                ),
                ("demo/__init__.py", ""),
            ],
        );
    });
}

#[test]
fn a_version_tag_in_setup_cfg() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            ("setup.py", BARE_SETUP),
            ("setup.cfg", "[egg_info]\ntag_build = .dev3\n"),
            ("demo/__init__.py", ""),
        ],
    );
    let metadata = Metadata {
        version: "1.0.dev3".into(),
        ..demo()
    };
    let sdist = pack(
        &project(dir.path(), metadata, Build::default()),
        &dir.path().join("o"),
        &SdistSettings::default(),
        &Silent,
    );
    let again = tempfile::tempdir().unwrap();
    unpack(&sdist.unwrap().path, again.path());
    // Building from the sdist gives the same version.
    let real = setuptools_sdist(&again.path().join("demo-1.0.dev3"), again.path());
    assert_eq!(real.file_name().unwrap(), "demo-1.0.dev3.tar.gz");
}

fn unpack(tarball: &Path, into: &Path) {
    tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(tarball).unwrap()))
        .unpack(into)
        .unwrap();
}
