//! A channel's objects of S3, fetched to this machine and kept by their `ETag`s: what is the same another time is not fetched again.
//!
//! ```text
//! <cache>/objects/<sha256 of bucket, key and ETag>
//! ```

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::error::Error;
use super::lent;
use crate::aws::{CallError, MOST_OF_PEOPLE, Pages, s3};
use crate::cache;
use crate::hex::hex;
use crate::progress::{Progress, size};

/// sgbuild's own directory for them.
const DIRECTORY: &str = "objects";
/// So many are fetched at once.
const AT_ONCE: usize = 8;
/// Objects that no training has used for so long are removed.
const KEPT: Duration = Duration::from_hours(30 * 24);

struct Object {
    key: String,
    etag: String,
    bytes: u64,
    /// Where the channel has it.
    name: PathBuf,
}

/// Puts the objects at `uri` into the directory `into`.
///
/// # Errors
/// There are none; S3 refuses; the disk is full.
pub(super) async fn fetch(
    channel: &str,
    uri: &str,
    into: &Path,
    cache: &Path,
    aws: &SdkConfig,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let client = s3::client(aws);
    let failed = |at: &str, source: CallError| Error::Fetch {
        channel: channel.to_owned(),
        uri: at.to_owned(),
        source,
    };
    let (bucket, prefix) = s3::bucket_and_key(uri);
    let objects = list(&client, bucket, prefix)
        .await
        .map_err(|error| failed(uri, error))?;
    if objects.is_empty() {
        return Err(Error::NoData {
            channel: channel.to_owned(),
            uri: uri.to_owned(),
        });
    }
    let kept = cache::directory(cache, DIRECTORY).map_err(|reason| Error::Directory(io::Error::other(reason)))?;
    let missing: Vec<_> = objects
        .iter()
        .filter(|object| !is_kept(&kept.join(name_of(bucket, object)), object.bytes))
        .collect();
    let total = missing.iter().map(|object| object.bytes).sum();
    let task = (!missing.is_empty()).then(|| progress.task(&format!("{channel} from {uri}"), Some(total)));
    let done = AtomicU64::new(0);
    let fetched = stream::iter(missing.iter().map(|object| {
        let (client, kept, task, done) = (&client, &kept, task.as_deref(), &done);
        async move {
            progress.check()?;
            let at = format!("s3://{bucket}/{}", object.key);
            let got = client
                .get_object()
                .bucket(bucket)
                .key(&object.key)
                .if_match(&object.etag);
            let got = got
                .send()
                .await
                .map_err(|error| failed(&at, CallError::from_sdk(&error)))?;
            let keep = |source: io::Error| Error::Keep {
                uri: at.clone(),
                source,
            };
            let part = tempfile::NamedTempFile::new_in(kept).map_err(keep)?;
            let mut file = tokio::fs::File::from_std(part.reopen().map_err(keep)?);
            let mut body = got.body;
            while let Some(bytes) = body.next().await {
                let bytes = bytes.map_err(|error| failed(&at, CallError::Unreachable(error.to_string())))?;
                file.write_all(&bytes).await.map_err(keep)?;
                let so_far = done.fetch_add(bytes.len() as u64, Ordering::Relaxed) + bytes.len() as u64;
                if let Some(task) = task {
                    task.set(so_far, Some(total));
                }
            }
            file.flush().await.map_err(keep)?;
            // Whatever user the image has may read it, and no training may write to what others are given too.
            let mode = fs::Permissions::from_mode(0o444);
            part.as_file().set_permissions(mode).map_err(keep)?;
            let path = kept.join(name_of(bucket, object));
            part.persist(path).map_err(|error| keep(error.error))?;
            Ok::<_, Error>(())
        }
    }));
    fetched.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
    if let Some(task) = task {
        task.finish(&format!("{} fetched", size(total)));
    }
    place(bucket, &objects, &kept, into).map_err(Error::Directory)?;
    prune(&kept);
    Ok(())
}

/// Whether there is something at the prefix.
///
/// # Errors
/// S3 refuses.
pub(crate) async fn has_data(uri: &str, aws: &SdkConfig) -> Result<bool, CallError> {
    let (bucket, prefix) = s3::bucket_and_key(uri);
    let listed = s3::client(aws)
        .list_objects_v2()
        .bucket(bucket)
        .prefix(prefix)
        .max_keys(2);
    let listed = listed.send().await.map_err(|error| CallError::from_sdk(&error))?;
    Ok(listed
        .contents()
        .iter()
        .any(|object| object.key().is_some_and(|key| !key.ends_with('/'))))
}

