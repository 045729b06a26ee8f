//! `Project ─▶ Sdist`, held against the real setuptools and pip.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use sgbuild::package::sdist::{Error, Sdist, SdistSettings, pack, repack};
use sgbuild::progress::{Progress, Silent, Task};
use sgbuild::project::{Build, Metadata, Project, ProjectSettings, Source, SourceKind, load};
use sgbuild::uv::UvSettings;
use tempfile::TempDir;

/// The release whose rules are followed.
const SETUPTOOLS: &str = "84.2.1";

const BARE_SETUP: &str = "from setuptools import setup\nsetup(name='demo', version='1.0', packages=['demo'])\n";

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Progress for Heard {
    fn step(&self, _: &str) {}
    fn detail(&self, _: &str) {}
    fn warn(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    fn task(&self, _: &str, _: Option<u64>) -> Box<dyn Task> {
        Box::new(Silent)
    }
}

/// Removes a file once packing has begun.
struct Removing(PathBuf);

impl Progress for Removing {
    fn step(&self, _: &str) {}
    fn detail(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn task(&self, _: &str, _: Option<u64>) -> Box<dyn Task> {
        fs::remove_file(&self.0).unwrap();
        Box::new(Silent)
    }
}

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn project(root: &Path, metadata: Metadata, build: Build) -> Project {
    Project {
        root: root.to_path_buf(),
        metadata,
        build,
        train: None,
        serve: None,
        source: Source {
            kind: SourceKind::Static,
            reason: String::new(),
        },
        warnings: Vec::new(),
    }
}

fn demo() -> Metadata {
    Metadata {
        name: "demo".to_owned(),
        version: "1.0".to_owned(),
        packages: vec!["demo".to_owned()],
        ..Metadata::default()
    }
}

fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn map(items: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    items
        .iter()
        .map(|(key, values)| ((*key).to_owned(), strings(values)))
        .collect()
}

/// A directory with setuptools in it, for `PYTHONPATH`; installed once.
fn setuptools() -> PathBuf {
    let parent = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let dir = parent.join(format!("setuptools-{SETUPTOOLS}"));
    if !dir.exists() {
        let fresh = tempfile::tempdir_in(&parent).unwrap();
        let requirement = format!("setuptools=={SETUPTOOLS}");
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--target",
        ];
        run(Command::new("python3").args(pip).arg(fresh.path()).arg(requirement));
        // Another test process may have been quicker; its directory is as good.
        let _ = fs::rename(fresh.path(), &dir);
    }
    dir
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{command:?}\n{said}");
    said
}

/// What the real setuptools packs.
fn setuptools_sdist(root: &Path, out: &Path) -> PathBuf {
    let code = "import sys, setuptools.build_meta as b; print('made', b.__legacy__.build_sdist(sys.argv[1]))";
    let said = run(Command::new("python3")
        .args(["-c", code])
        .arg(out)
        .current_dir(root)
        .env("PYTHONPATH", setuptools()));
    let name = said.lines().find_map(|line| line.strip_prefix("made ")).unwrap();
    out.join(name)
}

/// The files (and links) of a tar.gz with their bytes.
fn members(tarball: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(tarball).unwrap()));
    let mut members = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        assert_eq!(members.insert(path.clone(), bytes), None, "{path} twice");
    }
    members
}

/// Packs a project with sgbuild and with setuptools, and demands the same file name, the same files and the same bytes in
/// all of them but `PKG-INFO` (which says more of these projects' files than they were read with) and `setup.cfg` (of which ours keeps the comments).
fn same_as_setuptools(metadata: Metadata, build: Build, arrange: impl Fn(&Path)) -> Vec<String> {
    let (ours, theirs, out) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    arrange(ours.path());
    arrange(theirs.path());
    let heard = Heard::default();
    let project = project(ours.path(), metadata, build);
    let sdist = pack(&project, &out.path().join("ours"), &SdistSettings::default(), &heard).unwrap();
    let real = setuptools_sdist(theirs.path(), &out.path().join("theirs"));
    assert_eq!(sdist.file_name, real.file_name().unwrap().to_str().unwrap());
    let (mut mine, mut real) = (members(&sdist.path), members(&real));
    assert_eq!(mine.keys().collect::<Vec<_>>(), real.keys().collect::<Vec<_>>());
    for members in [&mut mine, &mut real] {
        members.retain(|path, _| !path.ends_with("/PKG-INFO") && !path.ends_with("-1.0/setup.cfg"));
    }
    for (path, bytes) in &mine {
        assert_eq!(shown(path, bytes), shown(path, &real[path]), "{path}");
    }
    heard.0.into_inner().unwrap()
}

