//! A zip archive whose bytes depend on nothing but its members: one time for all, modes 0644 or 0755, deflated in one way.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::record::Record;
use super::{Error, Wheel};
use crate::hex::hex;
use crate::package::{DEFAULT_TIME, output};
use crate::reading;

/// Read, and compressed, at once.
const PIECE: usize = 1 << 16;
/// From so many bytes on a member gets zip's larger header. What a file grows by while it is packed has room below.
const LARGE: u64 = 4_000_000_000;
/// 1980-01-01T00:00:00Z and 2107-12-31T23:59:58Z.
const FIRST: i64 = 315_532_800;
const LAST: i64 = 4_354_819_198;

/// A wheel being written. It appears under its name only in [`Archive::finish`]; dropped before, nothing is left.
pub(super) struct Archive {
    zip: ZipWriter<BufWriter<NamedTempFile>>,
    target: PathBuf,
    file_name: String,
    time: DateTime,
    record: Record,
    files: Vec<String>,
}

impl Archive {
    /// Begins `out_dir/file_name`. `source_date_epoch` is in seconds since 1970.
    pub(super) fn create(out_dir: &Path, file_name: &str, source_date_epoch: Option<i64>) -> Result<Self, Error> {
        let file = output::begin(out_dir, ".sgbuild-wheel-")?;
        Ok(Self {
            zip: ZipWriter::new(BufWriter::with_capacity(PIECE, file)),
            target: out_dir.join(file_name),
            file_name: file_name.to_owned(),
            time: time(source_date_epoch.unwrap_or(DEFAULT_TIME)),
            record: Record::default(),
            files: Vec::new(),
        })
    }

    /// Adds the file at `source` as `path`, streaming it; `moved` is told of every read's bytes, and ends the reading with its error.
    pub(super) fn add_file(
        &mut self,
        path: &str,
        source: &Path,
        keeps_mode: bool,
        moved: &mut dyn FnMut(u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let read_error = |error| Error::Read {
            path: source.to_path_buf(),
            source: error,
        };
        let (mut file, metadata) = reading::open(source).map_err(read_error)?;
        let executable = keeps_mode && output::is_executable(&metadata);
        self.copy(path, metadata.len(), executable, &mut file, &read_error, moved)
    }

    /// Adds what `reader` has, about `size` bytes, as `path`. `read_error` says what it was that could not be read.
    pub(super) fn copy(
        &mut self,
        path: &str,
        size: u64,
        executable: bool,
        reader: &mut dyn Read,
        read_error: &dyn Fn(io::Error) -> Error,
        moved: &mut dyn FnMut(u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.begin(path, size, executable)?;
        let mut digest = Sha256::new();
        let mut copied = 0;
        let mut piece = vec![0; PIECE];
        loop {
            let read = match reader.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(read_error(error)),
            };
            moved(read as u64)?;
            digest.update(&piece[..read]);
            copied += read as u64;
            self.zip
                .write_all(&piece[..read])
                .map_err(|source| self.failed(source))?;
        }
        self.end(path, &digest.finalize(), copied);
        Ok(())
    }

    /// Adds `bytes` as `path`.
    pub(super) fn add_bytes(&mut self, path: &str, bytes: &[u8], executable: bool) -> Result<(), Error> {
        self.begin(path, bytes.len() as u64, executable)?;
        self.zip.write_all(bytes).map_err(|source| self.failed(source))?;
        self.end(path, &Sha256::digest(bytes), bytes.len() as u64);
        Ok(())
    }

    /// Adds the `RECORD` of all that was added, as `path`.
    pub(super) fn add_record(&mut self, path: &str) -> Result<(), Error> {
        let record = std::mem::take(&mut self.record).finish(path);
        self.add_bytes(path, record.as_bytes(), false)
    }

    /// Ends the archive and gives it its name, replacing a file that has it.
    pub(super) fn finish(self) -> Result<Wheel, Error> {
        let Self {
            zip,
            target,
            file_name,
            files,
            ..
        } = self;
        let failed = |source| Error::Write {
            path: target.clone(),
            source,
        };
        let file = zip.finish().map_err(|error| failed(io_error(error)))?;
        let mut file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        let (sha256, size) = measured(file.as_file_mut()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&target).map_err(|error| failed(error.error))?;
        Ok(Wheel {
            path: target,
            file_name,
            sha256,
            size,
            files,
        })
    }

    fn begin(&mut self, path: &str, size: u64, executable: bool) -> Result<(), Error> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(self.time)
            .large_file(size >= LARGE)
            .unix_permissions(if executable { 0o755 } else { 0o644 });
        let begun = self.zip.start_file(path, options);
        begun.map_err(|error| self.failed(io_error(error)))
    }

    fn end(&mut self, path: &str, sha256: &[u8], size: u64) {
        self.record.add(path, sha256, size);
        self.files.push(path.to_owned());
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Write {
            path: self.target.clone(),
            source,
        }
    }
}

/// Digest and size of what was written: headers are completed once their member is, so it is not known before.
fn measured(file: &mut File) -> io::Result<(String, u64)> {
    file.rewind()?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut size = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((hex(&digest.finalize()), size));
        }
        digest.update(&piece[..read]);
        size += read as u64;
    }
}

fn io_error(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// The time as zip has it, in UTC and in steps of two seconds; before 1980 the first it knows, after 2107 the last.
fn time(seconds: i64) -> DateTime {
    let within = seconds.clamp(FIRST, LAST);
    let moment = Timestamp::from_second(within).unwrap_or_default();
    let time = TimeZone::UTC.to_datetime(moment);
    let small = |number: i8| u8::try_from(number).unwrap_or_default();
    let made = DateTime::from_date_and_time(
        u16::try_from(time.year()).unwrap_or_default(),
        small(time.month()),
        small(time.day()),
        small(time.hour()),
        small(time.minute()),
        small(time.second()),
    );
    made.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(seconds: i64) -> String {
        time(seconds).to_string()
    }

    #[test]
    fn times_are_utc_and_those_that_zip_knows() {
        assert_eq!(shown(DEFAULT_TIME), "1980-01-02 00:00:00");
        assert_eq!(shown(951_782_399), "2000-02-28 23:59:58");
        assert_eq!(shown(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(shown(1_735_689_598), "2024-12-31 23:59:58");
        for seconds in [i64::MIN, -1, 0, 315_532_799] {
            assert_eq!(shown(seconds), "1980-01-01 00:00:00");
        }
        for seconds in [4_354_819_199, 1 << 40, i64::MAX] {
            assert_eq!(shown(seconds), "2107-12-31 23:59:58");
        }
    }
}
