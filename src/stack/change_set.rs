//! A change, planned before it is made: a CloudFormation change set.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::{
    Capability, ChangeSetStatus, ChangeSetType, OnStackFailure, Parameter, ParameterDeclaration, Replacement,
    ResourceChange, Tag,
};
use serde::Serialize;

use super::{CloudFormation, Error, HOLD_DATA, Mark, POLL, Stack, Template, follow, mark};
use crate::aws::{CallError, MOST, Pages};
use crate::progress::Progress;

/// What a stack is to become.
#[derive(Debug, Clone)]
pub struct PlanSettings {
    /// The stack's name.
    pub stack: String,
    /// What it is made of.
    pub template: Template,
    /// Values that were set. A stack that exists keeps its own for the others; a new one takes the template's defaults.
    pub given: BTreeMap<String, String>,
    /// Values for a new stack, where none was set.
    pub derived: BTreeMap<String, String>,
    /// Tags of the stack, which CloudFormation hands on to its resources.
    pub tags: BTreeMap<String, String>,
}

/// One resource's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `Add`, `Modify`, `Remove`, …
    pub action: String,
    /// The resource's name in the template.
    pub logical_id: String,
    /// Such as `AWS::S3::Bucket`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether the resource is, or may be, replaced by a new one, the old one being deleted or left.
    pub replaces: bool,
}

/// A change set, ready to be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The change set's ARN.
    pub id: String,
    /// The stack's name.
    pub stack: String,
    /// The stack's ARN.
    pub stack_id: String,
    /// The stack does not exist yet.
    pub creates: bool,
    /// What would change.
    pub changes: Vec<Change>,
}

/// The outcome of planning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// There is something to do.
    Changes(Plan),
    /// The stack is as it should be.
    UpToDate(Stack),
}

impl Plan {
    /// The resources with data that the changes would remove or replace.
    #[must_use]
    pub fn data_at_stake(&self) -> Vec<String> {
        let lost = |change: &&Change| {
            HOLD_DATA.contains(&change.kind.as_str()) && (change.replaces || change.action == "Remove")
        };
        let lost = self.changes.iter().filter(lost);
        lost.map(|change| change.logical_id.clone()).collect()
    }
}

/// Checks that a plan can be made, before anything is uploaded for it: every parameter is known to the template, and none is missing but
/// those in `to_come`.
///
/// # Errors
/// Parameters are missing or unknown, a call failed.
pub async fn check(cloud_formation: &CloudFormation, settings: &PlanSettings, to_come: &[&str]) -> Result<(), Error> {
    let existing = described(cloud_formation, settings).await?;
    let existing = existing.filter(|stack| !stack.is_empty_shell() && !stack.is_remains());
    let declared = declared(cloud_formation, settings).await?;
    let mut settings = settings.clone();
    let to_come = to_come.iter().map(|name| ((*name).to_owned(), String::new()));
    settings.given.extend(to_come);
    parameters(&settings, &declared, existing.as_ref()).map(drop)
}

/// Makes a change set
/// ([CreateChangeSet](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html)) and waits for
/// it. The remains of a creation that failed are deleted first: nothing is in them.
///
/// # Errors
/// Parameters are missing or unknown, the stack is being changed or stuck, CloudFormation refuses the change or a call.
pub async fn plan(
    cloud_formation: &CloudFormation,
    settings: &PlanSettings,
    progress: &dyn Progress,
) -> Result<Planned, Error> {
    let existing = described(cloud_formation, settings).await?;
    let existing = without_remains(cloud_formation, existing, progress).await?;
    let declared = declared(cloud_formation, settings).await?;
    let parameters = parameters(settings, &declared, existing.as_ref())?;
    let name = format!("sgbuild-{}", uuid::Uuid::now_v7());
    let kind = if existing.is_some() {
        ChangeSetType::Update
    } else {
        ChangeSetType::Create
    };
    let creates = existing.is_none();
    let mut request = cloud_formation
        .client
        .create_change_set()
        .stack_name(&settings.stack)
        .change_set_name(&name)
        .change_set_type(kind)
        .set_template_body(settings.template.body())
        .set_template_url(settings.template.url())
        .set_parameters(Some(parameters))
        .capabilities(Capability::CapabilityNamedIam)
        .description("Made by sgbuild launch");
    if creates {
        request = request.on_stack_failure(OnStackFailure::Rollback);
    }
    for (key, value) in &settings.tags {
        request = request.tags(Tag::builder().key(key).value(value).build());
    }
    let made = match request.send().await.map_err(|error| CallError::from_sdk(&error)) {
        Ok(made) => made,
        Err(failure) => {
            return match existing {
                Some(stack) if says_no_change(&failure.to_string()) => Ok(Planned::UpToDate(stack)),
                _ => Err(cloud_formation.failed("cloudformation:CreateChangeSet", &settings.stack, failure)),
            };
        }
    };
    let id = made.id.unwrap_or(name);
    let stack_id = made.stack_id.unwrap_or_default();
    match ready(cloud_formation, &settings.stack, &id).await? {
        Readiness::Ready(changes) => Ok(Planned::Changes(Plan {
            id,
            stack: settings.stack.clone(),
            stack_id,
            creates,
            changes,
        })),
        Readiness::Refused(reason) => {
            let plan = Plan {
                id,
                stack: settings.stack.clone(),
                stack_id,
                creates,
                changes: Vec::new(),
            };
            discard(cloud_formation, &plan).await?;
            match existing {
                Some(stack) if says_no_change(&reason) => Ok(Planned::UpToDate(stack)),
                _ => Err(Error::PlanRefused {
                    name: settings.stack.clone(),
                    reason,
                }),
            }
        }
    }
}

