//! Links that stay inside the project are followed as setuptools follows them.

use std::os::unix::fs::symlink;

use super::oracle::{Case, Kind, agree_in};
use super::{IMPORT, files};
use crate::support::Sandbox;

fn with(case: &Case, links: &[(&str, &str)]) -> (String, Kind, Sandbox) {
    let sandbox = case.make();
    for (link, target) in links {
        let target = target.replace("ROOT", sandbox.project().to_str().unwrap());
        symlink(target, sandbox.project().join(link)).unwrap();
    }
    (case.name.to_owned(), case.kind, sandbox)
}

#[test]
fn what_is_read_through_links() {
    let setup = |call: &str| format!("{IMPORT}import os\nsetup({call})\n");
    let none = setup("");
    let of_setup_py = |name: &'static str, call: &str| {
        let script = setup(&format!("name='a', {call}"));
        let shared = [
            ("shared/VERSION", "7.2\n"),
            ("shared/lib/__init__.py", ""),
            ("shared/about.md", "Aböut\n"),
        ];
        files(
            Kind::Static,
            name,
            &[&shared[..], &[("setup.py", script.as_str())]].concat(),
        )
    };
    let cfg = "[metadata]\nname = a\nversion = file: VERSION\nlong_description = file: docs/about.md\n[options]\npackages = find:\n";
    let pyproject = "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n[project]\nname = 'a'\n\
        readme = 'about.md'\ndynamic = ['version']\n[tool.setuptools.dynamic]\nversion = {file = 'docs/VERSION'}\n\
        [tool.setuptools.packages.find]\nwhere = ['src']\n";
    let shared = [
        ("shared/VERSION", "7.2\n"),
        ("shared/about.md", "About\n"),
        ("shared/lib/__init__.py", ""),
    ];
    agree_in(&[
        with(
            &of_setup_py("a version", "packages=['pkg'], version=open('VERSION').read().strip()"),
            &[("VERSION", "shared/VERSION")],
        ),
        with(
            &of_setup_py(
                "an absolute link",
                "packages=['pkg'], version=open('VERSION').read().strip()",
            ),
            &[("VERSION", "ROOT/shared/VERSION")],
        ),
        with(
            &of_setup_py("a chain", "packages=['pkg'], version=open('VERSION').read().strip()"),
            &[("VERSION", "docs/VERSION"), ("docs", "shared")],
        ),
        with(
            &of_setup_py(
                "out and in again",
                "packages=['pkg'], version=open('up/project/shared/VERSION').read().strip()",
            ),
            &[("up", "..")],
        ),
        with(
            &of_setup_py(
                "what is there",
                "packages=['pkg'], version='1' if os.path.exists('docs/VERSION') else '2'",
            ),
            &[("docs", "shared")],
        ),
        with(
            &of_setup_py("packages", "version='1', packages=find_packages()"),
            &[("lib", "shared/lib")],
        ),
        with(
            &of_setup_py(
                "packages in there",
                "version='1', packages=find_packages('lib'), package_dir={'': 'lib'}",
            ),
            &[("lib", "shared")],
        ),
        with(
            &files(
                Kind::Static,
                "setup.cfg",
                &[&shared[..], &[("setup.cfg", cfg), ("setup.py", none.as_str())]].concat(),
            ),
            &[("VERSION", "shared/VERSION"), ("docs", "shared"), ("lib", "shared/lib")],
        ),
        with(
            &files(
                Kind::Static,
                "pyproject.toml",
                &[&shared[..], &[("pyproject.toml", pyproject)]].concat(),
            ),
            &[("about.md", "shared/about.md"), ("docs", "shared"), ("src", "shared")],
        ),
    ]);
}
