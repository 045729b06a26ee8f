//! Where each channel's data is on this machine, and how it reaches the container
//! ([input modes](https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html)).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_config::SdkConfig;

use super::error::Error;
use super::job::{Input, LocalJob, Source};
use super::lent;
use super::objects;
use super::run::Run;
use crate::progress::Progress;
use crate::training::hyperparameters;
use crate::training::parts::INPUT_CHANNELS;

/// How data reaches the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All of it is there before the training begins.
    File,
    /// It looks as if it were, and is read when it is asked for.
    FastFile,
    /// It is read once an epoch, from a FIFO.
    Pipe,
}

impl Mode {
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "File" => Some(Self::File),
            "FastFile" => Some(Self::FastFile),
            "Pipe" => Some(Self::Pipe),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::FastFile => "FastFile",
            Self::Pipe => "Pipe",
        }
    }
}

/// A channel of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) source: Source,
    pub(crate) mode: Mode,
    /// Whether each host has a part of the objects, instead of all.
    pub(crate) is_sharded: bool,
    pub(crate) content_type: Option<String>,
    /// `None` or `RecordIO`.
    pub(crate) record_wrapper: String,
}

/// A channel's data as files of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Data {
    /// A directory, or a file.
    pub(super) place: PathBuf,
}

/// Finds or fetches the data of every channel of the job.
///
/// # Errors
/// A directory is not there; objects cannot be listed or fetched.
pub(crate) async fn fetch(
    job: &LocalJob,
    run: &Run,
    cache: &Path,
    aws: Option<&SdkConfig>,
    progress: &dyn Progress,
) -> Result<BTreeMap<String, Data>, Error> {
    let mut found = BTreeMap::new();
    for (name, channel) in &job.channels {
        check(name, channel)?;
        let place = match (&channel.source, aws) {
            (Source::Here(path), _) => here(name, path)?,
            (Source::S3(uri), Some(aws)) => {
                let into = run.directory().join("channels").join(name);
                objects::fetch(name, uri, &into, cache, aws, progress).await?;
                into
            }
            (Source::S3(uri), None) => {
                return Err(Error::NoData {
                    channel: name.clone(),
                    uri: uri.clone(),
                });
            }
        };
        found.insert(name.clone(), Data { place });
    }
    Ok(found)
}

/// The channels that have data in the job's bucket, as the training Lambda looks for them: by name, where it is.
///
/// # Errors
/// S3 refuses.
pub(crate) async fn of_bucket(bucket: &str, aws: &SdkConfig) -> Result<BTreeMap<String, String>, Error> {
    let mut found = BTreeMap::new();
    for name in INPUT_CHANNELS {
        let uri = format!("s3://{bucket}/input/data/{name}/");
        let has_data = objects::has_data(&uri, aws).await;
        let has_data = has_data.map_err(|source| Error::Fetch {
            channel: name.to_owned(),
            uri: uri.clone(),
            source,
        })?;
        if has_data {
            found.insert(name.to_owned(), uri);
        }
    }
    Ok(found)
}

/// The hyperparameters in the job's bucket; none where there is no such file.
///
/// # Errors
/// S3 refuses, or the file is none of hyperparameters.
pub(crate) async fn hyperparameters_of_bucket(
    bucket: &str,
    aws: &SdkConfig,
) -> Result<BTreeMap<String, String>, Error> {
    let uri = format!("s3://{bucket}/{}", hyperparameters::KEY);
    let read = objects::read(bucket, hyperparameters::KEY, hyperparameters::MAX_BYTES, aws).await;
    let read = read.map_err(|source| Error::FetchHyperparameters {
        uri: uri.clone(),
        source,
    })?;
    let Some(bytes) = read else {
        return Ok(BTreeMap::new());
    };
    hyperparameters::parse(&bytes).map_err(|problems| Error::Hyperparameters {
        path: uri.into(),
        problems,
    })
}

/// Refuses what SageMaker would do with the data on its way, and nobody does here.
fn check(name: &str, channel: &Channel) -> Result<(), Error> {
    if channel.record_wrapper == "None" {
        return Ok(());
    }
    Err(Error::ChannelKind {
        channel: name.to_owned(),
        reason: format!("its records would be wrapped as {}", channel.record_wrapper),
    })
}

fn here(name: &str, path: &Path) -> Result<PathBuf, Error> {
    let unreadable = |source: io::Error| Error::Channel {
        channel: name.to_owned(),
        path: path.to_owned(),
        source,
    };
    let place = fs::canonicalize(path).map_err(unreadable)?;
    let found = fs::metadata(&place).map_err(unreadable)?;
    if found.is_dir() {
        fs::read_dir(&place).map_err(unreadable)?;
    } else if found.is_file() {
        fs::File::open(&place).map_err(unreadable)?;
    } else {
        let reason = "it is neither a directory nor a file";
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, reason)));
    }
    Ok(place)
}

