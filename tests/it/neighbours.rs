//! What a project requires and has beside it, in the same repository, is built from there and never fetched by its name.

mod declared;
mod locked;
mod refused;

use std::fs;

use crate::support::{Ran, Sandbox};

const SETUPTOOLS: &str = "[build-system]\nrequires = [\"setuptools>=61\"]\nbuild-backend = \"setuptools.build_meta\"\n";

/// A repository with the project `app/`, which requires `requirements`, and whose pyproject.toml ends in `more`.
fn repository(requirements: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.git(&["init", "--quiet", "--initial-branch=main"]);
    app(&sandbox, requirements, more);
    sandbox
}

fn app(sandbox: &Sandbox, requirements: &str, more: &str) {
    package(sandbox, "app", "app", requirements, more);
    sandbox.write(
        "app/app/__init__.py",
        "def train():\n    import common\n    print(common.WORD)\n",
    );
}

/// A package in `directory` that holds a module of its name.
fn package(sandbox: &Sandbox, directory: &str, name: &str, requirements: &str, more: &str) {
    let scripts = if name == "app" {
        "[project.scripts]\ntrain = \"app:train\"\n"
    } else {
        ""
    };
    let module = name.replace('-', "_");
    sandbox.write(
        &format!("{directory}/pyproject.toml"),
        &format!(
            "{SETUPTOOLS}\n[project]\nname = \"{name}\"\nversion = \"0.1\"\ndependencies = [{requirements}]\n{scripts}\n\
             [tool.setuptools]\npackages = [\"{module}\"]\n{more}\n"
        ),
    );
    sandbox.write(
        &format!("{directory}/{module}/__init__.py"),
        "WORD = 'from the neighbour'\n",
    );
}

/// `dist` of the project, with `arguments`.
fn dist(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.run(&[&["dist", "app", "-v"], arguments].concat())
}

/// What pip fetches.
fn fetched(sandbox: &Sandbox) -> Vec<String> {
    let text = sandbox.read("app/dist/requirements.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.trim_end_matches(" \\").to_owned())
        .filter(|line| !line.contains("--hash"))
        .collect()
}

/// The names of the wheels in `dist/`.
fn wheels(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.project().join("app/dist")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut wheels: Vec<String> = names.filter(|name| name.contains("-none-any.")).collect();
    wheels.sort();
    wheels
}
