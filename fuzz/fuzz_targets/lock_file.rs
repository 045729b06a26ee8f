//! A lock of the requirements, as the standard and as Poetry have it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::Directory;
use sgbuild_fuzz::project::Project;

static LOCKED: LazyLock<(Directory, Project)> = LazyLock::new(|| {
    let directory = Directory::default();
    directory.write("pyproject.toml", b"[project]\nname = \"a\"\nversion = \"1\"\n");
    let project = directory.load().expect("a project");
    (directory, project)
});

fuzz_target!(|input: &[u8]| {
    let (directory, project) = &*LOCKED;
    for file in ["pylock.toml", "poetry.lock"] {
        directory.write(file, input);
        sgbuild_fuzz::locked(project, file);
    }
});
