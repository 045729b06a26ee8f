//! The data of a run: which channels there are, and which version of which object they hold.
//!
//! The folder of the training channel alone decides whether there is data. While it holds nothing but copies of the synthetic data, those that
//! lack are copied, so that a copy that stopped half-way is completed. Once it holds anything else, the copies are removed, rather than
//! left out by a manifest: what the folder shows is then what is trained on, for whoever looks into it, and SageMaker may list it
//! itself. A bucket that keeps versions keeps the removed ones, so that the record of an earlier run still leads to its data.

use std::collections::{BTreeMap, HashSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::objects::{Object, Objects};
use crate::aws::{CallError, s3};
use crate::record::DataSource;

/// The channels of the input bucket, each a folder beside the others.
const CHANNELS: [&str; 3] = ["training", "validation", "testing"];
/// How many objects are dealt with at one time: S3 would take thousands a second, but a Lambda has few connections.
const AT_ONCE: usize = 16;
/// How many objects are looked at that are not where the synthetic data of today would be copied to. A folder may hold millions;
/// copies of synthetic data that its bucket no longer has are among the oldest.
const OTHERS: usize = 1_000;

/// Where the synthetic data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntheticData {
    /// Its bucket.
    pub bucket: String,
    /// What its keys begin with: `<repository>/`.
    pub prefix: String,
}

/// The data of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputData {
    /// The S3 prefix of each channel that has data.
    pub channels: BTreeMap<String, String>,
    /// The version id of each object, by key.
    pub versions: BTreeMap<String, String>,
    /// Who put it there.
    pub source: DataSource,
    /// When it was looked for: what is uploaded from then on may be trained on, and is not among the versions.
    pub listed_at: Timestamp,
}

/// The folders in which a run's data is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    bucket: String,
    /// Channel and key prefix, ending in `/`.
    channels: Vec<(String, String)>,
}

impl Folders {
    /// The folders of a training whose [input](crate::training::Training::input) is `uri`. The folders beside
    /// `s3://bucket/input/data/training/` are the other channels; a URI of another shape is the training channel alone.
    #[must_use]
    pub fn of(uri: &str) -> Self {
        let (bucket, key) = s3::bucket_and_key(uri);
        let key = key.trim_end_matches('/');
        let channels = match key
            .strip_suffix("training")
            .filter(|root| root.is_empty() || root.ends_with('/'))
        {
            Some(root) => CHANNELS
                .map(|channel| (channel.to_owned(), format!("{root}{channel}/")))
                .to_vec(),
            None if key.is_empty() => vec![(CHANNELS[0].to_owned(), String::new())],
            None => vec![(CHANNELS[0].to_owned(), format!("{key}/"))],
        };
        Self {
            bucket: bucket.to_owned(),
            channels,
        }
    }

    /// The key prefix of the training channel.
    fn training(&self) -> &str {
        &self.channels[0].1
    }

    /// Where the data to train on is uploaded: `s3://bucket/input/data/training/`.
    #[must_use]
    pub fn training_uri(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.training())
    }
}

/// A call to S3 that failed.
#[derive(Debug)]
pub struct Failure {
    /// `list`, `read`, `copy` or `remove`.
    pub action: &'static str,
    /// Such as `s3://bucket/prefix`.
    pub what: String,
    /// What S3 said.
    pub source: CallError,
}

/// Finds the data; where there is none for the training channel, copies the synthetic data there first. `None` where there is neither.
///
/// # Errors
/// S3 refuses to list, read, copy or remove, or cannot be reached.
pub async fn find(
    objects: &dyn Objects,
    folders: &Folders,
    synthetic: Option<&SyntheticData>,
) -> Result<Option<InputData>, Failure> {
    let store = Store { objects, folders };
    let copies = match synthetic {
        Some(synthetic) => store.copies(synthetic).await?,
        None => Vec::new(),
    };
    let mut listed_at = Timestamp::now();
    let mut training = store.training(&copies).await?;
    if training.uploaded.is_empty() && store.complete(&copies, &training.synthetic).await? {
        // Somebody may have uploaded in the meantime.
        listed_at = Timestamp::now();
        training = store.training(&copies).await?;
    }
    let (source, data) = if training.uploaded.is_empty() {
        (DataSource::Synthetic, training.synthetic)
    } else {
        store.remove(&training.synthetic).await?;
        (DataSource::Uploaded, training.uploaded)
    };
    if data.is_empty() {
        return Ok(None);
    }
    let mut found = InputData {
        channels: BTreeMap::new(),
        versions: BTreeMap::new(),
        source,
        listed_at,
    };
    let (training, others) = (&folders.channels[0], &folders.channels[1..]);
    found.add(folders, training, data);
    for channel in others {
        found.add(folders, channel, store.data(&folders.bucket, &channel.1).await?);
    }
    Ok(Some(found))
}

impl InputData {
    fn add(&mut self, folders: &Folders, (channel, prefix): &(String, String), data: Vec<Object>) {
        if data.is_empty() {
            return;
        }
        let uri = format!("s3://{}/{prefix}", folders.bucket);
        self.channels.insert(channel.clone(), uri);
        let versions = data.into_iter().map(|object| (object.key, object.version));
        self.versions.extend(versions);
    }
}

