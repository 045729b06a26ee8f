//! The pipeline's CloudFormation stack: planned as a change set, executed, followed to its end, and taken down.
//!
//! The template is `templates/cicd-pipeline.yaml`; what it makes is described in `docs/pipeline.md`.

mod build_image;
mod change_set;
mod error;
mod events;
mod idle;
mod template;

pub use build_image::concern_about;
pub use change_set::{Change, Plan, PlanSettings, Planned, check, discard, execute, plan};
pub use error::{Error, FailedResource};
pub use events::{Mark, follow, mark};
pub use idle::{Idle, IdleCost};
pub use template::{MAX_BODY, Template};

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::Stack as Described;
use aws_sdk_cloudformation::types::StackResource;
use serde::Serialize;

use crate::aws::CallError;

/// The template of the whole pipeline.
pub const TEMPLATE: &str = include_str!("../../templates/cicd-pipeline.yaml");

/// The types of resource that hold data, which could not be made again. The template keeps them when the stack is deleted.
const HOLD_DATA: [&str; 3] = ["AWS::S3::Bucket", "AWS::ECR::Repository", "AWS::DynamoDB::Table"];

/// The parameters that the stack of every pipeline has, whichever template it was made of: without them `launch` makes none.
const OF_A_PIPELINE: [&str; 3] = ["Email", "CodeBucket", "CodeKey"];

/// How long to wait before asking CloudFormation again.
const POLL: Duration = Duration::from_secs(2);

/// A stack as CloudFormation describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// Its ARN, which stays valid after its deletion.
    pub id: String,
    /// A [status](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html#cfn-console-view-stack-data-resources-status-codes),
    /// such as `CREATE_COMPLETE`.
    pub status: String,
    /// Why it has this status, where CloudFormation says it.
    pub reason: Option<String>,
    /// When it was created or last updated, RFC 3339.
    pub changed_at: Option<String>,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
    /// Its parameters; CloudFormation masks the secret ones.
    pub parameters: BTreeMap<String, String>,
}

impl Stack {
    /// Whether it is complete, and can be updated.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(
            self.status.as_str(),
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_COMPLETE"
        )
    }

    /// Whether somebody is changing it right now.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && !self.is_empty_shell()
    }

    /// Whether it is empty: a change set was made to create it, and never executed.
    fn is_empty_shell(&self) -> bool {
        self.status == "REVIEW_IN_PROGRESS"
    }

    /// Whether it can only be deleted, since its creation failed.
    fn is_remains(&self) -> bool {
        matches!(
            self.status.as_str(),
            "ROLLBACK_COMPLETE" | "DELETE_FAILED" | "ROLLBACK_FAILED" | "CREATE_FAILED"
        )
    }

    /// Refuses a stack that is not a pipeline's. Its name may come from the checkout or from the repository's, and may be that of a stack
    /// that other things depend on.
    ///
    /// # Errors
    /// [`Error::Foreign`].
    pub fn must_be_a_pipeline(&self) -> Result<(), Error> {
        let lacks: Vec<_> = OF_A_PIPELINE
            .into_iter()
            .filter(|name| !self.parameters.contains_key(*name))
            .collect();
        // Where nothing was made yet, nothing is lost.
        if lacks.is_empty() || self.is_empty_shell() {
            return Ok(());
        }
        Err(Error::Foreign {
            name: self.name.clone(),
            lacks,
        })
    }

    fn of(described: &Described) -> Self {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let outputs = described.outputs().iter();
        let parameters = described.parameters().iter();
        let changed_at = described.last_updated_time().or(described.creation_time());
        Self {
            name: text(described.stack_name()),
            id: text(described.stack_id()),
            status: described.stack_status().map_or("", |status| status.as_str()).to_owned(),
            reason: described
                .stack_status_reason()
                .filter(|reason| !reason.is_empty())
                .map(ToOwned::to_owned),
            changed_at: changed_at
                .and_then(|time| jiff::Timestamp::from_second(time.secs()).ok())
                .map(|time| time.to_string()),
            outputs: outputs
                .map(|output| (text(output.output_key()), text(output.output_value())))
                .collect(),
            parameters: parameters
                .map(|parameter| (text(parameter.parameter_key()), text(parameter.parameter_value())))
                .collect(),
        }
    }
}

