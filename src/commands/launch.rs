//! `sgbuild launch`: the whole pipeline in AWS, created or updated.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Checkout, job, json};
use crate::aws::region;
use crate::cli;
use crate::deployment::bucket::BucketSettings;
use crate::deployment::{self, DeploymentPackage};
use crate::error::Error;
use crate::progress::Progress;
use crate::registry::ecr;
use crate::settings::PipelineSettings;
use crate::shown::{Data, Page};
use crate::stack::{self, Change, CloudFormation, Plan, PlanSettings, Planned, Stack};

use super::github::{self, Remote};

/// The template's parameters that say where the program is and for which processors.
const CODE_PARAMETERS: [&str; 3] = ["CodeBucket", "CodeKey", "Architecture"];

/// Shown in the console as folders of the input bucket.
const FOLDERS: [&str; 4] = [
    "input/config/",
    "input/data/testing/",
    "input/data/training/",
    "input/data/validation/",
];

/// What the command did, or would do.
#[derive(Serialize)]
struct Outcome<'a> {
    /// Nothing was changed: `--dry-run`.
    dry_run: bool,
    changes: &'a [Change],
    stack: Option<&'a Stack>,
    code: &'a Uploaded,
}

/// The program, where AWS fetches it.
#[derive(Serialize)]
struct Uploaded {
    bucket: String,
    key: String,
    #[serde(flatten)]
    code: DeploymentPackage,
}

impl Uploaded {
    fn parameters(&self) -> impl Iterator<Item = (String, String)> {
        let values = [&self.bucket, &self.key, self.code.architecture.name()];
        let named = CODE_PARAMETERS.into_iter().zip(values);
        named.map(|(name, value)| (name.to_owned(), value.to_owned()))
    }
}

pub(super) async fn run(arguments: &cli::Launch, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let template = template(arguments.template.as_deref())?;
    let mut settings = plan_settings(checkout, template)?;
    let aws = checkout.aws().await;
    let cloud_formation = CloudFormation::new(&aws)?;
    if !arguments.upload_only {
        stack::check(&cloud_formation, &settings, &CODE_PARAMETERS).await?;
    }
    let code = pack(arguments.binary.as_deref(), checkout.progress)?;
    let uploaded = upload(code, arguments, checkout, &aws).await?;
    if arguments.upload_only {
        return Ok(upload_outcome(&uploaded, arguments.json.json));
    }

    settings.given.extend(uploaded.parameters());
    checkout
        .progress
        .step(&format!("Comparing with the stack {}", settings.stack));
    let plan = match stack::plan(&cloud_formation, &settings, checkout.progress).await? {
        Planned::Changes(plan) => plan,
        Planned::UpToDate(stack) => {
            checkout
                .progress
                .step(&format!("The stack {} is up to date", stack.name));
            make_folders(&stack, arguments, &aws).await?;
            return Ok(outcome(arguments, &[], Some(&stack), &uploaded));
        }
    };
    tell(&plan, checkout.progress);
    let at_stake = plan.data_at_stake();
    let is_refused = !at_stake.is_empty() && !arguments.yes && !arguments.dry_run.dry_run;
    if arguments.dry_run.dry_run || is_refused {
        stack::discard(&cloud_formation, &plan).await?;
    }
    if is_refused {
        return Err(stack::Error::DataAtStake {
            name: plan.stack,
            resources: at_stake,
        }
        .into());
    }
    if arguments.dry_run.dry_run {
        return Ok(outcome(arguments, &plan.changes, None, &uploaded));
    }

    let verb = if plan.creates { "Creating" } else { "Updating" };
    checkout.progress.step(&format!("{verb} the stack {}", plan.stack));
    checkout
        .progress
        .detail("AWS goes on even when this command is interrupted; `sgbuild status` shows how it ended");
    let stack = stack::execute(&cloud_formation, &plan, checkout.progress).await?;
    make_folders(&stack, arguments, &aws).await?;
    checkout
        .progress
        .step(&format!("The stack {} is {}", stack.name, stack.status));
    if plan.creates {
        checkout
            .progress
            .step("AWS asks by mail for the address's consent: confirm it, or no message arrives");
    }
    Ok(outcome(arguments, &plan.changes, Some(&stack), &uploaded))
}

/// The stack's name: the setting, else the repository's name and `-pipeline`.
pub(super) fn stack_name(checkout: &Checkout<'_>) -> Result<String, Error> {
    let PipelineSettings { stack, github_repo, .. } = checkout.settings.pipeline();
    if let Some(name) = stack {
        return Ok(name.to_owned());
    }
    let remote = remote(checkout)?;
    let repository = github_repo.or_else(|| remote.as_ref().map(|remote| remote.repository.as_str()));
    Ok(format!(
        "{}-pipeline",
        github::plain_name(repository.unwrap_or("sgbuild"), usize::MAX)
    ))
}

