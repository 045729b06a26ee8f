//! `ImagePlan ─▶ Dockerfile`: the plan as text, through a template.

use minijinja::value::Serde;
use minijinja::{ErrorKind, context};

use super::Package;
use crate::image::{ImagePlan, RUN_PY, Words};
use crate::template::{self, render};

const TEMPLATE: &str = include_str!("../../../../templates/Dockerfile.j2");
/// Where in it the part begins, and where it ends, that needs neither the package nor its requirements.
const BASE: [&str; 2] = ["{#- From here:", "{#- To here:"];
/// What stands above that part where it is a Dockerfile of its own.
const BASE_HEADER: &str = "# Base image of training images for Amazon SageMaker, rendered by sgbuild: what has to be run before anything is installed.";

/// Renders the Dockerfile of `plan` and `package` through the user's template or sgbuild's own.
///
/// The variables are the fields of both, `words`, what is told of the build, and `run_py`, the path of the entry point in the image; the filter `quoted` writes a string
/// as a Dockerfile's double-quoted word.
///
/// # Errors
/// A template that is malformed, uses an unknown variable, with its line, or leaves a neighbour out.
pub(super) fn dockerfile(plan: &ImagePlan, package: &Package) -> Result<String, template::Error> {
    let own = plan.only_docker.template.as_ref();
    let (path, text) = own.map_or(("Dockerfile.j2", TEMPLATE), |own| {
        (own.path.as_str(), own.text.as_str())
    });
    let Package {
        sdist,
        wheel,
        neighbour_wheels,
    } = package;
    if own.is_some() && !neighbour_wheels.is_empty() && !text.contains("neighbour_wheels") {
        let wheels = neighbour_wheels.join(", ");
        return Err(template::Error {
            path: path.to_owned(),
            line: None,
            reason: format!(
                "it does not use `neighbour_wheels`, so the image would lack what the package requires: {wheels}"
            ),
        });
    }
    let variables =
        context! { run_py => RUN_PY, words => Serde(Words::of(plan)), sdist, wheel, neighbour_wheels, ..Serde(plan) };
    render(path, text, variables, |environment| {
        environment.add_filter("quoted", |text: String| quoted(&text));
    })
}

/// Renders the part of sgbuild's own template that needs neither the package nor its requirements, up to the last Dockerfile line of the
/// project's own.
///
/// # Errors
/// The template is malformed.
pub(super) fn of_base(plan: &ImagePlan) -> Result<String, template::Error> {
    let [from, to] = BASE;
    let part = TEMPLATE
        .find(from)
        .zip(TEMPLATE.find(to))
        .map(|(from, to)| &TEMPLATE[from..to]);
    let text = format!("{BASE_HEADER}\n{}\n", part.unwrap_or_default().trim_end());
    let variables = context! { words => Serde(Words::of(plan)), ..Serde(plan) };
    render("Dockerfile.j2", &text, variables, |environment| {
        environment.add_filter("quoted", |text: String| quoted(&text));
    })
}

/// `text` as a double-quoted word of a Dockerfile, in which nothing is expanded. A line break cannot be quoted there.
/// Source: <https://docs.docker.com/reference/dockerfile/#environment-replacement>.
fn quoted(text: &str) -> Result<String, minijinja::Error> {
    if text.contains(['\n', '\r', '\0']) {
        let reason = "a value with a line break cannot be written as a word of a Dockerfile";
        return Err(minijinja::Error::new(ErrorKind::InvalidOperation, reason));
    }
    let mut word = String::with_capacity(text.len() + 2);
    word.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$') {
            word.push('\\');
        }
        word.push(c);
    }
    word.push('"');
    Ok(word)
}
