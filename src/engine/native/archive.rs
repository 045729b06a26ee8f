//! A wheel as a zip archive: which files it has, and where in it their bytes are.
//!
//! Nothing is unpacked. What an archive says twice, in its directory and before each file, must be the same, as who reads the one
//! and who reads the other would install different things
//! (<https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>).

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use flate2::Decompress;
use rawzip::{CompressionMethod, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ZipArchive, ZipFileHeaderRecord};

use crate::shown::quoted;

/// The most files that a wheel may have: the largest of the index have some 60,000.
const MAX_FILES: usize = 1 << 20;
/// From here on it matters how much larger than itself an archive says that it becomes.
const LARGE: u64 = 1 << 30;
/// How much larger that may be: text shrinks to a tenth, tables of numbers seldom to less than a fiftieth.
const MAX_RATIO: u64 = 200;
/// The longest path, and the longest of its names, in bytes: Linux makes none that are longer
/// (<https://man7.org/linux/man-pages/man3/realpath.3.html>, `PATH_MAX` and `NAME_MAX`), and a prefix comes before it.
const LONGEST_PATH: usize = 4000;
const LONGEST_NAME: usize = 255;
/// How much the paths of all directories may take, in bytes: a few kilobytes of names make megabytes of directories within each other.
const MAX_DIRECTORIES: usize = 64 << 20;
/// What begins so takes something of the layers below away (<https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts>).
const WHITEOUT: &str = ".wh.";
/// How much is read to see what a file begins with.
const BEGINNING: usize = 4 << 10;

/// Why an archive is not read: the end of a sentence that begins with its name.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// It is not there, or not readable.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is no zip archive, or ends too early.
    #[error("is no whole zip archive: {0}")]
    Zip(#[from] rawzip::Error),
    /// It is one that no installer should take.
    #[error("{0}")]
    Refused(String),
}

/// A file in a wheel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Relative, with `/`, without `.` and `..`.
    pub(crate) path: String,
    /// Whether its bytes are deflated, or as they are.
    pub(crate) is_deflated: bool,
    /// Where in the archive they begin.
    pub(crate) offset: u64,
    /// How many there are.
    pub(crate) stored_size: u64,
    /// How many it has unpacked.
    pub(crate) size: u64,
    /// Over the unpacked bytes.
    pub(crate) crc32: u32,
    /// Whether it may be run, as pip sees it.
    pub(crate) is_executable: bool,
}

/// An open wheel.
#[derive(Debug)]
pub(crate) struct Archive {
    of: String,
    path: PathBuf,
    file: File,
    members: Vec<Member>,
}