/// The bytes of PKG-INFO, by sgbuild and by setuptools, of a project that is read statically.
fn pkg_info_of_both(files: &[(&str, &str)]) -> (String, String) {
    let (root, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path(), files);
    let settings = ProjectSettings {
        train: None,
        serve: None,
        static_only: true,
        python: "python3".into(),
        python_timeout: 60,
        environment: Vec::new(),
        cache_dir: out.path().into(),
        uv: LazyCell::new(Box::new(UvSettings::default)),
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

/// A member's text; of `SOURCES.txt` without the `./` that setuptools leaves on what a pattern beginning with `.` brought.
fn shown(path: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if !path.ends_with("/SOURCES.txt") {
        return text.into_owned();
    }
    let mut lines: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix("./").unwrap_or(line))
        .collect();
    if text.contains("./") {
        lines.sort_by_key(|line| line.rsplit_once('/').unwrap_or(("", line)));
    }
    lines.join("\n")
}

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
        data_files: strings(&["conf/a.ini", "./conf//b.ini"]),
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

const TREE: [(&str, &str); 26] = [
    ("setup.py", BARE_SETUP),
    ("demo/__init__.py", ""),
    ("demo/a.txt", ""),
    ("demo/.dot.txt", ""),
    ("demo/sub/b.txt", ""),
    ("demo/sub/c.dat", ""),
    ("demo/sub/.h/d.dat", ""),
    ("docs/index.rst", ""),
    ("docs/api/x.rst", ""),
    ("docs/api/y.md", ""),
    ("docs/-.md", ""),
    ("docs/b.md", ""),
    ("docs2/z.rst", ""),
    ("data/1.csv", ""),
    ("data/2.csv", ""),
    ("data/old/1.csv", ""),
    ("data/old/keep.txt", ""),
    ("CHANGES", ""),
    ("notes.txt", ""),
    (".git/config", ""),
    (".gitignore", ""),
    ("demo/.svn/entries", ""),
    ("build/lib/x.txt", ""),
    (".venv/lib/y.txt", ""),
    (".tox/z.txt", ""),
    ("demo/build/kept.txt", ""),
];

fn manifest(text: &str) -> Vec<String> {
    same_as_setuptools(demo(), Build::default(), |root| {
        write(root, &TREE);
        write(root, &[("MANIFEST.in", text)]);
    })
}

#[test]
fn manifest_include_and_exclude() {
    manifest("include CHANGES *.txt docs/*.rst\nexclude notes.txt demo/*.py\ninclude d*/*/?.txt\n");
}

#[test]
fn manifest_recursive() {
    manifest("recursive-include docs *.rst [!a]*.md\nrecursive-include . *.dat\nrecursive-exclude docs/api x*\n");
    manifest("recursive-include d* old/*.csv\nrecursive-include docs **\n");
}

#[test]
fn manifest_global() {
    manifest("global-include *.txt .git*\nglobal-exclude keep.* .dot.txt\n");
    // It also takes requires.txt and the like out of the egg-info.
    manifest("graft data\nglobal-exclude *.txt\n");
}

#[test]
fn manifest_graft_and_prune() {
    manifest("graft docs\nprune docs/api\ngraft data/\n");
    manifest("graft .\nprune d*a\n");
    manifest("graft do*\nprune **/api\n");
}

#[test]
fn manifest_a_lone_dot() {
    manifest("graft docs\nprune .\nrecursive-exclude . *.md\n");
    // What comes from `.` keeps its `./`, and only `.` takes it away again.
    manifest("recursive-include . *.rst\nexclude docs/index.rst\n");
    manifest("recursive-include . *.rst\nprune .\n");
    manifest("global-exclude .\nrecursive-include data .\nrecursive-include notes.txt **\ngraft ./\n");
}

#[test]
fn manifest_finds_what_setuptools_writes() {
    manifest("global-exclude *.txt\ngraft demo.egg-info\n");
    manifest("prune demo.egg-info\nglobal-include PKG-*\n");
}

#[test]
fn manifest_brackets_and_stars_in_exclusions() {
    manifest("graft docs\ngraft data\nexclude docs/[a-c].md data/**/1.csv\n");
    manifest("graft docs\nexclude docs/*/[xy].*\nexclude docs/**\n");
}

#[test]
fn manifest_comments_continuations_and_errors() {
    let heard = manifest(
        "# everything\n\ninclude \\\n  CHANGES \\\n# not this\n  notes.txt # nor this\nincluude x\ngraft a b\n  prune\n\
         recursive-include docs\ninclude none.txt \\\n",
    );
    assert_eq!(
        heard,
        [
            "MANIFEST.in:7: unknown command `incluude`; the line is ignored",
            "MANIFEST.in:8: `graft` expects a single directory; the line is ignored",
            "MANIFEST.in:9: `prune` expects a single directory; the line is ignored",
            "MANIFEST.in:10: `recursive-include` expects a directory and one or more patterns; the line is ignored",
            "MANIFEST.in:11: nothing matches `none.txt`",
        ]
    );
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

#[test]
fn links() {
    let metadata = Metadata {
        packages: strings(&["demo", "linked"]),
        ..demo()
    };
    let heard = same_as_setuptools(metadata, Build::default(), |root| {
        write(
            root,
            &[
                (
                    "setup.py",
                    "from setuptools import setup\nsetup(name='demo', version='1.0', packages=['demo', 'linked'])\n",
                ),
                ("MANIFEST.in", "graft demo\ninclude via/shared.py\n"),
                ("demo/__init__.py", ""),
                ("shared/shared.py", "shared = 1"),
                ("shared/linked/__init__.py", ""),
            ],
        );
        symlink(root.join("shared/shared.py"), root.join("demo/shared.py")).unwrap();
        symlink("shared/linked", root.join("linked")).unwrap();
        symlink("shared", root.join("via")).unwrap();
        symlink("loop", root.join("demo/loop")).unwrap();
        symlink("nowhere", root.join("demo/broken.py")).unwrap();
    });
    assert_eq!(
        heard,
        [
            "demo/broken.py is a link that leads nowhere; it is not packed",
            "demo/loop is a link that leads nowhere; it is not packed",
        ]
    );
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

/// A small project with something of everything.
fn whole(root: &Path) -> Project {
    write(
        root,
        &[
            (
                "setup.py",
                "from setuptools import setup\nsetup(name='demo', version='1.0', packages=['demo'], \
             include_package_data=True, scripts=['bin/demo-run'])\n",
            ),
            ("MANIFEST.in", "graft demo\ngraft dist\n"),
            (
                "demo/__init__.py",
                "import json, os\nvalue = json.load(open(os.path.join(os.path.dirname(__file__), 'größe.json')))\n",
            ),
            ("demo/größe.json", "[42]"),
            ("demo/__pycache__/x.cpython-311.pyc", "stale"),
            ("bin/demo-run", "#!/bin/sh\n"),
            ("demo.egg-info/SOURCES.txt", "gone.py\n"),
            ("demo.egg-info/stale.txt", ""),
        ],
    );
    fs::set_permissions(root.join("bin/demo-run"), fs::Permissions::from_mode(0o700)).unwrap();
    project(
        root,
        demo(),
        Build {
            include_package_data: true,
            scripts: strings(&["bin/demo-run"]),
            ..Build::default()
        },
    )
}

#[test]
fn pip_installs_it() {
    let (dir, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sdist = pack(
        &whole(dir.path()),
        &dir.path().join("dist"),
        &SdistSettings::default(),
        &Silent,
    )
    .unwrap();
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-build-isolation",
    ];
    let mut install = Command::new("python3");
    install
        .args(pip)
        .arg("--no-cache-dir")
        .arg("--target")
        .arg(target.path())
        .arg(&sdist.path);
    run(install.env("PYTHONPATH", setuptools()).current_dir(target.path()));
    let code = "import demo, importlib.metadata as m; print(demo.value, m.version('demo'))";
    let said = run(Command::new("python3")
        .args(["-c", code])
        .env("PYTHONPATH", target.path())
        .current_dir(target.path()));
    assert_eq!(said, "[42] 1.0\n");
    assert!(target.path().join("bin/demo-run").exists());
}

fn packed(root: &Path, settings: &SdistSettings) -> Sdist {
    pack(&whole(root), &root.join("dist"), settings, &Silent).unwrap()
}

#[test]
fn members_are_sorted_and_normalised() {
    let dir = tempfile::tempdir().unwrap();
    let sdist = packed(dir.path(), &SdistSettings::default());
    assert_eq!(
        sdist.files,
        [
            "MANIFEST.in",
            "PKG-INFO",
            "bin/demo-run",
            "demo.egg-info/PKG-INFO",
            "demo.egg-info/SOURCES.txt",
            "demo.egg-info/dependency_links.txt",
            "demo.egg-info/top_level.txt",
            "demo/__init__.py",
            "demo/größe.json",
            "setup.cfg",
            "setup.py",
        ]
    );
    let bytes = fs::read(&sdist.path).unwrap();
    assert_eq!(sdist.size, bytes.len() as u64);
    let sum = run(Command::new("sha256sum").arg(&sdist.path));
    assert_eq!(sum.split_whitespace().next().unwrap(), sdist.sha256);
    // RFC 1952: no flags (hence no name), no time.
    assert_eq!(bytes[3..8], [0, 0, 0, 0, 0]);
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        assert_eq!(
            (header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()),
            (0, 0, 315_619_200)
        );
        assert_eq!(
            (header.username().unwrap(), header.groupname().unwrap()),
            (Some(""), Some(""))
        );
        let executable = entry.path().unwrap().ends_with("bin/demo-run");
        assert_eq!(header.mode().unwrap(), if executable { 0o755 } else { 0o644 });
    }
    // Readable as any file the user makes, and nothing else beside it.
    assert_eq!(fs::read_dir(dir.path().join("dist")).unwrap().count(), 1);
}

/// Not a test of its own: packs the project in the directory that the environment names, in whatever surroundings.
#[test]
fn pack_for_another_process() {
    let Ok(root) = std::env::var("SGBUILD_TEST_PACK") else {
        return;
    };
    packed(Path::new(&root), &SdistSettings::default());
}

#[test]
fn the_same_bytes_wherever_and_whenever() {
    let build = |umask: &str, tz: &str, lang: &str, later: bool| {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join(lang);
        fs::create_dir(&root).unwrap();
        let me = std::env::current_exe().unwrap();
        let script = format!("umask {umask}; cd /; exec \"$0\" --exact sdist::pack_for_another_process");
        if later {
            // An older build's traces change nothing.
            write(
                &root,
                &[
                    ("dist/demo-0.9.tar.gz", "old"),
                    ("dist/demo-1.0.tar.gz", "old"),
                    ("build/lib/x", ""),
                ],
            );
            write(&root, &[("demo/__pycache__/y.pyc", "")]);
        }
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(me).env("SGBUILD_TEST_PACK", &root);
        run(command.env("TZ", tz).env("LANG", lang).env("LC_ALL", lang));
        if later {
            assert_eq!(run(Command::new("find").arg(&root).args(["-name", ".sgbuild*"])), "");
        }
        fs::read(root.join("dist/demo-1.0.tar.gz")).unwrap()
    };
    let first = build("022", "UTC", "C", false);
    let second = build("077", "Pacific/Kiritimati", "de_DE.UTF-8", true);
    assert!(first == second);
}

#[test]
fn source_date_epoch_is_the_members_time() {
    let dir = tempfile::tempdir().unwrap();
    let with = |seconds| SdistSettings {
        source_date_epoch: Some(seconds),
        ..SdistSettings::default()
    };
    let sdist = packed(dir.path(), &with(1_700_000_000));
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(&sdist.path).unwrap()));
    assert!(
        archive
            .entries()
            .unwrap()
            .all(|entry| entry.unwrap().header().mtime().unwrap() == 1_700_000_000)
    );
    for bad in [-1, i64::MAX] {
        let error = pack(&whole(dir.path()), &dir.path().join("dist"), &with(bad), &Silent).unwrap_err();
        assert!(matches!(error, Error::SourceDateEpoch { .. }), "{error}");
        assert_eq!(error.fault().exit_code(), 2);
    }
}

