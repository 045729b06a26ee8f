//! Reading what others wrote: regular files only, which are never waited for, and never more than people write.
//!
//! A checkout may hold anything under any name: a pipe that nobody writes to, a device without an end, a file of any size, links
//! that lead back. Every limit on reading is here, each far above what projects have; `docs/reading.md` lists them.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Mode, OFlags};

const MB: u64 = 1_000_000;

/// A file of the project that people, or tools for them, wrote: setup.py, a README, requirements, a lock, MANIFEST.in, a
/// template.
pub(crate) const PROJECT_FILE: u64 = 16 * MB;
/// pyproject.toml and setup.cfg, which take many times as much memory when they are taken apart.
pub(crate) const DECLARATIONS: u64 = 8 * MB;
/// A file of this machine or of sgbuild's own: pip.conf, netrc, Docker's config.json, dist/image.json.
pub(crate) const SETTINGS_FILE: u64 = 4 * MB;
/// What a tool that was asked answers: uv's export of a lock, a build backend's metadata.
pub(crate) const ANSWER: u64 = 64 * MB;
/// All such files of one project: a file may name, include or import thousands of others.
const ALTOGETHER: u64 = 512 * MB;

/// Entries of directories that one search for files goes through. The largest checkouts have some 500,000.
const MOST_ENTRIES: u64 = 4_000_000;
/// To open a directory takes as long as to read so many of its entries.
const DIRECTORY: u64 = 20;
/// To look at what is behind a link takes as long as so many.
const LOOK: u64 = 10;
/// To follow a link, and to see whether it leads back, takes as long as so many.
const LINK: u64 = 100;

/// Bytes that were read of this project so far, by whichever thread.
static READ: AtomicU64 = AtomicU64::new(0);

/// Another project begins.
pub(crate) fn begin() {
    READ.store(0, Ordering::Relaxed);
}

/// What the regular file at `path` holds.
///
/// # Errors
/// It cannot be read, is a directory, pipe, socket or device, or has more than `most` bytes; or too much was read altogether.
pub(crate) fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = open(path)?;
    let length = metadata.len();
    if length > most {
        return Err(too_large(&format!("it has {} MB", length / MB), most));
    }
    // One more than it says, to find its end at once.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    // A file may grow, and one of the system's says that it is empty.
    file.take(most + 1).read_to_end(&mut bytes)?;
    let length = bytes.len() as u64;
    if length > most {
        return Err(too_large("it has no end", most));
    }
    if READ.fetch_add(length, Ordering::Relaxed) + length > ALTOGETHER {
        return Err(io::Error::other(format!(
            "sgbuild has read {} MB of the project's text files, which is as much as it reads",
            ALTOGETHER / MB
        )));
    }
    Ok(bytes)
}

/// The same for UTF-8 text.
///
/// # Errors
/// As [`bytes`], and where it is no UTF-8.
pub(crate) fn text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(bytes(path, most)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Opens a regular file to read it, of whatever length.
///
/// # Errors
/// It cannot be opened, or is a directory, pipe, socket or device.
pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    open_with(path, OFlags::empty())
}

/// The same with `more` flags: with [`OFlags::NOFOLLOW`] a link is refused, which in the place of a file of sgbuild's own would lead
/// elsewhere.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_with(path: &Path, more: OFlags) -> io::Result<(File, Metadata)> {
    // A pipe without a writer would be waited for, and a terminal would become ours.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags | more, Mode::empty());
    let file = File::from(opened.map_err(|error| match error {
        // A socket.
        rustix::io::Errno::NXIO => io::Error::other(SPECIAL),
        error => error.into(),
    })?);
    let metadata = file.metadata()?;
    if metadata.is_file() {
        return Ok((file, metadata));
    }
    Err(io::Error::other(if metadata.is_dir() {
        "it is a directory, not a file"
    } else {
        SPECIAL
    }))
}

const SPECIAL: &str = "it is a pipe, socket or device, not a file";

fn too_large(length: &str, most: u64) -> io::Error {
    let most = most / MB;
    io::Error::other(format!("{length}; sgbuild reads up to {most} MB of such a file"))
}

/// How far one search for files may still go: links let a few directories look like any number of them.
#[derive(Debug)]
pub(crate) struct Search(u64);

impl Default for Search {
    fn default() -> Self {
        Self(MOST_ENTRIES)
    }
}

impl Search {
    /// Counts a directory that is opened.
    ///
    /// # Errors
    /// The search has gone far enough.
    pub(crate) fn directory(&mut self) -> Result<(), TooFar> {
        self.spend(DIRECTORY)
    }

    /// Counts an entry of it.
    ///
    /// # Errors
    /// As [`Self::directory`].
    pub(crate) fn entry(&mut self) -> Result<(), TooFar> {
        self.spend(1)
    }

    /// Counts a look at what is behind an entry that is a link.
    ///
    /// # Errors
    /// As [`Self::directory`].
    pub(crate) fn look(&mut self) -> Result<(), TooFar> {
        self.spend(LOOK)
    }

    /// Counts a link to a directory that is followed.
    ///
    /// # Errors
    /// As [`Self::directory`].
    pub(crate) fn link(&mut self) -> Result<(), TooFar> {
        self.spend(LINK)
    }

    fn spend(&mut self, amount: u64) -> Result<(), TooFar> {
        self.0 = self.0.checked_sub(amount).ok_or(TooFar)?;
        Ok(())
    }
}

/// A search for files came to more directories than any checkout has.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the search for files was stopped: it came to more directories and links than any checkout has")]
pub struct TooFar;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn refused(path: &Path, most: u64) -> String {
        bytes(path, most).unwrap_err().to_string()
    }

    #[test]
    fn only_regular_files_are_read_and_none_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        assert_eq!(refused(directory.path(), MB), "it is a directory, not a file");
        let made = std::process::Command::new("mkfifo").arg(path("pipe")).status();
        assert!(made.unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        for special in [path("pipe"), path("socket"), "/dev/zero".into(), "/dev/null".into()] {
            assert_eq!(refused(&special, MB), SPECIAL, "{}", special.display());
        }
        fs::write(path("file"), "text").unwrap();
        assert_eq!(text(&path("file"), MB).unwrap(), "text");
        assert_eq!(bytes(&path("none"), MB).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_of_any_length_ends_at_the_limit() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(10_000 * MB).unwrap();
        assert_eq!(
            refused(file.path(), 2 * MB),
            "it has 10000 MB; sgbuild reads up to 2 MB of such a file"
        );
        file.as_file().set_len(2 * MB).unwrap();
        assert_eq!(bytes(file.path(), 2 * MB).unwrap().len(), 2_000_000);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_says_it_is_empty_is_read_to_the_limit() {
        let shown = "it has no end; sgbuild reads up to 0 MB of such a file";
        assert_eq!(refused(Path::new("/proc/self/status"), 16), shown);
    }
}
