//! The program that the container starts.

use minijinja::context;

use super::ImagePlan;
use crate::template::{self, render};

/// Where the image keeps it: outside `/opt/ml`, which belongs to SageMaker.
pub const RUN_PY: &str = "/usr/local/lib/sgbuild/run.py";

/// What serves what the package does not serve itself; beside it.
pub const SERVE_PY: &str = "/usr/local/lib/sgbuild/serve.py";

const TEMPLATE: &str = include_str!("../../templates/run.py");
const SERVER: &str = include_str!("../../templates/serve.py");

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
        initializer => plan.initializer.as_ref().map(|initializer| initializer.object.as_str()),
        served_as => plan.served.in_words(),
        prefix => prefix,
    };
    render("run.py", TEMPLATE, variables, |_| {})
}

/// The programs of the image: `run.py`, and `serve.py` where something is to be served.
///
/// # Errors
/// As [`run_py`].
pub fn programs(plan: &ImagePlan) -> Result<Vec<(&'static str, String)>, template::Error> {
    let mut programs = vec![(RUN_PY, run_py(plan)?)];
    if plan.serve.is_some() {
        programs.push((SERVE_PY, SERVER.to_owned()));
    }
    Ok(programs)
}
