//! A build backend's `tar.gz`, written again so that its bytes depend on its members alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use super::archive::Archive;
use super::{Error, Sdist, SdistSettings};
use crate::package::paths::{inside, join};
use crate::progress::Progress;
use crate::project::border::{self, Real};
use crate::reading;

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Member {
    /// Where its bytes lie in the unpacked archive, how many, and whether the owner may execute it.
    File {
        offset: u64,
        size: u64,
        executable: bool,
    },
    Directory,
    /// The link's target as written.
    Symlink(String),
    /// The member it is the same file as.
    Hardlink(String),
}

/// Writes the sdist `tarball` (a `tar.gz` that a build backend made) again into `out_dir`, under the same file name and with
/// the same members: sorted, times, owners and modes normalised as [`pack`](super::pack) does it. Hard links become files;
/// symbolic links stay if they lead to something within the archive. Members that are absolute, lead out of the archive,
/// appear twice, lie below something that is no directory, or are devices or pipes are refused.
///
/// `tarball` may lie in `out_dir` itself, and is then replaced.
pub fn repack(
    tarball: &Path,
    out_dir: &Path,
    settings: &SdistSettings,
    progress: &dyn Progress,
) -> Result<Sdist, Error> {
    let mtime = settings.mtime()?;
    let file_name = tarball
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    progress.step(&format!("Packing {file_name} reproducibly"));
    let mut unpacked = Unpacked::read(tarball, out_dir)?;
    let members = unpacked.checked()?;
    let mut archive = Archive::create(out_dir, &file_name, &unpacked.top, mtime)?;
    for (path, member) in &members {
        progress.check()?;
        match member {
            Member::File {
                offset,
                size,
                executable,
            } => {
                unpacked
                    .spool
                    .seek(SeekFrom::Start(*offset))
                    .map_err(|source| unpacked.error(source))?;
                let mut reader = Read::by_ref(&mut unpacked.spool).take(*size);
                archive.add(path, *size, *executable, tarball, &mut reader)?;
            }
            Member::Symlink(target) => archive.add_link(path, target)?,
            Member::Directory => archive.add_directory(path)?,
            Member::Hardlink(_) => {}
        }
    }
    archive.finish()
}

/// Refuses an sdist of the project in `root` that holds what lies outside of it: a backend follows links, so a file of the archive
/// that is a link out of the project there holds what the link leads to.
///
/// # Errors
/// [`Error::Outside`].
pub(crate) fn refuse_linked(files: &[String], root: &Path) -> Result<(), Error> {
    for file in files {
        if let Ok(Real::Outside(outside)) = border::real(root, file)
            && outside.is_link()
        {
            return Err(Error::Outside(outside));
        }
    }
    Ok(())
}

/// The archive without its compression, so that members can be read in another order than they were written.
struct Unpacked {
    tarball: PathBuf,
    spool: File,
    top: String,
    /// By their path below the top directory.
    members: BTreeMap<String, Member>,
}

