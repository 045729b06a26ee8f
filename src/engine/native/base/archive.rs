//! The entries of a tar stream, in bounded memory whatever it holds
//! ([pax](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html),
//! [GNU tar](https://www.gnu.org/software/tar/manual/html_node/Standard.html)).
//!
//! The crate `tar` reads headers here, and not whole archives: it would read a long name to its end, however long that is, and it cuts pax
//! records at line breaks, which a file's capabilities may hold.

use std::io::{self, Read};

use tar::{EntryType, Header};

use super::tree::Owner;

const BLOCK: usize = 512;
/// The longest path that Linux takes: <https://man7.org/linux/man-pages/man7/path_resolution.7.html>.
pub(super) const LONGEST_PATH: usize = 4096;
/// The largest header of long names and attributes that is read; those of file capabilities and labels are below a kilobyte.
const LARGEST_EXTENSION: u64 = 1 << 20;

/// One entry.
#[derive(Debug)]
pub(super) struct Entry {
    /// As it stands in the archive.
    pub(super) name: Vec<u8>,
    /// Where a link leads.
    pub(super) link: Vec<u8>,
    pub(super) kind: EntryType,
    pub(super) mode: u32,
    pub(super) owner: Owner,
    /// In bytes of content.
    pub(super) size: u64,
    /// Where the content begins in the archive.
    pub(super) offset: u64,
}

/// What headers before an entry's own say of it.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    user: Option<u32>,
    group: Option<u32>,
}

/// Calls `visit` with every entry and its content, of which it may leave any part.
///
/// # Errors
/// The stream is no tar archive, or ends in the middle of it; and what `visit` answers.
pub(super) fn walk(
    stream: &mut dyn Read,
    visit: &mut dyn FnMut(Entry, &mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    let stream = &mut Counted { stream, position: 0 };
    let mut extension = Extension::default();
    while let Some(header) = next_header(stream)? {
        let size = header.entry_size()?;
        match header.entry_type() {
            EntryType::GNULongName => extension.name = Some(long(stream, size)?),
            EntryType::GNULongLink => extension.link = Some(long(stream, size)?),
            EntryType::XHeader => extension.pax(&read_extension(stream, size)?)?,
            // It says what holds for all that follows, and nothing that is of interest here.
            EntryType::XGlobalHeader => skip(stream, padded(size)?)?,
            _ => {
                let entry = std::mem::take(&mut extension).applied(&header, size)?;
                skip_sparse_map(stream, &header)?;
                content(stream, entry, visit)?;
            }
        }
    }
    Ok(())
}

impl Extension {
    /// Takes what pax records say: each is its own length, a space, `key=value` and a line break.
    fn pax(&mut self, mut records: &[u8]) -> io::Result<()> {
        while !records.is_empty() {
            let (key, value, rest) =
                record(records).ok_or_else(|| damaged("it has a pax header that cannot be read"))?;
            records = rest;
            match key {
                b"path" | b"GNU.sparse.name" => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(number(value).ok_or_else(|| damaged("a size is no number"))?),
                b"uid" => self.user = number(value),
                b"gid" => self.group = number(value),
                _ => {}
            }
        }
        Ok(())
    }

    /// An entry of its header and of what was said before.
    fn applied(self, header: &Header, size: u64) -> io::Result<Entry> {
        let name = self.name.unwrap_or_else(|| header.path_bytes().into_owned());
        let link = self
            .link
            .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
        let link = link.unwrap_or_default();
        if name.len() > LONGEST_PATH || link.len() > LONGEST_PATH {
            return Err(damaged("it holds a path that is longer than any system takes"));
        }
        let kind = match header.entry_type() {
            // Before there was a type for them.
            EntryType::Regular if name.ends_with(b"/") => EntryType::Directory,
            kind => kind,
        };
        Ok(Entry {
            name,
            link,
            kind,
            mode: header.mode().unwrap_or(0o755),
            owner: Owner {
                user: self
                    .user
                    .or_else(|| header.uid().ok()?.try_into().ok())
                    .unwrap_or_default(),
                group: self
                    .group
                    .or_else(|| header.gid().ok()?.try_into().ok())
                    .unwrap_or_default(),
            },
            size: self.size.unwrap_or(size),
            offset: 0,
        })
    }
}

fn number<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The first of pax records: its key and value, and what follows it.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
    let record = records.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], &records[length..]))
}

