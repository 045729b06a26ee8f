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
        let function = self.function()?.to_owned();
        let given = request::setting_keys().filter_map(|key| Some((key, given(self.values.get(key)?)?)));
        let mut settings = TrainingSettings {
            function: Some(function),
            given: given.collect(),
            metrics: Given {
                value: self.get(&table::METRICS).clone(),
                origin: place(self.origin_of(&table::METRICS)),
            },
            job_name: self.get(&table::JOB_NAME).map(ToOwned::to_owned),
            commit,
            repository_origin: place(self.origin_of(&table::REPOSITORY)),
        };
        settings.given.entry("run-id").or_insert_with(|| Given {
            value: new_run_id(),
            origin: None,
        });
        Some(settings)
    }
}

/// The text or the number of a setting.
fn given(setting: &Setting) -> Option<Given<String>> {
    let value = match &setting.value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Switch(_) | Value::List(_) | Value::Map(_) => return None,
    };
    Some(Given {
        value,
        origin: Some(setting.origin.to_string()),
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
    }
}
