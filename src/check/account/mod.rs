//! What is in the AWS account; only asked with `--aws`, and nothing there is changed.

mod quotas;
mod role;

use std::collections::HashMap;
use std::fmt::Display;

use aws_config::{Region, SdkConfig};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationError;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::finding::Finding;
use super::rule::Rule;
use crate::aws::{CallError, region, s3};
use crate::oci::Repository;
use crate::registry::ecr::{self, EcrHost};
use crate::training::{Allowed, Training};

/// What is asked about.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// The training function: its name or ARN.
    pub(crate) function: Option<&'a str>,
    /// The settings that name buckets, with the buckets.
    pub(crate) buckets: Vec<(&'static str, &'a str)>,
    /// Where the image is pushed, where that is in ECR.
    pub(crate) repository: Option<&'a Repository>,
    /// Whether the push may create that.
    pub(crate) creates_repository: bool,
    /// What the settings say of the training; `None` where some are refused.
    pub(crate) training: Option<&'a Training>,
    /// Whether they say on what is trained.
    pub(crate) names_instances: bool,
}

/// Asks AWS for all of it at once.
pub(crate) async fn look(asked: &Asked<'_>, config: &SdkConfig) -> Vec<Finding> {
    // The training is where its function is.
    let region = asked
        .function
        .and_then(region::of_arn)
        .map_or_else(|| region::configured(config), str::to_owned);
    if region.is_empty() {
        let advice = "Set `region`, or AWS_REGION.";
        return vec![Finding::new(
            Rule::AwsNotAsked,
            "no AWS region is set, so nothing was asked",
            advice,
        )];
    }
    let regional = config.to_builder().region(Region::new(region.clone())).build();
    let buckets = futures_util::future::join_all(
        asked
            .buckets
            .iter()
            .map(|(setting, name)| bucket(setting, name, &region, &regional)),
    );
    let (function, role, quotas, repository, buckets) = tokio::join!(
        function(asked, &region, &regional),
        role(asked.training, &regional),
        quotas(asked, &region, &regional),
        repository(asked, config),
        buckets,
    );
    function
        .into_iter()
        .chain(role)
        .chain(quotas)
        .chain(repository)
        .chain(buckets.into_iter().flatten())
        .collect()
}

async fn role(training: Option<&Training>, config: &SdkConfig) -> Option<Finding> {
    let role = training
        .map(|training| training.role.as_str())
        .filter(|role| !role.is_empty())?;
    Box::pin(role::look(role, config)).await
}

async fn quotas(asked: &Asked<'_>, region: &str, config: &SdkConfig) -> Vec<Finding> {
    match asked.training.filter(|_| asked.names_instances) {
        Some(training) => Box::pin(quotas::look(training, region, config)).await,
        None => Vec::new(),
    }
}

fn not_asked(what: &str, why: &dyn Display) -> Finding {
    Finding::new(
        Rule::AwsNotAsked,
        format!("AWS does not tell of {what}: {why}"),
        "`aws sts get-caller-identity` shows whose credentials are used.",
    )
}

/// Whether there is the function, whether it may be asked for this training, and whether its role may pass the training's.
async fn function(asked: &Asked<'_>, region: &str, config: &SdkConfig) -> Vec<Finding> {
    let Some(name) = asked.function else {
        return Vec::new();
    };
    // The configuration alone: GetFunction answers with a link to the code besides.
    let answer = aws_sdk_lambda::Client::new(config)
        .get_function_configuration()
        .function_name(name)
        .send()
        .await;
    let configuration = match answer {
        Ok(configuration) => configuration,
        Err(error) => return vec![no_function(name, region, &error)],
    };
    let Some(training) = asked.training else {
        return Vec::new();
    };
    let variables = configuration
        .environment()
        .and_then(|environment| environment.variables());
    let mut found: Vec<Finding> = variables
        .and_then(|variables| refused(name, configuration.function_arn(), variables, training))
        .into_iter()
        .collect();
    if let Some(function_role) = configuration.role().filter(|_| !training.role.is_empty()) {
        found.extend(Box::pin(role::passing(function_role, &training.role, config)).await);
    }
    found
}

fn no_function(name: &str, region: &str, error: &SdkError<GetFunctionConfigurationError, HttpResponse>) -> Finding {
    let is_missing = error
        .as_service_error()
        .is_some_and(GetFunctionConfigurationError::is_resource_not_found_exception);
    if is_missing {
        Finding::new(
            Rule::FunctionMissing,
            format!("there is no function {name} in {region}"),
            "`sgbuild status` names the one of the pipeline, and `sgbuild launch` makes it.",
        )
    } else {
        not_asked(&format!("the function {name}"), &CallError::from_sdk(error))
    }
}

/// What the function itself refuses of the training, by the lists in its environment.
fn refused(name: &str, arn: Option<&str>, variables: &HashMap<String, String>, training: &Training) -> Option<Finding> {
    let problems = Allowed::read(|name| variables.get(name).cloned())
        .of_function(arn)
        .for_what_is_said(training)
        .problems(training);
    (!problems.is_empty()).then(|| {
        Finding::new(
            Rule::FunctionRefuses,
            format!("the function {name} would refuse the training: {}", problems.join("; ")),
            "Train with what the pipeline was made for, which `sgbuild status` shows, or launch it anew with what this training takes.",
        )
    })
}

async fn repository(asked: &Asked<'_>, config: &SdkConfig) -> Option<Finding> {
    let repository = asked.repository?;
    let host = EcrHost::of(repository)?;
    match ecr::describe(config, &host, &repository.path).await {
        Ok(Some(_)) => None,
        Ok(None) => Some(Finding::new(
            Rule::RepositoryMissing,
            format!("there is no repository {repository}"),
            if asked.creates_repository {
                "The push makes it, if you have the rights to."
            } else {
                "Create it: the setting `create-repository` is off."
            },
        )),
        Err(error) => Some(not_asked(&format!("the repository {repository}"), &error)),
    }
}

async fn bucket(setting: &str, name: &str, region: &str, config: &SdkConfig) -> Option<Finding> {
    let answer = s3::client(config).head_bucket().bucket(name).send().await;
    let elsewhere = |other: &str| {
        Finding::new(
            Rule::BucketRegion,
            format!("the bucket {name} ({setting}) is in {other}, and the training is in {region}"),
            "Train where the data is, or copy it to a bucket of the training's region.",
        )
    };
    let unusable = |what: &str, is_certain: bool| {
        Finding::new(
            Rule::BucketUnusable,
            format!("the bucket {name} ({setting}) {what}"),
            "Correct the name, create the bucket, or have its owner allow s3:ListBucket and s3:GetObject.",
        )
        .certain(is_certain)
    };
    let error = match answer {
        Ok(there) => return there.bucket_region().filter(|other| *other != region).map(elsewhere),
        Err(error) => error,
    };
    // Also where it refuses, S3 says where the bucket is: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    let said = error
        .raw_response()
        .and_then(|answer| answer.headers().get("x-amz-bucket-region"));
    if let Some(other) = said.filter(|other| *other != region) {
        return Some(elsewhere(other));
    }
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    Some(match status {
        Some(404) => unusable("does not exist", true),
        Some(403) => unusable(
            "may not be looked at by you; whether the training's role may, is not known",
            false,
        ),
        _ => not_asked(
            &format!("the bucket {name}"),
            &error
                .code()
                .map_or_else(|| CallError::from_sdk(&error).to_string(), str::to_owned),
        ),
    })
}
