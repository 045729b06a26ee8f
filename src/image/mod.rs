//! `Project ─▶ ImagePlan`: what the training image holds, in the field's terms. An engine decides how to make it.

mod base;
mod error;
mod plan;
mod python;
mod run_py;
mod server;
mod words;

pub use base::BaseImage;
pub(crate) use base::{ARCHIVE, DAEMON, LAYOUT, path_and_name};
pub use error::Error;
pub(crate) use plan::environments;
pub use plan::{ImagePlan, ImageSettings, OnlyDocker, PlannedNeighbour, Template};
pub(crate) use python::{DEFAULT_PYTHON, chosen_python};
pub use run_py::{RUN_PY, SERVE_PY, programs, run_py, run_py_at};
pub use words::{Words, base as base_in_words};