/// The stack as it is, if there is one, which must be a pipeline's.
async fn described(cloud_formation: &CloudFormation, settings: &PlanSettings) -> Result<Option<Stack>, Error> {
    let existing = cloud_formation.describe(&settings.stack).await?;
    if let Some(stack) = &existing {
        stack.must_be_a_pipeline()?;
    }
    Ok(existing)
}

/// The stack that would be updated; `None` where one is to be created.
async fn without_remains(
    cloud_formation: &CloudFormation,
    existing: Option<Stack>,
    progress: &dyn Progress,
) -> Result<Option<Stack>, Error> {
    let Some(stack) = existing.filter(|stack| !stack.is_empty_shell()) else {
        return Ok(None);
    };
    let Stack {
        name,
        status,
        reason,
        id,
        ..
    } = stack.clone();
    if stack.is_busy() {
        return Err(Error::Busy { name, status });
    }
    if stack.is_complete() {
        return Ok(Some(stack));
    }
    if !stack.is_remains() {
        return Err(Error::Stuck { name, status, reason });
    }
    progress.step(&format!(
        "Removing what a failed creation left of the stack {name} ({status})"
    ));
    let mark = mark(cloud_formation, &id).await?;
    cloud_formation.delete(&id).await?;
    follow(cloud_formation, &name, &id, mark, progress).await?;
    Ok(None)
}

/// The parameters that the template declares
/// ([GetTemplateSummary](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplateSummary.html)).
async fn declared(
    cloud_formation: &CloudFormation,
    settings: &PlanSettings,
) -> Result<Vec<ParameterDeclaration>, Error> {
    let request = cloud_formation.client.get_template_summary();
    let answer = request
        .set_template_body(settings.template.body())
        .set_template_url(settings.template.url())
        .send()
        .await
        .map_err(|error| {
            cloud_formation.failed(
                "cloudformation:GetTemplateSummary",
                &settings.stack,
                CallError::from_sdk(&error),
            )
        })?;
    Ok(answer.parameters.unwrap_or_default())
}

/// Each declared parameter's value: the one that was set, the stack's own, the derived one, the template's default.
fn parameters(
    settings: &PlanSettings,
    declared: &[ParameterDeclaration],
    existing: Option<&Stack>,
) -> Result<Vec<Parameter>, Error> {
    let is_declared = |name: &&String| declared.iter().any(|one| one.parameter_key() == Some(name.as_str()));
    let unknown: Vec<_> = settings
        .given
        .keys()
        .filter(|name| !is_declared(name))
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Err(Error::UnknownParameters(unknown));
    }
    let mut missing = Vec::new();
    let mut parameters = Vec::new();
    for declaration in declared {
        let key = declaration.parameter_key().unwrap_or_default();
        let parameter = Parameter::builder().parameter_key(key);
        let kept = existing.is_some_and(|stack| stack.parameters.contains_key(key));
        if let Some(value) = settings.given.get(key) {
            parameters.push(parameter.parameter_value(value).build());
        } else if kept {
            parameters.push(parameter.use_previous_value(true).build());
        } else if let Some((_, value)) = as_ever(existing, key) {
            parameters.push(parameter.parameter_value(*value).build());
        } else if let Some(value) = settings.derived.get(key) {
            parameters.push(parameter.parameter_value(value).build());
        } else if declaration.default_value().is_none() {
            missing.push(key.to_owned());
        }
    }
    if missing.is_empty() {
        return Ok(parameters);
    }
    Err(Error::ParametersMissing {
        stack: settings.stack.clone(),
        parameters: missing,
    })
}

