//! The image of a package on bases that nobody chose for sgbuild: the right image, or the right hint.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::main_path::docker_ok;
use crate::support::{Ran, Sandbox, Testbed};

/// An image made of the testbed's base and `lines`; it gets the index's certificates as the secret `ca`.
pub(crate) fn base(name: &str, lines: &str) -> String {
    let testbed = Testbed::get();
    let tag = format!("sgbuild-test/{name}:1");
    let mut build = Command::new(testbed.variable("SGBUILD_TESTBED_DOCKER"))
        .args(["build", "--quiet", "--tag", &tag, "-"])
        .arg(format!("--secret=id=ca,src={}", testbed.variable("SSL_CERT_FILE")))
        .env("DOCKER_BUILDKIT", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let dockerfile = format!("FROM {}\n{lines}\n", testbed.variable("SGBUILD_TESTBED_BASE"));
    build.stdin.take().unwrap().write_all(dockerfile.as_bytes()).unwrap();
    assert!(build.wait().unwrap().success(), "{dockerfile}");
    tag
}

/// A package with data below its own directory, and with files of its own below the environment's.
fn with_data() -> Sandbox {
    let sandbox = Sandbox::empty().with_testbed();
    sandbox.write(
        "setup.py",
        // A name of its own: two tests at a time must not take each other's tag.
        &r#"from setuptools import setup

setup(
    name="with-data-NUMBER",
    version="1.0",
    packages=["withdata"],
    package_data={"withdata": ["data/**/*.csv"]},
    data_files=[("man/man1", ["withdata.1"]), ("etc/withdata", ["withdata.1"])],
    scripts=["bin/show-data"],
    entry_points={"console_scripts": ["train = withdata:train"]},
)
"#
        .replace("NUMBER", &uuid::Uuid::new_v4().simple().to_string()),
    );
    sandbox.write("withdata.1", ".TH x 1\n");
    sandbox.write(
        "bin/show-data",
        "#!/usr/bin/env python\nimport withdata; withdata.train()\n",
    );
    sandbox.write("withdata/data/deep/deeper/x.csv", "1\n");
    sandbox.write("withdata/data/top.csv", "1\n");
    sandbox.write(
        "withdata/__init__.py",
        "import getpass, pathlib\n\n\ndef train():\n    here = pathlib.Path(__file__).parent\n    \
         print(getpass.getuser(), sorted(p.name for p in here.rglob('*.csv')))\n",
    );
    sandbox
}

fn build(sandbox: &Sandbox, base: &str, more: &[&str]) -> Ran {
    sandbox.run(&[&["build", "--base-image", base], more].concat())
}

/// What the image prints when it trains.
fn trained(image: &str, more: &[&str]) -> String {
    docker_ok(&[&["run", "--rm"], more, &[image.trim_end()]].concat())
}

/// Removes packages from the base, whoever installed them there.
fn without(packages: &[&str]) -> String {
    let found = packages.iter().map(|package| format!("-path '*-packages/{package}*'"));
    let found = found.collect::<Vec<_>>().join(" -o ");
    format!("RUN find / -xdev \\( {found} \\) -prune -exec rm -rf {{}} +")
}

/// What Python prints in the image.
fn python(image: &str, code: &str) -> String {
    docker_ok(&["run", "--rm", "--entrypoint", "python", image.trim_end(), "-c", code])
}

const HAS: &str = "import importlib.util as u, sys; print(*[n for n in ('setuptools', 'wheel') if u.find_spec(n)])";

#[test]
fn an_old_setuptools_and_no_wheel_have_no_say() {
    let old = "RUN --mount=type=secret,id=ca PIP_CERT=/run/secrets/ca python -m pip install --quiet setuptools==59.8.0";
    let base = base(
        "old-setuptools",
        &format!("{}\n{old}", without(&["setuptools", "wheel"])),
    );
    let image = build(&with_data(), &base, &[]).exits(0).stdout;
    assert_eq!(trained(&image, &[]), "root ['top.csv', 'x.csv']\n");
    assert_eq!(python(&image, HAS), "setuptools\n");
    assert_eq!(
        python(&image, "import setuptools; print(setuptools.__version__)"),
        "59.8.0\n"
    );
}

#[test]
fn an_earlier_build_in_the_base_is_replaced() {
    let sandbox = with_data();
    let earlier = build(&sandbox, &base("plain", ""), &[]).exits(0).stdout;
    let tag = "sgbuild-test/earlier:1";
    docker_ok(&["tag", earlier.trim_end(), tag]);
    let code = sandbox
        .read("withdata/__init__.py")
        .replace("getpass.getuser()", "'anew'");
    sandbox.write("withdata/__init__.py", &code);
    let image = build(&sandbox, tag, &[]).exits(0).stdout;
    assert_eq!(trained(&image, &[]), "anew ['top.csv', 'x.csv']\n");
}

#[test]
fn a_base_without_setuptools_is_one_too() {
    let base = base("no-setuptools", &without(&["setuptools", "wheel"]));
    let image = build(&with_data(), &base, &[]).exits(0).stdout;
    assert_eq!(trained(&image, &[]), "root ['top.csv', 'x.csv']\n");
    assert_eq!(python(&image, HAS), "\n");
}

#[test]
fn a_base_of_another_users_is_installed_to_by_root_and_run_by_whom_the_setting_names() {
    let base = base(
        "other-user",
        "RUN useradd --create-home trainer && mkdir -p /opt/ml && chown -R trainer /opt/ml\nUSER nobody\nWORKDIR /home/trainer",
    );
    let sandbox = with_data();
    let image = build(&sandbox, &base, &[]).exits(0).stdout;
    assert_eq!(trained(&image, &[]), "root ['top.csv', 'x.csv']\n");

    let image = build(&sandbox, &base, &["--user", "trainer"]).exits(0).stdout;
    assert_eq!(trained(&image, &[]), "trainer ['top.csv', 'x.csv']\n");
    let fails = sandbox
        .read("withdata/__init__.py")
        .replace("    print(", "    raise ValueError(");
    sandbox.write("withdata/__init__.py", &fails);
    let image = build(&sandbox, &base, &["--user", "trainer"]).exits(0).stdout;
    let show = "python /usr/local/lib/sgbuild/run.py train 2>/dev/null; head -1 /opt/ml/output/failure";
    let said = docker_ok(&["run", "--rm", "--entrypoint", "sh", image.trim_end(), "-c", show]);
    assert!(said.starts_with("ValueError: "), "{said}");
}

#[test]
fn a_user_of_dockerlines_runs_the_image_and_does_not_install_it() {
    let sandbox = with_data();
    let setup = sandbox.read("setup.py").replace(
        "    version=\"1.0\",\n",
        "    version=\"1.0\",\n    dockerlines=[\"RUN useradd trainer\", \"USER trainer\"],\n",
    );
    sandbox.write("setup.py", &setup);
    let base = base("plain", "");
    let image = build(&sandbox, &base, &[]).exits(0).stdout;
    assert_eq!(trained(&image, &[]), "trainer ['top.csv', 'x.csv']\n");
    let image = build(&sandbox, &base, &["--user", "nobody:nogroup"]).exits(0).stdout;
    assert_eq!(trained(&image, &[]), "nobody ['top.csv', 'x.csv']\n");
}

#[test]
fn a_linked_directory_of_the_base_stays_a_link() {
    // Debian's /usr/local/man is a link.
    let image = build(&with_data(), &base("plain", ""), &[]).exits(0).stdout;
    let look = "test -L /usr/local/man && cat /usr/local/share/man/man1/withdata.1 /usr/local/etc/withdata/withdata.1 && show-data";
    let said = docker_ok(&["run", "--rm", "--entrypoint", "sh", image.trim_end(), "-c", look]);
    assert_eq!(said, ".TH x 1\n.TH x 1\nroot ['top.csv', 'x.csv']\n");
}

#[test]
fn linked_site_packages_are_installed_to() {
    let base = base(
        "linked-site-packages",
        "RUN p=$(python -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))') && mv \"$p\" /usr/local/lib/python3.11/elsewhere && ln -s elsewhere \"$p\"",
    );
    let image = build(&with_data(), &base, &[]).exits(0).stdout;
    assert_eq!(trained(&image, &[]), "root ['top.csv', 'x.csv']\n");
    docker_ok(&[
        "run",
        "--rm",
        "--entrypoint",
        "ls",
        image.trim_end(),
        "/usr/local/lib/python3.11/elsewhere/withdata/data/top.csv",
    ]);
}

#[test]
fn a_base_that_cannot_be_installed_to_is_told_with_what_to_choose() {
    let stdlib = "$(python -c 'import sysconfig; print(sysconfig.get_path(\"stdlib\"))')";
    for (name, lines, said) in [
        (
            "externally-managed",
            format!("RUN printf '[externally-managed]\\nError=Use apt\\n' > {stdlib}/EXTERNALLY-MANAGED"),
            "its distribution's, which pip may not install into",
        ),
        ("no-pip", without(&["pip"]), "has no pip"),
        (
            "no-python",
            "RUN for each in $(which -a python); do rm $each; done".to_owned(),
            "has no program `python`",
        ),
    ] {
        let base = base(name, &lines);
        build(&with_data(), &base, &[])
            .exits(1)
            .says(&[said, "setting `base-image`"]);
    }
}

#[test]
fn the_classic_builder_makes_the_same_image() {
    let sandbox = with_data().with("DOCKER_BUILDKIT", "0");
    let image = build(&sandbox, &base("plain", ""), &["--no-pip-settings"])
        .exits(0)
        .stdout;
    assert_eq!(trained(&image, &[]), "root ['top.csv', 'x.csv']\n");
    assert!(!sandbox.read("dist/Dockerfile").contains("--mount"));
}

#[test]
fn what_is_for_this_machines_c_library_is_built_in_the_image() {
    let sandbox = with_data();
    let setup = sandbox.read("setup.py");
    let compiled = "class Compiled(Distribution):\n    def has_ext_modules(self):\n        return True\n\n\nsetup(";
    let setup = setup
        .replace("import setup\n", "import Distribution, setup\n")
        .replace("setup(", compiled)
        .replace("    packages", "    distclass=Compiled,\n    packages");
    sandbox.write("setup.py", &setup);
    let built = build(&sandbox, &base("plain", ""), &[]).exits(0);
    let built = built.says(&[
        "with the C library of this machine",
        "the image's pip builds the package, from the sdist",
    ]);
    assert_eq!(trained(&built.stdout, &[]), "root ['top.csv', 'x.csv']\n");
    let wheel = "from importlib.metadata import distributions; print([f.read_text().split('Tag: ')[1] for f in next(d for d in distributions() if d.metadata['Name'].startswith('with-data')).files if f.name == 'WHEEL'])";
    let said = docker_ok(&[
        "run",
        "--rm",
        "--entrypoint",
        "python",
        built.stdout.trim_end(),
        "-c",
        wheel,
    ]);
    assert!(said.starts_with("['cp311-cp311-linux_"), "{said}");
}
