//! What a training is asked to be: one vocabulary from the flag to `CreateTrainingJob`.
//!
//! [`Training`] holds every field in its final type, and its `serde` attributes are how a record names them. [`FIELDS`] says of each
//! what it is called as a setting, in the payload of the training Lambda, and in a sentence; and what it may be. The command line makes
//! a training of the settings and sends its payload, the Lambda reads that, and each end tells what is missing or refused in its own
//! names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::Setting;
use super::fields;
use super::rules;
use crate::requirements::RequirementList;
use crate::shown::quoted;

/// The folder of the input bucket that is the training channel, as in the setuptools-docker pipeline.
const TRAINING_DATA: &str = "input/data/training/";

/// What a training is asked to be. A text that is empty, or a number that is 0, is not known.
///
/// Hyperparameters and the objects of the input are left out: they are read when the job is created.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Training {
    /// The training job's name. In a payload, what it begins with: the Lambda makes the name of that and the run id.
    #[serde(rename = "training_job_name")]
    pub job_name: String,
    /// Identifies the run: at most one training job comes of it.
    pub run_id: String,
    /// The commit that is trained.
    #[serde(rename = "git_hash", default)]
    pub commit: String,
    /// The image, by digest.
    pub image: String,
    /// The package's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub package: String,
    /// The package's version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Such as `ml.m5.large`.
    pub instance_type: String,
    /// How many instances train.
    pub instance_count: i32,
    /// Each instance's volume, in GiB.
    #[serde(rename = "volume_in_gb")]
    pub volume_gib: i32,
    /// The longest the job may run, in seconds.
    pub max_runtime_seconds: i32,
    /// The bucket of the training data, which also holds the hyperparameters.
    pub input_bucket: String,
    /// The training channel's data, `s3://bucket/input/data/training/`. Older records lack this and the next two.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub input: String,
    /// Where SageMaker writes the model artifact, such as `s3://bucket/`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// ARN of the role that SageMaker assumes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// What is installed in the image, or was asked to be. Older records lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirements: Option<RequirementList>,
    /// Metrics by name: the regular expressions, with one group each, that find them in the training's log. A record has the
    /// values that were found instead.
    #[serde(skip)]
    pub metrics: BTreeMap<String, String>,
    /// What else `CreateTrainingJob` is asked, in its own words. `None` where that is not known: older records lack it.
    #[serde(rename = "create_training_job", default, skip_serializing_if = "Option::is_none")]
    pub further: Option<Map<String, Value>>,
}

/// The key of the metrics in the payload: an object, where every other field is a text.
pub(crate) const METRICS: &str = "metrics";
/// The key of the further fields in the payload: an object too.
pub(crate) const FURTHER: &str = "create_training_job";

/// The key of the list of requirements in the payload: an object as well. What has no use for it passes over it.
pub(crate) const REQUIREMENTS: &str = "requirements";

/// Whether a payload can do without a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Nothing can be trained without it.
    Required,
    /// It may be empty, but is always there: the setuptools-docker pipeline's Lambda looks for it.
    Sent,
    /// It is absent where nothing is known.
    Optional,
}

/// One field of a training: what it is called, and what it may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// Its key in the payload.
    pub(crate) key: &'static str,
    /// Whether a payload can do without it.
    pub(crate) presence: Presence,
    /// The setting that it is made of; none where image, package or checkout say it.
    pub(crate) setting: Option<Setting>,
    /// Checks the setting's text, and makes the payload's of it.
    of_setting: fn(&str) -> Result<String, String>,
    /// What it is called where it tells one training from another: `its role is …, ours is …`. None where it does not.
    difference: Option<&'static str>,
    /// Its text in a payload; empty where it is not known.
    text: fn(&Training) -> String,
    /// Checks the text of a payload, and sets the field; or says what is wrong, as [`rules`] do.
    pub(crate) read: fn(&mut Training, &str) -> Result<(), String>,
}

