//! Pipe mode: the training reads a channel's data once an epoch from a FIFO, `<channel>_<epoch>`
//! ([how it is named](https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html#your-algorithms-training-algo-running-container-inputdataconfig)).

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

use super::channels::Data;
use super::error::Error;

/// How often a FIFO is looked after that nobody reads, or reads on.
const PAUSE: Duration = Duration::from_millis(10);
const STACK_BYTES: usize = 256 * 1024;
/// As much as a FIFO takes at once.
const PIECE: usize = 64 * 1024;

/// A file that could not be read.
type Unreadable = (PathBuf, io::Error);

/// What feeds the FIFOs of a channel until it is dropped.
pub(super) struct Feeder {
    channel: String,
    is_over: Arc<AtomicBool>,
    unreadable: Arc<Mutex<Option<Unreadable>>>,
    thread: Option<JoinHandle<()>>,
}

impl Feeder {
    /// Feeds `data` to the FIFOs of `channel` in `directory`, of which the first is there when this returns.
    ///
    /// # Errors
    /// The data cannot be listed, or there can be no FIFO.
    pub(super) fn begin(directory: &Path, channel: &str, data: &Data) -> Result<Self, Error> {
        let is_over = Arc::new(AtomicBool::new(false));
        let unreadable = Arc::new(Mutex::new(None));
        let begun = Epochs {
            directory: directory.to_owned(),
            channel: channel.to_owned(),
            files: data.files(channel)?,
            is_over: Arc::clone(&is_over),
            unreadable: Arc::clone(&unreadable),
        };
        begun.make(0).map_err(Error::Directory)?;
        let thread = std::thread::Builder::new()
            .name(format!("channel {channel}"))
            .stack_size(STACK_BYTES)
            .spawn(move || begun.feed());
        Ok(Self {
            channel: channel.to_owned(),
            is_over,
            unreadable,
            thread: Some(thread.map_err(Error::Directory)?),
        })
    }

    /// That every epoch had all the data: to its reader, one that broke off looks as one that ended.
    ///
    /// # Errors
    /// The first file that could not be read.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        unreadable.take().map_or(Ok(()), |(path, source)| {
            Err(Error::Channel {
                channel: self.channel.clone(),
                path,
                source,
            })
        })
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It waits for no reader.
            let _ = thread.join();
        }
    }
}

struct Epochs {
    directory: PathBuf,
    channel: String,
    files: Vec<PathBuf>,
    is_over: Arc<AtomicBool>,
    unreadable: Arc<Mutex<Option<Unreadable>>>,
}

/// Why no more of a file is fed.
enum BrokenOff {
    /// The reader had enough before the end, or all is over.
    Unheard,
    /// The file cannot be read.
    Unreadable(io::Error),
}

impl Epochs {
    fn path(&self, epoch: usize) -> PathBuf {
        self.directory.join(format!("{}_{epoch}", self.channel))
    }

