//! Patterns of `package_data`, `data_files` and `license_files`, and of `find_packages`: a line each.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::Directory;

static PROJECT: LazyLock<Directory> = LazyLock::new(Directory::default);

fuzz_target!(|input: &str| {
    let patterns: String = input.lines().map(|line| format!("    {line}\n")).collect();
    let head = "[metadata]\nname = a\nversion = 1\nlicense_files =\n";
    let options = "[options]\npackages = find:\n[options.packages.find]\nexclude =\n";
    let data = "[options.package_data]\n* =\n";
    let files = "[options.data_files]\nshare =\n";
    let declared = format!("{head}{patterns}{options}{patterns}{data}{patterns}{files}{patterns}");
    PROJECT.write("setup.cfg", declared.replace('%', "%%").as_bytes());
    if let Some(project) = PROJECT.load() {
        PROJECT.pack(&project);
    }
});
