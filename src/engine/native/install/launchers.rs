//! The programs that entry points stand for
//! (<https://packaging.python.org/en/latest/specifications/entry-points/#use-for-scripts>).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::{Content, Installed, Malformed, Scheme, refused};
use crate::engine::native::archive::check_names;
use crate::shown::quoted;

/// The longest first line that Linux takes, with room for a break
/// (<https://www.kernel.org/doc/html/latest/admin-guide/binfmt-misc.html>).
const LONGEST_FIRST_LINE: usize = 127;

/// The programs that a wheel's entry points stand for.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// The names that it declares, made or not.
    declared: BTreeSet<String>,
    /// What is made: objects that are called, such as `numpy.f2py:main`, by the program's name.
    made: BTreeMap<String, String>,
}

impl Programs {
    /// Those of an `entry_points.txt`, for the Python of this version.
    pub(super) fn of(text: &str, python: (u16, u16)) -> Result<Self, Malformed> {
        let mut console = group(text, "console_scripts")?;
        let gui = group(text, "gui_scripts")?;
        let declared = console.keys().chain(gui.keys()).cloned().collect();
        name_by_version(&mut console, python);
        // Where both have one of a name, pip writes that of the second group last.
        console.extend(gui);
        Ok(Self {
            declared,
            made: console,
        })
    }

    /// Whether a file of the wheel's own scripts is what an older setuptools made for one of them.
    pub(super) fn replace(&self, script: &str) -> bool {
        let name = script.rsplit('/').next().unwrap_or(script);
        let mut suffixes = [".exe", "-script.py", ".pya"].iter();
        let is_cased = |suffix: &&&str| name.to_ascii_lowercase().ends_with(**suffix);
        let stem = suffixes
            .find(is_cased)
            .map_or(name, |suffix| &name[..name.len() - suffix.len()]);
        self.declared.contains(stem)
    }

    /// The programs as files.
    pub(super) fn files(&self, scheme: &Scheme) -> Result<Vec<Installed>, Malformed> {
        let made = self.made.iter();
        made.map(|(name, object)| {
            Ok(Installed {
                path: format!("{}/{name}", scheme.scripts),
                mode: 0o755,
                content: Content::Bytes(launcher(&scheme.executable, name, object)?.into_bytes()),
            })
        })
        .collect()
    }
}

/// The entry points of one group.
fn group(text: &str, wanted: &str) -> Result<BTreeMap<String, String>, Malformed> {
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
        if group != wanted {
            continue;
        }
        let (name, object) = line
            .split_once('=')
            .ok_or_else(|| refused(format!("has the entry point `{line}`, which names no object")))?;
        let (name, object) = (name.trim(), object.split('[').next().unwrap_or_default().trim());
        if name.is_empty() || name.contains(['/', '\0']) || name == "." || name == ".." {
            return Err(refused(format!("has a program called {}", quoted(name))));
        }
        check_names(name)?;
        named.insert(name.to_owned(), object.to_owned());
    }
    Ok(named)
}

/// pip and `easy_install` have programs that are named by the version of Python, whichever one built the wheel: see pip's
/// `get_console_script_specs`.
fn name_by_version(console: &mut BTreeMap<String, String>, (major, minor): (u16, u16)) {
    if let Some(object) = console.remove("pip") {
        console.retain(|name, _| !name.strip_prefix("pip").is_some_and(|rest| is_version(rest, 1..=2)));
        for name in ["pip".to_owned(), format!("pip{major}"), format!("pip{major}.{minor}")] {
            console.insert(name, object.clone());
        }
    }
    if let Some(object) = console.remove("easy_install") {
        console.retain(|name, _| {
            !name
                .strip_prefix("easy_install-")
                .is_some_and(|rest| is_version(rest, 2..=2))
        });
        for name in ["easy_install".to_owned(), format!("easy_install-{major}.{minor}")] {
            console.insert(name, object.clone());
        }
    }
}

/// Whether it is numbers with dots between them, so many.
fn is_version(text: &str, numbers: RangeInclusive<usize>) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split('.').all(is_number) && numbers.contains(&text.split('.').count())
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
