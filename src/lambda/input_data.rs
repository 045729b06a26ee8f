//! The data of a run: which channels there are, and which version of which object they hold.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::objects::{Object, Objects};
use crate::aws::CallError;
use crate::record::DataSource;

/// The channels of the input bucket, each a folder beside the others.
const CHANNELS: [&str; 3] = ["training", "validation", "testing"];
/// How many objects are copied at one time: S3 would take thousands a second, but a Lambda has few connections.
const COPIES: usize = 16;

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
        let path = uri.strip_prefix("s3://").unwrap_or(uri);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
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

    /// What the channels have in common, for people: `s3://bucket/input/data/`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let training = self.training();
        let root = training.strip_suffix("training/").filter(|_| self.channels.len() > 1);
        format!("s3://{}/{}", self.bucket, root.unwrap_or(training))
    }
}

/// A call to S3 that failed.
#[derive(Debug)]
pub struct Failure {
    /// `list`, `read` or `copy`.
    pub action: &'static str,
    /// Such as `s3://bucket/prefix`.
    pub what: String,
    /// What S3 said.
    pub source: CallError,
}

/// Finds the data; where there is none, copies the synthetic data into the training channel first. `None` where there is
/// neither.
///
/// # Errors
/// S3 refuses to list or to copy, or cannot be reached.
pub async fn find(
    objects: &dyn Objects,
    folders: &Folders,
    synthetic: Option<&SyntheticData>,
) -> Result<Option<InputData>, Failure> {
    if let Some(data) = present(objects, folders).await? {
        return Ok(Some(data));
    }
    let Some(synthetic) = synthetic else { return Ok(None) };
    if !copy(objects, synthetic, folders).await? {
        return Ok(None);
    }
    present(objects, folders).await
}

/// Finds the data that is there. Objects of zero bytes do not count: consoles make them to show a folder.
async fn present(objects: &dyn Objects, folders: &Folders) -> Result<Option<InputData>, Failure> {
    let mut channels = BTreeMap::new();
    let mut found: Vec<Object> = Vec::new();
    for (channel, prefix) in &folders.channels {
        let uri = format!("s3://{}/{prefix}", folders.bucket);
        let listed = objects.list(&folders.bucket, prefix).await;
        let listed = listed.map_err(|source| Failure {
            action: "list",
            what: uri.clone(),
            source,
        })?;
        let data: Vec<Object> = listed.into_iter().filter(|object| object.size > 0).collect();
        if !data.is_empty() {
            channels.insert(channel.clone(), uri);
        }
        found.extend(data);
    }
    // Synthetic data is copied only where there is no other: if any was uploaded, the newest object is one of those.
    let Some(newest) = found.iter().max_by_key(|object| object.modified_ms) else {
        return Ok(None);
    };
    let synthetic = objects.is_synthetic(&folders.bucket, newest).await;
    let synthetic = synthetic.map_err(|source| Failure {
        action: "read",
        what: format!("s3://{}/{}", folders.bucket, newest.key),
        source,
    })?;
    Ok(Some(InputData {
        channels,
        versions: found.into_iter().map(|object| (object.key, object.version)).collect(),
        source: if synthetic {
            DataSource::Synthetic
        } else {
            DataSource::Uploaded
        },
    }))
}

/// Copies the synthetic data; answers whether there was any.
async fn copy(objects: &dyn Objects, synthetic: &SyntheticData, folders: &Folders) -> Result<bool, Failure> {
    let SyntheticData { bucket, prefix } = synthetic;
    let failure = |action| {
        move |source| Failure {
            action,
            what: format!("s3://{bucket}/{prefix}"),
            source,
        }
    };
    let listed = objects.list(bucket, prefix).await.map_err(failure("list"))?;
    let data: Vec<Object> = listed.into_iter().filter(|object| object.size > 0).collect();
    let some = !data.is_empty();
    stream::iter(data)
        .map(|object| async move {
            let rest = object
                .key
                .strip_prefix(prefix.as_str())
                .unwrap_or(&object.key)
                .trim_start_matches('/');
            let key = format!("{}{rest}", folders.training());
            objects.copy_synthetic((bucket, &object), (&folders.bucket, &key)).await
        })
        .buffer_unordered(COPIES)
        .try_collect::<()>()
        .await
        .map_err(failure("copy"))?;
    Ok(some)
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
        assert_eq!(folders.in_words(), "s3://iris/input/data/");
        assert_eq!(Folders::of("s3://iris/training").channels[1].1, "validation/");
        let own = Folders::of("s3://iris/my-training");
        assert_eq!(own.channels, [("training".to_owned(), "my-training/".to_owned())]);
        assert_eq!(own.in_words(), "s3://iris/my-training/");
        assert_eq!(Folders::of("s3://iris").training(), "");
    }
}