fn refused(metadata: Metadata, build: Build, arrange: impl Fn(&Path)) -> (TempDir, Error) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("setup.py", BARE_SETUP), ("demo/__init__.py", "")]);
    arrange(dir.path());
    let out = dir.path().join("out");
    let error = pack(
        &project(dir.path(), metadata, build),
        &out,
        &SdistSettings::default(),
        &Silent,
    )
    .unwrap_err();
    // Whatever went wrong, nothing half-written is left.
    assert_eq!(fs::read_dir(&out).map_or(0, Iterator::count), 0, "{error}");
    assert!(!error.hints().is_empty());
    (dir, error)
}

#[test]
fn a_missing_package_directory() {
    let metadata = Metadata {
        packages: strings(&["demo", "demo.lost"]),
        ..demo()
    };
    let (dir, error) = refused(metadata.clone(), Build::default(), |_| {});
    let expected = format!(
        "package `demo.lost` is declared, but its directory {}/demo/lost does not exist",
        dir.path().display()
    );
    assert_eq!(error.to_string(), expected);
    let (_dir, error) = refused(metadata, Build::default(), |root| write(root, &[("demo/lost", "")]));
    assert!(error.to_string().ends_with("demo/lost is a file"), "{error}");
}

#[test]
fn files_that_cannot_be_packed() {
    let latin = std::ffi::OsStr::from_bytes(b"demo/caf\xe9.py");
    let (_dir, error) = refused(demo(), Build::default(), |root| {
        fs::write(root.join(latin), "").unwrap();
    });
    assert!(matches!(error, Error::NonUtf8Name { .. }), "{error}");
    assert!(
        error.to_string().contains("demo/caf\u{fffd}.py is not UTF-8"),
        "{error}"
    );

    let missing = Build {
        scripts: strings(&["bin/none"]),
        ..Build::default()
    };
    let (_dir, error) = refused(demo(), missing, |_| {});
    assert!(
        error
            .to_string()
            .ends_with("bin/none is named in `scripts`, but there is no such file"),
        "{error}"
    );
}