/// Every field but the metrics, in the order in which the payload has them: the setuptools-docker pipeline's first.
pub(crate) static FIELDS: [Field; 14] = [
    Field {
        key: "source_bucket_uri",
        presence: Presence::Required,
        setting: Some(setting("source-bucket", "the bucket with the training data")),
        of_setting: |bucket| rules::bucket_name(bucket).map(|()| format!("s3://{bucket}/{TRAINING_DATA}")),
        difference: Some("input"),
        text: |training| training.input.clone(),
        read: |training, uri| {
            rules::s3_uri(uri)?.clone_into(&mut training.input_bucket);
            training.input = format!("{}/", uri.trim_end_matches('/'));
            Ok(())
        },
    },
    Field {
        key: "destination_bucket_uri",
        presence: Presence::Required,
        setting: Some(setting("output-bucket", "the bucket for the model")),
        of_setting: |bucket| rules::bucket_name(bucket).map(|()| format!("s3://{bucket}/")),
        difference: Some("output"),
        text: |training| training.output.clone(),
        read: |training, uri| set_text(&mut training.output, uri, rules::s3_uri(uri).map(drop)),
    },
    Field {
        key: "image",
        presence: Presence::Required,
        difference: Some("image"),
        text: |training| training.image.clone(),
        read: |training, uri| set_text(&mut training.image, uri, rules::image_uri(uri)),
        ..FIELD
    },
    Field {
        key: "role",
        presence: Presence::Required,
        setting: Some(setting("role", "the role the training job assumes")),
        difference: Some("role"),
        text: |training| training.role.clone(),
        read: |training, arn| set_text(&mut training.role, arn, rules::role_arn(arn)),
        ..FIELD
    },
    Field {
        key: "num_instances",
        presence: Presence::Required,
        setting: Some(setting("instance-count", "the number of instances")),
        difference: Some("number of instances"),
        text: |training| digits(training.instance_count),
        read: |training, text| set(&mut training.instance_count, rules::instance_count(text)),
        ..FIELD
    },
    Field {
        key: "instance_type",
        presence: Presence::Required,
        setting: Some(setting("instance-type", "the instance type")),
        difference: Some("instance type"),
        text: |training| training.instance_type.clone(),
        read: |training, name| set_text(&mut training.instance_type, name, rules::instance_type(name)),
        ..FIELD
    },
    Field {
        key: "vol_in_gb",
        presence: Presence::Required,
        setting: Some(setting("volume-size", "the volume size in GiB")),
        difference: Some("volume size"),
        text: |training| digits(training.volume_gib),
        read: |training, text| set(&mut training.volume_gib, rules::volume_size(text)),
        ..FIELD
    },
    Field {
        key: "training_job_name",
        presence: Presence::Required,
        text: |training| training.job_name.clone(),
        read: |training, name| set_text(&mut training.job_name, name, Ok(())),
        ..FIELD
    },
    Field {
        key: "max_runtime_sec",
        presence: Presence::Required,
        setting: Some(setting("max-runtime", "the longest run in seconds")),
        difference: Some("longest run"),
        text: |training| digits(training.max_runtime_seconds),
        read: |training, text| set(&mut training.max_runtime_seconds, rules::max_runtime(text)),
        ..FIELD
    },
    Field {
        key: "git_hash",
        presence: Presence::Sent,
        difference: Some("commit"),
        text: |training| training.commit.clone(),
        read: |training, commit| set_text(&mut training.commit, commit, rules::commit(commit)),
        ..FIELD
    },
    Field {
        key: "run_id",
        setting: Some(setting("run-id", "the run id")),
        difference: Some("run id"),
        text: |training| training.run_id.clone(),
        read: |training, id| set_text(&mut training.run_id, id, rules::run_id(id)),
        ..FIELD
    },
    Field {
        key: "package",
        text: |training| training.package.clone(),
        read: |training, name| set_text(&mut training.package, name, Ok(())),
        ..FIELD
    },
    Field {
        key: "version",
        text: |training| training.version.clone(),
        read: |training, version| set_text(&mut training.version, version, Ok(())),
        ..FIELD
    },
    // Together with the image's tag, it says which image was pushed, whatever the tag points at by now.
    Field {
        key: "image_digest",
        text: |training| digest_of(&training.image).unwrap_or_default().to_owned(),
        read: |training, digest| {
            rules::image_digest(digest, &training.image)?;
            if digest_of(&training.image).is_none() {
                training.image = format!("{}@{digest}", image_repository(&training.image));
            }
            Ok(())
        },
        ..FIELD
    },
];

