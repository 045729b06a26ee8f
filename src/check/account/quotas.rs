//! Whether the account may have what the training asks for.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_servicequotas::Client;
use aws_sdk_servicequotas::types::ServiceQuota;

use super::not_asked;
use crate::aws::{CallError, MOST, Pages};
use crate::check::finding::Finding;
use crate::check::rule::Rule;
use crate::training::Training;

/// As Service Quotas calls SageMaker.
const SERVICE: &str = "sagemaker";

/// What one quota bounds.
struct Wanted {
    /// The quota's name, which [SageMaker's errors](https://docs.aws.amazon.com/general/latest/gr/sagemaker.html) have as well.
    quota: String,
    /// How much is asked for.
    amount: i64,
    /// That in words, such as `3 ml.m5.large`.
    in_words: String,
    /// Whether an instance type has it: where it is not listed, there are none.
    is_of_type: bool,
}

/// What is asked for, quota by quota. Where SageMaker chooses among several instance types, nothing is known of them.
fn wanted(training: &Training) -> Vec<Wanted> {
    let spot = if training.is_spot() { "spot " } else { "" };
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for (name, count) in training.instances_used().unwrap_or_default() {
        *counts.entry(name).or_default() += count;
    }
    let all: i64 = counts.values().sum();
    let in_general = |quota: &str, amount: i64, in_words: String| Wanted {
        quota: quota.to_owned(),
        amount,
        in_words,
        is_of_type: false,
    };
    let mut wanted: Vec<Wanted> = counts
        .into_iter()
        .map(|(name, amount)| Wanted {
            quota: format!("{name} for {spot}training job usage"),
            amount,
            in_words: format!("{amount} {name}"),
            is_of_type: true,
        })
        .collect();
    wanted.push(in_general(
        &format!("Number of instances across all {spot}training jobs"),
        all,
        format!("{all} instances"),
    ));
    wanted.push(in_general(
        &format!("Maximum number of instances per {spot}training job"),
        all,
        format!("{all} instances"),
    ));
    wanted.push(in_general(
        "Longest run time for a training job",
        training.max_runtime_seconds.into(),
        format!("{} seconds", training.max_runtime_seconds),
    ));
    wanted.push(in_general(
        "Size of EBS volume for a training job instance",
        training.volume_gib.into(),
        format!("{} GiB", training.volume_gib),
    ));
    wanted
}

/// Compares the training with the account's quotas.
pub(super) async fn look(training: &Training, region: &str, config: &SdkConfig) -> Vec<Finding> {
    let wanted = wanted(training);
    let quotas = match read(&wanted, config).await {
        Ok(quotas) => quotas,
        Err(error) => return vec![not_asked("the quotas of SageMaker", &error)],
    };
    let compared = |one: &Wanted| match quotas.get(&one.quota) {
        Some(quota) => exceeded(one, quota, region),
        None if one.is_of_type => Some(not_asked(
            &format!("the quota \"{}\"", one.quota),
            &format!("SageMaker has none in {region}, so it may not train on such instances there"),
        )),
        None => None,
    };
    wanted.iter().filter_map(compared).collect()
}

fn exceeded(wanted: &Wanted, quota: &ServiceQuota, region: &str) -> Option<Finding> {
    let value = quota.value?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers of instances, seconds and GiB are far below 2^52"
    )]
    let is_within = wanted.amount as f64 <= value;
    (!is_within).then(|| {
        Finding::new(
            Rule::QuotaExceeded,
            format!(
                "{} asked for, and the account's quota \"{}\" in {region} is {value}: ResourceLimitExceeded",
                wanted.in_words, wanted.quota
            ),
            format!(
                "Ask AWS for more: `aws service-quotas request-service-quota-increase --service-code {SERVICE} --quota-code {} --desired-value {}`; or ask for less.",
                quota.quota_code().unwrap_or("CODE"),
                wanted.amount
            ),
        )
    })
}

/// The quotas of these names, by them: as they [apply](https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html)
/// to the account, else as they are by [default](https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListAWSDefaultServiceQuotas.html).
/// SageMaker has thousands, a hundred a page: what follows the last that is wanted is not asked for.
async fn read(wanted: &[Wanted], config: &SdkConfig) -> Result<BTreeMap<String, ServiceQuota>, CallError> {
    let client = Client::new(config);
    let mut found = BTreeMap::new();
    let mut keep = |quota: ServiceQuota| {
        let name = quota.quota_name.clone().unwrap_or_default();
        if wanted.iter().any(|one| one.quota == name) {
            found.entry(name).or_insert(quota);
        }
        found.len() == wanted.len()
    };
    let mut applied = client
        .list_service_quotas()
        .service_code(SERVICE)
        .into_paginator()
        .send();
    let mut count = Pages::of("quotas", MOST);
    while let Some(page) = applied.next().await {
        count.another()?;
        let page = page.map_err(|error| CallError::from_sdk(&error))?;
        if page.quotas.unwrap_or_default().into_iter().any(&mut keep) {
            return Ok(found);
        }
    }
    let default = client.list_aws_default_service_quotas().service_code(SERVICE);
    let mut default = default.into_paginator().send();
    while let Some(page) = default.next().await {
        count.another()?;
        let page = page.map_err(|error| CallError::from_sdk(&error))?;
        if page.quotas.unwrap_or_default().into_iter().any(&mut keep) {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(training: &Training) -> Vec<String> {
        let wanted = wanted(training);
        wanted
            .iter()
            .map(|one| format!("{}: {}", one.quota, one.in_words))
            .collect()
    }

    #[test]
    fn the_quotas_of_a_training() {
        let mut training = Training {
            instance_type: "ml.m5.large".to_owned(),
            instance_count: 2,
            volume_gib: 30,
            max_runtime_seconds: 3600,
            ..Training::default()
        };
        assert_eq!(
            names(&training),
            [
                "ml.m5.large for training job usage: 2 ml.m5.large",
                "Number of instances across all training jobs: 2 instances",
                "Maximum number of instances per training job: 2 instances",
                "Longest run time for a training job: 3600 seconds",
                "Size of EBS volume for a training job instance: 30 GiB",
            ]
        );
        let further = json!({
            "EnableManagedSpotTraining": true,
            "ResourceConfig": {"InstanceGroups": [
                {"InstanceGroupName": "a", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
                {"InstanceGroupName": "b", "InstanceType": "ml.g5.xlarge", "InstanceCount": 3},
            ]},
        });
        training.instance_type.clear();
        training.further = further.as_object().cloned();
        let names = names(&training);
        assert_eq!(
            names[..2],
            [
                "ml.g5.xlarge for spot training job usage: 4 ml.g5.xlarge",
                "Number of instances across all spot training jobs: 4 instances",
            ]
        );
    }

    #[test]
    fn a_quota_is_the_most_that_may_be_had() {
        let wanted = Wanted {
            quota: "ml.p3.2xlarge for training job usage".to_owned(),
            amount: 2,
            in_words: "2 ml.p3.2xlarge".to_owned(),
            is_of_type: true,
        };
        let quota = |value: f64| ServiceQuota::builder().quota_code("L-45F58E7E").value(value).build();
        assert_eq!(exceeded(&wanted, &quota(2.0), "us-west-2"), None);
        let finding = exceeded(&wanted, &quota(0.0), "us-west-2").unwrap();
        assert_eq!(
            finding.message,
            "2 ml.p3.2xlarge asked for, and the account's quota \"ml.p3.2xlarge for training job usage\" in us-west-2 is 0: ResourceLimitExceeded"
        );
        assert!(finding.advice.contains("--quota-code L-45F58E7E --desired-value 2"));
    }
}
