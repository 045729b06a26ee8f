//! What is left of a training: `model.tar.gz` and `output.tar.gz` as SageMaker makes them, and why it failed
//! ([where they come from](https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html)).
//!
//! They are written by this user, whoever wrote the files in the container.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::NamedTempFile;

use super::error::Error;

/// What a file is called while it is written.
pub(super) const PART: &str = ".sgbuild-";
/// So much is read of a failure file: 1024 characters are told.
const LONGEST_FAILURE: u64 = 64 * 1024;

/// An archive that is made of a directory of each host, as if it were one. Of two files with one name the first is taken.
pub(super) struct Packing {
    archive: tar::Builder<GzEncoder<NamedTempFile>>,
    path: PathBuf,
    taken: BTreeSet<PathBuf>,
}

impl Packing {
    /// Begins the archive `path`, which is there when it is whole.
    pub(super) fn begin(path: &Path) -> io::Result<Self> {
        let directory = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        let file = tempfile::Builder::new()
            .prefix(PART)
            // As other files are, within the user's mask: a temporary one is for its owner alone.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(directory)?;
        Ok(Self {
            archive: tar::Builder::new(GzEncoder::new(file, Compression::default())),
            path: path.to_owned(),
            taken: BTreeSet::new(),
        })
    }

    /// Takes what is in the directory whose archive this is: without the directory's own name.
    pub(super) fn add(&mut self, archive: impl Read) -> io::Result<()> {
        let mut archive = tar::Archive::new(archive);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let Some(name) = below_the_first(&entry.path()?) else {
                continue;
            };
            if !self.taken.insert(name.clone()) {
                continue;
            }
            let mut header = entry.header().clone();
            let Some(link) = link_of(&entry)? else {
                // Of a file of more than 8 GiB, the size may stand before the header alone; one with holes comes without them.
                header.set_size(entry.size());
                if header.entry_type().is_gnu_sparse() {
                    header.set_entry_type(tar::EntryType::Regular);
                }
                self.archive.append_data(&mut header, name, &mut entry)?;
                continue;
            };
            let link = match below_the_first(&link) {
                Some(link) if header.entry_type().is_hard_link() => link,
                _ => link,
            };
            header.set_size(0);
            self.archive.append_link(&mut header, name, link)?;
        }
        Ok(())
    }

    /// Puts the archive in its place; `None` where nothing was taken, and then an older one is removed.
    pub(super) fn finish(self) -> io::Result<Option<PathBuf>> {
        if self.taken.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(None),
            };
        }
        let file = self.archive.into_inner()?.finish()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(Some(self.path))
    }
}

/// Makes sure that archives can be written to the directory, before anything is trained that would be lost. Parts of archives and checkpoints
/// that a killed run left there are removed.
pub(super) fn claim(directory: &Path) -> Result<(), Error> {
    let checkpoints = directory.join("checkpoints");
    // What is there is given to the container, and what that writes is put there: a link that came with a checkout leads to anything.
    refuse_link(&checkpoints)?;
    let own = walkdir::WalkDir::new(directory).max_depth(1);
    let entries = own.into_iter().chain(walkdir::WalkDir::new(checkpoints));
    for entry in entries.flatten() {
        if entry.file_type().is_file() && entry.file_name().as_encoded_bytes().starts_with(PART.as_bytes()) {
            // One that cannot be removed is a file more.
            let _ = fs::remove_file(entry.path());
        }
    }
    let claimed = fs::create_dir_all(directory).and_then(|()| tempfile::tempfile_in(directory));
    claimed.map(drop).map_err(|source| Error::Output {
        path: directory.to_owned(),
        source,
    })
}

/// The directory `parts` below `root`, none of which may be a link: a checkout decides what is there, and not what is written elsewhere.
///
/// # Errors
/// The first that is a link.
pub(crate) fn directory_below(root: &Path, parts: &[&str]) -> Result<PathBuf, Error> {
    let mut directory = root.to_owned();
    for part in parts {
        directory.push(part);
        refuse_link(&directory)?;
    }
    Ok(directory)
}

fn refuse_link(path: &Path) -> Result<(), Error> {
    if !path.is_symlink() {
        return Ok(());
    }
    Err(Error::Output {
        path: path.to_owned(),
        source: io::Error::other("it is a link, which may lead anywhere"),
    })
}

/// Leaves no directory in which nothing came to be.
pub(super) fn release(directory: &Path) {
    // One that holds something stays.
    let _ = fs::remove_dir(directory);
}

