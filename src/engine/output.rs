//! Where an image is written for those who take it elsewhere: a file, a directory or standard output.
//!
//! What is written is beside its place until it is whole, and then put there by one rename. Where something else than a file is, such as a
//! pipe or a device, there is no place beside it.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, File, OpenOptions};
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::cache::{Staging, prune_named};
use crate::explain::{Advice, Code, Explain, Fault};

/// What the name begins with under which something is written before it is renamed.
const UNFINISHED: &str = ".sgbuild-output-";
/// What it is called there.
const IMAGE: &str = "image";
/// The file by which a directory is known to be an OCI image layout.
pub(super) const OCI_LAYOUT: &str = "oci-layout";
const LAYOUT: &str = "oci:";
const ARCHIVE: &str = "docker-archive:";

/// Where an image is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A file as `docker save` writes it.
    Archive(PathBuf),
    /// A directory, as the [OCI image layout](https://github.com/opencontainers/image-spec/blob/main/image-layout.md) has it.
    Layout(PathBuf),
    /// Standard output, as an archive.
    Stdout,
}

/// Why an image was not written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The place cannot be written to, or has no room.
    #[error("cannot write {}", .output.display())]
    Write {
        /// Where.
        output: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory holds something else.
    #[error("{} holds other files, and no OCI image layout", .directory.display())]
    Occupied {
        /// The directory.
        directory: PathBuf,
    },
    /// An archive would be shown on a terminal.
    #[error("an image is not written to a terminal")]
    Terminal,
    /// The daemon has images in archives only.
    #[error("the Docker engine does not write an image as an OCI layout")]
    DockerLayout,
}

impl Error {
    pub(crate) fn write(output: &Path) -> impl FnOnce(io::Error) -> Self {
        let output = output.to_owned();
        |source| Self::Write { output, source }
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Write { source, .. } => Code::of_unwritten(source, Code::NotWritable),
            Self::Occupied { .. } | Self::Terminal | Self::DockerLayout => Code::OutputUnusable,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                    Fault::User.hint("Make the directory first, or name another place with `--output`.")
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Fault::User.hint("Name a place with `--output` that you may write to.")
                }
                _ => Advice::of_unwritten(source),
            },
            Self::Occupied { .. } => Fault::User.hint("Name an empty or a new directory."),
            Self::Terminal => {
                Fault::Usage.hint("Send it to a program or a file: `sgbuild build --output - | docker load`.")
            }
            Self::DockerLayout => Fault::User.hint(
                "Name a file, which becomes an archive as `docker save` writes it, or build with `--engine native`.",
            ),
        }
    }
}

impl Output {
    /// Reads what follows `--output`: `docker-archive:FILE` or `oci:DIRECTORY`, as skopeo and podman have it
    /// ([containers-transports](https://github.com/containers/image/blob/main/docs/containers-transports.5.md)), or `-`. Without such a
    /// beginning it is a layout where there is a directory or the name ends in `/`, else an archive.
    ///
    /// # Errors
    /// What is wrong with it: it has no path, or a name for the image, which has one.
    pub fn parse(given: &Path) -> Result<Self, String> {
        let text = given.as_os_str().as_bytes();
        if text == b"-" {
            return Ok(Self::Stdout);
        }
        if let Some(directory) = text.strip_prefix(LAYOUT.as_bytes()) {
            return path_alone(directory).map(Self::Layout);
        }
        if let Some(file) = text.strip_prefix(ARCHIVE.as_bytes()) {
            return path_alone(file).map(Self::Archive);
        }
        Ok(if text.ends_with(b"/") || given.is_dir() {
            Self::Layout(given.to_owned())
        } else {
            Self::Archive(given.to_owned())
        })
    }

    /// Refuses, before anybody waits, what cannot be written to.
    ///
    /// # Errors
    /// The directory that it is to be in is not there, it is a directory of something else, or a terminal.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Stdout if io::stdout().is_terminal() => Err(Error::Terminal),
            Self::Stdout => Ok(()),
            Self::Archive(file) if file.is_dir() => Err(Error::write(file)(io::ErrorKind::IsADirectory.into())),
            Self::Archive(file) => parent_is_there(file),
            Self::Layout(directory) => match is_layout(directory) {
                Ok(true) => Ok(()),
                Ok(false) => Err(Error::Occupied {
                    directory: directory.clone(),
                }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => parent_is_there(directory),
                Err(error) => Err(Error::write(directory)(error)),
            },
        }
    }
}