#[test]
fn paths_out_of_the_project() {
    let data = Build {
        data_files: strings(&["../x"]),
        ..Build::default()
    };
    assert_eq!(
        refused(demo(), data, |_| {}).1.to_string(),
        "data_files names \"../x\", which lies outside the project's directory"
    );
    for line in ["include ../x", "graft /etc", "recursive-include .. *"] {
        let (_dir, error) = refused(demo(), Build::default(), |root| {
            write(root, &[("MANIFEST.in", &format!("\n{line}\n"))]);
        });
        assert!(error.to_string().starts_with("MANIFEST.in:2 names "), "{error}");
    }
}

#[test]
fn odd_files_are_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let heard = Heard::default();
    write(
        dir.path(),
        &[
            ("setup.py", BARE_SETUP),
            ("demo/__init__.py", ""),
            ("MANIFEST.in", "graft demo\n"),
        ],
    );
    write(dir.path(), &[("demo/two\nlines.txt", "x"), ("away/x.txt", "")]);
    symlink("../away", dir.path().join("demo/away")).unwrap();
    symlink("..", dir.path().join("demo/up")).unwrap();
    run(Command::new("mkfifo").arg(dir.path().join("demo/pipe")));
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("demo/socket")).unwrap();
    let project = project(dir.path(), demo(), Build::default());
    let sdist = pack(&project, &dir.path().join("out"), &SdistSettings::default(), &heard).unwrap();
    assert!(sdist.files.contains(&"demo/two\nlines.txt".to_owned()));
    assert!(
        !sdist
            .files
            .iter()
            .any(|file| file.contains("away") || file.contains("pipe") || file.contains("socket"))
    );
    assert_eq!(
        heard.0.into_inner().unwrap(),
        [
            "demo/away is a link to a directory; what is behind it is not packed unless a path names it",
            "demo/up is a link to a directory; what is behind it is not packed unless a path names it",
            "demo/pipe is a pipe, socket or device; it is not packed",
            "demo/socket is a pipe, socket or device; it is not packed",
            "the file name \"demo/two\\nlines.txt\" contains a control character; it is packed all the same",
        ]
    );
}

