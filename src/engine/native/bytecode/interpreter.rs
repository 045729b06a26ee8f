//! A Python of this machine that writes the byte code that the image's reads.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::ask;
use crate::engine::native::base::Python;
use crate::engine::native::store::Store;
use crate::hex::hex;
use crate::process::{self, Deadline};
use crate::progress::{Cancelled, Progress};
use crate::uv::{Uv, UvSettings};

/// Of the notes: which interpreter was found.
const INTERPRETERS: &str = "interpreters";
/// After so long one is looked for again where there was none.
const LOOK_AGAIN: Duration = Duration::from_hours(1);
const SECONDS: u64 = 20;
const MOST: usize = 1 << 16;
/// What it says of itself, and where it is: a name on `PATH` may be a script that chooses one.
const ASK: &str = "import sys, _frozen_importlib_external as files
v = sys.version_info
print(sys.implementation.name, v.releaselevel, '%d.%d' % v[:2], sys.implementation.cache_tag, files.MAGIC_NUMBER.hex(), '%d.%d.%d' % v[:3])
print(sys.executable)
print(sys.version)";

/// An interpreter, and what of it decides the byte code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Interpreter {
    pub(super) program: PathBuf,
    /// Such as `3.11.7`.
    pub(super) release: String,
    /// As `sys.version` has it, with who built it when.
    pub(super) version: String,
    /// What its byte code begins with, in hexadecimal.
    pub(super) magic: String,
    /// What its files of byte code have in their names, such as `cpython-311`.
    pub(super) tag: String,
    /// Of its file, when it was asked.
    stamp: Stamp,
}

/// What changes with a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(program: &Path) -> Option<Self> {
        let found = fs::metadata(program).ok()?;
        Some(Self {
            inode: found.ino(),
            size: found.size(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

/// What a look came to.
#[derive(Serialize, Deserialize)]
struct Found {
    interpreter: Option<Interpreter>,
    at: SystemTime,
}

/// A released `CPython` of the version of `python` that is installed here, as it was found before or by looking; none is downloaded.
///
/// # Errors
/// The user interrupted.
pub(super) fn find(
    python: &Python,
    uv: &UvSettings,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Option<Interpreter>, Cancelled> {
    // Byte code changes between candidates, and not between releases.
    let is_digits = |release: &String| release.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
    if !python.release.as_ref().is_none_or(is_digits) {
        return Ok(None);
    }
    let (major, minor) = python.target.python;
    let version = format!("{major}.{minor}");
    let path = process::variable(&uv.environment, "PATH").unwrap_or_default();
    let key = json!([version, path, uv.program]).to_string();
    let known = store.note::<Found>(INTERPRETERS, &key);
    if let Some(Found { interpreter, at }) = known {
        let is_there = |it: &Interpreter| Stamp::of(&it.program).as_ref() == Some(&it.stamp);
        let is_fresh = at.elapsed().is_ok_and(|ago| ago < LOOK_AGAIN);
        if interpreter.as_ref().map_or(is_fresh, is_there) {
            return Ok(interpreter);
        }
    }
    let interpreter = look(&version, uv, progress)?;
    let found = Found {
        interpreter,
        at: SystemTime::now(),
    };
    store.keep_note(INTERPRETERS, &key, &found);
    Ok(found.interpreter)
}

fn look(version: &str, uv: &UvSettings, progress: &dyn Progress) -> Result<Option<Interpreter>, Cancelled> {
    let name = format!("python{version}");
    if let Some(on_path) = process::find(Path::new(&name), &uv.environment)
        && let Some(interpreter) = asked(&on_path, version, progress)?
    {
        return Ok(Some(interpreter));
    }
    let found = Uv::find(uv, progress).ok().and_then(|uv| {
        let request = format!("cpython@{version}");
        uv.installed_python(&request, progress)
    });
    progress.check()?;
    found.map_or(Ok(None), |found| asked(&found, version, progress))
}

/// What `program` says of itself, where its byte code would be that of `version`.
fn asked(program: &Path, version: &str, progress: &dyn Progress) -> Result<Option<Interpreter>, Cancelled> {
    let asked = ask(program, ASK, (None, None), MOST, Deadline::after(SECONDS), progress)?;
    let answer = match asked {
        Ok(answer) => answer,
        Err(failure) => {
            progress.detail(&format!("{} is passed over: {}", program.display(), failure.reason));
            return Ok(None);
        }
    };
    let answer = String::from_utf8_lossy(&answer);
    let (first, rest) = answer.split_once('\n').unwrap_or_default();
    let (executable, full) = rest.split_once('\n').unwrap_or_default();
    let program = PathBuf::from(executable);
    let Some(stamp) = Stamp::of(&program).filter(|_| program.is_absolute()) else {
        return Ok(None);
    };
    let words: Vec<&str> = first.split(' ').collect();
    let ["cpython", "final", of, tag, magic, release] = words[..] else {
        return Ok(None);
    };
    Ok((of == version).then(|| Interpreter {
        program,
        release: release.to_owned(),
        version: full.trim().to_owned(),
        magic: magic.to_owned(),
        tag: tag.to_owned(),
        stamp,
    }))
}

impl Interpreter {
    /// Whether these bytes begin as its byte code does.
    pub(super) fn wrote(&self, code: &[u8]) -> bool {
        code.get(..4).is_some_and(|magic| hex(magic) == self.magic)
    }
}