/// Both names of skopeo's may end in the image's, which this one has of its own.
fn path_alone(text: &[u8]) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("it names no path".to_owned());
    }
    if text.contains(&b':') {
        return Err("the image is called by its package and version: leave out what follows the path".to_owned());
    }
    Ok(PathBuf::from(OsStr::from_bytes(text)))
}

fn parent_is_there(path: &Path) -> Result<(), Error> {
    let parent = parent(path);
    let found = fs::metadata(parent).map_err(Error::write(path))?;
    if found.is_dir() {
        return Ok(());
    }
    Err(Error::write(path)(io::ErrorKind::NotADirectory.into()))
}

/// The directory that `path` is in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Whether there is a layout in `directory`, or room for one.
fn is_layout(directory: &Path) -> io::Result<bool> {
    // What a killed run left there is removed before anything is written.
    let is_others = |entry: io::Result<DirEntry>| Ok(!entry?.file_name().as_bytes().starts_with(UNFINISHED.as_bytes()));
    let holds_others: Result<Vec<bool>, io::Error> = fs::read_dir(directory)?.map(is_others).collect();
    Ok(!holds_others?.contains(&true) || directory.join(OCI_LAYOUT).is_file())
}

/// A directory beside `place`, in which something is written before it is put there by one rename. What killed runs left there is removed.
pub(super) fn beside(place: &Path) -> io::Result<Staging> {
    prune_named(parent(place), UNFINISHED);
    Staging::new(parent(place), UNFINISHED)
}

/// A file that is being written.
pub(super) enum Unfinished {
    /// Beside its place.
    Beside {
        /// The directory it is in meanwhile.
        staging: Staging,
        /// Where the bytes go.
        file: File,
        /// Where it belongs.
        place: PathBuf,
    },
    /// In its place: a pipe, a device.
    InPlace(File),
}

impl Unfinished {
    /// Opens it; nothing is in its place before [`Self::finish`].
    pub(super) fn open(output: &Path) -> io::Result<Self> {
        let place = match fs::metadata(output) {
            Ok(found) if found.is_file() => fs::canonicalize(output)?,
            Ok(_) => return OpenOptions::new().write(true).open(output).map(Self::InPlace),
            Err(error) if error.kind() == io::ErrorKind::NotFound => output.to_owned(),
            Err(error) => return Err(error),
        };
        let staging = beside(&place)?;
        let file = File::create_new(staging.path().join(IMAGE))?;
        Ok(Self::Beside { staging, file, place })
    }

    /// Standard output.
    pub(super) fn stdout() -> io::Result<Self> {
        let handle = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self::InPlace(File::from(handle)))
    }

    /// Where the bytes go.
    pub(super) fn writer(&self) -> io::Result<File> {
        match self {
            Self::Beside { file, .. } | Self::InPlace(file) => file.try_clone(),
        }
    }

    /// Puts it in its place.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Beside { staging, place, .. } => fs::rename(staging.path().join(IMAGE), place),
            Self::InPlace(_) => Ok(()),
        }
    }
}

/// A directory that is being written.
pub(super) enum UnfinishedDirectory {
    /// Beside its place.
    Beside {
        /// The directory it is in meanwhile.
        staging: Staging,
        /// Where it belongs.
        place: PathBuf,
    },
    /// There is a layout already, or room for one: what is added to it means nothing before `index.json` names it.
    InPlace(PathBuf),
}

impl UnfinishedDirectory {
    /// Makes it.
    pub(super) fn open(output: &Path) -> io::Result<Self> {
        if output.is_dir() {
            return Ok(Self::InPlace(output.to_owned()));
        }
        let place = output.components().collect::<PathBuf>();
        let staging = beside(&place)?;
        fs::create_dir(staging.path().join(IMAGE))?;
        Ok(Self::Beside { staging, place })
    }

