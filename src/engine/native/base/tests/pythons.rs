//! Pythons as people's images have them.

use super::super::{Base, Error, Installed};
use super::{GLIBC, Layer, MUSL, elf, image, told};
use crate::engine::native::Libc;

pub(super) const PATH: &str = "PATH=/usr/local/bin:/usr/bin";
/// What says where things are, of the Python that python.org releases and of Debian's.
const UPSTREAM: [&str; 2] = [
    "_INSTALL_SCHEMES = {'posix_prefix': {}}",
    "def getsitepackages(): 'site-packages'",
];
const DEBIAN: [&str; 2] = [
    "_INSTALL_SCHEMES = {'posix_local': {}, 'deb_system': {}}",
    "'dist-packages'",
];
const DEBIAN_3_9: [&str; 2] = ["_INSTALL_SCHEMES = {'posix_prefix': {}}", "'dist-packages'"];

fn system() -> Layer {
    Layer::default().link("lib", "usr/lib").file(
        "usr/lib/x86_64-linux-gnu/libc.so.6",
        "\0GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.\nCopyright",
    )
}

/// A standard library.
fn library(layer: Layer, at: &str, [sysconfig, site]: [&str; 2]) -> Layer {
    layer
        .file(&format!("{at}/os.py"), "")
        .file(&format!("{at}/sysconfig.py"), sysconfig)
        .file(&format!("{at}/site.py"), site)
}

/// `python:3.11-slim`.
pub(super) fn official() -> Layer {
    library(system(), "usr/local/lib/python3.11", UPSTREAM)
        .program("usr/local/bin/python3.11", elf(GLIBC))
        // With a library linked into it whose version looks like one of Python's.
        .file("usr/local/lib/libpython3.11.so.1.0", "\x003.45.1\x003.11.2\0")
        .link("usr/local/bin/python3", "python3.11")
        .link("usr/local/bin/python", "python3")
}

pub(super) fn read(layer: Layer) -> Base {
    image(&[layer], &[PATH]).unwrap()
}

fn refused(layer: Layer) -> String {
    told(&image(&[layer], &[PATH]).unwrap_err())
}

