//! One requirement (PEP 508) from where it is declared to `requires.txt`.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::Directory;

static PROJECT: LazyLock<Directory> = LazyLock::new(Directory::default);

fuzz_target!(|input: &str| {
    let text = input.replace('\\', "\\\\").replace('"', "\\\"");
    let head = "[build-system]\nrequires = [\"setuptools\"]\n[project]\nname = \"a\"\nversion = \"1\"\n";
    let extras =
        format!("[project.optional-dependencies]\nx = [\"{text}\"]\n[tool.setuptools]\npackages = [\"pkg\"]\n");
    let declared = format!("{head}dependencies = [\"{text}\"]\n{extras}");
    PROJECT.write("pyproject.toml", declared.as_bytes());
    if let Some(project) = PROJECT.load() {
        PROJECT.pack(&project);
    }
});