/// A resource that outlives its stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Such as `AWS::S3::Bucket`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The bucket's, repository's or table's name.
    pub name: String,
}

/// A client of CloudFormation, with the region that its errors name.
#[derive(Debug, Clone)]
pub struct CloudFormation {
    client: Client,
    region: String,
}

impl CloudFormation {
    /// With credentials, region and endpoint of `sdk_config`.
    ///
    /// # Errors
    /// No region is configured.
    pub fn new(sdk_config: &SdkConfig) -> Result<Self, Error> {
        let region = sdk_config.region().ok_or(Error::NoRegion)?.to_string();
        Ok(Self {
            client: Client::new(sdk_config),
            region,
        })
    }

    /// The stack named (or with the ARN) `name`, `None` where there is none
    /// ([DescribeStacks](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html)).
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe(&self, name: &str) -> Result<Option<Stack>, Error> {
        let answer = self.client.describe_stacks().stack_name(name).send().await;
        match answer.map_err(|error| CallError::from_sdk(&error)) {
            Ok(answer) => Ok(answer.stacks().first().map(Stack::of)),
            Err(failure) if is_missing(&failure) => Ok(None),
            Err(failure) => Err(self.failed("cloudformation:DescribeStacks", name, failure)),
        }
    }

    /// The stack's buckets, repositories and tables, which its deletion leaves.
    ///
    /// # Errors
    /// The call failed.
    pub async fn kept(&self, name: &str) -> Result<Vec<Kept>, Error> {
        let answer = self.client.describe_stack_resources().stack_name(name).send().await;
        let answer = answer.map_err(|error| {
            self.failed(
                "cloudformation:DescribeStackResources",
                name,
                CallError::from_sdk(&error),
            )
        })?;
        let held = |resource: &&StackResource| HOLD_DATA.contains(&resource.resource_type().unwrap_or_default());
        let mut kept: Vec<_> = answer
            .stack_resources()
            .iter()
            .filter(held)
            .map(|resource| Kept {
                kind: resource.resource_type().unwrap_or_default().to_owned(),
                name: resource.physical_resource_id().unwrap_or_default().to_owned(),
            })
            .collect();
        kept.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
        Ok(kept)
    }

    /// Asks for the deletion of a stack; [`follow`] sees it through
    /// ([DeleteStack](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html)).
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let answer = self.client.delete_stack().stack_name(name).send().await;
        answer
            .map(|_| ())
            .map_err(|error| self.failed("cloudformation:DeleteStack", name, CallError::from_sdk(&error)))
    }

    fn failed(&self, action: &'static str, stack: &str, source: CallError) -> Error {
        Error::Call {
            action,
            stack: stack.to_owned(),
            region: self.region.clone(),
            source,
        }
    }
}

/// CloudFormation has no code of its own for a stack that does not exist.
fn is_missing(failure: &CallError) -> bool {
    failure.code() == "ValidationError" && failure.to_string().contains("does not exist")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(status: &str) -> Stack {
        Stack {
            name: "iris".to_owned(),
            id: "arn".to_owned(),
            status: status.to_owned(),
            reason: None,
            changed_at: None,
            outputs: BTreeMap::new(),
            parameters: BTreeMap::new(),
        }
    }

    #[test]
    fn a_status_says_what_may_be_done() {
        assert!(stack("UPDATE_ROLLBACK_COMPLETE").is_complete());
        assert!(stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS").is_busy());
        assert!(!stack("REVIEW_IN_PROGRESS").is_busy());
        assert!(stack("ROLLBACK_COMPLETE").is_remains());
        assert!(!stack("UPDATE_ROLLBACK_FAILED").is_complete());
    }

    #[test]
    fn a_pipeline_is_known_by_its_parameters() {
        let mut stack = stack("DELETE_FAILED");
        let refused = stack.must_be_a_pipeline().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the stack iris is no pipeline of sgbuild's: it has no parameter Email, CodeBucket, CodeKey"
        );
        for name in OF_A_PIPELINE {
            assert!(TEMPLATE.contains(&format!("\n  {name}:\n")));
            stack.parameters.insert(name.to_owned(), String::new());
        }
        stack.must_be_a_pipeline().unwrap();
    }
}