impl Archive {
    /// Opens the wheel of the distribution `of` at `path`, and reads its directory.
    ///
    /// # Errors
    /// See [`Malformed`].
    pub(crate) fn open(of: &str, path: &Path) -> Result<Self, Malformed> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let zip = ZipArchive::from_file(file.try_clone()?, &mut buffer)?;
        let mut members = Vec::new();
        let mut names = HashSet::new();
        let mut local = vec![0; 2 * usize::from(u16::MAX)];
        let mut entries = zip.entries(&mut buffer);
        while let Some(entry) = entries.next_entry()? {
            if entry.is_dir() {
                continue;
            }
            let path = name(entry.file_path().as_bytes())?;
            let found = zip.get_entry(entry.wayfinder())?;
            let header = found.local_header(&mut local)?;
            if header.file_path().as_bytes() != path.as_bytes() {
                return Err(refused(format!("has `{path}` in its directory where another file is")));
            }
            let (offset, end) = found.compressed_data_range();
            if end > length {
                return Err(refused(format!("ends before `{path}` does")));
            }
            if !names.insert(path.clone()) {
                return Err(refused(format!("has `{path}` twice")));
            }
            if members.len() == MAX_FILES {
                return Err(refused(format!("has more than {MAX_FILES} files")));
            }
            members.push(member(&entry, path, offset, end - offset)?);
        }
        if zip.entries_hint() < members.len() as u64 {
            return Err(refused("has more files than it says".to_owned()));
        }
        check_places(&members)?;
        check_growth(&members, length)?;
        Ok(Self {
            of: of.to_owned(),
            path: path.to_owned(),
            file,
            members,
        })
    }

    /// The distribution that it is of.
    pub(crate) fn of(&self) -> &str {
        &self.of
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its files, in the order of its directory.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Fills `buffer` with the bytes from `offset` on, as they are in the archive.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    /// Whether the unpacked content of a member begins with `start`; no more of it is read than that takes.
    ///
    /// # Errors
    /// It is not what the directory says.
    pub(crate) fn begins_with(&self, member: &Member, start: &[u8]) -> Result<bool, Malformed> {
        if member.size < start.len() as u64 {
            return Ok(false);
        }
        // Deflated, too, the first bytes are within these, as the longest tables are; or somebody made it so that they are not.
        let mut stored = vec![0; usize::try_from(member.stored_size).map_or(BEGINNING, |size| size.min(BEGINNING))];
        self.read_at(&mut stored, member.offset)?;
        if !member.is_deflated {
            return Ok(stored.starts_with(start));
        }
        let mut found = vec![0; start.len()];
        let mut inflated = flate2::bufread::DeflateDecoder::new(&stored[..]);
        if inflated.read_exact(&mut found).is_ok() {
            return Ok(found == start);
        }
        let content = self.content(member, member.size.max(member.stored_size))?;
        Ok(content.starts_with(start))
    }

    /// The unpacked content of a member of at most `limit` bytes.
    ///
    /// # Errors
    /// It is larger, or not what the directory says.
    pub(crate) fn content(&self, member: &Member, limit: u64) -> Result<Vec<u8>, Malformed> {
        let path = &member.path;
        if member.size > limit || member.stored_size > limit {
            return Err(refused(format!("has more than {limit} bytes in `{path}`")));
        }
        let unlike = || refused(format!("has a damaged `{path}`"));
        let mut stored = vec![0; usize::try_from(member.stored_size).map_err(|_| unlike())?];
        self.read_at(&mut stored, member.offset)?;
        let content = if member.is_deflated {
            let mut content = Vec::new();
            let inflated = flate2::bufread::DeflateDecoder::new(&stored[..]);
            inflated
                .take(limit + 1)
                .read_to_end(&mut content)
                .map_err(|_| unlike())?;
            content
        } else {
            stored
        };
        let is_as_said = content.len() as u64 == member.size && crc32fast::hash(&content) == member.crc32;
        is_as_said.then_some(content).ok_or_else(unlike)
    }
}

fn refused(reason: String) -> Malformed {
    Malformed::Refused(reason)
}

/// A member's name, if it is one that stays where it is put.
fn name(bytes: &[u8]) -> Result<String, Malformed> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| refused(format!("has a name that is not UTF-8: {}", bytes.escape_ascii())))?;
    let is_step = |part: &str| part.is_empty() || part == "." || part == "..";
    if text.split('/').any(is_step) || text.contains(['\\', '\0']) {
        return Err(refused(format!(
            "has the name `{}`, which leads elsewhere",
            text.escape_debug()
        )));
    }
    check_names(text)?;
    Ok(text.to_owned())
}

/// Refuses a path that is none in an image.
///
/// # Errors
/// It is too long for Linux, or says in a layer that something else is gone.
pub(super) fn check_names(path: &str) -> Result<(), Malformed> {
    let is_too_long = path.len() > LONGEST_PATH || path.split('/').any(|name| name.len() > LONGEST_NAME);
    let why = match () {
        () if is_too_long => "which is too long to be a file's",
        () if path.split('/').any(|name| name.starts_with(WHITEOUT)) => "which deletes another file in an image",
        () => return Ok(()),
    };
    Err(refused(format!("has the name {}, {why}", quoted(path))))
}