/// What most fields have in common.
const FIELD: Field = Field {
    key: "",
    presence: Presence::Optional,
    setting: None,
    of_setting: |text| Ok(text.to_owned()),
    difference: None,
    text: |_| String::new(),
    read: |_, _| Ok(()),
};

const fn setting(key: &'static str, what: &'static str) -> Setting {
    Setting { what, key }
}

/// Sets a field to a text, even to one that is refused: a field that is read later may be checked against it.
fn set_text(field: &mut String, text: &str, checked: Result<(), String>) -> Result<(), String> {
    text.clone_into(field);
    checked
}

fn set<T>(field: &mut T, value: Result<T, String>) -> Result<(), String> {
    *field = value?;
    Ok(())
}

fn digits(number: i32) -> String {
    match number {
        0 => String::new(),
        known => known.to_string(),
    }
}

/// The digest by which an image is named, if it is.
pub(crate) fn digest_of(image: &str) -> Option<&str> {
    image.split_once('@').map(|(_, digest)| digest)
}

/// An image's name without tag and digest.
pub(crate) fn image_repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    let name_start = image.rfind('/').map_or(0, |slash| slash + 1);
    match image[name_start..].find(':') {
        Some(tag) => &image[..name_start + tag],
        None => image,
    }
}

impl Field {
    /// Checks the text of the field's setting, and sets the field.
    pub(super) fn read_setting(&self, training: &mut Training, text: &str) -> Result<(), String> {
        (self.read)(training, &(self.of_setting)(text)?)
    }

    /// Whether `training` is none without it: which instances train may be said by the further fields as well.
    pub(crate) fn is_required(&self, training: &Training) -> bool {
        self.presence == Presence::Required && !(self.is_about_instances() && training.lists_instances())
    }

    /// Whether it says which instances train, and how many.
    pub(crate) fn is_about_instances(&self) -> bool {
        matches!(self.key, "num_instances" | "instance_type")
    }

    /// Every field in the order in which a payload is read and trainings are compared: first which image is trained in which run, then
    /// how.
    pub(crate) fn in_order() -> impl Iterator<Item = &'static Self> {
        const FIRST: [&str; 4] = ["training_job_name", "run_id", "image", "image_digest"];
        let first = FIRST
            .iter()
            .filter_map(|key| FIELDS.iter().find(|field| field.key == *key));
        first.chain(FIELDS.iter().filter(|field| !FIRST.contains(&field.key)))
    }
}

impl Training {
    /// The payload that asks the training Lambda for it. The first ten keys are the setuptools-docker pipeline's, all of them texts, so
    /// that an existing Lambda accepts it; the rest is sgbuild's, and absent where nothing is known.
    #[must_use]
    pub(crate) fn payload(&self) -> Map<String, Value> {
        let mut payload = Map::new();
        for field in &FIELDS {
            let text = (field.text)(self);
            if !text.is_empty() || field.presence != Presence::Optional {
                payload.insert(field.key.to_owned(), text.into());
            }
        }
        if !self.metrics.is_empty() {
            payload.insert(METRICS.to_owned(), self.metrics.clone().into_iter().collect());
        }
        if let Some(further) = self.further.as_ref().filter(|further| !further.is_empty()) {
            payload.insert(FURTHER.to_owned(), Value::Object(further.clone()));
        }
        // A plain struct of texts always serialises.
        let requirements = self.requirements.as_ref().map(serde_json::to_value);
        if let Some(Ok(requirements)) = requirements {
            payload.insert(REQUIREMENTS.to_owned(), requirements);
        }
        payload
    }