fn reason(layer: Layer) -> String {
    match image(&[layer], &[PATH]).unwrap_err() {
        Error::Pythonless { why, .. } => match *why {
            Error::UnknownPython { reason, .. } | Error::NoLibc { reason, .. } => reason,
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    }
}

/// Where the Python installs: purelib, scripts, data, include.
fn places(base: &Base) -> [&str; 4] {
    let python = &base.python;
    assert_eq!(python.purelib, python.platlib);
    [&python.purelib, &python.scripts, &python.data, &python.include]
}

pub(super) fn distribution(layer: Layer, directory: &str, name: &str, version: &str) -> Layer {
    let information = format!("{directory}/{name}-{version}.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nA description.\n");
    layer
        .file(&format!("{information}/METADATA"), metadata)
        .file(&format!("{information}/INSTALLER"), "pip\n")
}

pub(super) fn names(installed: &[Installed]) -> Vec<String> {
    let names = installed
        .iter()
        .map(|installed| format!("{} {}", installed.name, installed.version));
    names.collect()
}

#[test]
fn an_official_image() {
    let base = read(official());
    assert_eq!(base.python.executable, "/usr/local/bin/python");
    assert_eq!(base.python.release.as_deref(), Some("3.11.2"));
    assert_eq!(
        base.python.target.to_string(),
        "Python 3.11 on linux/amd64 with glibc 2.36"
    );
    assert_eq!(
        places(&base),
        [
            "/usr/local/lib/python3.11/site-packages",
            "/usr/local/bin",
            "/usr/local",
            "/usr/local/include/python3.11"
        ]
    );
    assert_eq!(base.python.path, ["/usr/local/lib/python3.11"]);
}

#[test]
fn debians_python_of_two_ages() {
    let debian = |version: &str, kind| {
        library(system(), &format!("usr/lib/python{version}"), kind)
            .program(&format!("usr/bin/python{version}"), elf(GLIBC))
            .link("usr/bin/python", &format!("python{version}"))
            .directory("usr/lib/python3/dist-packages")
            .directory(&format!("usr/local/lib/python{version}/dist-packages"))
    };
    let base = read(debian("3.11", DEBIAN));
    let expected = [
        "/usr/local/lib/python3.11/dist-packages",
        "/usr/local/bin",
        "/usr/local",
        "/usr/include/python3.11",
    ];
    assert_eq!(places(&base), expected);
    assert_eq!(
        base.python.path,
        [
            "/usr/lib/python3.11",
            "/usr/local/lib/python3.11/dist-packages",
            "/usr/lib/python3/dist-packages"
        ]
    );
    // Bullseye's, whose pip asks distutils.
    let base = read(debian("3.9", DEBIAN_3_9));
    let expected = [
        "/usr/local/lib/python3.9/dist-packages",
        "/usr/local/bin",
        "/usr/local",
        "/usr/local/include/python3.9",
    ];
    assert_eq!(places(&base), expected);
    assert!(reason(debian("3.10", DEBIAN_3_9)).contains("do not agree"));
}

#[test]
fn conda() {
    let layer = library(system(), "opt/conda/lib/python3.10", UPSTREAM)
        .program("opt/conda/bin/python3.10", elf(GLIBC))
        .link("opt/conda/bin/python", "python3.10")
        // Of its compilers, and older.
        .file(
            "opt/conda/x86_64-conda-linux-gnu/sysroot/lib64/libc.so.6",
            "stable release version 2.17.",
        )
        // The system has a Python of its own.
        .program("usr/bin/python3.11", elf(GLIBC))
        .link("usr/bin/python", "/opt/conda/bin/python");
    let layer = distribution(layer, "opt/conda/lib/python3.10/site-packages", "numpy", "1.26.4");
    let base = read(layer);
    // A link into it is not what Python takes for its own place.
    assert_eq!(base.python.executable, "/usr/bin/python");
    assert_eq!(base.python.prefix, "/opt/conda");
    assert_eq!(base.python.target.libc, Libc::Glibc(2, 36));
    assert_eq!(places(&base)[1], "/opt/conda/bin");
    assert_eq!(names(&base.python.installed), ["numpy 1.26.4"]);
}

#[test]
fn musl() {
    let layer = || {
        library(Layer::default(), "usr/local/lib/python3.12", UPSTREAM).program("usr/local/bin/python3.12", elf(MUSL))
    };
    let layer = || layer().hard_link("usr/local/bin/python", "usr/local/bin/python3.12");
    // The hard link's own name says no version, but there is only one.
    let base = read(layer().file("lib/ld-musl-x86_64.so.1", "musl libc\0Version %s\n\x001.2.5\0x"));
    assert_eq!(base.python.target.libc, Libc::Musl(1, 2));
    assert_eq!(base.python.target.python, (3, 12));
    let two = layer().file("lib/ld-musl-x86_64.so.1", "\x001.2.5\x001.1.24\0");
    assert_eq!(reason(two), "/lib/ld-musl-x86_64.so.1 does not say its version");
    assert!(reason(layer()).contains("does not say its version"));
}

#[test]
fn a_virtual_environment_alone_and_with_what_is_outside() {
    let site = "venv/lib/python3.11/site-packages";
    let environment = |config: &str| {
        let layer = official()
            .file("venv/pyvenv.cfg", config)
            .link("venv/bin/python", "/usr/local/bin/python")
            .directory("root/.local/lib/python3.11/site-packages");
        let layer = distribution(layer, site, "inside", "1");
        distribution(layer, "usr/local/lib/python3.11/site-packages", "outside", "2")
    };
    let path = "PATH=/venv/bin:/usr/local/bin";
    let base = image(&[environment("home = /usr/local/bin\nversion = 3.11.2\n")], &[path]).unwrap();
    assert_eq!(
        places(&base),
        [
            "/venv/lib/python3.11/site-packages",
            "/venv/bin",
            "/venv",
            "/venv/include/site/python3.11"
        ]
    );
    assert_eq!(
        (&*base.python.prefix, &*base.python.executable),
        ("/venv", "/venv/bin/python")
    );
    assert_eq!(names(&base.python.installed), ["inside 1"]);

    let both = "home=/usr/local/bin\ninclude-system-site-packages = TRUE\n";
    let base = image(&[environment(both)], &[path]).unwrap();
    assert_eq!(names(&base.python.installed), ["inside 1", "outside 2"]);
    assert_eq!(base.python.path[1], "/root/.local/lib/python3.11/site-packages");

    for broken in ["version = 3.11.2\n", "home = bin\n"] {
        let error = image(&[environment(broken)], &[path]).unwrap_err();
        assert!(
            error.to_string().contains("names no absolute path as its `home`"),
            "{error}"
        );
    }
}

#[test]
fn a_virtual_environment_of_a_copied_program_says_its_version() {
    let layer = library(official(), "usr/local/lib/python3.10", UPSTREAM)
        .file(
            "venv/pyvenv.cfg",
            "home = /usr/local/bin\nversion_info = 3.10.13.final.0\n",
        )
        .program("venv/bin/python", elf(GLIBC));
    let base = image(&[layer], &["PATH=/venv/bin"]).unwrap();
    assert_eq!(base.python.target.python, (3, 10));
    assert_eq!(base.python.purelib, "/venv/lib/python3.10/site-packages");
}

#[test]
fn what_cannot_be_told_by_reading_is_refused() {
    let program = |name: &str, content: &[u8]| {
        let layer = library(system(), "usr/local/lib/python3.11", UPSTREAM);
        layer
            .program(&format!("usr/local/bin/{name}"), content)
            .link("usr/local/bin/python", name)
    };
    let shim = Layer::default().program("usr/local/bin/python", "#!/usr/bin/env bash\nexec pyenv exec");
    insta::assert_snapshot!(refused(shim));
    assert!(reason(program("python2.7", &elf(GLIBC))).ends_with("is Python 2"));
    assert!(reason(program("pypy3.10", &elf(GLIBC))).ends_with("is no program of CPython's, by its name or content"));
    assert!(reason(program("python3.13t", &elf(GLIBC))).contains("another build of Python"));
    assert!(reason(program("python3.11", b"not a program")).contains("by its name or content"));
    assert!(reason(program("python3.12", &elf(GLIBC))).contains("there is no lib/python3.12/os.py"));
    assert!(reason(program("python3.11", &elf(""))).contains("linked statically"));
    assert!(reason(program("python3.11", &elf("/lib/ld-uClibc.so.0"))).contains("neither glibc's nor musl's"));
    let two = library(program("python3", &elf(GLIBC)), "usr/local/lib/python3.10", UPSTREAM);
    assert!(reason(two).contains("several versions"));
    let none = Layer::default().program("usr/local/bin/python", elf(GLIBC));
    assert!(reason(none).contains("no lib/python3.*/os.py"));

    let fedora = ["'rpm_prefix'", "'site-packages'"];
    let layer = library(system(), "usr/lib/python3.12", fedora).program("usr/bin/python3.12", elf(GLIBC));
    assert!(reason(layer.link("usr/bin/python", "python3.12")).contains("Fedora"));
    let old = official().file("usr/local/lib/python3.11/orig-prefix.txt", "/usr");
    assert!(reason(old).contains("virtualenv before 20"));
    let minimal = [
        official(),
        Layer::default()
            .file("usr/local/lib/.wh.python3.11", "")
            .file("usr/local/lib/python3.11/os.py", ""),
    ];
    assert!(
        image(&minimal, &[PATH])
            .unwrap_err()
            .to_string()
            .contains("sysconfig.py")
    );

    let older = official().file("usr/lib64/libc.so.6", "stable release version 2.17.");
    assert!(reason(older).contains("several of glibc"));
    let stripped = official().file("usr/lib64/libc.so.6", "nothing");
    assert_eq!(reason(stripped), "/usr/lib64/libc.so.6 does not say its version");
    let without =
        library(Layer::default(), "usr/local/lib/python3.11", UPSTREAM).program("usr/local/bin/python", elf(GLIBC));
    assert_eq!(reason(without), "there is no libc.so.6 for /lib64/ld-linux-x86-64.so.2");
}

#[test]
fn a_base_without_python_is_told_what_to_choose() {
    insta::assert_snapshot!(refused(system().program("usr/bin/python3", elf(GLIBC))));
    // Nobody may execute it; it is a directory; the link leads nowhere, or round.
    let layer = system()
        .file("usr/bin/python", elf(GLIBC))
        .directory("usr/local/bin/python");
    assert!(refused(layer).contains("no program `python`"));
    let layer = system()
        .link("usr/bin/python", "python3")
        .link("usr/local/bin/python", "python");
    assert!(refused(layer).contains("no program `python`"));
    // PATH may be relative, or none.
    let here = |environment: &[&str]| image(&[official().link("work/bin", "/usr/local/bin")], environment);
    assert_eq!(here(&["PATH=bin"]).unwrap().python.executable, "/work/bin/python");
    assert_eq!(here(&[]).unwrap().python.executable, "/usr/local/bin/python");
    assert!(here(&["PATH="]).is_err());
}

#[test]
fn a_python_that_is_managed_is_left_alone_unless_the_image_says_otherwise() {
    let managed = || official().file("usr/local/lib/python3.11/EXTERNALLY-MANAGED", "[externally-managed]\n");
    insta::assert_snapshot!(refused(managed()));
    assert!(image(&[managed()], &[PATH, "PIP_BREAK_SYSTEM_PACKAGES=1"]).is_ok());
    assert!(image(&[managed()], &[PATH, "PIP_BREAK_SYSTEM_PACKAGES=0"]).is_err());
    let inside = managed()
        .file("venv/pyvenv.cfg", "home = /usr/local/bin")
        .link("venv/bin/python", "/usr/local/bin/python");
    assert!(image(&[inside], &["PATH=/venv/bin"]).is_ok());
}

#[test]
fn variables_that_lead_elsewhere_are_refused() {
    let with = |variable: &str| image(&[official()], &[PATH, variable]);
    insta::assert_snapshot!(told(&with("PYTHONHOME=/opt").unwrap_err()));
    for variable in [
        "PIP_TARGET=/opt",
        "PIP_USER=1",
        "PIP_PREFIX=/opt",
        "DEB_PYTHON_INSTALL_LAYOUT=deb",
    ] {
        assert!(with(variable).is_err(), "{variable}");
    }
    for harmless in ["PIP_USER=0", "PYTHONHOME=", "PIP_NO_CACHE_DIR=1", "PYTHONUNBUFFERED=1"] {
        assert!(with(harmless).is_ok(), "{harmless}");
    }
}

#[test]
fn what_pips_own_files_say_is_followed_or_refused() {
    let with = |file: &str, text: &str| image(&[official().file(file, text)], &[PATH]);
    let elsewhere = "[global]\nindex-url = https://index.example/simple\n[install]\n# where\ntarget = /opt\n";
    insta::assert_snapshot!(told(&with("etc/pip.conf", elsewhere).unwrap_err()));
    for file in [
        "root/.config/pip/pip.conf",
        "root/.pip/pip.conf",
        "usr/local/pip.conf",
        "etc/xdg/pip/pip.conf",
    ] {
        assert!(with(file, "[global]\nuser: yes\n").is_err(), "{file}");
    }
    assert!(with("home/x/.config/pip/pip.conf", elsewhere).is_ok());
    assert!(
        with(
            "etc/pip.conf",
            "[global]\nuser = no\n[download]\ntarget=/x\n[install]\ntarget-x = 1\n"
        )
        .is_ok()
    );

    let managed = official().file("usr/local/lib/python3.11/EXTERNALLY-MANAGED", "");
    let managed = managed.file("etc/pip.conf", "[global]\nbreak-system-packages = true\n");
    assert!(image(&[managed], &[PATH]).is_ok());
}
