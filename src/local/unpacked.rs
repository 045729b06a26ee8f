//! The files of a directory of a container, as they are written to this machine: its checkpoints.
//!
//! Whoever wrote them there, they are this user's here, and nothing but the directory that they are meant for is written to.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::artifacts::{PART, below_the_first, link_of};

/// Which files [`unpack`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unpack {
    /// Every one.
    All,
    /// Those that have another size or time than what is there.
    Newer,
}

/// Writes what is in the directory whose archive this is to `into`, over what is there, each file as a whole or not at all. The names
/// that it has.
pub(super) fn unpack(archive: impl Read, into: &Path, what: Unpack) -> io::Result<BTreeSet<PathBuf>> {
    let mut archive = tar::Archive::new(archive);
    let mut names = BTreeSet::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let Some(name) = below_the_first(&entry.path()?) else {
            continue;
        };
        let place = into.join(&name);
        let kind = entry.header().entry_type();
        if what == Unpack::All || !kind.is_file() || !is_the_same(&place, entry.header()) {
            make_way(into, &name, kind)?;
            if kind.is_dir() {
                fs::create_dir_all(&place)?;
            } else if let Some(link) = link_of(&entry)? {
                if kind.is_hard_link() {
                    copy_of_another(into, &link, &place)?;
                } else {
                    symlink(link, &place)?;
                }
            } else if kind.is_file() {
                write(&mut entry, &place)?;
            }
        }
        names.insert(name);
    }
    Ok(names)
}

/// Whether a file of this size and time, of which an archive has the seconds, is there.
fn is_the_same(place: &Path, header: &tar::Header) -> bool {
    let (Ok(found), Ok(size), Ok(time)) = (fs::symlink_metadata(place), header.size(), header.mtime()) else {
        return false;
    };
    found.is_file() && found.len() == size && found.modified().ok() == in_time(time)
}

/// `None` of a time that this machine cannot tell.
fn in_time(seconds: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn write(entry: &mut tar::Entry<'_, impl Read>, place: &Path) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(PART)
        // As other files are, within the user's mask.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(place.parent().unwrap_or(Path::new(".")))?;
    let size = entry.size();
    if io::copy(entry, &mut file)? < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if let Some(time) = entry.header().mtime().ok().and_then(in_time) {
        // A file system that has no such time has another one: the file is read anew by the next copy.
        let _ = file.as_file().set_modified(time);
    }
    file.persist(place).map_err(|error| error.error)?;
    Ok(())
}

/// Makes what another name of the archive's is: a copy of its file, or the same link. A name that leads out of `into`, or through a link,
/// is refused: what it leads to is this machine's, and would be in the next container.
fn copy_of_another(into: &Path, name: &Path, place: &Path) -> io::Result<()> {
    let elsewhere = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is no name in it", name.display()),
        )
    };
    let first = below_the_first(name)
        .map(|name| into.join(name))
        .ok_or_else(elsewhere)?;
    let parent = first.parent().unwrap_or(into);
    if !fs::canonicalize(parent)?.starts_with(fs::canonicalize(into)?) {
        return Err(elsewhere());
    }
    if fs::symlink_metadata(&first)?.is_symlink() {
        return symlink(fs::read_link(&first)?, place);
    }
    fs::copy(first, place).map(drop)
}