fn member(entry: &ZipFileHeaderRecord<'_>, path: String, offset: u64, stored_size: u64) -> Result<Member, Malformed> {
    let is_deflated = match entry.compression_method() {
        CompressionMethod::DEFLATE => true,
        CompressionMethod::STORE => false,
        other => {
            return Err(refused(format!(
                "has `{path}` compressed by {other:?}, which pip does not read either"
            )));
        }
    };
    if entry.flags().is_encrypted() {
        return Err(refused(format!("has `{path}` encrypted")));
    }
    let size = entry.uncompressed_size_hint();
    if !is_deflated && size != stored_size {
        return Err(refused(format!(
            "has a damaged `{path}`: it is stored with another size than its own"
        )));
    }
    // As pip's `zip_item_is_executable`: a regular file that anybody may run.
    let mode = entry.external_attributes() >> 16;
    Ok(Member {
        path,
        is_deflated,
        offset,
        stored_size,
        size,
        crc32: entry.crc32(),
        is_executable: mode & 0o170_000 == 0o100_000 && mode & 0o111 != 0,
    })
}

/// Refuses files that share bytes, by which a small archive becomes a large one, and files that are directories to others.
fn check_places(members: &[Member]) -> Result<(), Malformed> {
    let mut places: Vec<&Member> = members.iter().collect();
    places.sort_by_key(|member| member.offset);
    for pair in places.windows(2) {
        if pair[0].offset + pair[0].stored_size > pair[1].offset {
            let (one, other) = (&pair[0].path, &pair[1].path);
            return Err(refused(format!("has the same bytes in `{one}` and `{other}`")));
        }
    }
    let directories = directories(members)?;
    match members.iter().find(|member| directories.contains(&*member.path)) {
        Some(Member { path, .. }) => Err(refused(format!("has `{path}` as a file and as a directory"))),
        None => Ok(()),
    }
}

/// Every directory that one of them is in.
fn directories(members: &[Member]) -> Result<HashSet<&str>, Malformed> {
    let mut directories = HashSet::new();
    let mut length = 0;
    for member in members {
        for (at, _) in member.path.rmatch_indices('/') {
            // Those above a known one are known.
            if !directories.insert(&member.path[..at]) {
                break;
            }
            length += at;
            if length > MAX_DIRECTORIES {
                return Err(refused("has too many directories within each other".to_owned()));
            }
        }
    }
    Ok(directories)
}

/// Refuses what would fill a disk.
fn check_growth(members: &[Member], length: u64) -> Result<(), Malformed> {
    let unpacked = members
        .iter()
        .fold(0_u64, |sum, member| sum.saturating_add(member.size));
    if unpacked > LARGE && unpacked / MAX_RATIO > length {
        return Err(refused(format!("says that its {length} bytes become {unpacked}")));
    }
    Ok(())
}

/// What it takes to inflate members, one after another: most are small, and to make it anew for each takes longer than they do.
pub(crate) struct Inflater {
    decompress: Decompress,
    buffer: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Self {
        Self {
            decompress: Decompress::new(false),
            buffer: vec![0; PIECE],
        }
    }
}

/// Inflates one member piece by piece, and makes sure that it is what the directory says.
pub(crate) struct Inflation<'a> {
    member: &'a Member,
    inflater: &'a mut Inflater,
    crc: crc32fast::Hasher,
    ended: bool,
}

/// How much is inflated at a time.
const PIECE: usize = 256 << 10;

impl<'a> Inflation<'a> {
    pub(crate) fn of(member: &'a Member, inflater: &'a mut Inflater) -> Self {
        inflater.decompress.reset(false);
        Self {
            member,
            inflater,
            crc: crc32fast::Hasher::new(),
            ended: !member.is_deflated,
        }
    }