/// Makes sure that what is to be given of this machine can be read, before anything is built for it.
///
/// # Errors
/// The first of it that cannot.
pub(crate) fn check_here(inputs: &[Input]) -> Result<(), Error> {
    for input in inputs {
        if let Source::Here(path) = &input.source {
            here(&input.channel, path)?;
        }
    }
    Ok(())
}

impl Data {
    /// A directory, or a file.
    pub(super) fn path(&self) -> &Path {
        &self.place
    }

    /// Whether it is a single file.
    pub(super) fn is_file(&self) -> bool {
        self.place.is_file()
    }

    /// Its files in the order of their names, as S3 lists keys. A link that leads out of the data is refused: a container that has the directory
    /// itself does not see what it leads to, and who wrote it may not be who reads it here.
    ///
    /// # Errors
    /// The first of it that cannot be read.
    pub(super) fn files(&self, channel: &str) -> Result<Vec<PathBuf>, Error> {
        let unreadable = |path: &Path, source: io::Error| Error::Channel {
            channel: channel.to_owned(),
            path: path.to_owned(),
            source,
        };
        if !self.place.is_dir() {
            return Ok(vec![self.place.clone()]);
        }
        let entries = walkdir::WalkDir::new(&self.place).follow_links(true);
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(&self.place).to_owned();
                unreadable(&path, error.into())
            })?;
            if entry.depth() > 0 && entry.path_is_symlink() {
                let leads_to = fs::canonicalize(entry.path()).map_err(|error| unreadable(entry.path(), error))?;
                if !leads_to.starts_with(&self.place) {
                    let reason = "it is a link that leads out of the channel's directory";
                    return Err(unreadable(entry.path(), io::Error::other(reason)));
                }
            }
            if entry.file_type().is_file() {
                files.push(entry.into_path());
            }
        }
        files.sort();
        Ok(files)
    }

    /// Where a container has it, whose channel is at `channel`: a file is in the channel's directory.
    pub(super) fn target(&self, channel: &str) -> String {
        match self.place.file_name() {
            Some(name) if !self.place.is_dir() => format!("{channel}/{}", name.to_string_lossy()),
            _ => channel.to_owned(),
        }
    }

    /// The part of the host that is at `index` of `count`: a directory of links in `into`, a file each.
    ///
    /// # Errors
    /// The data cannot be read, or there can be no such directory.
    pub(super) fn shard(&self, channel: &str, into: &Path, index: usize, count: usize) -> Result<Self, Error> {
        let files = self.files(channel)?;
        let part = files.iter().skip(index).step_by(count.max(1));
        let root = if self.is_file() {
            self.place.parent().unwrap_or(&self.place)
        } else {
            &self.place
        };
        place(root, part, into).map_err(Error::Directory)?;
        Ok(Self { place: into.to_owned() })
    }
}

/// Gives each of the files, which are below `from`, its place below `into`.
fn place<'a>(from: &Path, files: impl Iterator<Item = &'a PathBuf>, into: &Path) -> io::Result<()> {
    fs::create_dir_all(into)?;
    for file in files {
        let name = file.strip_prefix(from).unwrap_or(file);
        let link = into.join(name);
        fs::create_dir_all(link.parent().unwrap_or(into))?;
        // Another name of a link would be a link, which leads nowhere from here. The data may be on another file system.
        if fs::hard_link(fs::canonicalize(file)?, &link).is_err() {
            fs::copy(file, &link)?;
        }
    }
    lent::let_read(into)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_that_leads_out_of_the_data_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir_all(root.join("data/sub")).unwrap();
        fs::write(root.join("data/sub/a.csv"), "1").unwrap();
        fs::write(root.join("secret"), "s").unwrap();
        symlink("sub/a.csv", root.join("data/b.csv")).unwrap();
        let data = Data {
            place: root.join("data"),
        };
        let names = ["data/b.csv", "data/sub/a.csv"].map(|name| root.join(name));
        assert_eq!(data.files("training").unwrap(), names);
        let part = data.shard("training", &root.join("shard"), 0, 2).unwrap();
        assert!(!part.place.join("b.csv").is_symlink());
        assert_eq!(fs::read_to_string(part.place.join("b.csv")).unwrap(), "1");
        let single = Data {
            place: root.join("data/sub/a.csv"),
        };
        let single = single.shard("training", &root.join("single"), 0, 1).unwrap();
        assert_eq!(fs::read_to_string(single.place.join("a.csv")).unwrap(), "1");
        for leads_to in ["../secret", "..", "nowhere", "."] {
            symlink(leads_to, root.join("data/c")).unwrap();
            let told = data.files("training").unwrap_err().to_string();
            assert!(told.starts_with("the channel training cannot be read: "), "{told}");
            assert!(told.ends_with("/data/c"), "{leads_to}: {told}");
            fs::remove_file(root.join("data/c")).unwrap();
        }
    }
}