/// The object's bytes, or the first of too many; `None` where there is none.
///
/// # Errors
/// S3 refuses.
pub(super) async fn read(bucket: &str, key: &str, most: usize, aws: &SdkConfig) -> Result<Option<Vec<u8>>, CallError> {
    let got = s3::client(aws).get_object().bucket(bucket).key(key).send().await;
    let mut body = match got {
        Ok(got) => got.body,
        Err(error) => {
            let error = CallError::from_sdk(&error);
            return if error.code() == "NoSuchKey" {
                Ok(None)
            } else {
                Err(error)
            };
        }
    };
    let mut bytes = Vec::new();
    while bytes.len() <= most {
        match body.next().await {
            Some(Ok(more)) => bytes.extend_from_slice(&more),
            Some(Err(error)) => return Err(CallError::Unreachable(error.to_string())),
            None => break,
        }
    }
    Ok(Some(bytes))
}

/// The objects below the prefix; a key that ends with a slash is a folder's marker.
async fn list(client: &Client, bucket: &str, prefix: &str) -> Result<Vec<Object>, CallError> {
    let request = client.list_objects_v2().bucket(bucket).prefix(prefix);
    let mut pages = request.into_paginator().send();
    let mut objects = Vec::new();
    let mut count = Pages::of("objects", MOST_OF_PEOPLE);
    while let Some(page) = pages.next().await {
        count.another()?;
        let page = page.map_err(|error| CallError::from_sdk(&error))?;
        for object in page.contents() {
            let key = object.key().unwrap_or_default();
            let Some(name) = name_below(key, prefix) else { continue };
            objects.push(Object {
                key: key.to_owned(),
                etag: object.e_tag().unwrap_or_default().to_owned(),
                bytes: object
                    .size()
                    .and_then(|size| u64::try_from(size).ok())
                    .unwrap_or_default(),
                name,
            });
        }
    }
    Ok(objects)
}

/// What the channel calls the object: what follows the prefix; of one whose name only begins as the prefix does, its own name. `None` of a
/// folder's marker, and of a name that is no path below a directory.
fn name_below(key: &str, prefix: &str) -> Option<PathBuf> {
    if key.ends_with('/') {
        return None;
    }
    let rest = key.strip_prefix(prefix)?;
    let is_whole = prefix.is_empty() || prefix.ends_with('/') || rest.starts_with('/');
    let name = if is_whole && !rest.is_empty() {
        rest.trim_start_matches('/')
    } else {
        &key[prefix.rfind('/').map_or(0, |slash| slash + 1)..]
    };
    let path = PathBuf::from(name);
    let is_below = !name.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)));
    is_below.then_some(path)
}

fn name_of(bucket: &str, object: &Object) -> String {
    let text = [bucket, &object.key, &object.etag].map(|part| format!("{}:{part}", part.len()));
    hex(&Sha256::digest(text.concat()))
}

/// Whether it is there, and as long as it is to be: a training without a container may have written to it. It is marked as used.
fn is_kept(path: &Path, bytes: u64) -> bool {
    let Ok(file) = File::open(path) else { return false };
    file.metadata().is_ok_and(|found| found.len() == bytes) && file.set_modified(SystemTime::now()).is_ok()
}

/// The channel's directory, of links: nothing is there twice.
fn place(bucket: &str, objects: &[Object], kept: &Path, into: &Path) -> io::Result<()> {
    fs::create_dir_all(into)?;
    for object in objects {
        let link = into.join(&object.name);
        fs::create_dir_all(link.parent().unwrap_or(into))?;
        fs::hard_link(kept.join(name_of(bucket, object)), link)?;
    }
    lent::let_read(into)
}

/// Removes what was not used for long.
fn prune(kept: &Path) {
    for entry in fs::read_dir(kept).into_iter().flatten().flatten() {
        let used = entry.metadata().and_then(|found| found.modified());
        let is_old = used.is_ok_and(|used| used.elapsed().is_ok_and(|age| age > KEPT));
        if is_old {
            // What cannot be removed now is removed another time.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_training_wrote_to_is_fetched_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("object");
        assert!(!is_kept(&path, 0));
        fs::write(&path, "12345").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(is_kept(&path, 5));
        assert!(!is_kept(&path, 6));
    }

    #[test]
    fn an_object_is_called_what_follows_the_prefix() {
        let name = |key: &str, prefix: &str| name_below(key, prefix).map(|name| name.display().to_string());
        assert_eq!(
            name("data/training/iris.csv", "data/training/").as_deref(),
            Some("iris.csv")
        );
        assert_eq!(
            name("data/training/a/b.csv", "data/training").as_deref(),
            Some("a/b.csv")
        );
        assert_eq!(
            name("data/training-2.csv", "data/training").as_deref(),
            Some("training-2.csv")
        );
        assert_eq!(name("data/iris.csv", "data/iris.csv").as_deref(), Some("iris.csv"));
        assert_eq!(name("iris.csv", "").as_deref(), Some("iris.csv"));
        assert_eq!(name("data/training/", "data/training/"), None);
        assert_eq!(name("data/../../etc/passwd", "data/"), None);
    }
}