fn remote(checkout: &Checkout<'_>) -> Result<Option<Remote>, Error> {
    let url = checkout.revision()?.and_then(|revision| revision.remote.as_deref());
    Ok(url.and_then(Remote::parse))
}

fn template(path: Option<&Path>) -> Result<String, Error> {
    let Some(path) = path else {
        return Ok(stack::TEMPLATE.to_owned());
    };
    std::fs::read_to_string(path).map_err(|source| {
        Error::from(stack::Error::Template {
            path: path.to_owned(),
            source,
        })
    })
}

fn pack(binary: Option<&Path>, progress: &dyn Progress) -> Result<DeploymentPackage, Error> {
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

/// With `--dry-run`, only where it would go.
async fn upload(
    code: DeploymentPackage,
    arguments: &cli::Launch,
    checkout: &Checkout<'_>,
    aws: &aws_config::SdkConfig,
) -> Result<Uploaded, Error> {
    let region = region::configured(aws);
    let settings = BucketSettings {
        account: ecr::caller_account(aws, &region).await?,
        region,
        bucket: checkout.settings.pipeline().code_bucket.map(ToOwned::to_owned),
    };
    let key = code.key();
    let place = format!("s3://{}/{key}", settings.name());
    if arguments.dry_run.dry_run {
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

fn plan_settings(checkout: &Checkout<'_>, template: String) -> Result<PlanSettings, Error> {
    let settings = &checkout.settings;
    let mut given = settings.stack_parameters();
    if let Some(engine) = given.get_mut("Engine") {
        job::engine_kind(checkout)?.parameter().clone_into(engine);
    }
    if let Some(token) = github::token(settings.environment()) {
        given.insert("GitHubToken".to_owned(), token.to_owned());
    }
    given.extend(settings.other_stack_parameters().clone());
    Ok(PlanSettings {
        stack: stack_name(checkout)?,
        template,
        derived: derived(remote(checkout)?.as_ref(), &given),
        given,
        tags: BTreeMap::new(),
    })
}

/// What the checkout says of a new pipeline.
fn derived(remote: Option<&Remote>, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut derived = BTreeMap::new();
    if let Some(remote) = remote {
        derived.insert("GitHubUser".to_owned(), remote.owner.clone());
        derived.insert("GitHubRepo".to_owned(), remote.repository.clone());
        derived.insert("GitHubHost".to_owned(), remote.host.clone());
    }
    if let Some(repository) = given.get("GitHubRepo").or(derived.get("GitHubRepo")) {
        derived.insert("PipelineName".to_owned(), github::plain_name(repository, 22));
    }
    derived
}

/// Shows the plan.
fn tell(plan: &Plan, progress: &dyn Progress) {
    let verb = if plan.creates { "create" } else { "change" };
    progress.step(&format!("This will {verb} the stack {}:", plan.stack));
    for change in &plan.changes {
        let sign = match change.action.as_str() {
            "Add" => '+',
            "Remove" => '-',
            _ if change.replaces => '!',
            _ => '~',
        };
        let note = if change.replaces { ", made anew" } else { "" };
        progress.output(&format!("{sign} {} ({}{note})", change.logical_id, change.kind));
    }
}

async fn make_folders(stack: &Stack, arguments: &cli::Launch, aws: &aws_config::SdkConfig) -> Result<(), Error> {
    match stack.outputs.get("TrainingInputBucket") {
        Some(bucket) if !arguments.dry_run.dry_run => {
            Ok(deployment::bucket::make_folders(aws, bucket, &FOLDERS).await?)
        }
        _ => Ok(()),
    }
}

fn outcome(arguments: &cli::Launch, changes: &[Change], stack: Option<&Stack>, code: &Uploaded) -> Data {
    if arguments.json.json {
        return json(&Outcome {
            dry_run: arguments.dry_run.dry_run,
            changes,
            stack,
            code,
        });
    }
    let mut page = Page::new();
    if let Some(stack) = stack {
        outputs(&mut page, stack);
    }
    Data::Page(page)
}

/// Adds the stack's outputs, one a line.
pub(super) fn outputs(page: &mut Page, stack: &Stack) {
    let rows: Vec<_> = stack.outputs.iter().map(|(key, value)| [key, value]).collect();
    let [widest, _] = Page::widths(&rows, usize::MAX);
    for row in rows {
        page.row(&row, &[widest]);
    }
}

/// For `aws cloudformation create-stack --parameters`, one a line.
fn upload_outcome(uploaded: &Uploaded, as_json: bool) -> Data {
    if as_json {
        return json(uploaded);
    }
    let parameters = uploaded.parameters();
    let lines = parameters.map(|(key, value)| format!("ParameterKey={key},ParameterValue={value}").into());
    Data::Names(lines.collect())
}