/// What a link leads to; `None` for what is none, though a tar archive may give any entry the name of a target.
pub(super) fn link_of(entry: &tar::Entry<'_, impl Read>) -> io::Result<Option<PathBuf>> {
    let kind = entry.header().entry_type();
    if !kind.is_symlink() && !kind.is_hard_link() {
        return Ok(None);
    }
    Ok(entry.link_name()?.map(Cow::into_owned))
}

/// The path without its first part; `None` where nothing is left, or it leads elsewhere.
pub(super) fn below_the_first(path: &Path) -> Option<PathBuf> {
    let mut parts = path.components().filter(|part| *part != Component::CurDir);
    parts.next()?;
    let rest: PathBuf = parts.clone().collect();
    let is_below = parts.all(|part| matches!(part, Component::Normal(_)));
    (is_below && !rest.as_os_str().is_empty()).then_some(rest)
}

/// The beginning of the failure file whose archive this is.
pub(super) fn failure(archive: impl Read) -> io::Result<Option<String>> {
    let mut archive = tar::Archive::new(archive);
    let Some(entry) = archive.entries()?.next() else {
        return Ok(None);
    };
    beginning(entry?).map(Some)
}

/// The same of a failure file of this machine; none where it is no file.
pub(super) fn failure_at(path: &Path) -> io::Result<Option<String>> {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        return Ok(None);
    }
    beginning(File::open(path)?).map(Some)
}