/// What the folder of the training channel holds.
struct TrainingFolder {
    /// Copies of the synthetic data.
    synthetic: Vec<Object>,
    /// The rest.
    uploaded: Vec<Object>,
}

/// A copy of an object of the synthetic data, as it is or is to be made.
struct SyntheticCopy<'a> {
    bucket: &'a str,
    object: Object,
    /// Its key in the input bucket.
    key: String,
}

/// S3, and where in it a run's data is.
#[derive(Clone, Copy)]
struct Store<'a> {
    objects: &'a dyn Objects,
    folders: &'a Folders,
}

impl Store<'_> {
    /// The data below a prefix. Objects of zero bytes do not count: consoles make them to show a folder.
    async fn data(self, bucket: &str, prefix: &str) -> Result<Vec<Object>, Failure> {
        let listed = self.objects.list(bucket, prefix).await;
        let listed = listed.map_err(|source| Failure {
            action: "list",
            what: format!("s3://{bucket}/{prefix}"),
            source,
        })?;
        Ok(listed.into_iter().filter(|object| object.size > 0).collect())
    }

    /// Every copy that is to be made.
    async fn copies(self, synthetic: &SyntheticData) -> Result<Vec<SyntheticCopy<'_>>, Failure> {
        let SyntheticData { bucket, prefix } = synthetic;
        let data = self.data(bucket, prefix).await?;
        let copy = |object: Object| {
            let rest = object.key.strip_prefix(prefix.as_str()).unwrap_or(&object.key);
            let key = format!("{}{}", self.folders.training(), rest.trim_start_matches('/'));
            SyntheticCopy { bucket, object, key }
        };
        Ok(data.into_iter().map(copy).collect())
    }

    /// Tells copies from uploads.
    async fn training(self, copies: &[SyntheticCopy<'_>]) -> Result<TrainingFolder, Failure> {
        let bucket = &self.folders.bucket;
        let mut listed = self.data(bucket, self.folders.training()).await?;
        let known: HashSet<&str> = copies.iter().map(|copy| copy.key.as_str()).collect();
        listed.sort_by_key(|object| (!known.contains(object.key.as_str()), object.modified_ms));
        let at_copies = listed.partition_point(|object| known.contains(object.key.as_str()));
        let mut training = TrainingFolder {
            synthetic: Vec::new(),
            uploaded: listed.split_off(listed.len().min(at_copies + OTHERS)),
        };
        let mut answers = stream::iter(listed)
            .map(|object| async move { (self.objects.is_synthetic(bucket, &object).await, object) })
            .buffer_unordered(AT_ONCE);
        while let Some((synthetic, object)) = answers.next().await {
            match synthetic {
                Ok(true) => training.synthetic.push(object),
                Ok(false) => training.uploaded.push(object),
                // Gone since it was listed.
                Err(CallError::Service { status: 404, .. }) => {}
                Err(source) => return Err(self.failure("read", &object.key, source)),
            }
        }
        Ok(training)
    }

    /// Makes the copies that are not there yet; answers whether there were any.
    async fn complete(self, copies: &[SyntheticCopy<'_>], there: &[Object]) -> Result<bool, Failure> {
        let there: HashSet<&str> = there.iter().map(|object| object.key.as_str()).collect();
        let missing: Vec<&SyntheticCopy<'_>> = copies
            .iter()
            .filter(|copy| !there.contains(copy.key.as_str()))
            .collect();
        let some = !missing.is_empty();
        stream::iter(missing)
            .map(|copy| async move {
                let SyntheticCopy { bucket, object, key } = copy;
                let outcome = self
                    .objects
                    .copy_synthetic((bucket, object), (&self.folders.bucket, key));
                outcome.await.map_err(|source| Failure {
                    action: "copy",
                    what: format!("s3://{bucket}/{}", object.key),
                    source,
                })
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        Ok(some)
    }

    async fn remove(self, synthetic: &[Object]) -> Result<(), Failure> {
        stream::iter(synthetic)
            .map(|object| async move {
                let removed = self.objects.remove_synthetic(&self.folders.bucket, object).await;
                removed.map_err(|source| self.failure("remove", &object.key, source))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
    }

    fn failure(self, action: &'static str, key: &str, source: CallError) -> Failure {
        Failure {
            action,
            what: format!("s3://{}/{key}", self.folders.bucket),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_beside_training_are_channels_too() {
        let folders = Folders::of("s3://iris/input/data/training/");
        assert_eq!(folders.bucket, "iris");
        assert_eq!(
            folders.channels[2],
            ("testing".to_owned(), "input/data/testing/".to_owned())
        );
        assert_eq!(folders.training_uri(), "s3://iris/input/data/training/");
        assert_eq!(Folders::of("s3://iris/training").channels[1].1, "validation/");
        let own = Folders::of("s3://iris/my-training");
        assert_eq!(own.channels, [("training".to_owned(), "my-training/".to_owned())]);
        assert_eq!(own.training_uri(), "s3://iris/my-training/");
        assert_eq!(Folders::of("s3://iris").training(), "");
    }
}
