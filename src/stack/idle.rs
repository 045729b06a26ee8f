//! What a stack costs while nobody builds or trains: which of its parts AWS bills for by the month, or uses by itself.
//!
//! Amounts are not told, since prices differ by region, change, and have free allowances of the whole account: every part comes with AWS's
//! page of prices.

use aws_sdk_cloudformation::types::ResourceStatus;
use serde::Serialize;

use super::{CloudFormation, Error, Stack};
use crate::aws::{CallError, MOST, Pages};

/// A part that costs something while nothing happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdleCost {
    /// The part's name in the template; of what is no resource of the stack, the parameter that names it.
    pub logical_id: String,
    /// Such as `AWS::S3::Bucket`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The bucket's, table's, … own name.
    pub name: String,
    /// What is paid for.
    pub paid_for: &'static str,
    /// AWS's page of prices.
    pub prices: &'static str,
}

/// What a stack costs while nothing happens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Idle {
    /// The parts that cost something, in the order of their names.
    pub costs: Vec<IdleCost>,
    /// The parts of types that this program knows nothing about, as a template of one's own may have them.
    pub unknown: Vec<String>,
}

/// A resource, as CloudFormation lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Resource {
    logical_id: String,
    kind: String,
    name: String,
}

const S3: &str = "https://aws.amazon.com/s3/pricing/";
const ECR: &str = "https://aws.amazon.com/ecr/pricing/";
const DYNAMODB: &str = "https://aws.amazon.com/dynamodb/pricing/on-demand/";
const CLOUDWATCH: &str = "https://aws.amazon.com/cloudwatch/pricing/";
const SECRETS: &str = "https://aws.amazon.com/secrets-manager/pricing/";
const SQS: &str = "https://aws.amazon.com/sqs/pricing/";
const LAMBDA: &str = "https://aws.amazon.com/lambda/pricing/";
const CODEBUILD: &str = "https://aws.amazon.com/codebuild/pricing/";
const KMS: &str = "https://aws.amazon.com/kms/pricing/";

/// What is paid for of each type of resource, and where that is said. The rules differ, so they go by their names in the template.
const BILLED: [(&str, &str, &str); 8] = [
    (
        "AWS::S3::Bucket",
        "its storage, replaced and deleted versions included",
        S3,
    ),
    ("AWS::ECR::Repository", "the images' storage", ECR),
    (
        "AWS::DynamoDB::Table",
        "the records' storage, once more for point-in-time recovery",
        DYNAMODB,
    ),
    ("AWS::Logs::LogGroup", "the storage of logs that are kept", CLOUDWATCH),
    (
        "AWS::CloudWatch::Alarm",
        "an alarm a month, beyond the account's free ones",
        CLOUDWATCH,
    ),
    (
        "AWS::CloudWatch::Dashboard",
        "a dashboard a month, beyond the account's free ones",
        CLOUDWATCH,
    ),
    ("AWS::SecretsManager::Secret", "a secret a month", SECRETS),
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    (
        "AWS::Lambda::EventSourceMapping",
        "Lambda's requests to the queue, which it asks for data all the time",
        SQS,
    ),
];
/// The rules that do something by themselves.
const RULES: [(&str, &str, &str); 2] = [
    (
        "JobChanged",
        "once an hour a request to record_result, its time, and a read of the table",
        LAMBDA,
    ),
    (
        "Schedule",
        "the builds that it starts, and their trainings: ScheduleExpression is set",
        CODEBUILD,
    ),
];
/// What costs only what it is used for.
const BY_USE: [&str; 13] = [
    "AWS::CodeBuild::Project",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
];

impl CloudFormation {
    /// What the stack costs while nothing happens, by the resources that it has
    /// ([ListStackResources](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html)).
    ///
    /// # Errors
    /// The call failed.
    pub async fn idle(&self, stack: &Stack) -> Result<Idle, Error> {
        let mut pages = self
            .client
            .list_stack_resources()
            .stack_name(&stack.id)
            .into_paginator()
            .send();
        let mut resources = Vec::new();
        let mut count = Pages::of("resources", MOST);
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| CallError::from_sdk(&error));
            let page = count.another().and(page);
            let page = page.map_err(|source| self.failed("cloudformation:ListStackResources", &stack.name, source))?;
            let is_gone = |status: Option<&ResourceStatus>| {
                matches!(
                    status,
                    Some(ResourceStatus::DeleteComplete | ResourceStatus::CreateFailed)
                )
            };
            let there = page.stack_resource_summaries().iter();
            let there = there.filter(|each| !is_gone(each.resource_status()));
            resources.extend(there.map(|each| Resource {
                logical_id: each.logical_resource_id().unwrap_or_default().to_owned(),
                kind: each.resource_type().unwrap_or_default().to_owned(),
                name: each.physical_resource_id().unwrap_or_default().to_owned(),
            }));
        }
        Ok(Idle::of(resources, stack))
    }
}

