//! What setup.py reads and names, followed without running it.

use super::{AWAY, SETUP, keeps_still, project, refused};

#[test]
fn what_setup_py_reads_and_names() {
    for (what, link, call, target) in [
        (
            "a version",
            "VERSION",
            "version=open('VERSION').read().strip()",
            "AWAY/version",
        ),
        (
            "a description",
            "about.md",
            "version='1', long_description=open('about.md').read()",
            "AWAY/key",
        ),
        (
            "requirements",
            "needs",
            "version='1', install_requires=open('needs').read().split('\\n')",
            "AWAY/key",
        ),
        (
            "a linked directory",
            "docs",
            "version=open('docs/version').read().strip()",
            "AWAY",
        ),
        (
            "a package",
            "linked",
            "version='1', packages=['linked']",
            "AWAY/package",
        ),
        (
            "packages",
            "linked",
            "version='1', packages=find_packages()",
            "AWAY/package",
        ),
        (
            "packages in there",
            "lib",
            "version='1', packages=find_packages('lib')",
            "AWAY",
        ),
        (
            "packages out there",
            "lib",
            "version='1', packages=['tiny'], package_dir={'tiny': 'lib/package'}",
            "AWAY",
        ),
        ("a module", "own.py", "version='1', py_modules=['own']", "AWAY/own.py"),
        (
            "a module of a package",
            "tiny/own.py",
            "version='1', packages=['tiny']",
            "../AWAY/own.py",
        ),
        ("data", "data", "version='1', data_files=[('d', ['data/key'])]", "AWAY"),
        (
            "package data",
            "tiny/data",
            "version='1', packages=['tiny'], package_data={'': ['data/*']}",
            "../AWAY",
        ),
        ("a script", "run", "version='1', scripts=['run']", "AWAY/key"),
        ("a licence", "terms", "version='1', license_files=['terms/*']", "AWAY"),
    ] {
        let setup = format!("{SETUP}setup(name='tiny', {call})\n");
        refused(what, link, &[("setup.py", &setup)], &[(link, target)]);
    }
    for (what, link, code, target) in [
        (
            "a path",
            "VERSION",
            "import pathlib\nVERSION = pathlib.Path('VERSION').read_text()",
            "AWAY/version",
        ),
        ("exec", "own.py", "exec(open('own.py').read())", "AWAY/own.py"),
        (
            "a module of its own",
            "own.py",
            "from own import VERSION",
            "AWAY/own.py",
        ),
        (
            "a package's module",
            "tiny/own.py",
            "from tiny.own import VERSION",
            "../AWAY/own.py",
        ),
        (
            "where modules are",
            "lib",
            "import sys\nsys.path.insert(0, 'lib')\nfrom own import VERSION",
            "AWAY",
        ),
        (
            "what else there is",
            "VERSION",
            "try:\n    VERSION = open('VERSION').read()\nexcept Exception:\n    VERSION = '1'",
            "AWAY/version",
        ),
        (
            "with an open file",
            "VERSION",
            "import os, io\nhere = os.path.dirname(os.path.abspath(__file__))\n\
             with io.open(os.path.join(here, 'VERSION'), encoding='utf-8') as f:\n    VERSION = f.read()",
            "AWAY/version",
        ),
    ] {
        let setup = format!("{SETUP}{code}\nsetup(name='tiny', version=VERSION, packages=['tiny'])\n");
        refused(what, link, &[("setup.py", &setup)], &[(link, target)]);
    }
}

#[test]
fn paths_that_say_that_they_lead_out() {
    for call in [
        "version=open('AWAY/version').read()",
        "version=open('tiny/../AWAY/version').read()",
        "version='1', packages=find_packages('AWAY')",
        "version='1', install_requires=open('/etc/hosts').read()",
        "version='1' if os.path.exists('/etc/hosts') else '2'",
        "version='1', py_modules=os.listdir('AWAY')",
    ] {
        let setup = format!("import os; {SETUP}setup(name='tiny', {})\n", call.replace("AWAY", AWAY));
        let sandbox = project(&[("setup.py", &setup)], &[]);
        let ran = sandbox.run(&["inspect", "--static"]).exits(1);
        let ran = ran.says(&["setup.py:2: `", "only Python can tell"]);
        keeps_still(call, &sandbox, &[ran]);
    }
    for (what, rest) in [
        ("file", "long_description = file: AWAY/key\n"),
        ("attr", "[options]\npackage_dir =\n  = AWAY\n"),
        (
            "where",
            "[options]\npackages = find:\n[options.packages.find]\nwhere = AWAY\n",
        ),
        ("data", "[options]\npackages = tiny\n[options.data_files]\nd = AWAY/*\n"),
        ("scripts", "[options]\npackages = tiny\nscripts = AWAY/key\n"),
    ] {
        let version = if what == "attr" { "attr: own.VERSION" } else { "1.0" };
        let cfg = format!(
            "[metadata]\nname = tiny\nversion = {version}\n{}",
            rest.replace("AWAY", AWAY)
        );
        let sandbox = project(
            &[
                ("setup.py", "from setuptools import setup\nsetup()\n"),
                ("setup.cfg", &cfg),
            ],
            &[],
        );
        let ran = sandbox.run(&["dist", "--static", "--train", "elsewhere.train:train"]);
        keeps_still(what, &sandbox, &[ran.exits(1)]);
    }
}