#[test]
fn a_large_file_is_streamed() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            ("setup.py", BARE_SETUP),
            ("demo/__init__.py", ""),
            ("MANIFEST.in", "graft demo\n"),
        ],
    );
    // Sparse on disk.
    fs::File::create(dir.path().join("demo/big.bin"))
        .unwrap()
        .set_len(120_000_000)
        .unwrap();
    let project = project(dir.path(), demo(), Build::default());
    let sdist = pack(&project, &dir.path().join("out"), &SdistSettings::default(), &Silent).unwrap();
    assert!(sdist.size < 5_000_000, "{}", sdist.size);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 80_000, "{peak} kB");
}

#[test]
fn an_output_directory_that_cannot_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let project = whole(dir.path());
    write(dir.path(), &[("file", "")]);
    let error = pack(
        &project,
        &dir.path().join("file/out"),
        &SdistSettings::default(),
        &Silent,
    )
    .unwrap_err();
    assert!(matches!(error, Error::OutDir { .. }), "{error}");
    // Read-only even for root.
    let error = pack(&project, Path::new("/proc/self"), &SdistSettings::default(), &Silent).unwrap_err();
    assert!(matches!(error, Error::OutDir { .. }), "{error}");
    assert_eq!(error.fault().exit_code(), 1);
}

