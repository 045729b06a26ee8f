//! A `tar.gz` whose bytes depend on nothing but its members: sorted by their path, one time for all, owner 0, modes 0644 or
//! 0755, pax records only where a path needs them, a gzip header without time or name.
//!
//! The format is the one the [sdist specification](https://packaging.python.org/en/latest/specifications/source-distribution-format/)
//! names: POSIX.1-2001 pax.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use tempfile::NamedTempFile;

use super::{Error, Sdist};
use crate::hex::hex;
use crate::package::output::{self, is_executable};
use crate::reading;

/// The largest size that fits a ustar header's octal field.
const LARGEST_OCTAL_SIZE: u64 = 0o777_7777_7777;

/// An archive being written. It appears under its name only in [`Archive::finish`]; dropped before, nothing is left.
pub(crate) struct Archive {
    builder: Builder<GzEncoder<Measured>>,
    target: PathBuf,
    top: String,
    mtime: u64,
    files: Vec<String>,
}

impl Archive {
    /// Begins `out_dir/file_name`, whose members all lie below the directory `top`. `mtime` is in seconds since 1970.
    pub(crate) fn create(out_dir: &Path, file_name: &str, top: &str, mtime: u64) -> Result<Self, Error> {
        let file = output::begin(out_dir, ".sgbuild-sdist-")?;
        let measured = Measured {
            file: BufWriter::with_capacity(1 << 16, file),
            digest: Sha256::new(),
            size: 0,
        };
        Ok(Self {
            builder: Builder::new(GzEncoder::new(measured, Compression::default())),
            target: out_dir.join(file_name),
            top: top.to_owned(),
            mtime,
            files: Vec::new(),
        })
    }

    /// Adds the file at `source` as `path` below the top directory, streaming it; `moved` is told of every read's bytes, and
    /// ends the reading with its error.
    pub(crate) fn add_file(
        &mut self,
        path: &str,
        source: &Path,
        moved: &mut dyn FnMut(u64) -> io::Result<()>,
    ) -> Result<(), Error> {
        let read_error = |error| Error::Read {
            path: source.to_path_buf(),
            source: error,
        };
        let (file, metadata) = reading::open(source).map_err(read_error)?;
        self.add(
            path,
            metadata.len(),
            is_executable(&metadata),
            source,
            &mut Watched { file, moved },
        )
    }

    /// Adds `bytes` as `path` below the top directory.
    pub(crate) fn add_bytes(&mut self, path: &str, mut bytes: &[u8]) -> Result<(), Error> {
        self.add(path, bytes.len() as u64, false, Path::new(path), &mut bytes)
    }

    /// Adds `size` bytes of `reader` as `path`. `origin` is what an error names. A reader with fewer or more bytes is an error.
    pub(crate) fn add(
        &mut self,
        path: &str,
        size: u64,
        executable: bool,
        origin: &Path,
        reader: &mut dyn Read,
    ) -> Result<(), Error> {
        let header = self.header(path, EntryType::Regular, size, if executable { 0o755 } else { 0o644 })?;
        let mut exactly = Exactly {
            reader,
            left: size,
            failure: None,
        };
        let appended = self.builder.append(&header, &mut exactly);
        match (exactly.failure.take(), appended) {
            (Some(ReadFailure::Short), _) => {
                return Err(Error::Changed {
                    path: origin.to_path_buf(),
                });
            }
            (Some(ReadFailure::Failed(source)), _) => {
                return Err(Error::Read {
                    path: origin.to_path_buf(),
                    source,
                });
            }
            (None, Err(source)) => return Err(self.write_error(source)),
            (None, Ok(())) => {}
        }
        let more = exactly.reader.read(&mut [0]).map_err(|source| Error::Read {
            path: origin.to_path_buf(),
            source,
        })?;
        if more > 0 {
            return Err(Error::Changed {
                path: origin.to_path_buf(),
            });
        }
        self.files.push(path.to_owned());
        Ok(())
    }

    /// Adds a symbolic link to `target`, which the caller has checked.
    pub(crate) fn add_link(&mut self, path: &str, target: &str) -> Result<(), Error> {
        let mut header = self.header_of(EntryType::Symlink, 0, 0o755);
        let mut records = self.path_records(path, &mut header);
        if !target.is_ascii() || header.set_link_name_literal(target).is_err() {
            records.push(("linkpath", target.as_bytes().to_vec()));
        }
        self.append_empty(header, &records)?;
        self.files.push(path.to_owned());
        Ok(())
    }