/// Hands the entry over, and passes over what of its content was left.
fn content(
    stream: &mut Counted<'_>,
    mut entry: Entry,
    visit: &mut dyn FnMut(Entry, &mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    // Some writers give links and directories the size of what they lead to, and no content.
    let has_content = matches!(
        entry.kind,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse
    );
    let size = if has_content { entry.size } else { 0 };
    entry.offset = stream.position;
    let mut content = stream.take(size);
    visit(entry, &mut content)?;
    let left = content.limit();
    skip(stream, left + (padded(size)? - size))
}

/// The next header; `None` at the archive's end.
fn next_header(stream: &mut dyn Read) -> io::Result<Option<Header>> {
    let mut block = [0; BLOCK];
    if !fill(stream, &mut block)? || block.iter().all(|byte| *byte == 0) {
        // Two blocks of zeros end it; one, or none, is taken as well, as GNU tar takes it.
        return Ok(None);
    }
    let mut header = Header::new_old();
    header.as_mut_bytes().copy_from_slice(&block);
    if !is_header(&block) {
        return Err(damaged("it is no tar archive: a header's checksum does not match"));
    }
    Ok(Some(header))
}

/// Whether a block is a header: it holds its own sum.
pub(super) fn is_header(block: &[u8]) -> bool {
    let Ok(block) = <&[u8; BLOCK]>::try_from(block) else {
        return false;
    };
    let mut header = Header::new_old();
    header.as_mut_bytes().copy_from_slice(block);
    let sum_of = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    // The sum's own field counts as spaces.
    let sum = sum_of(&block[..148]) + 8 * 32 + sum_of(&block[156..]);
    header.cksum().ok() == Some(sum)
}

/// A stream that knows how far it was read.
struct Counted<'a> {
    stream: &'a mut dyn Read,
    position: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

/// Fills the block; false at the end of the stream.
fn fill(stream: &mut dyn Read, block: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < block.len() {
        match stream.read(&mut block[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(damaged("it ends in the middle of a header")),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn long(stream: &mut dyn Read, size: u64) -> io::Result<Vec<u8>> {
    let mut name = read_extension(stream, size)?;
    while name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

fn read_extension(stream: &mut dyn Read, size: u64) -> io::Result<Vec<u8>> {
    if size > LARGEST_EXTENSION {
        return Err(damaged("it has a header of names that is larger than a megabyte"));
    }
    let mut bytes = Vec::new();
    stream.take(size).read_to_end(&mut bytes)?;
    skip(stream, padded(size)? - size)?;
    if bytes.len() as u64 == size {
        Ok(bytes)
    } else {
        Err(damaged("it ends in the middle of a header"))
    }
}

/// A GNU sparse file may have more of the map of its holes than fits its header.
fn skip_sparse_map(stream: &mut dyn Read, header: &Header) -> io::Result<()> {
    let mut goes_on =
        header.entry_type() == EntryType::GNUSparse && header.as_gnu().is_some_and(tar::GnuHeader::is_extended);
    while goes_on {
        let mut map = tar::GnuExtSparseHeader::new();
        if !fill(stream, map.as_mut_bytes())? {
            return Err(damaged("it ends in the middle of a header"));
        }
        goes_on = map.is_extended();
    }
    Ok(())
}

fn skip(stream: &mut dyn Read, count: u64) -> io::Result<()> {
    if io::copy(&mut stream.take(count), &mut io::sink())? == count {
        Ok(())
    } else {
        Err(damaged("it ends in the middle of a file"))
    }
}

/// As many whole blocks as hold `size` bytes.
fn padded(size: u64) -> io::Result<u64> {
    size.checked_next_multiple_of(BLOCK as u64)
        .ok_or_else(|| damaged("a size is beyond all numbers"))
}

pub(super) fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
