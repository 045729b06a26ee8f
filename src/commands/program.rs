//! sgbuild itself, as AWS runs it: packed, and uploaded to where the stack fetches it.

use std::path::{Path, PathBuf};

use aws_config::SdkConfig;
use serde::Serialize;

use super::Checkout;
use crate::aws::region;
use crate::deployment::bucket::BucketSettings;
use crate::deployment::{self, DeploymentPackage};
use crate::error::Error;
use crate::progress::Progress;
use crate::registry::ecr;

/// The template's parameters that say where the program is and for which processors.
pub(super) const PARAMETERS: [&str; 3] = ["CodeBucket", "CodeKey", "Architecture"];

/// The program, where AWS fetches it.
#[derive(Serialize)]
pub(super) struct Uploaded {
    bucket: String,
    key: String,
    #[serde(flatten)]
    code: DeploymentPackage,
}

impl Uploaded {
    pub(super) fn parameters(&self) -> impl Iterator<Item = (String, String)> {
        let values = [&self.bucket, &self.key, self.code.architecture.name()];
        let named = PARAMETERS.into_iter().zip(values);
        named.map(|(name, value)| (name.to_owned(), value.to_owned()))
    }
}

/// Packs this program, or the one at `binary`.
pub(super) fn pack(binary: Option<&Path>, progress: &dyn Progress) -> Result<DeploymentPackage, Error> {
    let path = match binary {
        Some(path) => path.to_owned(),
        None => std::env::current_exe().unwrap_or_else(|_| PathBuf::from("sgbuild")),
    };
    progress.step("Packing sgbuild for AWS");
    let code = deployment::pack(&path)?;
    progress.detail(&format!(
        "{}: {}, {:.1} MB, zipped {:.1} MB (Lambda takes 250 MiB unpacked)",
        path.display(),
        code.architecture.name(),
        megabytes(code.unpacked),
        megabytes(code.packed),
    ));
    Ok(code)
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal place")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Uploads the package; in a dry run, says only where it would go.
pub(super) async fn upload(
    code: DeploymentPackage,
    is_dry: bool,
    checkout: &Checkout<'_>,
    aws: &SdkConfig,
) -> Result<Uploaded, Error> {
    let region = region::configured(aws);
    let settings = BucketSettings {
        account: ecr::caller_account(aws, &region).await?,
        region,
        bucket: checkout.settings.pipeline().code_bucket.map(ToOwned::to_owned),
    };
    let key = code.key();
    let place = format!("s3://{}/{key}", settings.name());
    if is_dry {
        checkout.progress.step(&format!("Would upload it to {place}"));
    } else {
        checkout.progress.step(&format!("Uploading it to {place}"));
        deployment::bucket::upload(aws, &settings, &code, checkout.progress).await?;
    }
    Ok(Uploaded {
        bucket: settings.name(),
        key,
        code,
    })
}
