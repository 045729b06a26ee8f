//! Checkpoints of containers, which are copied to this machine while the training writes them, as
//! [SageMaker copies them to S3](https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html).
//!
//! They are copied, not mounted: what a container's root writes to a directory of this machine would be root's, and the hosts of a job
//! have directories of their own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Notify};

use super::error::Error;
use super::hosts::ContainerHost;
use super::job::LocalJob;
use super::unpacked::{Unpack, unpack};

/// How long after a copy the next begins, and so many times as long as that took at least: most of the time is the training's.
const BETWEEN: Duration = Duration::from_secs(5);
const REST: u32 = 20;

/// Where the checkpoints of a job's containers are, and where they are kept.
pub(super) struct Checkpoints {
    /// In the containers.
    place: String,
    /// On this machine.
    kept: PathBuf,
    /// What earlier copies made, relative to it.
    copied: Mutex<BTreeSet<PathBuf>>,
    is_over: Notify,
}

impl Checkpoints {
    pub(super) fn of(job: &LocalJob) -> Self {
        Self {
            place: job.checkpoints.clone(),
            kept: job.asked.output.join("checkpoints"),
            copied: Mutex::new(BTreeSet::new()),
            is_over: Notify::new(),
        }
    }

    /// Copies them again and again, until [`Self::stop`].
    pub(super) async fn keep(&self, hosts: &[ContainerHost<'_>]) {
        let mut wait = BETWEEN;
        loop {
            tokio::select! {
                () = self.is_over.notified() => return,
                () = tokio::time::sleep(wait) => {}
            }
            let begun = Instant::now();
            // A file that changes its size while it is read breaks its archive: the next copy has it. What cannot be written is told by the
            // last copy.
            let _ = self.copy(hosts, Unpack::Newer).await;
            wait = BETWEEN.max(begun.elapsed().saturating_mul(REST));
        }
    }

    /// Ends [`Self::keep`], which finishes what it is at.
    pub(super) fn stop(&self) {
        self.is_over.notify_one();
    }

    /// Copies all that is there at the end; where it is, if it is anything.
    ///
    /// # Errors
    /// They cannot be read or written.
    pub(super) async fn finish(&self, hosts: &[ContainerHost<'_>]) -> Result<Option<PathBuf>, Error> {
        let any = self.copy(hosts, Unpack::All).await?;
        Ok(any.then(|| self.kept.clone()))
    }

    /// Whether there was anything.
    async fn copy(&self, hosts: &[ContainerHost<'_>], what: Unpack) -> Result<bool, Error> {
        let mut copied = self.copied.lock().await;
        let mut there = BTreeSet::new();
        for host in hosts {
            let into = self.kept.clone();
            let read = host.read(&self.place, move |archive| unpack(archive, &into, what));
            there.extend(read.await?.unwrap_or_default());
        }
        forget(&self.kept, &copied.difference(&there).collect::<Vec<_>>());
        let any = !there.is_empty();
        *copied = there;
        Ok(any)
    }
}

/// Removes what the training has removed of what it wrote itself, as those that keep their last three checkpoints do.
/// `gone` is sorted.
fn forget(kept: &Path, gone: &[&PathBuf]) {
    // What is in a directory before the directory.
    for name in gone.iter().rev() {
        let path = kept.join(name);
        // One that cannot be removed is left over, which does no harm.
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_training_removed_is_forgotten_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let kept = directory.path();
        fs::create_dir_all(kept.join("step-1/sub")).unwrap();
        fs::write(kept.join("step-1/sub/weights"), "w").unwrap();
        fs::write(kept.join("step-1/mine"), "m").unwrap();
        let gone = ["step-1", "step-1/sub", "step-1/sub/weights", "not-there"].map(PathBuf::from);
        forget(kept, &gone.iter().collect::<Vec<_>>());
        assert!(kept.join("step-1/mine").exists() && !kept.join("step-1/sub").exists());
    }
}
