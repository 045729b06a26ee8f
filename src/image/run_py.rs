//! The program that the container starts.

use minijinja::context;

use super::ImagePlan;
use crate::template::{self, render};

/// Where the image keeps it: outside `/opt/ml`, which belongs to SageMaker.
pub const RUN_PY: &str = "/usr/local/lib/sgbuild/run.py";

const TEMPLATE: &str = include_str!("../../templates/run.py");

/// Renders `run.py`, the container's entry point.
///
/// # Errors
/// None in practice: the template is sgbuild's own.
pub fn run_py(plan: &ImagePlan) -> Result<String, template::Error> {
    run_py_at(plan, "/opt/ml")
}

/// The same, for a place that stands for `/opt/ml`.
///
/// # Errors
/// As [`run_py`].
pub fn run_py_at(plan: &ImagePlan, prefix: &str) -> Result<String, template::Error> {
    let variables = context! {
        train => plan.train.object.as_str(),
        serve => plan.serve.as_ref().map(|serve| serve.object.as_str()),
        train_is_console_script => plan.train.console_script,
        serve_is_console_script => plan.serve.as_ref().is_some_and(|serve| serve.console_script),
        prefix => prefix,
    };
    render("run.py", TEMPLATE, variables, |_| {})
}
