//! sgbuild itself, as AWS runs it: packed, and uploaded to where the stack fetches it.

use std::path::{Path, PathBuf};

use aws_config::SdkConfig;
use serde::Serialize;

use super::Checkout;
use crate::aws::region;
use crate::cli;
use crate::deployment::bucket::BucketSettings;
use crate::deployment::{self, Architecture, DeploymentPackage};
use crate::error::Error;
use crate::progress::Progress;
use crate::registry::ecr;

/// The template's parameters that say where the program is, and for which processors.
pub(super) const PARAMETERS: [&str; 4] = ["CodeBucket", "CodeKey", "Architecture", "BuildCodeKey"];

/// The program, packed: for the stack's functions, and for its builds. These run on x86-64, whatever the functions run on.
pub(super) struct Program {
    functions: DeploymentPackage,
    /// Where it is not the functions'.
    builds: Option<DeploymentPackage>,
}

impl Program {
    /// Packs this program, or those that are named.
    pub(super) fn pack(arguments: &cli::Launch, progress: &dyn Progress) -> Result<Self, Error> {
        let path = match &arguments.binary {
            Some(path) => path.clone(),
            None => std::env::current_exe().unwrap_or_else(|_| PathBuf::from("sgbuild")),
        };
        progress.step("Packing sgbuild for AWS");
        let functions = pack(&path, progress)?;
        let builds = match &arguments.build_binary {
            Some(path) => Some(for_builds(path, pack(path, progress)?)?),
            None if functions.architecture == Architecture::X86_64 => None,
            None => return Err(deployment::Error::NotForBuilds { path }.into()),
        };
        Ok(Self { functions, builds })
    }

    fn packages(&self) -> impl Iterator<Item = &DeploymentPackage> {
        std::iter::once(&self.functions).chain(&self.builds)
    }
}

fn for_builds(path: &Path, package: DeploymentPackage) -> Result<DeploymentPackage, deployment::Error> {
    match package.architecture {
        Architecture::X86_64 => Ok(package),
        Architecture::Arm64 => Err(deployment::Error::NotForBuilds { path: path.to_owned() }),
    }
}

fn pack(path: &Path, progress: &dyn Progress) -> Result<DeploymentPackage, Error> {
    let code = deployment::pack(path)?;
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

/// The program, where AWS fetches it.
#[derive(Serialize)]
pub(super) struct Uploaded {
    bucket: String,
    key: String,
    /// The key of the builds' program.
    build_key: String,
    #[serde(flatten)]
    code: DeploymentPackage,
}

impl Uploaded {
    pub(super) fn parameters(&self) -> impl Iterator<Item = (String, String)> {
        let values = [&self.bucket, &self.key, self.code.architecture.name(), &self.build_key];
        let named = PARAMETERS.into_iter().zip(values);
        named.map(|(name, value)| (name.to_owned(), value.to_owned()))
    }
}

/// Uploads the program; in a dry run, says only where it would go. What is uploaded for others to launch becomes the latest, too.
pub(super) async fn upload(
    program: Program,
    arguments: &cli::Launch,
    checkout: &Checkout<'_>,
    aws: &SdkConfig,
) -> Result<Uploaded, Error> {
    let region = region::configured(aws);
    let settings = BucketSettings {
        account: ecr::caller_account(aws, &region).await?,
        region,
        bucket: checkout.settings.pipeline().code_bucket.map(ToOwned::to_owned),
    };
    for package in program.packages() {
        let place = format!("s3://{}/{}", settings.name(), package.key());
        if arguments.dry_run.dry_run {
            checkout.progress.step(&format!("Would upload it to {place}"));
            continue;
        }
        checkout.progress.step(&format!("Uploading it to {place}"));
        deployment::bucket::upload(aws, &settings, package, checkout.progress).await?;
        if arguments.upload_only {
            deployment::bucket::make_latest(aws, &settings, package).await?;
        }
    }
    let Program { functions, builds } = program;
    Ok(Uploaded {
        bucket: settings.name(),
        key: functions.key(),
        build_key: builds.as_ref().unwrap_or(&functions).key(),
        code: functions,
    })
}