    fn make(&self, epoch: usize) -> io::Result<()> {
        let path = self.path(epoch);
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o666), 0)?;
        // Whatever user the image has may read it.
        fs::set_permissions(path, fs::Permissions::from_mode(0o666))
    }

    fn feed(&self) {
        for epoch in 0.. {
            let Some(mut pipe) = self.opened(&self.path(epoch)) else {
                return;
            };
            // The next one is there before this one ends: a reader goes on at once.
            if self.make(epoch + 1).is_err() {
                return;
            }
            for file in &self.files {
                match self.copy(file, &mut pipe) {
                    Ok(()) => {}
                    Err(BrokenOff::Unheard) => break,
                    Err(BrokenOff::Unreadable(error)) => {
                        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
                        unreadable.get_or_insert((file.clone(), error));
                        break;
                    }
                }
            }
        }
    }

    /// The FIFO, once somebody reads it; `None` once nobody will.
    fn opened(&self, path: &Path) -> Option<File> {
        // Nothing but the FIFO is written to, whatever may be in its place.
        let flags = OFlags::NONBLOCK.union(OFlags::NOFOLLOW).bits().cast_signed();
        while !self.is_over() {
            match OpenOptions::new().write(true).custom_flags(flags).open(path) {
                Ok(pipe) => return pipe.metadata().ok()?.file_type().is_fifo().then_some(pipe),
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
        None
    }

    fn copy(&self, file: &Path, pipe: &mut File) -> Result<(), BrokenOff> {
        let mut file = File::open(file).map_err(BrokenOff::Unreadable)?;
        let mut piece = vec![0; PIECE];
        loop {
            let count = file.read(&mut piece).map_err(BrokenOff::Unreadable)?;
            if count == 0 {
                return Ok(());
            }
            self.write(pipe, &piece[..count])?;
        }
    }

    /// Writes all of it, unless all is over: a reader may hold the FIFO open, and read no more.
    fn write(&self, pipe: &mut File, mut bytes: &[u8]) -> Result<(), BrokenOff> {
        while !bytes.is_empty() && !self.is_over() {
            match pipe.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let pause = Timespec::try_from(PAUSE).ok();
                    // Whatever comes of it, the next write tells.
                    let _ = poll(&mut [PollFd::new(pipe, PollFlags::OUT)], pause.as_ref());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(BrokenOff::Unheard),
            }
        }
        if bytes.is_empty() {
            Ok(())
        } else {
            Err(BrokenOff::Unheard)
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A directory, and data in it: `a.csv` and `b.csv`.
    fn data(directory: &Path) -> Data {
        let place = directory.join("data");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("b.csv"), "2\n").unwrap();
        fs::write(place.join("a.csv"), "1\n").unwrap();
        Data {
            place: fs::canonicalize(place).unwrap(),
        }
    }

    #[test]
    fn every_epoch_has_all_the_data() {
        let directory = tempfile::tempdir().unwrap();
        let feeder = Feeder::begin(directory.path(), "training", &data(directory.path())).unwrap();
        for epoch in 0..3 {
            let read = fs::read_to_string(directory.path().join(format!("training_{epoch}"))).unwrap();
            assert_eq!(read, "1\n2\n", "{epoch}");
        }
        feeder.check().unwrap();
    }

    #[test]
    fn an_epoch_that_breaks_off_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let data = data(directory.path());
        let feeder = Feeder::begin(directory.path(), "training", &data).unwrap();
        fs::remove_file(data.place.join("b.csv")).unwrap();
        let read = fs::read_to_string(directory.path().join("training_0")).unwrap();
        assert_eq!(read, "1\n");
        let told = feeder.check().unwrap_err().to_string();
        assert!(told.contains("training") && told.ends_with("b.csv"), "{told}");
    }

    #[test]
    fn a_reader_that_reads_no_more_holds_nothing_up() {
        let directory = tempfile::tempdir().unwrap();
        let data = data(directory.path());
        fs::write(data.place.join("a.csv"), vec![b'x'; 1 << 20]).unwrap();
        let feeder = Feeder::begin(directory.path(), "training", &data).unwrap();
        let mut pipe = File::open(directory.path().join("training_0")).unwrap();
        pipe.read_exact(&mut [0; 10]).unwrap();
        let begun = Instant::now();
        drop(feeder);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn what_was_put_in_a_pipes_place_is_not_written_to() {
        let directory = tempfile::tempdir().unwrap();
        let victim = directory.path().join("victim");
        let data = data(directory.path());
        for is_link in [true, false] {
            fs::write(&victim, "as it was").unwrap();
            let pipe = directory.path().join("training_0");
            let epochs = Epochs {
                directory: directory.path().to_owned(),
                channel: "training".to_owned(),
                files: data.files("training").unwrap(),
                is_over: Arc::default(),
                unreadable: Arc::default(),
            };
            if is_link {
                std::os::unix::fs::symlink(&victim, &pipe).unwrap();
                let is_over = Arc::clone(&epochs.is_over);
                let feeding = std::thread::spawn(move || epochs.feed());
                std::thread::sleep(PAUSE * 5);
                is_over.store(true, Ordering::Relaxed);
                feeding.join().unwrap();
            } else {
                fs::hard_link(&victim, &pipe).unwrap();
                epochs.feed();
            }
            assert!(!directory.path().join("training_1").exists());
            assert_eq!(fs::read_to_string(&victim).unwrap(), "as it was");
            fs::remove_file(pipe).unwrap();
        }
    }
}