#[test]
fn an_older_sdist_stays_until_a_new_one_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let project = whole(dir.path());
    let sdist = pack(&project, &dir.path().join("dist"), &SdistSettings::default(), &Silent).unwrap();
    let gone = dir.path().join("setup.py");
    let error = pack(
        &project,
        &dir.path().join("dist"),
        &SdistSettings::default(),
        &Removing(gone.clone()),
    );
    assert!(matches!(error, Err(Error::Read { path, .. }) if path == gone));
    assert_eq!(fs::metadata(&sdist.path).unwrap().len(), sdist.size);
    assert_eq!(fs::read_dir(dir.path().join("dist")).unwrap().count(), 1);
}

#[test]
fn another_backends_project_is_not_packed() {
    let build = Build {
        backend_sdist: Some("build-backend is hatchling.build".to_owned()),
        ..Build::default()
    };
    let (_dir, error) = refused(demo(), build, |_| {});
    assert_eq!(
        error.to_string(),
        "the project's build backend must make its source distribution: build-backend is hatchling.build"
    );
}

/// Makes a tar.gz with Python: `code` adds to the open `t`.
fn tarball(dir: &Path, code: &str) -> PathBuf {
    let path = dir.join("demo-1.0.tar.gz");
    let program = format!(
        "import sys, tarfile, io\n\
         def add(name, data=b'', **kw):\n    i = tarfile.TarInfo(name); i.size = len(data)\n    [setattr(i, k, v) for k, v in kw.items()]\n    t.addfile(i, io.BytesIO(data))\n\
         t = tarfile.open(sys.argv[1], 'w:gz')\n{code}\nt.close()\n"
    );
    run(Command::new("python3").args(["-c", &program]).arg(&path));
    path
}

#[test]
fn a_backends_archive_is_made_reproducible() {
    let (one, two, out) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let first = tarball(
        one.path(),
        "add('demo-1.0', type=tarfile.DIRTYPE)\nadd('demo-1.0/demo', type=tarfile.DIRTYPE)\n\
         add('demo-1.0/empty', type=tarfile.DIRTYPE)\nadd('demo-1.0/b.py', b'b', mtime=5, mode=0o600, uname='me')\n\
         add('demo-1.0/demo/run', b'a', mode=0o711)\nadd('demo-1.0/hard', type=tarfile.LNKTYPE, linkname='demo-1.0/b.py')\n\
         add('demo-1.0/demo/soft', type=tarfile.SYMTYPE, linkname='../b.py')\nadd('demo-1.0/größe' + 'x' * 120, b'long')",
    );
    let second = tarball(
        two.path(),
        "add('demo-1.0/größe' + 'x' * 120, b'long', mtime=9)\nadd('demo-1.0/demo/soft', type=tarfile.SYMTYPE, linkname='../b.py')\n\
         add('./demo-1.0/b.py', b'b', mode=0o664)\nadd('demo-1.0/hard', b'b', mode=0o600)\nadd('demo-1.0/empty/', type=tarfile.DIRTYPE)\n\
         add('demo-1.0/demo/run', b'a', mode=0o755)",
    );
    let a = repack(&first, &out.path().join("a"), &SdistSettings::default(), &Silent).unwrap();
    let b = repack(&second, two.path(), &SdistSettings::default(), &Silent).unwrap();
    assert_eq!(a.sha256, b.sha256);
    assert_eq!(b.path, second);
    let long = format!("größe{}", "x".repeat(120));
    assert_eq!(
        a.files,
        ["b.py", "demo/run", "demo/soft", "empty/", long.as_str(), "hard"]
    );
    let code =
        "import sys, tarfile\nfor m in tarfile.open(sys.argv[1]): print(m.name, oct(m.mode), m.linkname, m.mtime)";
    let listed = run(Command::new("python3")
        .args(["-c", code])
        .arg(&a.path)
        .env("PYTHONUTF8", "1"));
    assert_eq!(
        listed,
        format!(
            "demo-1.0/b.py 0o644  315619200\ndemo-1.0/demo/run 0o755  315619200\ndemo-1.0/demo/soft 0o755 ../b.py 315619200\n\
             demo-1.0/empty 0o755  315619200\ndemo-1.0/{long} 0o644  315619200\ndemo-1.0/hard 0o644  315619200\n"
        )
    );
    assert_eq!(members(&a.path)["demo-1.0/hard"], b"b");
}

