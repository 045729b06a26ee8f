//! Getting into the store what is not there yet.

use std::path::Path;

use futures_util::future::try_join_all;

use super::download::Download;
use super::{Error, Sites, Store, Stored, Wheel};
use crate::engine::native::resolve::{Remote, Resolved, Source};
use crate::oci::Digest;
use crate::progress::Progress;
use crate::requirements::local_path;

/// Of the notes: which file a URL led to whose index says nothing of hashes.
const BY_URL: &str = "url";

impl Store {
    /// The wheels, in the order of `wheels`, several of them at once.
    ///
    /// # Errors
    /// As [`Self::fetch_one`], for the first that fails.
    pub(crate) async fn fetch(
        &self,
        wheels: &[Resolved],
        sites: &Sites,
        progress: &dyn Progress,
    ) -> Result<Vec<Wheel>, Error> {
        try_join_all(wheels.iter().map(|wheel| self.fetch_one(wheel, sites, progress))).await
    }

    /// A wheel as it is in the store, if it is.
    pub(crate) fn here(&self, wheel: &Resolved) -> Option<Wheel> {
        let stored = match &wheel.source {
            Source::File(remote) => self.known(remote, &wheel.hashes),
            Source::Built { digest, .. } => self.find(digest),
        };
        stored.map(|stored| of(wheel, stored))
    }

    /// One wheel, from the store or from where it is. However many are asked for at once, a few are fetched at a time.
    ///
    /// # Errors
    /// It cannot be had, is not what its index or its requirement says, or cannot be kept; the user interrupted.
    pub(crate) async fn fetch_one(
        &self,
        wheel: &Resolved,
        sites: &Sites,
        progress: &dyn Progress,
    ) -> Result<Wheel, Error> {
        let stored = match &wheel.source {
            Source::File(remote) => {
                self.file(remote, &wheel.file_name, &wheel.hashes, sites, progress)
                    .await?
            }
            Source::Built { digest, of } => self.find(digest).ok_or_else(|| Error::BuiltIsGone {
                file_name: wheel.file_name.clone(),
                of: of.clone(),
            })?,
        };
        Ok(of(wheel, stored))
    }

    /// The file at `remote`, which has one of the `hashes` if there are any.
    pub(in crate::engine::native) async fn file(
        &self,
        remote: &Remote,
        file_name: &str,
        hashes: &[String],
        sites: &Sites,
        progress: &dyn Progress,
    ) -> Result<Stored, Error> {
        if let Some(there) = self.known(remote, hashes) {
            return Ok(there);
        }
        // It is closed by nobody.
        let _permit = self.permits.acquire().await;
        progress.check()?;
        let stored = if remote.url.starts_with("file:") {
            let stored = self.copy(&local_path(&remote.url))?;
            self.refuse_other(remote, file_name, hashes, stored)?
        } else {
            let download = Download {
                remote,
                file_name,
                hashes,
                sites,
                progress,
            };
            let (incoming, digest, size) = download.run(self.incoming()?, self).await?;
            self.keep(incoming, digest, size)?
        };
        if remote.sha256.is_none() {
            self.keep_note(BY_URL, &remote.url, &stored.digest);
        }
        Ok(stored)
    }

    /// The file, where it is here.
    fn known(&self, remote: &Remote, hashes: &[String]) -> Option<Stored> {
        let noted = || self.note::<Digest>(BY_URL, &remote.url);
        let digest = remote.sha256.clone().or_else(noted)?;
        // Another kind of hash than SHA-256 is verified when the file comes.
        let is_allowed = hashes.is_empty() || hashes.iter().any(|hash| *hash == digest.as_str());
        let there = self.find(&digest).filter(|_| is_allowed)?;
        let is_whole = remote.size.is_none_or(|size| size == there.size);
        is_whole.then_some(there)
    }

    /// Of a file of this machine, which is there as a whole.
    fn refuse_other(
        &self,
        remote: &Remote,
        file_name: &str,
        hashes: &[String],
        stored: Stored,
    ) -> Result<Stored, Error> {
        let is_other = remote
            .sha256
            .as_ref()
            .is_some_and(|expected| *expected != stored.digest);
        let is_allowed = hashes.is_empty() || hashes.iter().any(|hash| *hash == stored.digest.as_str());
        if !is_other && is_allowed {
            return Ok(stored);
        }
        self.discard(&stored.digest);
        Err(Error::OtherDigest {
            file_name: file_name.to_owned(),
            place: remote.url.clone(),
            expected: remote
                .sha256
                .as_ref()
                .map_or_else(|| hashes.join(", "), ToString::to_string),
            found: stored.digest.to_string(),
        })
    }
}

fn of(wheel: &Resolved, stored: Stored) -> Wheel {
    Wheel {
        name: wheel.name.clone(),
        version: wheel.version.clone(),
        file_name: wheel.file_name.clone(),
        digest: stored.digest,
        size: stored.size,
        path: stored.path,
        requested: wheel.requested,
    }
}

/// Whether `path` is a wheel by its name.
pub(in crate::engine::native) fn is_wheel(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "whl")
}
