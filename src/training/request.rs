//! From settings and the pushed image to the [`Training`] that is asked for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::oci::Repository;
use crate::push::PushedImage;

use super::error::{Error, Invalid, Setting};
use super::parts::{PARTS, Part};
use super::vocabulary::{FIELDS, Field, METRICS, Training};
use super::{combinations, fields, job_name, rules};

/// How long the beginning of a job's name may be: the setuptools-docker pipeline's Lambda appends a timestamp of 20 characters or so.
const MAX_PREFIX: usize = 40;

/// Not a field of the training, but nothing starts without it.
const FUNCTION: Setting = Setting {
    what: "the training Lambda",
    key: "function",
};

/// The setting of further channels.
const CHANNELS: &str = "channels";

/// Why nobody says the type or number of instances.
const LISTED: &str = "the instances are listed already, by `instance-groups` or ResourceConfig.InstancePreferences: take one of the two out";

/// What a setting was set to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Given<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it was set, such as `pyproject.toml:2`; unknown for a value of sgbuild's own.
    pub(crate) origin: Option<String>,
}

/// How a training is to be started, and what the settings say of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TrainingSettings {
    /// Name or ARN of the training Lambda.
    pub(crate) function: Option<String>,
    /// Those settings of [`setting_keys`] that are set, by their keys, and as texts, since a payload has texts too: a number in digits.
    pub(crate) given: BTreeMap<&'static str, Given<String>>,
    /// Metrics by name: the regular expressions, with one group each, that find them in the training's log.
    pub(crate) metrics: Given<BTreeMap<String, String>>,
    /// Those settings of [`part_keys`] that are set, by their keys.
    pub(crate) parts: BTreeMap<&'static str, Given<Value>>,
    /// What the job's name begins with; the package's name unless set.
    pub(crate) job_name: Option<String>,
    /// The commit that is trained, where known.
    pub(crate) commit: Option<String>,
    /// Where the repository was set, of which the image's URI is made.
    pub(crate) repository_origin: Option<String>,
}

/// What became of the settings.
struct Read {
    training: Training,
    missing: Vec<Setting>,
    refused: Vec<Invalid>,
}

/// The settings that the fields of a training are made of, one each.
pub(crate) fn setting_keys() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().filter_map(|field| Some(field.setting?.key))
}

/// The settings that are a part of the request beyond what every training says.
pub(crate) fn part_keys() -> impl Iterator<Item = &'static str> {
    PARTS.iter().map(|part| part.setting.key)
}

impl TrainingSettings {
    /// The same, with jobs whose names begin with the repository's, unless something else is set.
    #[must_use]
    pub(crate) fn named_after(mut self, repository: &Repository) -> Self {
        let name = repository.path.rsplit('/').next().unwrap_or_default();
        self.job_name.get_or_insert_with(|| name.to_owned());
        self
    }

