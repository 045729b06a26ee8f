//! A wheel as pip installs it: each file's place in the image, and the few files that an installer adds.
//!
//! ```text
//! where files go           mod.rs: purelib, platlib, the schemes of `.data`
//! what starts the package  launchers.rs: console and GUI scripts
//! what was installed       record.rs: RECORD, INSTALLER, REQUESTED
//! ```
//!
//! Source: <https://packaging.python.org/en/latest/specifications/binary-distribution-format/#installing-a-wheel-distribution-1-0-py32-none-any-whl>,
//! and pip's `operations/install/wheel.py`, which is the judge.

mod launchers;
mod record;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::archive::{Archive, Malformed, Member};
use crate::project::normalized;
use launchers::Programs;

/// Where a Python keeps what is installed: absolute paths, as its `sysconfig` names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scheme {
    /// Modules of Python alone.
    pub(crate) purelib: String,
    /// Modules with compiled code.
    pub(crate) platlib: String,
    /// Programs.
    pub(crate) scripts: String,
    /// What `data_files` are relative to.
    pub(crate) data: String,
    /// Below it, each distribution has a directory of headers.
    pub(crate) include: String,
    /// The interpreter, as the first line of a program names it.
    pub(crate) executable: String,
    /// Its version, such as `(3, 11)`.
    pub(crate) python: (u16, u16),
}

/// A file of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installed {
    /// Absolute, as the scheme has it.
    pub(crate) path: String,
    /// `0o644` or `0o755`.
    pub(crate) mode: u32,
    /// What is in it.
    pub(crate) content: Content,
}

/// Where a file's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// In the wheel: the index of the member.
    Member(usize),
    /// Here.
    Bytes(Vec<u8>),
}

/// The most that is read of a file that says something of the wheel.
const SMALL: u64 = 64 << 20;

/// Where `archive`, a wheel of `name`, is installed by `scheme`, sorted by path. `requested`: it was asked for by name, and is not only
/// required by another.
///
/// # Errors
/// No installer would take it: metadata missing or of another project, an unknown format or scheme, two files for one place.
pub(crate) fn installed(
    archive: &Archive,
    name: &str,
    scheme: &Scheme,
    requested: bool,
) -> Result<Vec<Installed>, Malformed> {
    let wheel = Wheel::of(archive, name, scheme, requested)?;
    let mut files = BTreeMap::new();
    let mut record = record::Record::read(&wheel)?;
    for (index, member) in archive.members().iter().enumerate() {
        if wheel.writes(member) {
            record.leave_out(&member.path);
            continue;
        }
        let Some(file) = wheel.place(index, member)? else {
            continue;
        };
        record.installed(&member.path, &file);
        add(&mut files, file)?;
    }
    for file in wheel.programs.files(scheme)? {
        record.generated(&file);
        add(&mut files, file)?;
    }
    for file in record.finish() {
        add(&mut files, file)?;
    }
    Ok(files.into_values().collect())
}

fn add(files: &mut BTreeMap<String, Installed>, file: Installed) -> Result<(), Malformed> {
    let path = file.path.clone();
    match files.insert(path, file) {
        Some(first) => Err(refused(format!("has two files for {}", first.path))),
        None => Ok(()),
    }
}

fn refused(reason: String) -> Malformed {
    Malformed::Refused(reason)
}

/// What a wheel says of itself.
struct Wheel<'a> {
    archive: &'a Archive,
    scheme: &'a Scheme,
    /// Such as `numpy-2.1.0.dist-info`.
    dist_info: String,
    /// The distribution's name, in its normal form.
    name: String,
    /// Where its modules go.
    library: &'a str,
    programs: Programs,
    /// Whether somebody asked for it by name.
    requested: bool,
}

impl<'a> Wheel<'a> {
    fn of(archive: &'a Archive, name: &str, scheme: &'a Scheme, requested: bool) -> Result<Self, Malformed> {
        let dist_info = dist_info(archive, name)?;
        let text = |file: &str| text(archive, &format!("{dist_info}/{file}"));
        let about = text("WHEEL")?.ok_or_else(|| refused(format!("lacks {dist_info}/WHEEL")))?;
        let version = header(&about, "Wheel-Version").unwrap_or_default();
        let major = version.split('.').next().unwrap_or_default().parse::<u64>();
        if !major.is_ok_and(|major| major <= 1) {
            return Err(refused(format!("has the format {version:?}, and pip installs 1.x")));
        }
        let is_pure = header(&about, "Root-Is-Purelib").is_some_and(|said| said.eq_ignore_ascii_case("true"));
        Ok(Self {
            archive,
            scheme,
            name: normalized(name),
            library: if is_pure { &scheme.purelib } else { &scheme.platlib },
            programs: Programs::of(&text("entry_points.txt")?.unwrap_or_default(), scheme.python)?,
            dist_info,
            requested,
        })
    }

