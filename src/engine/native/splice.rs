//! Files as a layer: a tar archive in gzip, in which what a wheel has deflated stays as it is.
//!
//! A gzip file may be several, one after another (<https://www.rfc-editor.org/rfc/rfc1952#section-2.2>), and a zip archive has its
//! files deflated as gzip has them. So a file of a wheel becomes a gzip member of its own, of the same bytes; what is between, headers
//! and padding of tar, are small members that are made here. The bytes depend on nothing but the files.

use std::io::{self, Cursor, Read, Write as _};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use sha2::{Digest as _, Sha256};

use super::Error;
use super::archive::{Archive, Inflater, Inflation, Malformed, Member};
use super::base::Owner;
use crate::oci::{Descriptor, Digest};
use crate::progress::{Cancelled, Progress};

/// What a gzip member ends with: the sum and the size of what is in it.
const GZIP_TRAILER: usize = 8;
/// When every file was changed: a time that zip can say too, 1980-01-02 in UTC.
pub(super) const TIME: u64 = 315_619_200;
/// tar's unit.
const BLOCK: usize = 512;
/// How much of headers and small files is put into one gzip member.
const MEMBER: usize = 1 << 20;
/// How much of a wheel is read at a time.
const PIECE: usize = 256 << 10;
/// The most that one stored block of deflate holds (<https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4>).
const STORED_BLOCK: u64 = 65_535;
/// What a gzip member begins with: deflated, no flags, no time, nothing known of the system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, UNKNOWN_SYSTEM];
const UNKNOWN_SYSTEM: u8 = 255;

/// An entry of a layer.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Relative to the root, without a `/` at either end.
    pub(crate) path: String,
    /// Permissions.
    pub(crate) mode: u32,
    /// What it is.
    pub(crate) body: Body,
}

impl Entry {
    /// Whether it is a directory.
    pub(crate) fn is_directory(&self) -> bool {
        matches!(self.body, Body::Directory(_))
    }
}

/// What an entry is.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// All else is root's, as what pip installs is.
    Directory(Owner),
    Bytes(Vec<u8>),
    Member {
        wheel: Arc<Archive>,
        index: usize,
    },
}

/// What a layer comes to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Measured {
    /// Of the compressed bytes.
    pub(crate) digest: Digest,
    /// How many they are.
    pub(crate) size: u64,
    /// Of the tar archive.
    pub(crate) diff_id: Digest,
    /// How many bytes it is.
    pub(crate) unpacked: u64,
}

impl Measured {
    /// As a manifest describes it.
    pub(crate) fn descriptor(&self) -> Descriptor {
        Descriptor {
            digest: self.digest.clone(),
            size: self.size,
        }
    }
}

/// A piece of a layer as it is compressed: a gzip member.
enum Segment {
    /// Headers and small files.
    Plain(Vec<u8>),
    /// A file of a wheel.
    File(WheelFile),
}

/// A file of a wheel.
struct WheelFile {
    wheel: Arc<Archive>,
    member: Member,
}

/// The segments of `entries`, one after another.
struct Segments {
    entries: Arc<[Entry]>,
    /// How many entries are done.
    done: usize,
    /// What was made and is not handed out.
    plain: Vec<u8>,
    /// Handed out next.
    file: Option<WheelFile>,
    ended: bool,
}

impl Segments {
    fn of(entries: Arc<[Entry]>) -> Self {
        Self {
            entries,
            done: 0,
            plain: Vec::new(),
            file: None,
            ended: false,
        }
    }

    fn next(&mut self) -> io::Result<Option<Segment>> {
        let entries = Arc::clone(&self.entries);
        loop {
            if self.plain.len() >= MEMBER || (self.file.is_some() && !self.plain.is_empty()) {
                return Ok(Some(Segment::Plain(std::mem::take(&mut self.plain))));
            }
            if let Some(file) = self.file.take() {
                self.pad(file.member.size);
                return Ok(Some(Segment::File(file)));
            }
            if let Some(entry) = entries.get(self.done) {
                self.done += 1;
                self.begin(entry)?;
                continue;
            }
            if !self.ended {
                self.ended = true;
                self.plain.resize(self.plain.len() + 2 * BLOCK, 0);
                continue;
            }
            let rest = std::mem::take(&mut self.plain);
            return Ok((!rest.is_empty()).then_some(Segment::Plain(rest)));
        }
    }

    fn begin(&mut self, entry: &Entry) -> io::Result<()> {
        match &entry.body {
            Body::Directory(_) => header(entry, 0, &mut self.plain)?,
            Body::Bytes(bytes) => {
                header(entry, bytes.len() as u64, &mut self.plain)?;
                self.plain.extend_from_slice(bytes);
                self.pad(bytes.len() as u64);
            }
            Body::Member { wheel, index } => {
                let member = member(wheel, *index)?.clone();
                header(entry, member.size, &mut self.plain)?;
                let wheel = Arc::clone(wheel);
                self.file = (member.size > 0).then_some(WheelFile { wheel, member });
            }
        }
        Ok(())
    }

    fn pad(&mut self, size: u64) {
        let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
        if over > 0 {
            self.plain.resize(self.plain.len() + BLOCK - over, 0);
        }
    }
}

