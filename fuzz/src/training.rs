//! What is asked of SageMaker, as far as it is read from files.

#[path = "../../src/training/fields.rs"]
mod fields;
#[path = "../../src/training/hyperparameters.rs"]
pub mod hyperparameters;
