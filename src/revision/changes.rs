//! Whether the files of a tree differ from the commit.
//!
//! Files that are kept in another form in the repository than in the working tree ([filters], such as Git LFS) cannot be compared
//! without running somebody's program. Where the repository holds an LFS pointer, it says what the file must hold; any other such file
//! counts as unchanged where it is as git last saw it, by size and time.
//!
//! [filters]: https://git-scm.com/docs/gitattributes#_filter

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::Error;
use super::tree::{Tree, anchored};
use crate::hex::hex;

/// Git compares contents of what it would only call touched; and a submodule is looked into by us, not by a git of its own.
const STATUS: [&str; 4] = ["status", "--porcelain", "-z", "--ignore-submodules=dirty"];
/// Size and time to the second, which is all that copies of a checkout keep.
const COARSELY: [&str; 4] = ["-c", "core.checkStat=minimal", "-c", "core.trustctime=false"];
/// The longest pointer: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md#the-pointer>.
const LONGEST_POINTER: usize = 1024;

impl Tree<'_> {
    /// Whether its files differ, submodules and the paths `excluded` aside; `options` are more of `git status`.
    pub(super) fn files_differ(&self, excluded: &[OsString], options: &[&str]) -> Result<bool, Error> {
        let mut arguments: Vec<OsString> = STATUS.iter().chain(options).map(OsString::from).collect();
        arguments.extend(["--".into(), ".".into()]);
        arguments.extend(excluded.iter().cloned());
        let asked = self.state.private.start(self.git, self.directory, &arguments)?;
        let listed = self.git.answer(asked)?.beginning()?;
        let Some(modified) = only_modified(&listed) else {
            return Ok(true);
        };
        if modified.is_empty() {
            return Ok(false);
        }
        let filtered = self.filtered(&modified)?;
        if modified.iter().any(|path| !filtered.contains(path)) {
            return Ok(true);
        }
        self.filtered_differ(&filtered)
    }

    /// Those of `paths` that go through a filter that somebody has set up.
    fn filtered(&self, paths: &BTreeSet<OsString>) -> Result<BTreeSet<OsString>, Error> {
        let filters = self.state.configuration.filters();
        if filters.is_empty() {
            return Ok(BTreeSet::new());
        }
        let arguments = ["check-attr", "-z", "filter", "--"].map(OsString::from);
        let said = self.ask_at_top(arguments.into_iter().chain(paths.iter().cloned()))?;
        let fields: Vec<&[u8]> = said.split(|byte| *byte == 0).collect();
        let filtered = fields
            .chunks_exact(3)
            .filter(|field| filters.contains(&*String::from_utf8_lossy(field[2])));
        Ok(filtered.map(|field| OsStr::from_bytes(field[0]).to_owned()).collect())
    }

    /// Whether one of these is certainly or possibly another than the commit's.
    fn filtered_differ(&self, paths: &BTreeSet<OsString>) -> Result<bool, Error> {
        let mut others = Vec::new();
        for path in paths {
            match self.is_behind_pointer(path)? {
                Some(true) => {}
                Some(false) => return Ok(true),
                None => others.push(anchored(":(top,literal)", path)),
            }
        }
        if others.is_empty() {
            return Ok(false);
        }
        let variables = self.state.private.trusting_index(self.checkout).map_err(unreadable)?;
        let mut arguments: Vec<OsString> = COARSELY.iter().chain(&STATUS).map(OsString::from).collect();
        arguments.push("--".into());
        arguments.extend(others);
        let asked = self.git.start(self.checkout.top(), &variables, &arguments)?;
        Ok(!self.git.answer(asked)?.beginning()?.is_empty())
    }

    /// Where the index holds an LFS pointer: whether it points to exactly what the file holds.
    fn is_behind_pointer(&self, path: &OsStr) -> Result<Option<bool>, Error> {
        let blob = anchored(":", path);
        let pointer = self.ask_at_top(["cat-file".into(), "blob".into(), blob])?;
        let Some((oid, size)) = parse_pointer(&pointer) else {
            return Ok(None);
        };
        let file = self.checkout.top().join(path);
        let kind = file.symlink_metadata().map_err(unreadable)?;
        Ok(Some(
            kind.is_file() && kind.len() == size && self.sha256(&file, size)? == oid,
        ))
    }

    fn sha256(&self, file: &Path, size: u64) -> Result<String, Error> {
        let mut hasher = Sha256::new();
        let mut reader = File::open(file).map_err(unreadable)?.take(size);
        let mut chunk = vec![0; 1024 * 1024];
        loop {
            self.git.still_wanted()?;
            let read = reader.read(&mut chunk).map_err(unreadable)?;
            if read == 0 {
                return Ok(hex(&hasher.finalize()));
            }
            hasher.update(&chunk[..read]);
        }
    }
}

/// The paths of a status that lists nothing but files whose contents differ in the working tree; `None` where it lists more, or was
/// cut. Format: <https://git-scm.com/docs/git-status#_porcelain_format_version_1>.
fn only_modified(listed: &[u8]) -> Option<BTreeSet<OsString>> {
    if listed.is_empty() {
        return Some(BTreeSet::new());
    }
    let entries = listed.strip_suffix(b"\0")?.split(|byte| *byte == 0);
    entries
        .map(|entry| Some(OsStr::from_bytes(entry.strip_prefix(b" M ")?).to_owned()))
        .collect()
}

/// SHA-256 and size that an LFS pointer names. One with extensions says nothing of the file itself.
fn parse_pointer(pointer: &[u8]) -> Option<(String, u64)> {
    let text = std::str::from_utf8(pointer.get(..pointer.len().min(LONGEST_POINTER))?).ok()?;
    let rest = text.strip_prefix("version https://git-lfs.github.com/spec/v1\noid sha256:")?;
    let (oid, rest) = rest.split_once('\n')?;
    let size = rest.strip_prefix("size ")?.strip_suffix('\n')?;
    Some((oid.to_owned(), size.parse().ok()?))
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn unreadable(error: io::Error) -> Error {
    Error::Refused(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_more_than_changed_contents_is_told_apart() {
        let paths = |listed: &[u8]| only_modified(listed).map(|paths| paths.len());
        assert_eq!(paths(b""), Some(0));
        assert_eq!(paths(b" M a\0 M b c\n\0"), Some(2));
        assert_eq!(paths(b" M a\0?? b\0"), None);
        assert_eq!(paths(b"M  a\0"), None);
        assert_eq!(paths(b"R  to\0from\0"), None);
        assert_eq!(paths(b" M a\0 M cu"), None);
    }

    #[test]
    fn a_pointer_is_one_as_a_whole() {
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00ff\nsize 12\n";
        assert_eq!(parse_pointer(pointer.as_bytes()), Some(("00ff".to_owned(), 12)));
        for other in [
            "oid sha256:00ff\nsize 12\n".to_owned(),
            format!("{pointer}more\n"),
            pointer.replace("oid", "ext-0-x sha256:1\noid"),
        ] {
            assert_eq!(parse_pointer(other.as_bytes()), None, "{other}");
        }
    }
}
