//! How the training is started.

use crate::settings::key::{Key, Text};
use crate::settings::{Settings, table};
use crate::training::TrainingSettings;

impl Settings {
    /// The training Lambda, where one is set.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        self.get(&table::FUNCTION)
    }

    /// How to start the training of an image built from `commit`, as the run `new_run_id` where none is set; `None` where no
    /// function is set.
    #[must_use]
    pub fn training(&self, commit: Option<String>, new_run_id: impl FnOnce() -> String) -> Option<TrainingSettings> {
        let text = |key: &Key<Option<Text>>| self.get(key).map(ToOwned::to_owned);
        let set = self
            .all()
            .filter_map(|(definition, setting)| Some((definition, setting?)));
        Some(TrainingSettings {
            function: Some(text(&table::FUNCTION)?),
            source_bucket: text(&table::SOURCE_BUCKET),
            output_bucket: text(&table::OUTPUT_BUCKET),
            role: text(&table::ROLE),
            instance_count: self.get(&table::INSTANCE_COUNT),
            instance_type: self.get(&table::INSTANCE_TYPE).to_owned(),
            volume_gib: self.get(&table::VOLUME_SIZE),
            max_runtime_seconds: self.get(&table::MAX_RUNTIME),
            metrics: self.get(&table::METRICS).clone(),
            run_id: text(&table::RUN_ID).unwrap_or_else(new_run_id),
            commit,
            job_name_prefix: text(&table::JOB_NAME),
            origins: set
                .map(|(definition, setting)| (definition.key, setting.origin.to_string()))
                .collect(),
        })
    }
}