    /// Finds what is missing or wrong before there is an image, so that nobody waits for a build first.
    ///
    /// # Errors
    /// As [`training_of`](Self::training_of).
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.read().and_then(|(_, refused)| none_of(refused))
    }

    /// Finds what is wrong with what is set, whatever is missing: the pipeline's stack says that.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub(crate) fn check_given(&self) -> Result<(), Error> {
        none_of(self.read_given().refused)
    }

    /// The training of `image`, which holds the package `name` in `version`.
    ///
    /// # Errors
    /// [`Error::Missing`] with every setting that is missing, or [`Error::Invalid`] with every one that is refused.
    pub(crate) fn training_of(&self, image: &PushedImage, name: &str, version: &str) -> Result<Training, Error> {
        let (settings, mut refused) = self.read()?;
        let training = Training {
            job_name: job_name::prefix_part(self.job_name.as_deref().unwrap_or(name), MAX_PREFIX),
            image: image.reference(),
            package: name.to_owned(),
            version: version.to_owned(),
            ..settings
        };
        let image = Setting {
            what: "the image",
            key: "repository",
        };
        let outcome = rules::image_uri(&training.image);
        refused.extend(invalid(image, self.repository_origin.as_ref(), outcome));
        none_of(refused)?;
        Ok(training)
    }

    /// The training of an image on this machine, where nobody needs buckets and roles.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every setting that SageMaker would refuse.
    pub(crate) fn training_here(&self, image: &str, name: &str, version: &str) -> Result<Training, Error> {
        let read = self.read_given();
        none_of(read.refused)?;
        let prefix = job_name::prefix_part(self.job_name.as_deref().unwrap_or(name), MAX_PREFIX);
        Ok(Training {
            job_name: job_name::training_job_name(&prefix, &read.training.run_id),
            image: image.to_owned(),
            package: name.to_owned(),
            version: version.to_owned(),
            ..read.training
        })
    }

    /// Has the channel `name` be one of the job, with the data at `uri`.
    pub(crate) fn add_channel(&mut self, name: &str, uri: &str) {
        let channels = self.parts.entry(CHANNELS).or_default();
        if !channels.value.is_object() {
            channels.value = Value::Object(Map::new());
        }
        channels.value[name] = uri.into();
    }

    /// What the settings alone say of the training, and which of them are refused.
    fn read(&self) -> Result<(Training, Vec<Invalid>), Error> {
        let mut read = self.read_given();
        if self.function.as_ref().is_none_or(String::is_empty) {
            read.missing.insert(0, FUNCTION);
        }
        if !read.missing.is_empty() {
            return Err(Error::Missing(read.missing));
        }
        Ok((read.training, read.refused))
    }

    fn read_given(&self) -> Read {
        let mut training = Training {
            commit: self.commit.clone().unwrap_or_default(),
            metrics: self.metrics.value.clone(),
            ..Training::default()
        };
        let (mut missing, mut refused) = (Vec::new(), Vec::new());
        training.further = Some(self.further(&mut refused));
        for field in &FIELDS {
            let Some(setting) = field.setting else { continue };
            let is_required = field.is_required(&training);
            let is_elsewhere = field.is_about_instances() && training.lists_instances();
            match self.given.get(setting.key) {
                // Our own default gives way to what was said; what somebody else said does not.
                Some(given) if is_elsewhere && given.origin.is_some() => {
                    refused.extend(invalid(setting, given.origin.as_ref(), Err(LISTED.to_owned())));
                }
                _ if is_elsewhere => {}
                Some(given) if !(is_required && given.value.is_empty()) => {
                    refused.extend(read(field, setting, given, &mut training));
                }
                _ if is_required => missing.push(setting),
                _ => {}
            }
        }
        let metrics = Setting {
            what: "the metrics",
            key: METRICS,
        };
        let outcome = rules::metrics(&self.metrics.value);
        refused.extend(invalid(metrics, self.metrics.origin.as_ref(), outcome));
        if refused.is_empty() {
            refused.extend(combinations::check(&training).into_iter().map(|problem| {
                let part = Part::to_blame(&problem.path, |part| self.parts.contains_key(part.setting.key));
                self.refusal(part, part.in_words(&problem))
            }));
        }
        Read {
            training,
            missing,
            refused,
        }
    }

    /// What the parts say together.
    fn further(&self, refused: &mut Vec<Invalid>) -> Map<String, Value> {
        let mut further = Map::new();
        for part in &PARTS {
            let Some(given) = self.parts.get(part.setting.key) else {
                continue;
            };
            match part.of(&given.value) {
                Ok(said) => fields::merge(&mut further, said),
                Err(problem) => refused.push(self.refusal(part, problem)),
            }
        }
        further
    }

    fn refusal(&self, part: &Part, problem: String) -> Invalid {
        let given = self.parts.get(part.setting.key);
        Invalid {
            setting: part.setting,
            origin: given.and_then(|given| given.origin.clone()),
            problem,
        }
    }
}

/// Sets the field to what its setting says; answers with what is wrong with that.
fn read(field: &Field, setting: Setting, given: &Given<String>, training: &mut Training) -> Option<Invalid> {
    let outcome = field.read_setting(training, &given.value);
    invalid(setting, given.origin.as_ref(), outcome)
}

fn invalid(setting: Setting, origin: Option<&String>, outcome: Result<(), String>) -> Option<Invalid> {
    outcome.err().map(|problem| Invalid {
        setting,
        origin: origin.cloned(),
        problem,
    })
}

fn none_of(refused: Vec<Invalid>) -> Result<(), Error> {
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(refused))
    }
}

#[cfg(test)]
mod tests;