/// Makes the directories above `into/name`, none of them a link that leads elsewhere, and removes what is in the way there: a file is
/// replaced by a file at once. A directory makes way for what is none, as it did in the container.
fn make_way(into: &Path, name: &Path, kind: tar::EntryType) -> io::Result<()> {
    fs::create_dir_all(into)?;
    let mut place = into.to_owned();
    for part in name {
        if place != into {
            fs::create_dir_all(&place)?;
        }
        place.push(part);
        let is_last = place == into.join(name);
        match fs::symlink_metadata(&place) {
            Ok(found) if found.is_dir() && is_last && !kind.is_dir() => fs::remove_dir_all(&place)?,
            Ok(found) if found.is_dir() || (is_last && kind.is_file() && found.is_file()) => {}
            Ok(_) => fs::remove_file(&place)?,
            Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::artifacts::tests::archive;
    use super::*;

    #[test]
    fn a_directory_makes_way_for_what_took_its_place() {
        let into = tempfile::tempdir().unwrap();
        unpack(
            &archive(&[("c/", ""), ("c/latest/", ""), ("c/latest/a", "1")])[..],
            into.path(),
            Unpack::All,
        )
        .unwrap();
        for next in ["-> step-2", "a file"] {
            fs::create_dir_all(into.path().join("latest/sub")).unwrap_or_default();
            unpack(
                &archive(&[("c/", ""), ("c/latest", next)])[..],
                into.path(),
                Unpack::All,
            )
            .unwrap();
            assert_eq!(into.path().join("latest").is_symlink(), next.starts_with("->"));
            fs::remove_file(into.path().join("latest")).unwrap();
        }
    }

    #[test]
    fn a_time_that_no_clock_tells_is_no_end() {
        let mut left = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mtime(u64::MAX);
        left.append_data(&mut header, "c/a", &b"1"[..]).unwrap();
        let left = left.into_inner().unwrap();
        let into = tempfile::tempdir().unwrap();
        for what in [Unpack::Newer, Unpack::Newer, Unpack::All] {
            unpack(&left[..], into.path(), what).unwrap();
        }
        assert_eq!(fs::read_to_string(into.path().join("a")).unwrap(), "1");
    }

    #[test]
    fn checkpoints_are_written_over_older_ones_and_through_no_link() {
        let directory = tempfile::tempdir().unwrap();
        let (elsewhere, into) = (directory.path().join("elsewhere"), directory.path().join("checkpoints"));
        fs::create_dir_all(&elsewhere).unwrap();
        fs::create_dir_all(&into).unwrap();
        fs::write(into.join("epoch"), "1").unwrap();
        symlink(&elsewhere, into.join("latest")).unwrap();
        let left = archive(&[
            ("c/", ""),
            ("c/epoch", "2"),
            ("c/latest/", ""),
            ("c/latest/weights", "w"),
        ]);
        let names = unpack(&left[..], &into, Unpack::All).unwrap();
        assert_eq!(names.len(), 3);
        assert_eq!(fs::read_to_string(into.join("epoch")).unwrap(), "2");
        assert_eq!(fs::read_to_string(into.join("latest/weights")).unwrap(), "w");
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_breaks_off_leaves_the_older_one() {
        let directory = tempfile::tempdir().unwrap();
        let into = directory.path();
        fs::write(into.join("a"), "older").unwrap();
        let whole = archive(&[("c/", ""), ("c/a", &"n".repeat(2_000))]);
        assert!(unpack(&whole[..2_000], into, Unpack::All).is_err());
        assert_eq!(fs::read_to_string(into.join("a")).unwrap(), "older");
        assert_eq!(fs::read_dir(into).unwrap().count(), 1);
    }

    #[test]
    fn what_is_there_is_not_written_again_unless_all_is() {
        let directory = tempfile::tempdir().unwrap();
        let into = directory.path();
        let first = archive(&[("c/", ""), ("c/a", "one")]);
        unpack(&first[..], into, Unpack::Newer).unwrap();
        // Of the same size and second, as an archive says it.
        let second = archive(&[("c/", ""), ("c/a", "two")]);
        let text = || fs::read_to_string(into.join("a")).unwrap();
        unpack(&second[..], into, Unpack::Newer).unwrap();
        assert_eq!(text(), "one");
        unpack(&second[..], into, Unpack::All).unwrap();
        assert_eq!(text(), "two");
        let longer = archive(&[("c/", ""), ("c/a", "three")]);
        unpack(&longer[..], into, Unpack::Newer).unwrap();
        assert_eq!(text(), "three");
    }

    #[test]
    fn another_name_is_of_what_is_in_the_archive() {
        let outside = tempfile::tempdir().unwrap();
        let secret = outside.path().join("secret");
        fs::write(&secret, "c4nary").unwrap();
        let unpacked = |entries: &[(&str, tar::EntryType, &Path)]| {
            let mut archive = tar::Builder::new(Vec::new());
            for (name, kind, link) in entries {
                let mut header = tar::Header::new_gnu();
                header.set_entry_type(*kind);
                header.set_size(0);
                archive.append_link(&mut header, name, link).unwrap();
            }
            let bytes = archive.into_inner().unwrap();
            let into = tempfile::tempdir().unwrap();
            unpack(&bytes[..], into.path(), Unpack::All).map(|_| into)
        };
        let (link, another) = (tar::EntryType::Symlink, tar::EntryType::Link);
        assert!(unpacked(&[("c/x", another, &secret)]).is_err());
        assert!(unpacked(&[("c/x", another, Path::new("c/../../secret"))]).is_err());
        assert!(unpacked(&[("c/d", link, outside.path()), ("c/x", another, Path::new("c/d/secret"))]).is_err());
        let into = unpacked(&[("c/l", link, &secret), ("c/x", another, Path::new("c/l"))]).unwrap();
        assert_eq!(fs::read_link(into.path().join("x")).unwrap(), secret);
    }
}