#[test]
fn a_backends_archive_with_evil_members_is_refused() {
    let cases = [
        ("add('demo-1.0/../../x', b'')", "leads out of the archive"),
        ("add('/etc/passwd', b'')", "is an absolute path"),
        ("add('demo-1.0/a', b'1')\nadd('demo-1.0/a', b'2')", "appears twice"),
        ("add('demo-1.0/a', b'1')\nadd('demo-1.0/./a', b'2')", "appears twice"),
        ("add('demo-1.0/null', type=tarfile.CHRTYPE)", "is a device or pipe"),
        ("add('demo-1.0/pipe', type=tarfile.FIFOTYPE)", "is a device or pipe"),
        (
            "add('demo-1.0/l', type=tarfile.SYMTYPE, linkname='/etc')",
            "leads out of the archive",
        ),
        (
            "add('demo-1.0/l', type=tarfile.SYMTYPE, linkname='../../x')",
            "leads out of the archive",
        ),
        (
            "add('demo-1.0/l', type=tarfile.SYMTYPE, linkname='a/../l')",
            "leads out of the archive",
        ),
        (
            "add('demo-1.0/l', type=tarfile.SYMTYPE, linkname='none')",
            "is a link to nothing",
        ),
        (
            "add('demo-1.0/l', type=tarfile.LNKTYPE, linkname='/etc/passwd')",
            "leads out of the archive",
        ),
        (
            "add('demo-1.0/l', type=tarfile.LNKTYPE, linkname='demo-1.0/l')",
            "is a link to no file",
        ),
        (
            "add('demo-1.0/d', type=tarfile.DIRTYPE)\nadd('demo-1.0/l', type=tarfile.SYMTYPE, linkname='d')\nadd('demo-1.0/l/x', b'')",
            "lies below a member that is no directory",
        ),
        (
            "add('demo-1.0/a', b'')\nadd('other/a', b'')",
            "is in a second top-level directory",
        ),
        ("add('file', b'')", "does not lie in the archive's one directory"),
        ("", "the archive is empty"),
    ];
    for (code, reason) in cases {
        let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let error = repack(
            &tarball(dir.path(), code),
            out.path(),
            &SdistSettings::default(),
            &Silent,
        )
        .unwrap_err();
        assert!(error.to_string().contains(reason), "{code}\n{error}");
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_backends_archive_that_is_no_archive() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("demo-1.0.tar.gz", "not gzip")]);
    let truncated = tarball(&dir.path().join("."), "add('demo-1.0/a', bytes(range(256)) * 400)");
    let bytes = fs::read(&truncated).unwrap();
    for bad in [b"not gzip".as_slice(), &bytes[..bytes.len() / 2]] {
        fs::write(&truncated, bad).unwrap();
        let out = dir.path().join("out");
        let error = repack(&truncated, &out, &SdistSettings::default(), &Silent).unwrap_err();
        assert!(matches!(error, Error::ReadArchive { .. }), "{error}");
    }
    let error = repack(
        &dir.path().join("none.tar.gz"),
        dir.path(),
        &SdistSettings::default(),
        &Silent,
    )
    .unwrap_err();
    assert!(error.to_string().contains("none.tar.gz: No such file"), "{error}");
}