fn member(wheel: &Archive, index: usize) -> io::Result<&Member> {
    let found = wheel.members().get(index);
    found.ok_or_else(|| io::Error::other(format!("{} has no member {index}", wheel.path().display())))
}

/// Appends the tar header of an entry, with the long name that may go before it.
fn header(entry: &Entry, size: u64, out: &mut Vec<u8>) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    let is_directory = entry.is_directory();
    header.set_entry_type(if is_directory {
        tar::EntryType::Directory
    } else {
        tar::EntryType::Regular
    });
    header.set_mode(entry.mode);
    header.set_mtime(TIME);
    let owner = match entry.body {
        Body::Directory(owner) => owner,
        _ => Owner::default(),
    };
    header.set_uid(owner.user.into());
    header.set_gid(owner.group.into());
    header.set_size(size);
    let path = if is_directory {
        format!("{}/", entry.path)
    } else {
        entry.path.clone()
    };
    if header.set_path(&path).is_ok() {
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
        return Ok(());
    }
    // The content follows elsewhere.
    let mut long = tar::Builder::new(Vec::new());
    long.append_data(&mut header, path, io::empty())?;
    out.extend_from_slice(long.get_ref());
    Ok(())
}

/// Makes gzip members of what is here, one after another: there is one before every file of a wheel, and to make an encoder anew for
/// each takes longer than most of them do. Headers of tar shrink to a quarter at the fastest level, in a quarter of the time of the usual
/// one, which makes of a thousand of them 14 kB less.
pub(super) struct Deflater(DeflateEncoder<Vec<u8>>);

impl Default for Deflater {
    fn default() -> Self {
        Self(DeflateEncoder::new(Vec::new(), Compression::fast()))
    }
}

impl Deflater {
    /// `plain` as a gzip member.
    pub(super) fn member(&mut self, plain: &[u8]) -> io::Result<Vec<u8>> {
        self.0.write_all(plain)?;
        let deflated = self.0.reset(Vec::new())?;
        let mut member = Vec::with_capacity(GZIP_HEADER.len() + deflated.len() + GZIP_TRAILER);
        member.extend(GZIP_HEADER);
        member.extend(deflated);
        member.extend(trailer(crc32fast::hash(plain), plain.len() as u64));
        Ok(member)
    }
}

/// What follows the deflated bytes of a file in its gzip member.
fn trailer(crc32: u32, size: u64) -> [u8; GZIP_TRAILER] {
    let mut trailer = [0; GZIP_TRAILER];
    trailer[..4].copy_from_slice(&crc32.to_le_bytes());
    // Its size modulo 2^32, as gzip wants it.
    trailer[4..].copy_from_slice(&size.to_le_bytes()[..4]);
    trailer
}

/// The header of a stored block of `length` bytes.
fn stored_block(length: u64, is_last: bool) -> [u8; 5] {
    let [low, high, ..] = length.to_le_bytes();
    [u8::from(is_last), low, high, !low, !high]
}

/// Computes what the layer of `entries` comes to, and makes sure that every file of a wheel is what the wheel says.
///
/// # Errors
/// A damaged wheel; the user interrupted.
pub(crate) fn measure(entries: &Arc<[Entry]>, progress: &dyn Progress) -> Result<Measured, Error> {
    measure_with(&mut Tools::default(), entries, progress)
}

/// The same, of one layer after another.
///
/// # Errors
/// As [`measure`].
pub(super) fn measure_with(
    tools: &mut Tools,
    entries: &Arc<[Entry]>,
    progress: &dyn Progress,
) -> Result<Measured, Error> {
    let mut measure = Measure::default();
    let mut segments = Segments::of(Arc::clone(entries));
    while let Some(segment) = segments.next().map_err(Error::Layer)? {
        progress.check()?;
        match segment {
            Segment::Plain(plain) => measure.plain(&plain, tools).map_err(Error::Layer)?,
            Segment::File(file) => measure
                .file(&file, tools, progress)?
                .map_err(|reason| Error::wheel(file.wheel.of(), file.wheel.path(), reason))?,
        }
    }
    Ok(measure.finish())
}

/// What measuring takes: some megabytes, which would be in the way of others if they came and went with every layer.
pub(super) struct Tools {
    deflater: Deflater,
    inflater: Inflater,
    buffer: Vec<u8>,
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            deflater: Deflater::default(),
            inflater: Inflater::default(),
            buffer: vec![0; PIECE],
        }
    }
}

/// A layer on its way to what it comes to.
#[derive(Default)]
struct Measure {
    digest: Sha256,
    size: u64,
    diff_id: Sha256,
    unpacked: u64,
}

impl Measure {
    fn compressed(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
    }

    fn plain(&mut self, plain: &[u8], tools: &mut Tools) -> io::Result<()> {
        self.compressed(&tools.deflater.member(plain)?);
        self.diff_id.update(plain);
        self.unpacked += plain.len() as u64;
        Ok(())
    }

