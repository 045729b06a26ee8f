//! Python's version, system and machine in setup.py are those of the image, whatever this machine has.

use serde_json::json;

use crate::support::{Ran, Sandbox};

const BY_VERSION: &str = "
import sys
needs = []
if sys.version_info < (3, 12):
    needs.append('six')
if sys.version_info >= (3, 12):
    needs.append('packaging')
";

fn project(program: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("pkg/__init__.py", "def f():\n    pass\n");
    sandbox.write(
        "setup.py",
        &format!(
            "from setuptools import setup\n{program}\nsetup(name='a', version='1', packages=['pkg'], install_requires=needs,\n    entry_points={{'a': ['train = pkg:f']}}, {more})\n"
        ),
    );
    sandbox
}

fn requires(ran: Ran) -> serde_json::Value {
    ran.exits(0).json()["requires_dist"].clone()
}

#[test]
fn the_setting_or_the_package_says_for_which_python_it_is_read() {
    let read = |sandbox: Sandbox| requires(sandbox.run(&["inspect", "--json", "--static"]));
    let plain = |version: &str| project(BY_VERSION, "").with("SGBUILD_PYTHON_VERSION", version);
    assert_eq!(read(project(BY_VERSION, "")), json!(["packaging"]));
    assert_eq!(read(plain("3.11")), json!(["six"]));
    assert_eq!(read(plain("3.11.4")), json!(["six"]));
    assert_eq!(read(plain("3.13")), json!(["packaging"]));
    // What was read decides which Python it is, and it is read again for that one.
    assert_eq!(read(project(BY_VERSION, "python_requires='<3.12'")), json!(["six"]));
    assert_eq!(read(project(BY_VERSION, "python_version='3.10'")), json!(["six"]));
}

#[test]
fn its_parts_and_its_texts_are_the_same() {
    for (program, expected) in [
        ("needs = ['six'] if sys.version_info[1] == 11 else []", true),
        (
            "needs = ['six'] if sys.version_info.minor == 11 and sys.version_info.major == 3 else []",
            true,
        ),
        ("needs = ['six'] if sys.version_info[:2] == (3, 11) else []", true),
        (
            "needs = ['six'] if 'python%d.%d' % sys.version_info[:2] == 'python3.11' else []",
            true,
        ),
        (
            "needs = ['six'] if platform.python_version_tuple()[:2] == ('3', '11') else []",
            true,
        ),
        (
            "needs = ['six'] if 0x030b0000 <= sys.hexversion < 0x030c0000 else []",
            true,
        ),
        (
            "needs = ['six'] if sys.platform.startswith('linux') and os.name == 'posix' and platform.system() == 'Linux' else []",
            true,
        ),
        ("needs = ['six'] if platform.machine() == 'x86_64' else []", true),
        (
            "needs = ['six'] if sys.version_info > (3, 11) and sys.version_info < (3, 12) else []",
            true,
        ),
        (
            "major, minor = sys.version_info[:2]\nneeds = ['six'] if minor >= 12 else []",
            false,
        ),
    ] {
        let sandbox =
            project(&format!("import os, platform, sys\n{program}"), "").with("SGBUILD_PYTHON_VERSION", "3.11");
        let found = requires(sandbox.run(&["inspect", "--json", "--static"]));
        assert_eq!(found, if expected { json!(["six"]) } else { json!([]) }, "{program}");
    }
    let of_graviton = project(
        "import platform\nneeds = ['six'] if platform.machine() == 'aarch64' else []",
        "",
    );
    let of_graviton = of_graviton.with("SGBUILD_PLATFORM", "linux/arm64");
    assert_eq!(
        requires(of_graviton.run(&["inspect", "--json", "--static"])),
        json!(["six"])
    );
}

#[test]
fn what_no_setting_says_of_the_image_is_asked() {
    let own_base = project(BY_VERSION, "").with("SGBUILD_BASE_IMAGE", "registry.example/base:1");
    let ran = own_base.run(&["inspect", "--json", "--static"]).exits(1);
    ran.says(&["only Python can tell"]);
    let ran = own_base.run(&["inspect", "--json"]).exits(0);
    ran.says(&[
        "warning: setup.py looks at the version of Python",
        "that of the base image is not known",
    ]);
    // What is the same for all of them is no reason to ask.
    let old = project(
        "import sys\nneeds = ['six'] if sys.version_info >= (3, 6) else ['enum34']",
        "",
    );
    let old = old.with("SGBUILD_BASE_IMAGE", "registry.example/base:1");
    assert_eq!(requires(old.run(&["inspect", "--json", "--static"])), json!(["six"]));
    // Which patch release an image has is decided when it is made.
    let patch = project(
        "import sys\nneeds = ['six'] if sys.version_info >= (3, 12, 2) else []",
        "",
    );
    patch
        .run(&["inspect", "--static"])
        .exits(1)
        .says(&["only Python can tell"]);
}

#[test]
fn another_python_than_the_images_says_so() {
    // No machine has this one.
    let asking = format!("{BY_VERSION}\nimport time\nneeds = needs if time.time() else []");
    let sandbox = project(&asking, "").with("SGBUILD_PYTHON_VERSION", "3.99");
    let ran = sandbox.run(&["inspect", "--json"]).exits(0);
    ran.says(&[
        "warning: setup.py looks at the version of Python: it was asked with this machine's",
        "the image has 3.99",
    ]);
    let indifferent = project("import time\nneeds = ['six'] if time.time() else []", "");
    let ran = indifferent
        .with("SGBUILD_PYTHON_VERSION", "3.99")
        .run(&["inspect", "--json"])
        .exits(0);
    assert!(!ran.stderr.contains("looks at the version"), "{}", ran.stderr);
}
