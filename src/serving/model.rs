//! The model that is served: SageMaker unpacks `model.tar.gz` to `/opt/ml/model`, which a container can read
//! ([how it loads them](https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html#your-algorithms-inference-code-load-artifacts)).

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use aws_config::SdkConfig;
use flate2::read::MultiGzDecoder;
use tokio::io::AsyncWriteExt as _;

use super::error::Error;
use crate::aws::{CallError, s3};
use crate::local::let_read_files;
use crate::progress::{Progress, size};

/// What an object's address begins with.
const S3: &str = "s3://";

/// Where a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Model {
    /// A directory, as it is, or a `model.tar.gz`.
    Here(PathBuf),
    /// A `model.tar.gz` of S3, as `s3://bucket/key`.
    S3(String),
}

impl FromStr for Model {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(object) = text.strip_prefix(S3) else {
            return Ok(Self::Here(PathBuf::from(text)));
        };
        match object.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() && !key.ends_with('/') => {
                Ok(Self::S3(text.to_owned()))
            }
            _ => Err("an object is s3://bucket/key".to_owned()),
        }
    }
}

/// The directory of the model, which an archive is unpacked to below `scratch`.
///
/// # Errors
/// There is none, it cannot be read or fetched, or is no archive in gzip.
pub(crate) async fn placed(
    model: &Model,
    scratch: &Path,
    aws: impl AsyncFnOnce() -> SdkConfig,
    progress: &dyn Progress,
) -> Result<PathBuf, Error> {
    let (archive, name) = match model {
        Model::Here(path) => {
            let unreadable = |source| Error::Model {
                model: path.display().to_string(),
                source,
            };
            let path = fs::canonicalize(path).map_err(unreadable)?;
            if path.is_dir() {
                return Ok(path);
            }
            let name = path.display().to_string();
            (path, name)
        }
        Model::S3(uri) => {
            let to = scratch.join("model.tar.gz");
            fetch(uri, &to, &aws().await, progress).await?;
            (to, uri.clone())
        }
    };
    let directory = scratch.join("model");
    unpack(&archive, &directory).map_err(|source| Error::Model { model: name, source })?;
    Ok(directory)
}

/// Unpacks an archive; nothing of it gets out of the directory.
fn unpack(archive: &Path, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut archive = tar::Archive::new(MultiGzDecoder::new(File::open(archive)?));
    archive.set_preserve_permissions(false);
    archive.unpack(directory)?;
    // Whatever user the image has reads it.
    let_read_files(directory)
}

async fn fetch(uri: &str, to: &Path, aws: &SdkConfig, progress: &dyn Progress) -> Result<(), Error> {
    let (bucket, key) = s3::bucket_and_key(uri);
    let got = s3::client(aws).get_object().bucket(bucket).key(key).send();
    let got = got.await.map_err(|error| Error::Fetch {
        uri: uri.to_owned(),
        source: CallError::from_sdk(&error),
    })?;
    let total = got.content_length.and_then(|length| u64::try_from(length).ok());
    let task = progress.task(&format!("Fetching {uri}"), total);
    let kept = |source| Error::Model {
        model: uri.to_owned(),
        source,
    };
    let mut file = tokio::fs::File::create(to).await.map_err(kept)?;
    let (mut body, mut so_far) = (got.body, 0);
    while let Some(bytes) = body.next().await {
        progress.check()?;
        let bytes = bytes.map_err(|error| kept(io::Error::other(error)))?;
        file.write_all(&bytes).await.map_err(kept)?;
        so_far += bytes.len() as u64;
        task.set(so_far, total);
    }
    file.flush().await.map_err(kept)?;
    task.finish(&size(so_far));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_an_object() {
        assert_eq!("model.tar.gz".parse(), Ok(Model::Here("model.tar.gz".into())));
        assert_eq!(
            "s3://b/a/model.tar.gz".parse(),
            Ok(Model::S3("s3://b/a/model.tar.gz".to_owned()))
        );
        for wrong in ["s3://", "s3://b", "s3://b/", "s3:///a", "s3://b/a/"] {
            assert!(wrong.parse::<Model>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_archive_stays_in_its_directory() {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("model.tar.gz");
        let zipped = flate2::write::GzEncoder::new(File::create(&archive).unwrap(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(zipped);
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..7].copy_from_slice(b"../evil");
        header.set_size(1);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, &b"x"[..]).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o600);
        tar.append_data(&mut header, "code/model.bin", &b"y"[..]).unwrap();
        tar.into_inner().unwrap().finish().unwrap();
        let model = dir.path().join("below/model");
        unpack(&archive, &model).unwrap();
        assert_eq!(fs::read(model.join("code/model.bin")).unwrap(), b"y");
        assert!(!dir.path().join("below/evil").exists());
    }
}