    /// Adds a directory.
    pub(crate) fn add_directory(&mut self, path: &str) -> Result<(), Error> {
        let mut header = self.header_of(EntryType::Directory, 0, 0o755);
        let records = self.path_records(&format!("{path}/"), &mut header);
        self.append_empty(header, &records)?;
        self.files.push(format!("{path}/"));
        Ok(())
    }

    /// Ends the archive and gives it its name, replacing a file that has it.
    pub(crate) fn finish(self) -> Result<Sdist, Error> {
        let Self {
            builder, target, files, ..
        } = self;
        let failed = |source| Error::Write {
            path: target.clone(),
            source,
        };
        let measured = builder.into_inner().and_then(GzEncoder::finish).map_err(failed)?;
        let Measured { file, digest, size } = measured;
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&target).map_err(|error| failed(error.error))?;
        let file_name = target
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        Ok(Sdist {
            path: target,
            file_name,
            sha256: hex(&digest.finalize()),
            size,
            files,
        })
    }

    /// The header of `path`, its pax records already written.
    fn header(&mut self, path: &str, kind: EntryType, size: u64, mode: u32) -> Result<Header, Error> {
        let mut header = self.header_of(kind, size, mode);
        let mut records = self.path_records(path, &mut header);
        if size > LARGEST_OCTAL_SIZE {
            records.push(("size", size.to_string().into_bytes()));
        }
        self.append_records(&records)?;
        header.set_cksum();
        Ok(header)
    }

    fn header_of(&self, kind: EntryType, size: u64, mode: u32) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(mode);
        header.set_mtime(self.mtime);
        header.set_uid(0);
        header.set_gid(0);
        header
    }

    /// Puts `path` into `header`; a path that ustar cannot hold is also returned as a pax record, which readers prefer.
    fn path_records(&self, path: &str, header: &mut Header) -> Vec<(&'static str, Vec<u8>)> {
        let full = format!("{}/{path}", self.top);
        if full.is_ascii() && header.set_path(&full).is_ok() {
            return Vec::new();
        }
        // For a reader without pax: the end of the path, in ASCII.
        let ascii: String = full.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
        let tail: String = ascii.chars().skip(ascii.len().saturating_sub(99)).collect();
        if let Some(ustar) = header.as_ustar_mut() {
            ustar.prefix.fill(0);
            ustar.name.fill(0);
            let tail = tail.trim_start_matches('/');
            ustar.name[..tail.len()].copy_from_slice(tail.as_bytes());
        }
        vec![("path", full.into_bytes())]
    }

    fn append_records(&mut self, records: &[(&'static str, Vec<u8>)]) -> Result<(), Error> {
        let records: Vec<(&str, &[u8])> = records.iter().map(|(key, value)| (*key, value.as_slice())).collect();
        self.builder
            .append_pax_extensions(records)
            .map_err(|source| self.write_error(source))
    }

    fn append_empty(&mut self, mut header: Header, records: &[(&'static str, Vec<u8>)]) -> Result<(), Error> {
        self.append_records(records)?;
        header.set_cksum();
        self.builder
            .append(&header, io::empty())
            .map_err(|source| self.write_error(source))
    }

    fn write_error(&self, source: io::Error) -> Error {
        Error::Write {
            path: self.target.clone(),
            source,
        }
    }
}

/// Writes to a file, keeping its size and digest.
struct Measured {
    file: BufWriter<NamedTempFile>,
    digest: Sha256,
    size: u64,
}

impl Write for Measured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Reads a file and tells how much.
struct Watched<'a> {
    file: File,
    moved: &'a mut dyn FnMut(u64) -> io::Result<()>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        (self.moved)(read as u64)?;
        Ok(read)
    }
}

enum ReadFailure {
    /// The reader ended early.
    Short,
    Failed(io::Error),
}

/// Reads as many bytes as the header promised. It keeps its own failures, because `tar` does not tell a failed read from a
/// failed write.
struct Exactly<'a> {
    reader: &'a mut dyn Read,
    left: u64,
    failure: Option<ReadFailure>,
}

impl Read for Exactly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        match self.reader.read(&mut buffer[..limit]) {
            Ok(0) => {
                self.failure = Some(ReadFailure::Short);
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(read) => {
                self.left -= read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failure = Some(ReadFailure::Failed(error));
                Err(kind.into())
            }
        }
    }
}
