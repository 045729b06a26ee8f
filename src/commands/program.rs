//! What is uploaded before a stack is made: sgbuild itself, as AWS runs it, and the template where a request cannot carry it.

use std::path::{Path, PathBuf};

use aws_config::SdkConfig;
use serde::Serialize;

use super::Checkout;
use crate::aws::region;
use crate::cli;
use crate::deployment::bucket::{BucketSettings, CodeBucket};
use crate::deployment::{self, Architecture, DeploymentPackage, Upload};
use crate::error::Error;
use crate::progress::{Progress, Waiting};
use crate::registry::ecr;
use crate::stack::Template;

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
        let _waiting = Waiting::begin(progress, "Packing it");
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

/// The code bucket that the settings name, in the account whose credentials these are.
pub(super) async fn bucket_settings(checkout: &Checkout<'_>, aws: &SdkConfig) -> Result<BucketSettings, Error> {
    let region = region::configured(aws);
    Ok(BucketSettings {
        account: ecr::caller_account(aws, &region).await?,
        region,
        bucket: checkout.settings.pipeline().code_bucket.map(ToOwned::to_owned),
    })
}

/// The template as CloudFormation reads it: uploaded where it is too long for a request, or for others to launch. A dry run uploads it too
/// where it must be, since nobody but CloudFormation can say what it would change.
pub(super) async fn place(
    template: Template,
    settings: &BucketSettings,
    arguments: &cli::Launch,
    aws: &SdkConfig,
    progress: &dyn Progress,
) -> Result<Template, Error> {
    let Template::Body(text) = template else {
        return Ok(template);
    };
    let is_for_others = arguments.upload_only && !arguments.dry_run.dry_run;
    if !Template::must_be_uploaded(&text)? && !is_for_others {
        return Ok(Template::Body(text));
    }
    let upload = Upload::template(&text);
    let place = format!("s3://{}/{}", settings.name(), upload.key);
    progress.step(&format!("Uploading the template to {place}"));
    let bucket = CodeBucket::open(aws, settings, progress).await?;
    bucket.put(&upload, progress).await?;
    if is_for_others {
        bucket.make_latest(&upload).await?;
    }
    Ok(Template::Url(bucket.url(&upload.key).await?))
}

/// Uploads the program; in a dry run, says only where it would go. What is uploaded for others to launch becomes the latest, too.
pub(super) async fn upload(
    program: Program,
    settings: &BucketSettings,
    arguments: &cli::Launch,
    aws: &SdkConfig,
    progress: &dyn Progress,
) -> Result<Uploaded, Error> {
    for package in program.packages() {
        let place = format!("s3://{}/{}", settings.name(), package.key());
        if arguments.dry_run.dry_run {
            progress.step(&format!("Would upload it to {place}"));
            continue;
        }
        progress.step(&format!("Uploading it to {place}"));
        let _waiting = Waiting::begin(progress, "Waiting for S3 to take it");
        let bucket = CodeBucket::open(aws, settings, progress).await?;
        bucket.put(&package.upload(), progress).await?;
        if arguments.upload_only {
            bucket.make_latest(&package.upload()).await?;
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