impl Unpacked {
    fn read(tarball: &Path, out_dir: &Path) -> Result<Self, Error> {
        let failed = |source| Error::ReadArchive {
            path: tarball.to_path_buf(),
            source,
        };
        let cannot_spool = |source| Error::OutDir {
            path: out_dir.to_path_buf(),
            source,
        };
        let mut decoder = MultiGzDecoder::new(reading::open(tarball).map_err(failed)?.0);
        fs::create_dir_all(out_dir).map_err(cannot_spool)?;
        // In the directory of the result, where there must be room anyway; a file without a name, which is gone with this process.
        let mut spool = tempfile::tempfile_in(out_dir).map_err(cannot_spool)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = decoder.read(&mut buffer).map_err(failed)?;
            if read == 0 {
                break;
            }
            spool.write_all(&buffer[..read]).map_err(cannot_spool)?;
        }
        spool.rewind().map_err(cannot_spool)?;
        let mut unpacked = Self {
            tarball: tarball.to_path_buf(),
            spool,
            top: String::new(),
            members: BTreeMap::new(),
        };
        unpacked.index()?;
        Ok(unpacked)
    }

    fn index(&mut self) -> Result<(), Error> {
        let spool = self.spool.try_clone().map_err(|source| self.error(source))?;
        let mut archive = tar::Archive::new(spool);
        let mut first_top: Option<String> = None;
        for entry in archive.entries().map_err(|source| self.error(source))? {
            let entry = entry.map_err(|source| self.error(source))?;
            if entry.header().entry_type().is_pax_global_extensions() {
                continue;
            }
            let bytes = entry.path_bytes().into_owned();
            let shown = String::from_utf8_lossy(&bytes).into_owned();
            let path = String::from_utf8(bytes).map_err(|_| self.refused(&shown, "has a name that is not UTF-8"))?;
            let clean = self.within(&path, &shown)?;
            let (top, below) = clean.split_once('/').unwrap_or((clean.as_str(), ""));
            if first_top.get_or_insert_with(|| top.to_owned()) != top {
                return Err(self.refused(&shown, "is in a second top-level directory; an sdist has one"));
            }
            let member = self.member(&entry, &shown)?;
            if below.is_empty() {
                if member != Member::Directory {
                    return Err(self.refused(&shown, "does not lie in the archive's one directory"));
                }
                continue;
            }
            if self
                .members
                .insert(below.to_owned(), member)
                .is_some_and(|earlier| earlier != Member::Directory)
            {
                return Err(self.refused(&shown, "appears twice"));
            }
        }
        self.top = first_top.ok_or_else(|| self.refused("", "is missing: the archive is empty"))?;
        Ok(())
    }

    fn member(&self, entry: &tar::Entry<'_, File>, shown: &str) -> Result<Member, Error> {
        let header = entry.header();
        let target = || {
            let target = entry
                .link_name_bytes()
                .map(|bytes| String::from_utf8(bytes.into_owned()));
            target
                .and_then(Result::ok)
                .ok_or_else(|| self.refused(shown, "is a link without a readable target"))
        };
        match header.entry_type() {
            EntryType::Regular | EntryType::Continuous => Ok(Member::File {
                offset: entry.raw_file_position(),
                size: entry.size(),
                executable: header.mode().unwrap_or(0) & 0o100 != 0,
            }),
            EntryType::Directory => Ok(Member::Directory),
            EntryType::Symlink => Ok(Member::Symlink(target()?)),
            EntryType::Link => Ok(Member::Hardlink(target()?)),
            EntryType::GNUSparse => Err(self.refused(shown, "is stored as a sparse file")),
            EntryType::Char | EntryType::Block | EntryType::Fifo => Err(self.refused(shown, "is a device or pipe")),
            _ => Err(self.refused(shown, "is of a kind that no sdist contains")),
        }
    }

    /// The members to write: hard links made files, directories that others imply dropped, links checked.
    fn checked(&self) -> Result<BTreeMap<String, Member>, Error> {
        let mut checked = BTreeMap::new();
        let mut implied = BTreeSet::new();
        for path in self.members.keys() {
            let mut parent = path.as_str();
            while let Some((above, _)) = parent.rsplit_once('/') {
                if self
                    .members
                    .get(above)
                    .is_some_and(|member| *member != Member::Directory)
                {
                    return Err(self.refused(path, "lies below a member that is no directory"));
                }
                implied.insert(above);
                parent = above;
            }
        }
        for (path, member) in &self.members {
            let member = match member {
                Member::Directory if implied.contains(path.as_str()) => continue,
                Member::Hardlink(target) => self.linked_file(path, target)?,
                Member::Symlink(target) => {
                    self.check_symlink(path, target, &implied)?;
                    member.clone()
                }
                other => other.clone(),
            };
            checked.insert(path.clone(), member);
        }
        Ok(checked)
    }

    fn linked_file(&self, path: &str, target: &str) -> Result<Member, Error> {
        let mut seen = BTreeSet::from([path.to_owned()]);
        let mut target = target.to_owned();
        loop {
            let below = inside(&target)
                .and_then(|clean| clean.strip_prefix(&format!("{}/", self.top)).map(str::to_owned))
                .ok_or_else(|| self.refused(path, "is a link that leads out of the archive"))?;
            match self.members.get(&below) {
                Some(file @ Member::File { .. }) => return Ok(file.clone()),
                Some(Member::Hardlink(next)) if seen.insert(below) => next.clone_into(&mut target),
                _ => return Err(self.refused(path, "is a link to no file of the archive")),
            }
        }
    }

    /// A symbolic link may only name a member or a directory with members. It is judged by its spelling, which is right as
    /// long as no `..` follows a name in it, since that name might be a link itself.
    fn check_symlink(&self, path: &str, target: &str, implied: &BTreeSet<&str>) -> Result<(), Error> {
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
        let parts = target.split('/').filter(|part| !part.is_empty() && *part != ".");
        let climbs_late = parts.skip_while(|part| *part == "..").any(|part| part == "..");
        let is_plain = !target.starts_with('/') && !climbs_late;
        let resolved = is_plain.then(|| inside(join(dir, target))).flatten();
        let resolved = resolved.ok_or_else(|| self.refused(path, "is a link that leads out of the archive"))?;
        if self.members.contains_key(&resolved) || implied.contains(resolved.as_str()) {
            return Ok(());
        }
        Err(self.refused(path, "is a link to nothing in the archive"))
    }

    fn within(&self, path: &str, shown: &str) -> Result<String, Error> {
        let has_parent = path.split('/').any(|part| part == "..");
        let clean = inside(path).filter(|clean| !has_parent && !clean.is_empty());
        clean.ok_or_else(|| self.refused(shown, "is an absolute path or leads out of the archive"))
    }

    fn refused(&self, member: &str, reason: &'static str) -> Error {
        Error::Member {
            path: self.tarball.clone(),
            member: member.to_owned(),
            reason,
        }
    }

    fn error(&self, source: io::Error) -> Error {
        Error::ReadArchive {
            path: self.tarball.clone(),
            source,
        }
    }
}
