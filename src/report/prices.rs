//! What runs cost, where the user says what an hour of their instances does. Prices differ by region, contract and day, so none is known here.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::record::RunRecord;
use crate::training::rules;

const SECONDS_OF_AN_HOUR: f64 = 3600.0;

/// Why a text is no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}, as in ml.m5.large=0.115")]
pub struct NoPrice(&'static str);

/// What an hour of an instance type costs, `ml.m5.large=0.115`.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    instance_type: String,
    per_hour: f64,
}

impl FromStr for Price {
    type Err = NoPrice;

    fn from_str(text: &str) -> Result<Self, NoPrice> {
        let (name, amount) = text
            .split_once('=')
            .ok_or(NoPrice("an instance type, a `=` and what an hour of it costs"))?;
        rules::instance_type(name).map_err(|_| NoPrice("what is before the `=` must be a SageMaker instance type"))?;
        let per_hour = amount
            .parse()
            .ok()
            .filter(|price: &f64| price.is_finite() && *price >= 0.0);
        let per_hour = per_hour.ok_or(NoPrice("what is behind the `=` must be an amount of money, in digits"))?;
        Ok(Self {
            instance_type: name.to_owned(),
            per_hour,
        })
    }
}

/// Prices by instance type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prices(BTreeMap<String, f64>);

impl FromIterator<Price> for Prices {
    fn from_iter<I: IntoIterator<Item = Price>>(prices: I) -> Self {
        let prices = prices.into_iter();
        Self(prices.map(|price| (price.instance_type, price.per_hour)).collect())
    }
}

impl Prices {
    /// Whether none is given.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `ml.m5.large 0.115, ml.p3.2xlarge 3.825`.
    pub(super) fn in_words(&self) -> String {
        let each = self.0.iter().map(|(name, per_hour)| format!("{name} {per_hour}"));
        each.collect::<Vec<_>>().join(", ")
    }

    /// What a run cost: its billable time at the prices of its instances. `None` where either is not known.
    ///
    /// The billable time is that of each instance, and less than the training time on spot instances
    /// ([`BillableTimeInSeconds`](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html)).
    pub(super) fn cost(&self, run: &RunRecord) -> Option<f64> {
        let hours = f64::from(run.billable_seconds?) / SECONDS_OF_AN_HOUR;
        let instances = run.training.instances_used()?;
        if instances.is_empty() {
            return None;
        }
        let each = instances.into_iter().map(|(name, count)| {
            let count = f64::from(u32::try_from(count).ok()?);
            Some(self.0.get(name)? * count * hours)
        });
        each.sum()
    }
}

/// An amount, of whatever currency the prices are in.
pub(super) fn amount(amount: f64) -> String {
    if amount != 0.0 && amount.abs() < 1.0 {
        format!("{amount:.4}")
    } else {
        format!("{amount:.2}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn run(changes: &Value) -> RunRecord {
        let mut record = json!({
            "training_job_name": "iris-1", "run_id": "r", "image": "i", "instance_type": "ml.m5.large", "instance_count": 2,
            "volume_in_gb": 30, "max_runtime_seconds": 60, "input_bucket": "iris", "recorded_at": "2026-11-24T04:12:05Z",
            "job_status": "Completed", "billable_seconds": 1800,
        });
        for (name, value) in changes.as_object().unwrap() {
            record[name] = value.clone();
        }
        serde_json::from_value(record).unwrap()
    }

    fn cost(prices: &[&str], changes: &Value) -> Option<f64> {
        let prices: Prices = prices.iter().map(|price| price.parse::<Price>().unwrap()).collect();
        prices.cost(&run(changes))
    }

    #[test]
    fn a_cost_is_told_where_every_price_is_known() {
        assert_eq!(cost(&["ml.m5.large=0.5"], &json!({})), Some(0.5));
        assert_eq!(cost(&[], &json!({})), None);
        assert_eq!(cost(&["ml.m5.xlarge=0.5"], &json!({})), None);
        assert_eq!(cost(&["ml.m5.large=0.5"], &json!({ "billable_seconds": null })), None);
    }

    #[test]
    fn groups_of_instances_add_up_and_a_choice_of_sagemakers_is_not_guessed() {
        let groups = json!({ "instance_type": "", "instance_count": 0, "create_training_job": { "ResourceConfig": { "InstanceGroups": [
            { "InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "a" },
            { "InstanceType": "ml.p3.2xlarge", "InstanceCount": 2, "InstanceGroupName": "b" },
        ]}}});
        let prices = ["ml.m5.large=1", "ml.p3.2xlarge=4"];
        assert_eq!(cost(&prices, &groups), Some(4.5));
        assert_eq!(cost(&prices[..1], &groups), None);
        let preferences = json!({ "instance_type": "", "instance_count": 0, "create_training_job": { "ResourceConfig": { "InstancePreferences": [
            { "InstanceType": "ml.m5.large", "InstanceCount": 1 }, { "InstanceType": "ml.p3.2xlarge", "InstanceCount": 1 },
        ]}}});
        assert_eq!(cost(&prices, &preferences), None);
        assert_eq!(run(&preferences).billable_of_all(), None);
        assert_eq!(run(&groups).billable_of_all(), Some(5400));
    }

    #[test]
    fn what_is_no_price_is_refused() {
        let refused = [
            "ml.m5.large",
            "m5.large=1",
            "ml.m5.large=1 USD",
            "ml.m5.large=-1",
            "ml.m5.large=NaN",
        ];
        let told = refused.map(|text| text.parse::<Price>().unwrap_err().to_string());
        insta::assert_snapshot!(told.join("\n"), @r"
        an instance type, a `=` and what an hour of it costs, as in ml.m5.large=0.115
        what is before the `=` must be a SageMaker instance type, as in ml.m5.large=0.115
        what is behind the `=` must be an amount of money, in digits, as in ml.m5.large=0.115
        what is behind the `=` must be an amount of money, in digits, as in ml.m5.large=0.115
        what is behind the `=` must be an amount of money, in digits, as in ml.m5.large=0.115
        ");
    }
}
