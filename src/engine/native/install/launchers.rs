//! The programs that entry points stand for
//! (<https://packaging.python.org/en/latest/specifications/entry-points/#use-for-scripts>).

use std::collections::BTreeMap;

use super::{Content, Installed, Malformed, Wheel, refused};

/// The groups whose entry points are programs.
const GROUPS: [&str; 2] = ["console_scripts", "gui_scripts"];
/// The longest first line that Linux takes, with room for a break
/// (<https://www.kernel.org/doc/html/latest/admin-guide/binfmt-misc.html>).
const LONGEST_FIRST_LINE: usize = 127;

/// The programs of an `entry_points.txt`, by name, with the objects that they call.
pub(super) fn named(text: &str) -> Result<BTreeMap<String, String>, Malformed> {
    let mut named = BTreeMap::new();
    let mut group = "";
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            group = name.trim();
            continue;
        }
        if !GROUPS.contains(&group) {
            continue;
        }
        let (name, object) = line
            .split_once('=')
            .ok_or_else(|| refused(format!("has the entry point `{line}`, which names no object")))?;
        let (name, object) = (name.trim(), object.split('[').next().unwrap_or_default().trim());
        if name.is_empty() || name.contains('/') || name == "." || name == ".." {
            return Err(refused(format!("has a program called `{name}`")));
        }
        named.insert(name.to_owned(), object.to_owned());
    }
    Ok(named)
}

/// The programs as files.
pub(super) fn files(wheel: &Wheel<'_>) -> Result<Vec<Installed>, Malformed> {
    let launchers = wheel.launchers.iter();
    launchers
        .map(|(name, object)| {
            Ok(Installed {
                path: format!("{}/{name}", wheel.scheme.scripts),
                mode: 0o755,
                content: Content::Bytes(launcher(&wheel.scheme.executable, name, object)?.into_bytes()),
            })
        })
        .collect()
}

/// A program that calls `object`.
fn launcher(executable: &str, name: &str, object: &str) -> Result<String, Malformed> {
    let is_name = |text: &str| {
        let mut parts = text.split('.');
        parts.all(|part| {
            let mut letters = part.chars();
            letters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
                && letters.all(|c| c.is_alphanumeric() || c == '_')
        })
    };
    let parts = object
        .split_once(':')
        .map(|(module, call)| (module.trim(), call.trim()));
    let (module, call) = parts
        .filter(|(module, call)| is_name(module) && is_name(call))
        .ok_or_else(|| refused(format!("has the program `{name}`, which calls no function: `{object}`")))?;
    let imported = call.split('.').next().unwrap_or(call);
    let first = first_line(executable);
    Ok(format!(
        "{first}import sys\n\nfrom {module} import {imported}\n\nif __name__ == \"__main__\":\n    sys.exit({call}())\n"
    ))
}

/// The first line; through the shell where the system would cut it off.
fn first_line(executable: &str) -> String {
    if executable.len() + 3 <= LONGEST_FIRST_LINE && !executable.contains(' ') {
        return format!("#!{executable}\n");
    }
    format!("#!/bin/sh\n'''exec' \"{executable}\" \"$0\" \"$@\"\n' '''\n")
}
