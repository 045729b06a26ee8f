//! Pipe mode: the training reads a channel's data once an epoch from a FIFO, `<channel>_<epoch>`
//! ([how it is named](https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html#your-algorithms-training-algo-running-container-inputdataconfig)).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl, mknodat};

use super::channels::Data;

/// How often a FIFO is looked after that nobody reads yet.
const PAUSE: Duration = Duration::from_millis(10);
const STACK_BYTES: usize = 128 * 1024;

/// What feeds the FIFOs of a channel until it is dropped.
pub(super) struct Feeder {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Feeder {
    /// Feeds `data` to the FIFOs of `channel` in `directory`, of which the first is there when this returns.
    pub(super) fn begin(directory: &Path, channel: &str, data: &Data) -> io::Result<Self> {
        let files = data.files()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let begun = Epochs {
            directory: directory.to_owned(),
            channel: channel.to_owned(),
            files,
            is_over: Arc::clone(&is_over),
        };
        begun.make(0)?;
        let thread = std::thread::Builder::new()
            .name(format!("channel {channel}"))
            .stack_size(STACK_BYTES)
            .spawn(move || begun.feed())?;
        Ok(Self {
            is_over,
            thread: Some(thread),
        })
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its readers are gone, so it does not wait for them.
            let _ = thread.join();
        }
    }
}

struct Epochs {
    directory: PathBuf,
    channel: String,
    files: Vec<PathBuf>,
    is_over: Arc<AtomicBool>,
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
                let copied = File::open(file).and_then(|mut file| io::copy(&mut file, &mut pipe));
                if copied.is_err() {
                    // A reader may have enough before the end.
                    break;
                }
            }
        }
    }

    /// The FIFO, once somebody reads it; `None` once nobody will.
    fn opened(&self, path: &Path) -> Option<File> {
        let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
        while !self.is_over.load(Ordering::Relaxed) {
            match OpenOptions::new().write(true).custom_flags(nonblocking).open(path) {
                Ok(pipe) => {
                    let flags = fcntl_getfl(&pipe).ok()?;
                    fcntl_setfl(&pipe, flags - OFlags::NONBLOCK).ok()?;
                    return Some(pipe);
                }
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_has_all_the_data() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("b.csv"), "2\n").unwrap();
        fs::write(data.join("a.csv"), "1\n").unwrap();
        let feeder = Feeder::begin(directory.path(), "training", &Data { place: data }).unwrap();
        for epoch in 0..3 {
            let read = fs::read_to_string(directory.path().join(format!("training_{epoch}"))).unwrap();
            assert_eq!(read, "1\n2\n", "{epoch}");
        }
        drop(feeder);
    }
}