    fn file(
        &mut self,
        file: &WheelFile,
        tools: &mut Tools,
        progress: &dyn Progress,
    ) -> Result<Result<(), Malformed>, Cancelled> {
        let Tools { inflater, buffer, .. } = tools;
        let mut inflation = Inflation::of(&file.member, inflater);
        let mut parts = Parts::of(&file.member);
        while let Some(part) = parts.next() {
            let (mut offset, mut length) = match part {
                Part::Made(made) => {
                    self.compressed(made.as_slice());
                    continue;
                }
                Part::Wheel { offset, length } => (offset, length),
            };
            while length > 0 {
                progress.check()?;
                let now = usize::try_from(length).unwrap_or(PIECE).min(PIECE);
                if let Err(error) = file.wheel.read_at(&mut buffer[..now], offset) {
                    return Ok(Err(error.into()));
                }
                self.compressed(&buffer[..now]);
                if let Err(error) = inflation.push(&buffer[..now], |plain| self.diff_id.update(plain)) {
                    return Ok(Err(error));
                }
                offset += now as u64;
                length -= now as u64;
            }
        }
        self.unpacked += file.member.size;
        Ok(inflation.end())
    }

    fn finish(self) -> Measured {
        Measured {
            digest: Digest::of_sha256(&self.digest.finalize()),
            size: self.size,
            diff_id: Digest::of_sha256(&self.diff_id.finalize()),
            unpacked: self.unpacked,
        }
    }
}

/// A part of the gzip member of a wheel's file.
enum Part {
    Made(Made),
    Wheel { offset: u64, length: u64 },
}

/// A few bytes that are made.
#[derive(Debug, Clone, Copy)]
struct Made {
    bytes: [u8; 10],
    length: usize,
}

impl Made {
    fn of(made: &[u8]) -> Self {
        let mut bytes = [0; 10];
        bytes[..made.len()].copy_from_slice(made);
        Self {
            bytes,
            length: made.len(),
        }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The parts of the gzip member of a wheel's file, one after another.
struct Parts {
    is_deflated: bool,
    /// Where the bytes are that are not done yet, and how many they are.
    offset: u64,
    left: u64,
    trailer: [u8; GZIP_TRAILER],
    state: State,
}

enum State {
    Header,
    /// Of a member that the wheel does not deflate.
    BlockHeader,
    Bytes(u64),
    Trailer,
    End,
}

impl Parts {
    fn of(member: &Member) -> Self {
        Self {
            is_deflated: member.is_deflated,
            offset: member.offset,
            left: member.stored_size,
            trailer: trailer(member.crc32, member.size),
            state: State::Header,
        }
    }

    fn next(&mut self) -> Option<Part> {
        match self.state {
            State::Header => {
                self.state = if self.is_deflated {
                    State::Bytes(self.left)
                } else {
                    State::BlockHeader
                };
                Some(Part::Made(Made::of(&GZIP_HEADER)))
            }
            State::BlockHeader => {
                let length = self.left.min(STORED_BLOCK);
                self.state = State::Bytes(length);
                Some(Part::Made(Made::of(&stored_block(length, length == self.left))))
            }
            State::Bytes(length) => {
                let offset = self.offset;
                self.offset += length;
                self.left -= length;
                self.state = if self.left == 0 {
                    State::Trailer
                } else {
                    State::BlockHeader
                };
                Some(Part::Wheel { offset, length })
            }
            State::Trailer => {
                self.state = State::End;
                Some(Part::Made(Made::of(&self.trailer)))
            }
            State::End => None,
        }
    }
}

/// The compressed bytes of a layer, made as they are read.
pub(crate) struct LayerReader {
    segments: Segments,
    file: Option<(Arc<Archive>, Parts)>,
    made: Cursor<Vec<u8>>,
    deflater: Deflater,
    /// Where in the wheel to go on, and how far.
    wheel: (u64, u64),
}

impl LayerReader {
    /// Of the layer of `entries`.
    pub(crate) fn of(entries: Arc<[Entry]>) -> Self {
        Self {
            segments: Segments::of(entries),
            file: None,
            made: Cursor::default(),
            deflater: Deflater::default(),
            wheel: (0, 0),
        }
    }
}

impl Read for LayerReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let made = self.made.read(buffer)?;
            if made > 0 {
                return Ok(made);
            }
            let Some((wheel, parts)) = &mut self.file else {
                match self.segments.next()? {
                    None => return Ok(0),
                    Some(Segment::Plain(plain)) => self.made = Cursor::new(self.deflater.member(&plain)?),
                    Some(Segment::File(file)) => self.file = Some((file.wheel, Parts::of(&file.member))),
                }
                continue;
            };
            let (offset, left) = &mut self.wheel;
            if *left > 0 {
                let now = usize::try_from(*left).unwrap_or(buffer.len()).min(buffer.len());
                wheel.read_at(&mut buffer[..now], *offset)?;
                *offset += now as u64;
                *left -= now as u64;
                return Ok(now);
            }
            match parts.next() {
                Some(Part::Made(made)) => self.made = Cursor::new(made.as_slice().to_vec()),
                Some(Part::Wheel { offset, length }) => self.wheel = (offset, length),
                None => self.file = None,
            }
        }
    }
}