fn beginning(failure: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    failure.take(LONGEST_FAILURE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The archive of a directory of this machine, as a daemon gives a container's: every file without its holes, and no sockets. `None` where it
/// is not there.
pub(super) fn of_directory(directory: &Path) -> io::Result<Option<File>> {
    if !directory.exists() {
        return Ok(None);
    }
    let mut archive = tar::Builder::new(tempfile::tempfile()?);
    archive.follow_symlinks(false);
    archive.sparse(false);
    let name = directory.file_name().map_or_else(|| "root".into(), PathBuf::from);
    for entry in walkdir::WalkDir::new(directory).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_socket() {
            continue;
        }
        let below = entry.path().strip_prefix(directory).unwrap_or(entry.path());
        archive.append_path_with_name(entry.path(), name.join(below))?;
    }
    let mut file = archive.into_inner()?;
    io::Seek::rewind(&mut file)?;
    Ok(Some(file))
}

#[cfg(test)]
pub(super) mod tests {
    use std::os::unix::fs::symlink;

    use super::super::unpacked::{Unpack, unpack};
    use super::*;

    pub(in crate::local) fn archive(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, text) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o600);
            header.set_size(0);
            if let Some(link) = text.strip_prefix("-> ") {
                header.set_entry_type(tar::EntryType::Symlink);
                archive.append_link(&mut header, name, link).unwrap();
            } else if name.ends_with('/') {
                header.set_entry_type(tar::EntryType::Directory);
                archive.append_data(&mut header, name, io::empty()).unwrap();
            } else {
                header.set_size(text.len() as u64);
                archive.append_data(&mut header, name, text.as_bytes()).unwrap();
            }
        }
        archive.into_inner().unwrap()
    }

    fn names(path: &Path) -> Vec<String> {
        let file = flate2::read::GzDecoder::new(File::open(path).unwrap());
        let mut archive = tar::Archive::new(file);
        let entries = archive.entries().unwrap();
        entries
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect()
    }

    /// What is in an archive, by names.
    fn texts(path: &Path) -> Vec<(String, String)> {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(path).unwrap()));
        let entries = archive.entries().unwrap();
        let text = |entry: io::Result<tar::Entry<'_, _>>| {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (entry.path().unwrap().display().to_string(), text)
        };
        entries.map(text).collect()
    }

    #[test]
    fn a_models_archive_has_the_files_of_every_host_without_their_directory() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out/model.tar.gz");
        let mut packing = Packing::begin(&path).unwrap();
        let first = archive(&[
            ("model/", ""),
            ("model/a.bin", "1"),
            ("model/sub/", ""),
            ("model/sub/b", "-> ../a.bin"),
        ]);
        let second = archive(&[("model/", ""), ("model/a.bin", "2"), ("model/c.bin", "3")]);
        packing.add(&first[..]).unwrap();
        packing.add(&second[..]).unwrap();
        assert_eq!(packing.finish().unwrap(), Some(path.clone()));
        assert_eq!(names(&path), ["a.bin", "sub", "sub/b", "c.bin"]);
    }

    #[test]
    fn a_file_whose_size_stands_before_its_header_is_packed_whole() {
        let mut left = tar::Builder::new(Vec::new());
        // As archives of containers have files of more than 8 GiB.
        left.append_pax_extensions([("size", &b"5"[..])]).unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_path("model/big").unwrap();
        header.set_mode(0o644);
        header.set_size(0);
        header.set_cksum();
        left.append(&header, &b"12345"[..]).unwrap();
        let left = left.into_inner().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.tar.gz");
        let mut packing = Packing::begin(&path).unwrap();
        packing.add(&left[..]).unwrap();
        packing.finish().unwrap();
        assert_eq!(texts(&path), [("big".to_owned(), "12345".to_owned())]);
    }

    #[test]
    fn a_directory_is_packed_with_its_holes_and_without_its_sockets() {
        use std::os::unix::fs::FileExt as _;

        let directory = tempfile::tempdir().unwrap();
        let model = directory.path().join("model");
        fs::create_dir(&model).unwrap();
        let holey = File::create(model.join("holey")).unwrap();
        holey.set_len(1 << 22).unwrap();
        holey.write_all_at(b"hello", 3 << 20).unwrap();
        fs::write(model.join("last"), "last").unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(model.join("socket")).unwrap();
        let path = directory.path().join("model.tar.gz");
        let mut packing = Packing::begin(&path).unwrap();
        packing.add(of_directory(&model).unwrap().unwrap()).unwrap();
        packing.finish().unwrap();
        let texts = texts(&path);
        assert_eq!((texts.len(), texts[1].1.as_str()), (2, "last"));
        assert_eq!((texts[0].1.len(), &texts[0].1[3 << 20..][..5]), (1 << 22, "hello"));
    }

    #[test]
    fn no_link_leads_what_is_written_elsewhere() {
        let directory = tempfile::tempdir().unwrap();
        let (root, elsewhere) = (directory.path().join("project"), directory.path().join("elsewhere"));
        fs::create_dir_all(root.join("dist/local")).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        let directory = directory_below(&root, &["dist", "local", "job"]).unwrap();
        claim(&directory).unwrap();
        symlink(&elsewhere, directory.join("checkpoints")).unwrap();
        assert!(matches!(claim(&directory), Err(Error::Output { path, .. }) if path.ends_with("checkpoints")));
        symlink(&elsewhere, root.join("dist/local/other")).unwrap();
        let refused = directory_below(&root, &["dist", "local", "other"]);
        assert!(matches!(refused, Err(Error::Output { path, .. }) if path.ends_with("local/other")));
    }

    #[test]
    fn what_a_killed_run_left_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("checkpoints")).unwrap();
        for name in [".sgbuild-0", "checkpoints/.sgbuild-1", "model.tar.gz"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        claim(directory.path()).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
        assert_eq!(fs::read_dir(directory.path().join("checkpoints")).unwrap().count(), 0);
    }

    #[test]
    fn nothing_makes_no_archive_and_leaves_no_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.tar.gz");
        fs::write(&path, "old").unwrap();
        let mut packing = Packing::begin(&path).unwrap();
        packing.add(&archive(&[("model/", "")])[..]).unwrap();
        assert_eq!(packing.finish().unwrap(), None);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_target_makes_no_file_a_link_and_a_size_no_link_a_file() {
        let append = |archive: &mut tar::Builder<Vec<u8>>, kind, name: &str, text: &str| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(text.len() as u64);
            if kind.is_symlink() {
                header.set_link_name("a").unwrap();
            }
            archive.append_data(&mut header, name, text.as_bytes()).unwrap();
        };
        let mut left = tar::Builder::new(Vec::new());
        append(&mut left, tar::EntryType::GNULongLink, "././@LongLink", "elsewhere");
        append(&mut left, tar::EntryType::Regular, "model/a", "text");
        append(&mut left, tar::EntryType::Symlink, "model/b", "text");
        append(&mut left, tar::EntryType::Regular, "model/c", "text");
        let left = left.into_inner().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (path, into) = (directory.path().join("model.tar.gz"), directory.path().join("into"));
        let mut packing = Packing::begin(&path).unwrap();
        packing.add(&left[..]).unwrap();
        packing.finish().unwrap();
        assert_eq!(names(&path), ["a", "b", "c"]);
        unpack(&left[..], &into, Unpack::All).unwrap();
        assert_eq!(fs::read_to_string(into.join("a")).unwrap(), "text");
        assert_eq!(fs::read_link(into.join("b")).unwrap(), Path::new("a"));
    }

    #[test]
    fn names_that_lead_elsewhere_are_not_taken() {
        assert_eq!(below_the_first(Path::new("model/../../etc/passwd")), None);
        assert_eq!(below_the_first(Path::new("./model/a")), Some("a".into()));
        assert_eq!(below_the_first(Path::new("model/")), None);
    }
}
