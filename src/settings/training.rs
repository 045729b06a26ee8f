//! From settings to what a training is asked to be.

use super::{Settings, Value};
use crate::training::{self, Given, TrainingSettings, request};

impl Settings {
    /// How to start the training of an image that was built from `commit`; `None` where no function is set. The run is the one that is
    /// set, else a new one.
    #[must_use]
    pub(crate) fn training(
        &self,
        commit: Option<String>,
        new_run_id: impl FnOnce() -> String,
    ) -> Option<TrainingSettings> {
        let function = self.text("function")?.to_owned();
        let given = request::setting_keys().filter_map(|key| Some((key, self.given(key)?)));
        let mut settings = TrainingSettings {
            function: Some(function),
            given: given.collect(),
            metrics: Given {
                value: self.map("metrics"),
                origin: self.place("metrics"),
            },
            job_name: self.text("job-name").map(ToOwned::to_owned),
            commit,
            repository_origin: self.place("repository"),
        };
        settings.given.entry("run-id").or_insert_with(|| Given {
            value: new_run_id(),
            origin: None,
        });
        Some(settings)
    }

    /// Refuses numbers that SageMaker would refuse only when the pipeline trains.
    ///
    /// # Errors
    /// [`training::Error::Invalid`] with every one that is refused.
    pub(crate) fn check_training_numbers(&self) -> Result<(), training::Error> {
        request::check_kept(|key| match self.value(key)? {
            Value::Number(_) => self.given(key),
            _ => None,
        })
    }

    /// The text or the number of a setting.
    fn given(&self, key: &str) -> Option<Given<String>> {
        let value = match self.value(key)? {
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(Given {
            value,
            origin: self.place(key),
        })
    }

    /// Where a setting was set, if it was.
    fn place(&self, key: &str) -> Option<String> {
        Some(self.origin(key).to_string()).filter(|origin| !origin.is_empty())
    }
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
    }
}
