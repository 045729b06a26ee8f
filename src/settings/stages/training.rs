//! How the training is started.

use crate::settings::{Origin, Setting, Settings, Value, table};
use crate::training::{Given, TrainingSettings, request};

impl Settings {
    /// The training Lambda, where one is set.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        self.get(&table::FUNCTION)
    }

    /// How to start the training of an image that was built from `commit`; `None` where no function is set. The run is the one that is
    /// set, else a new one.
    #[must_use]
    pub(crate) fn training(
        &self,
        commit: Option<String>,
        new_run_id: impl FnOnce() -> String,
    ) -> Option<TrainingSettings> {
        self.function()?;
        let mut settings = self.training_given();
        settings.commit = commit;
        settings.given.entry("run-id").or_insert_with(|| Given {
            value: new_run_id(),
            origin: None,
        });
        Some(settings)
    }

    /// How a training on this machine is to be: the same job, for which nobody need be named who would start it.
    #[must_use]
    pub(crate) fn training_here(
        &self,
        commit: Option<String>,
        new_run_id: impl FnOnce() -> String,
    ) -> TrainingSettings {
        let mut settings = self.training_given();
        settings.commit = commit;
        settings.given.entry("run-id").or_insert_with(|| Given {
            value: new_run_id(),
            origin: None,
        });
        settings
    }

    /// The bucket whose data a job would read, where one is named.
    #[must_use]
    pub(crate) fn source_bucket(&self) -> Option<&str> {
        self.get(&table::SOURCE_BUCKET)
    }

    /// What is set of the training, and perhaps not all that one needs.
    pub(crate) fn training_given(&self) -> TrainingSettings {
        let given = request::setting_keys().filter_map(|key| Some((key, given(self.values.get(key)?)?)));
        TrainingSettings {
            function: self.function().map(ToOwned::to_owned),
            given: given.collect(),
            metrics: Given {
                value: self.get(&table::METRICS).clone(),
                origin: place(self.origin_of(&table::METRICS)),
            },
            parts: request::part_keys()
                .filter_map(|key| Some((key, part(self.values.get(key)?)?)))
                .collect(),
            job_name: self.get(&table::JOB_NAME).map(ToOwned::to_owned),
            commit: None,
            repository_origin: place(self.origin_of(&table::REPOSITORY)),
        }
    }
}

/// The text or the number of a setting.
fn given(setting: &Setting) -> Option<Given<String>> {
    let value = match &setting.value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Switch(_) | Value::List(_) | Value::Map(_) | Value::Fields(_) => return None,
    };
    Some(Given {
        value,
        origin: place(&setting.origin),
    })
}

/// A setting as it becomes a part of the request.
fn part(setting: &Setting) -> Option<Given<serde_json::Value>> {
    Some(Given {
        value: serde_json::to_value(&setting.value).ok()?,
        origin: place(&setting.origin),
    })
}

/// Where it was set, if it was.
fn place(origin: &Origin) -> Option<String> {
    Some(origin.to_string()).filter(|_| *origin != Origin::Default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Definition, Kind};

    #[test]
    fn every_field_of_a_training_is_a_text_or_a_number_that_can_be_set() {
        for key in request::setting_keys() {
            let definition = Definition::of(key).unwrap_or_else(|| panic!("there is no setting {key}"));
            assert!(matches!(definition.kind, Kind::Text | Kind::Number), "{key}");
        }
        for key in request::part_keys() {
            assert!(Definition::of(key).is_some(), "there is no setting {key}");
        }
    }
}
