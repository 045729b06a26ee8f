//! From settings to what each stage takes, a file a stage.

mod engine;
mod image;
mod pipeline;
mod project;
mod push;
mod training;

pub use engine::{EngineSettings, SbomSetting};
pub use image::{BuildSecrets, RequirementsFile};
pub use pipeline::{AccountSettings, PipelineSettings};
pub use push::DestinationSettings;