    /// Takes the next bytes of the archive, and hands on what they come to.
    ///
    /// # Errors
    /// They are no deflate stream, or come to more than was said.
    pub(crate) fn push(&mut self, mut stored: &[u8], mut unpacked: impl FnMut(&[u8])) -> Result<(), Malformed> {
        if !self.member.is_deflated {
            self.crc.update(stored);
            unpacked(stored);
            return Ok(());
        }
        loop {
            let Inflater { decompress, buffer } = &mut *self.inflater;
            let (before_in, before_out) = (decompress.total_in(), decompress.total_out());
            let status = decompress.decompress(stored, buffer, flate2::FlushDecompress::None);
            let status = status.map_err(|_| damaged(self.member))?;
            let read = usize::try_from(decompress.total_in() - before_in).unwrap_or(stored.len());
            let made = usize::try_from(decompress.total_out() - before_out).unwrap_or(0);
            stored = &stored[read..];
            if decompress.total_out() > self.member.size {
                return Err(damaged(self.member));
            }
            self.crc.update(&buffer[..made]);
            unpacked(&buffer[..made]);
            match status {
                flate2::Status::StreamEnd if stored.is_empty() => {
                    self.ended = true;
                    return Ok(());
                }
                // What follows the stream would be read as a gzip member of its own.
                flate2::Status::StreamEnd => return Err(damaged(self.member)),
                _ if stored.is_empty() && made < PIECE => return Ok(()),
                _ if read == 0 && made == 0 => return Err(damaged(self.member)),
                _ => {}
            }
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// It is not what the directory says: shorter, or other bytes.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        let inflated = self.inflater.decompress.total_out();
        let is_whole = self.ended && (!self.member.is_deflated || inflated == self.member.size);
        if is_whole && self.crc.finalize() == self.member.crc32 {
            Ok(())
        } else {
            Err(damaged(self.member))
        }
    }
}

fn damaged(member: &Member) -> Malformed {
    refused(format!("has a damaged `{}`", member.path))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::write::GzEncoder;
    use flate2::{Compression, GzBuilder};

    use super::*;

    /// What a gzip member begins with, and ends with.
    const HEADER: usize = 10;
    const TRAILER: usize = 8;

    fn gzip(plain: &[u8], level: Compression) -> Vec<u8> {
        let mut encoder: GzEncoder<Vec<u8>> = GzBuilder::new().write(Vec::new(), level);
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    /// A member whose bytes in the wheel are those of `stored`, and which is said to be `plain`.
    fn member(plain: &[u8], stored: &[u8]) -> Member {
        Member {
            path: "a.py".to_owned(),
            is_deflated: true,
            offset: 0,
            stored_size: stored.len() as u64,
            size: plain.len() as u64,
            crc32: crc32fast::hash(plain),
            is_executable: false,
        }
    }

    /// Whether deflated bytes are taken for `plain`, which they are said to be.
    fn is_taken(plain: &[u8], stored: &[u8]) -> bool {
        let member = member(plain, stored);
        let mut inflater = Inflater::default();
        let mut inflation = Inflation::of(&member, &mut inflater);
        let mut found = Vec::new();
        let pushed = inflation.push(stored, |piece| found.extend_from_slice(piece));
        pushed.is_ok() && inflation.end().is_ok() && found == plain
    }

    fn deflated(plain: &[u8], level: Compression) -> Vec<u8> {
        let gzip = gzip(plain, level);
        gzip[HEADER..gzip.len() - TRAILER].to_vec()
    }

    #[test]
    fn what_is_sound_is_taken() {
        let numbers: Vec<u8> = (0..200_000_u32)
            .flat_map(|number| number.wrapping_mul(number).to_le_bytes())
            .collect();
        for plain in [&b"a"[..], b"print('hello')\n", &numbers] {
            for level in [Compression::fast(), Compression::best(), Compression::none()] {
                assert!(is_taken(plain, &deflated(plain, level)));
            }
        }
    }

    #[test]
    fn what_goes_on_behind_its_end_is_damaged() {
        let plain = b"print('hello')\n".repeat(10);
        let sound = deflated(&plain, Compression::default());
        let whole = gzip(&plain, Compression::default());
        let other = gzip(b"print('something else')\n", Compression::default());
        let trailer = whole.last_chunk::<TRAILER>().unwrap();
        for more in [
            &b"\0"[..],
            b"more",
            // What is read as a second file by whoever unpacks the layer.
            &[&trailer[..], &other].concat(),
            &[&trailer[..], &other[..HEADER]].concat(),
            trailer,
        ] {
            assert!(!is_taken(&plain, &[&sound, more].concat()), "{more:?}");
        }
        assert!(!is_taken(&plain, &sound[..sound.len() - 1]));
        assert!(!is_taken(b"something else", &sound));
        assert!(!is_taken(&plain[1..], &sound));
    }
}
