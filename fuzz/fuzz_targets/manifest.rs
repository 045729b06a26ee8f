//! `MANIFEST.in`: its lines, and what they find in a tree.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::Directory;
use sgbuild_fuzz::project::Project;

static PROJECT: LazyLock<(Directory, Project)> = LazyLock::new(|| {
    let directory = Directory::default();
    directory.write(
        "setup.cfg",
        b"[metadata]\nname = a\nversion = 1\n[options]\npackages = pkg\n",
    );
    let project = directory.load().expect("a project");
    (directory, project)
});

fuzz_target!(|input: &[u8]| {
    let (directory, project) = &*PROJECT;
    directory.write("MANIFEST.in", input);
    directory.pack(project);
});
