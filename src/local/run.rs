//! One run on this machine: its directory, and what finds its containers again.
//!
//! ```text
//! <cache>/local/run-1a2b3c4d/       files of the run's own, gone with it
//! <cache>/local/run-1a2b3c4d.lock   locked as long as the run is there: the kernel releases it however that ends
//! ```
//!
//! Its containers and networks have the label `com.sgbuild.local=run-1a2b3c4d`. So the next run can tell what a killed one left behind, and
//! removes that, and nothing of a run that goes on, or of another machine with the same daemon.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::error::Error;
use crate::cache::{self, Staging, lock_file, lock_if_free};
use crate::engine::docker::{self, Docker};

/// The label of all that a run makes in a daemon.
const LABEL: &str = "com.sgbuild.local";
/// sgbuild's own directory for them.
const DIRECTORY: &str = "local";
/// The file that says in which daemon the run made something.
const DAEMON: &str = "daemon";

/// A run that goes on. What it made in the daemon is removed by [`Run::end`]; its directory goes when it is dropped.
pub(crate) struct Run {
    staging: Staging,
    id: String,
}

impl Run {
    /// Begins one whose containers are in `docker`. What killed runs left there is removed first.
    ///
    /// # Errors
    /// No directory can be made in sgbuild's own, or the daemon went away.
    pub(crate) async fn begin(cache: &Path, docker: &Docker) -> Result<Self, Error> {
        let parent = directory(cache)?;
        clear_leftovers(&parent, Some(docker)).await?;
        let run = Self::new(&parent).map_err(Error::Directory)?;
        fs::write(run.directory().join(DAEMON), docker.endpoint()).map_err(Error::Directory)?;
        Ok(run)
    }

    /// Begins one that makes nothing in a daemon. What killed runs of its kind left is removed first.
    ///
    /// # Errors
    /// No directory can be made in sgbuild's own.
    pub(crate) async fn begin_without_daemon(cache: &Path) -> Result<Self, Error> {
        let parent = directory(cache)?;
        clear_leftovers(&parent, None).await?;
        Self::new(&parent).map_err(Error::Directory)
    }

    fn new(parent: &Path) -> io::Result<Self> {
        let staging = Staging::new(parent, "run-")?;
        let name = staging.path().file_name().unwrap_or_default();
        Ok(Self {
            id: name.to_string_lossy().into_owned(),
            staging,
        })
    }

    /// Its name, which no other run of this machine has.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// A directory of its own.
    pub(crate) fn directory(&self) -> &Path {
        self.staging.path()
    }

    /// What its containers and networks are labelled with.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([(LABEL.to_owned(), self.id.clone())])
    }

    /// Removes its containers and networks.
    ///
    /// # Errors
    /// The daemon refuses, or went away.
    pub(crate) async fn end(&self, docker: &Docker) -> Result<(), docker::Error> {
        docker.remove_labelled(&format!("{LABEL}={}", self.id)).await
    }
}

fn directory(cache: &Path) -> Result<std::path::PathBuf, Error> {
    cache::directory(cache, DIRECTORY).map_err(|reason| Error::Directory(io::Error::other(reason)))
}

/// Removes what runs left that are gone: from the daemon, where it is the one that they had, and from `parent`.
async fn clear_leftovers(parent: &Path, docker: Option<&Docker>) -> Result<(), Error> {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let Some(id) = name.strip_suffix(".lock") else { continue };
        let directory = parent.join(id);
        let Some(_lock) = lock_if_free(&lock_file(&directory)) else {
            continue;
        };
        // Where there is no such file, nothing was made in a daemon.
        if let Ok(daemon) = fs::read_to_string(directory.join(DAEMON)) {
            match docker.filter(|docker| docker.endpoint() == daemon) {
                Some(docker) => docker.remove_labelled(&format!("{LABEL}={id}")).await?,
                None => continue,
            }
        }
        // What cannot be removed now is removed by a later run.
        if cache::remove(&directory).is_ok() {
            let _ = fs::remove_file(lock_file(&directory));
        }
    }
    Ok(())
}