    /// Whether an installer writes a file of its own in the member's place.
    fn writes(&self, member: &Member) -> bool {
        let own = member.path.strip_prefix(&self.dist_info);
        match own.and_then(|rest| rest.strip_prefix('/')) {
            Some("INSTALLER" | "RECORD") => true,
            Some("REQUESTED") => self.requested,
            _ => false,
        }
    }

    /// Where a member goes; `None` where a program that is made stands for it, and it is not installed.
    fn place(&self, index: usize, member: &Member) -> Result<Option<Installed>, Malformed> {
        let mode = if member.is_executable { 0o755 } else { 0o644 };
        let file = |directory: &str, rest: &str| Installed {
            path: format!("{directory}/{rest}"),
            mode,
            content: Content::Member(index),
        };
        let (top, rest) = member.path.split_once('/').unwrap_or((&member.path, ""));
        // Whatever name and version it says: they are spelt in several ways.
        if top.rsplit_once('.').is_none_or(|(_, kind)| kind != "data") {
            return Ok(Some(file(self.library, &member.path)));
        }
        let Some((kind, rest)) = rest.split_once('/') else {
            return Err(refused(format!("has `{}` in no scheme", member.path)));
        };
        let headers = format!("{}/{}", self.scheme.include, self.name);
        let directory = match kind {
            "purelib" => &self.scheme.purelib,
            "platlib" => &self.scheme.platlib,
            "data" => &self.scheme.data,
            "headers" => &headers,
            "scripts" => return self.script(rest, member, file(&self.scheme.scripts, rest)),
            other => {
                return Err(refused(format!(
                    "has `{}` in the unknown scheme `{other}`",
                    member.path
                )));
            }
        };
        Ok(Some(file(directory, rest)))
    }

    /// A program: its first line may stand for the interpreter.
    fn script(&self, name: &str, member: &Member, mut file: Installed) -> Result<Option<Installed>, Malformed> {
        if self.programs.replace(name) {
            return Ok(None);
        }
        // What begins so is small; what is not so small is a program of its own, and nobody holds it.
        if member.size <= SMALL && self.archive.begins_with(member, b"#!python")? {
            let content = self.archive.content(member, SMALL)?;
            let end = content
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(content.len(), |at| at + 1);
            let first = format!("#!{}\n", self.scheme.executable);
            file.content = Content::Bytes([first.as_bytes(), &content[end..]].concat());
        }
        Ok(Some(file))
    }
}

/// The metadata directory of the wheel, which must be the one of `name`.
fn dist_info(archive: &Archive, name: &str) -> Result<String, Malformed> {
    let mut found: Vec<&str> = archive
        .members()
        .iter()
        .filter_map(|member| member.path.split_once('/'))
        .map(|(top, _)| top)
        .filter(|top| top.ends_with(".dist-info"))
        .collect();
    found.sort_unstable();
    found.dedup();
    let directory = match found[..] {
        [directory] => directory,
        [] => return Err(refused("has no .dist-info directory".to_owned())),
        _ => {
            return Err(refused(format!(
                "has several .dist-info directories: {}",
                found.join(", ")
            )));
        }
    };
    // Names of old wheels have dashes in them: no dash can be told from the one before the version.
    let of = normalized(directory);
    if of
        .strip_prefix(&normalized(name))
        .is_some_and(|rest| rest.starts_with('-'))
    {
        Ok(directory.to_owned())
    } else {
        Err(refused(format!(
            "is of another project, as its {directory} says: not {name}"
        )))
    }
}

/// The text of a small member; `None` where there is none.
fn text(archive: &Archive, path: &str) -> Result<Option<String>, Malformed> {
    let Some(member) = archive.members().iter().find(|member| member.path == path) else {
        return Ok(None);
    };
    let content = archive.content(member, SMALL)?;
    let text = String::from_utf8(content).map_err(|_| refused(format!("has a `{path}` that is not UTF-8")))?;
    Ok(Some(text))
}

/// The value of the first header `name`.
fn header<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}