    /// How this training, which was asked for earlier, differs from `ours`; `None` where it does not. So an event that is delivered
    /// again is told from another run that took the same id. A field that either of the two does not know is not compared.
    #[must_use]
    pub(crate) fn difference(&self, ours: &Self) -> Option<String> {
        let fields = Field::in_order().find_map(|field| {
            let what = field.difference?;
            let (theirs, ours) = ((field.text)(self), (field.text)(ours));
            let differ = theirs != ours && !theirs.is_empty() && !ours.is_empty();
            differ.then(|| format!("its {what} is {theirs}, ours is {ours}"))
        });
        fields.or_else(|| further_difference(self.further.as_ref()?, ours.further.as_ref()?))
    }

    /// The instances that train: their types, and how many of each; of alternatives, one is chosen by SageMaker.
    pub(crate) fn instances(&self) -> Vec<(&str, i64)> {
        let mut instances = vec![(self.instance_type.as_str(), i64::from(self.instance_count))];
        let listed = ["ResourceConfig.InstanceGroups", "ResourceConfig.InstancePreferences"];
        let listed = listed
            .iter()
            .filter_map(|path| fields::get(self.further.as_ref()?, path)?.as_array());
        instances.extend(listed.flatten().filter_map(|item| {
            let count = item.get("InstanceCount").and_then(Value::as_i64).unwrap_or(1);
            Some((item.get("InstanceType")?.as_str()?, count))
        }));
        instances.retain(|(name, _)| !name.is_empty());
        instances
    }

    /// The instances that trained: their types, and how many of each. `None` where SageMaker chose among several.
    pub(crate) fn instances_used(&self) -> Option<Vec<(&str, i64)>> {
        let further = self.further.as_ref();
        let preferences = further.and_then(|further| fields::get(further, "ResourceConfig.InstancePreferences"));
        let is_choice = preferences.and_then(Value::as_array).is_some_and(|all| all.len() > 1);
        (!is_choice).then(|| self.instances())
    }

    /// Whether it is to run on spot instances.
    pub(crate) fn is_spot(&self) -> bool {
        let further = self.further.as_ref();
        further.and_then(|further| fields::get(further, "EnableManagedSpotTraining")) == Some(&Value::Bool(true))
    }

    /// Whether the further fields list the instances that train, by groups or by preference.
    pub(crate) fn lists_instances(&self) -> bool {
        let said = |path| {
            self.further
                .as_ref()
                .is_some_and(|further| fields::get(further, path).is_some())
        };
        said("ResourceConfig.InstanceGroups") || said("ResourceConfig.InstancePreferences")
    }
}

/// The first field that only one of the two has, or that they have with another value.
fn further_difference(theirs: &Map<String, Value>, ours: &Map<String, Value>) -> Option<String> {
    let texts = |further| {
        let leaves = fields::leaves(further).into_iter();
        leaves
            .map(|leaf| (leaf.place, leaf.value.to_string()))
            .collect::<BTreeMap<_, _>>()
    };
    let (theirs, ours) = (texts(theirs), texts(ours));
    let place = theirs
        .keys()
        .chain(ours.keys())
        .find(|place| theirs.get(*place) != ours.get(*place))?;
    let said = |texts: &BTreeMap<String, String>| {
        texts
            .get(place)
            .map_or_else(|| "not set".to_owned(), |text| quoted(text))
    };
    Some(format!("its {place} is {}, ours is {}", said(&theirs), said(&ours)))
}

#[cfg(test)]
mod tests;