    /// Where the files go.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Beside { staging, .. } => staging.path().join(IMAGE),
            Self::InPlace(directory) => directory.clone(),
        }
    }

    /// Puts it in its place.
    pub(super) fn finish(self) -> io::Result<()> {
        match &self {
            Self::Beside { place, .. } => fs::rename(self.path(), place),
            Self::InPlace(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_follows_from_the_name() {
        let directory = tempfile::tempdir().unwrap();
        let there = directory.path().to_owned();
        let file = there.join("image.tar");
        let parsed = |text: &Path| Output::parse(text);
        assert_eq!(parsed(&file), Ok(Output::Archive(file.clone())));
        assert_eq!(parsed(&there), Ok(Output::Layout(there.clone())));
        assert_eq!(parsed(Path::new("new/")), Ok(Output::Layout("new/".into())));
        assert_eq!(parsed(Path::new("oci:new")), Ok(Output::Layout("new".into())));
        assert_eq!(parsed(Path::new("docker-archive:a")), Ok(Output::Archive("a".into())));
        assert_eq!(parsed(Path::new("a:b")), Ok(Output::Archive("a:b".into())));
        assert_eq!(parsed(Path::new("-")), Ok(Output::Stdout));
        for refused in ["oci:", "docker-archive:", "oci:new:name", "docker-archive:a.tar:b"] {
            assert!(parsed(Path::new(refused)).is_err(), "{refused}");
        }
    }

    #[test]
    fn an_unusable_place_is_told_before_anything_is_built() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("file"), "").unwrap();
        fs::create_dir(path("mine")).unwrap();
        fs::write(path("mine/notes.txt"), "").unwrap();
        fs::create_dir(path("empty")).unwrap();
        let refused = [
            Output::Archive(path("absent/image.tar")),
            Output::Archive(path("file/image.tar")),
            Output::Archive(path("empty")),
            Output::Layout(path("file")),
            Output::Layout(path("mine")),
            Output::Layout(path("absent/layout")),
        ];
        for output in refused {
            assert!(output.check().is_err(), "{output:?}");
        }
        let taken = [
            Output::Archive(path("file")),
            Output::Archive(path("new.tar")),
            Output::Layout(path("empty")),
            Output::Layout(path("new/")),
        ];
        for output in taken {
            assert!(output.check().is_ok(), "{output:?}");
        }
    }

    #[test]
    fn a_device_is_not_replaced_and_a_file_only_when_it_is_whole() {
        use std::io::Write as _;
        assert!(matches!(
            Unfinished::open(Path::new("/dev/null")).unwrap(),
            Unfinished::InPlace(_)
        ));
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("image.tar"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let unfinished = Unfinished::open(&link).unwrap();
        unfinished.writer().unwrap().write_all(b"half").unwrap();
        drop(unfinished);
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        let unfinished = Unfinished::open(&link).unwrap();
        unfinished.writer().unwrap().write_all(b"new").unwrap();
        unfinished.finish().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_killed_runs_left_goes_and_what_only_has_such_a_name_stays() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(format!("{UNFINISHED}{name}"));
        let image = directory.path().join("image.tar");
        // Somebody's own: without a lock, or under a name that is none of ours.
        for foreign in ["0123abcd", "notes"] {
            fs::create_dir(at(foreign)).unwrap();
        }
        fs::write(at("notes.lock"), "").unwrap();
        let running = Unfinished::open(&image).unwrap();
        fs::create_dir(at("00000000")).unwrap();
        fs::write(at("00000000").join(IMAGE), "half").unwrap();
        fs::write(at("00000000.lock"), "").unwrap();
        Unfinished::open(&image).unwrap().finish().unwrap();
        assert!(!at("00000000").exists() && !at("00000000.lock").exists());
        assert!(at("0123abcd").exists() && at("notes").exists() && at("notes.lock").exists());
        running.finish().unwrap();
    }

    #[test]
    fn a_directory_that_a_killed_run_began_with_is_room_for_a_layout() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join(format!("{UNFINISHED}00000000"))).unwrap();
        assert!(is_layout(directory.path()).unwrap());
        fs::write(directory.path().join("notes.txt"), "").unwrap();
        assert!(!is_layout(directory.path()).unwrap());
    }
}
