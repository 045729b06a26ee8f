//! `sgbuild launch`: the whole pipeline in AWS, created or updated.

use aws_config::SdkConfig;
use serde::Serialize;

use super::program::{Program, Uploaded};
use super::{Checkout, json, pipeline, pipeline_engine, program};
use crate::cli;
use crate::deployment;
use crate::error::Error;
use crate::progress::{Progress, Waiting};
use crate::shown::{Data, Page};
use crate::stack::{self, Change, CloudFormation, Plan, Planned, Stack, Template};

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

pub(super) async fn run(arguments: &cli::Launch, checkout: &Checkout<'_>) -> Result<Data, Error> {
    checkout.settings.training_given().check_given()?;
    let progress = checkout.progress;
    let template = pipeline::read_template(arguments.template.as_deref())?;
    let mut settings = pipeline::plan_settings(checkout, Template::Body(template))?;
    if let Some(concern) = settings
        .given
        .get("PythonBuildVersion")
        .and_then(|image| stack::concern_about(image))
    {
        progress.warn(&concern);
    }
    let lack = pipeline_engine::lack(checkout, &settings.given).filter(|_| !arguments.upload_only);
    let objection = match lack.and_then(|lack| pipeline_engine::objection(lack, progress)) {
        // An earlier stack keeps the engine that it has.
        Some(objection) if pipeline_engine::is_default(&settings.given) => Some(objection),
        Some(objection) => return Err(objection.into()),
        None => None,
    };
    let aws = checkout.aws().await;
    let cloud_formation = CloudFormation::new(&aws)?;
    let bucket = program::bucket_settings(checkout, &aws).await?;
    settings.template = program::place(settings.template, &bucket, arguments, &aws, progress).await?;
    if !arguments.upload_only {
        stack::check(&cloud_formation, &settings, &program::PARAMETERS).await?;
    }
    let program = Program::pack(arguments, progress)?;
    let uploaded = program::upload(program, &bucket, arguments, &aws, progress).await?;
    if arguments.upload_only {
        return Ok(upload_outcome(&uploaded, &settings.template, arguments.json.json));
    }

    settings.given.extend(uploaded.parameters());
    let title = format!("Comparing with the stack {}", settings.stack);
    progress.step(&title);
    let waiting = Waiting::begin(progress, "Waiting for CloudFormation to compare");
    let planned = stack::plan(&cloud_formation, &settings, progress).await?;
    drop(waiting);
    let (changes, stack) = match planned {
        Planned::Changes(plan) => {
            if let Some(objection) = objection.filter(|_| plan.creates) {
                stack::discard(&cloud_formation, &plan).await?;
                return Err(objection.into());
            }
            tell(&plan, progress);
            let stack = carry_out(&plan, &cloud_formation, arguments, progress).await?;
            (plan.changes, stack)
        }
        Planned::UpToDate(stack) => {
            let title = format!("The stack {} is up to date", stack.name);
            progress.step(&title);
            (Vec::new(), Some(stack))
        }
    };
    if let Some(stack) = stack.as_ref().filter(|_| !arguments.dry_run.dry_run) {
        make_folders(stack, &aws).await?;
    }
    checkout.done_at_last();
    Ok(outcome(arguments, &changes, stack.as_ref(), &uploaded))
}

/// Changes the stack as planned; `None` with `--dry-run`. Where data would be lost, it wants to be told `--yes`.
async fn carry_out(
    plan: &Plan,
    cloud_formation: &CloudFormation,
    arguments: &cli::Launch,
    progress: &dyn Progress,
) -> Result<Option<Stack>, Error> {
    let at_stake = plan.data_at_stake();
    let is_refused = !at_stake.is_empty() && !arguments.yes && !arguments.dry_run.dry_run;
    if arguments.dry_run.dry_run || is_refused {
        stack::discard(cloud_formation, plan).await?;
    }
    if is_refused {
        let refused = stack::Error::DataAtStake {
            name: plan.stack.clone(),
            resources: at_stake,
        };
        return Err(refused.into());
    }
    if arguments.dry_run.dry_run {
        return Ok(None);
    }
    let verb = if plan.creates { "Creating" } else { "Updating" };
    progress.step(&format!("{verb} the stack {}", plan.stack));
    progress.detail("AWS goes on even when this command is interrupted; `sgbuild status` shows how it ended");
    let stack = stack::execute(cloud_formation, plan, progress).await?;
    progress.step(&format!("The stack {} is {}", stack.name, stack.status));
    if plan.creates {
        progress.step("AWS asks by mail for the address's consent: confirm it, or no message arrives");
    }
    Ok(Some(stack))
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

async fn make_folders(stack: &Stack, aws: &SdkConfig) -> Result<(), Error> {
    match stack.outputs.get("TrainingInputBucket") {
        Some(bucket) => Ok(deployment::bucket::make_folders(aws, bucket, &FOLDERS).await?),
        None => Ok(()),
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

/// What was uploaded, for others to launch.
#[derive(Serialize)]
struct ForOthers<'a> {
    #[serde(flatten)]
    code: &'a Uploaded,
    template_url: Option<&'a str>,
}

/// For `aws cloudformation create-stack`: parameters, one a line, and where the template is.
fn upload_outcome(uploaded: &Uploaded, template: &Template, as_json: bool) -> Data {
    let template_url = match template {
        Template::Url(address) => Some(address.as_str()),
        // A dry run.
        Template::Body(_) => None,
    };
    if as_json {
        return json(&ForOthers {
            code: uploaded,
            template_url,
        });
    }
    let parameters = uploaded.parameters();
    let lines = parameters.map(|(key, value)| format!("ParameterKey={key},ParameterValue={value}").into());
    let template_url = template_url.map(|address| format!("TemplateURL={address}").into());
    Data::Names(lines.chain(template_url).collect())
}