enum Readiness {
    Ready(Vec<Change>),
    Refused(String),
}

/// Waits for CloudFormation to compare, and reads every page of what it found
/// ([DescribeChangeSet](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html)).
async fn ready(cloud_formation: &CloudFormation, stack: &str, id: &str) -> Result<Readiness, Error> {
    let mut changes = Vec::new();
    let mut token = None;
    let mut count = Pages::of("changes", MOST);
    loop {
        let request = cloud_formation.client.describe_change_set();
        let request = request
            .stack_name(stack)
            .change_set_name(id)
            .set_next_token(token.take());
        let answer = request.send().await.map_err(|error| {
            cloud_formation.failed("cloudformation:DescribeChangeSet", stack, CallError::from_sdk(&error))
        })?;
        match answer.status() {
            Some(ChangeSetStatus::CreateComplete) => {}
            Some(ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress) => {
                tokio::time::sleep(POLL).await;
                continue;
            }
            _ => {
                return Ok(Readiness::Refused(
                    answer.status_reason().unwrap_or("it gave no reason").to_owned(),
                ));
            }
        }
        let page = answer.changes().iter().filter_map(|change| change.resource_change());
        changes.extend(page.map(Change::of));
        token = answer.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(Readiness::Ready(changes));
        }
        let counted = count.another();
        counted.map_err(|source| cloud_formation.failed("cloudformation:DescribeChangeSet", stack, source))?;
    }
}

impl Change {
    fn of(change: &ResourceChange) -> Self {
        Self {
            action: change.action().map_or("", |action| action.as_str()).to_owned(),
            logical_id: change.logical_resource_id().unwrap_or_default().to_owned(),
            kind: change.resource_type().unwrap_or_default().to_owned(),
            replaces: matches!(change.replacement(), Some(Replacement::True | Replacement::Conditional)),
        }
    }
}

/// Whether the reason of a refusal is that nothing would change: CloudFormation has no code for that, only words.
fn says_no_change(text: &str) -> bool {
    text.contains("didn't contain changes") || text.contains("No updates are to be performed")
}

/// Deletes a plan that is not to be executed, and the empty stack that planning a creation has left.
///
/// # Errors
/// A call failed.
pub async fn discard(cloud_formation: &CloudFormation, plan: &Plan) -> Result<(), Error> {
    let request = cloud_formation.client.delete_change_set();
    let deleted = request.stack_name(&plan.stack).change_set_name(&plan.id).send().await;
    deleted.map_err(|error| {
        cloud_formation.failed(
            "cloudformation:DeleteChangeSet",
            &plan.stack,
            CallError::from_sdk(&error),
        )
    })?;
    if plan.creates {
        cloud_formation.delete(&plan.stack_id).await?;
    }
    Ok(())
}

/// Executes a plan
/// ([ExecuteChangeSet](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html)), tells what
/// happens, and waits for the end. What a failed creation made is undone, buckets and repository included: they are empty.
///
/// # Errors
/// [`Error::Failed`] with the resource that failed first; a call that failed.
pub async fn execute(cloud_formation: &CloudFormation, plan: &Plan, progress: &dyn Progress) -> Result<Stack, Error> {
    let before: Mark = mark(cloud_formation, &plan.stack_id).await?;
    let request = cloud_formation.client.execute_change_set();
    let executed = request
        .stack_name(&plan.stack)
        .change_set_name(&plan.id)
        .retain_except_on_create(true)
        .send()
        .await;
    executed.map_err(|error| {
        cloud_formation.failed(
            "cloudformation:ExecuteChangeSet",
            &plan.stack,
            CallError::from_sdk(&error),
        )
    })?;
    follow(cloud_formation, &plan.stack, &plan.stack_id, before, progress).await?;
    let stack = cloud_formation.describe(&plan.stack_id).await?;
    stack.ok_or_else(|| Error::Missing {
        name: plan.stack.clone(),
        region: cloud_formation.region.clone(),
    })
}

/// What a stack was like before the template had these parameters: an update leaves it so.
const AS_EVER: [(&str, &str); 1] = [("Engine", "docker")];

/// The value of a parameter that the stack is older than.
fn as_ever(existing: Option<&Stack>, key: &str) -> Option<&'static (&'static str, &'static str)> {
    existing.filter(|stack| !stack.parameters.is_empty())?;
    AS_EVER.iter().find(|(name, _)| *name == key)
}

#[cfg(test)]
mod tests;