impl Idle {
    fn of(resources: Vec<Resource>, stack: &Stack) -> Self {
        let mut idle = Self::default();
        for resource in resources {
            let Resource { logical_id, kind, name } = resource;
            if let Some((_, paid_for, prices)) = billed(&kind, &logical_id) {
                idle.costs.push(IdleCost {
                    logical_id,
                    kind,
                    name,
                    paid_for,
                    prices,
                });
            } else if !BY_USE.contains(&kind.as_str()) {
                idle.unknown.push(format!("{logical_id} ({kind})"));
            }
        }
        idle.costs.sort_by(|a, b| a.logical_id.cmp(&b.logical_id));
        idle.unknown.sort();
        idle.costs.extend(beside(stack));
        idle
    }
}

fn billed(kind: &str, logical_id: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let (table, name): (&[_], _) = match kind {
        "AWS::Events::Rule" => (&RULES, logical_id),
        kind => (&BILLED, kind),
    };
    table.iter().find(|(known, ..)| *known == name).copied()
}

/// What is no part of the stack, and there because of it or named by it.
fn beside(stack: &Stack) -> Vec<IdleCost> {
    let parameter = |name: &str| stack.parameters.get(name).map(String::as_str);
    let cost = |logical_id: &str, kind: &str, name: String, paid_for, prices| IdleCost {
        logical_id: logical_id.to_owned(),
        kind: kind.to_owned(),
        name,
        paid_for,
        prices,
    };
    let mut costs = Vec::new();
    if let Some(bucket) = parameter("CodeBucket") {
        let name = match bucket {
            "" => default_code_bucket(&stack.id),
            bucket => bucket.to_owned(),
        };
        let paid_for = "the storage of every sgbuild and template that was uploaded; beside the stack";
        costs.push(cost("CodeBucket", "AWS::S3::Bucket", name, paid_for, S3));
    }
    if let Some(key) = parameter("KmsKeyArn").filter(|key| !key.is_empty()) {
        let paid_for = "a key of your own a month; beside the stack";
        costs.push(cost("KmsKeyArn", "AWS::KMS::Key", key.to_owned(), paid_for, KMS));
    }
    costs
}

/// The bucket that the template takes without being told of another one, by the account and region of
/// `arn:aws:cloudformation:region:account:stack/name/id`.
fn default_code_bucket(stack_id: &str) -> String {
    let mut parts = stack_id.split(':').skip(3);
    let region = parts.next().unwrap_or_default();
    let account = parts.next().unwrap_or_default();
    format!("sgbuild-{account}-{region}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(parameters: &[(&str, &str)]) -> Stack {
        Stack {
            name: "iris".to_owned(),
            id: "arn:aws:cloudformation:us-west-2:123456789012:stack/iris/0a1b".to_owned(),
            status: "CREATE_COMPLETE".to_owned(),
            reason: None,
            changed_at: None,
            outputs: [].into(),
            parameters: parameters
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    fn resource(logical_id: &str, kind: &str) -> Resource {
        Resource {
            logical_id: logical_id.to_owned(),
            kind: kind.to_owned(),
            name: logical_id.to_lowercase(),
        }
    }

    fn costs(resources: &[(&str, &str)], parameters: &[(&str, &str)]) -> Vec<String> {
        let resources = resources.iter().map(|(name, kind)| resource(name, kind)).collect();
        let idle = Idle::of(resources, &stack(parameters));
        idle.costs
            .iter()
            .map(|cost| format!("{} {}", cost.logical_id, cost.name))
            .collect()
    }

    #[test]
    fn every_type_of_the_template_is_known() {
        let template = crate::stack::TEMPLATE;
        let kinds = template
            .lines()
            .filter_map(|line| line.strip_prefix("    Type: "))
            .filter(|kind| kind.starts_with("AWS::"));
        let mut count = 0;
        for kind in kinds {
            count += 1;
            let is_billed = billed(kind, "").is_some();
            assert!(is_billed != BY_USE.contains(&kind), "{kind}");
        }
        assert!(count > 30, "{count}");
        for (rule, ..) in RULES {
            assert!(
                template.contains(&format!("\n  {rule}:\n    Type: AWS::Events::Rule\n")),
                "{rule}"
            );
        }
    }

    #[test]
    fn only_what_is_paid_for_at_rest_is_told() {
        let resources = [
            ("Start", "AWS::Lambda::Function"),
            ("Models", "AWS::S3::Bucket"),
            ("BuildFailed", "AWS::Events::Rule"),
            ("Schedule", "AWS::Events::Rule"),
            ("EventsLost", "AWS::CloudWatch::Alarm"),
        ];
        assert_eq!(
            costs(&resources, &[]),
            ["EventsLost eventslost", "Models models", "Schedule schedule"]
        );
        let endpoint = resource("Endpoint", "AWS::SageMaker::Endpoint");
        let idle = Idle::of(vec![endpoint], &stack(&[]));
        assert_eq!(idle.unknown, ["Endpoint (AWS::SageMaker::Endpoint)"]);
    }

    #[test]
    fn what_stands_beside_the_stack_is_named() {
        let key = "arn:aws:kms:us-west-2:123456789012:key/1";
        assert_eq!(
            costs(&[], &[("CodeBucket", ""), ("KmsKeyArn", key)]),
            [
                "CodeBucket sgbuild-123456789012-us-west-2".to_owned(),
                format!("KmsKeyArn {key}")
            ]
        );
        assert_eq!(
            costs(&[], &[("CodeBucket", "code"), ("KmsKeyArn", "")]),
            ["CodeBucket code"]
        );
    }
}
