//! `ImagePlan ─▶ Dockerfile`: the plan as text, through a template.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, context};

use crate::depth::{MAX_BYTES, on_large_stack};
use crate::explain::{Advice, Explain, Fault};
use crate::image::{ImagePlan, RUN_PY};
use crate::secret::without_url_credentials;

const DOCKERFILE: &str = include_str!("../templates/Dockerfile.j2");
const RUN_PY_TEMPLATE: &str = include_str!("../templates/run.py");

/// What a template may cost: about an instruction each, or 64 bytes that it makes. sgbuild's own takes some hundreds.
const FUEL: u64 = 2_000_000;
/// Bytes that it may make.
const MOST_BYTES: usize = 4 * MB;
const MB: usize = 1_000_000;

/// A user's own Dockerfile template.
#[derive(Debug, Clone)]
pub struct Template {
    /// Where it was read, for messages.
    pub path: String,
    /// Its text, in the [Jinja syntax of minijinja](https://docs.rs/minijinja/latest/minijinja/syntax/).
    pub text: String,
}

/// Why a template could not be rendered.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {reason}", .path, .line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct Error {
    /// The template.
    pub path: String,
    /// The line, where known.
    pub line: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

impl Explain for Error {
    fn advice(&self) -> Advice {
        Fault::User.hint("docs/configuration.md lists the variables that a Dockerfile template may use.")
    }
}

/// Renders the Dockerfile of `plan`, with the user's `template` or sgbuild's own.
///
/// The variables are the fields of [`ImagePlan`] and `run_py`, the path of the entry point in the image; the filter `quoted`
/// writes a string as a Dockerfile's double-quoted word.
///
/// # Errors
/// A template that is malformed or uses an unknown variable, with its line.
pub fn dockerfile(plan: &ImagePlan, template: Option<&Template>) -> Result<String, Error> {
    let (path, text) = template.map_or(("Dockerfile.j2", DOCKERFILE), |t| (t.path.as_str(), t.text.as_str()));
    render(path, text, context! { run_py => RUN_PY, ..Serde(plan) })
}

/// Renders `run.py`, the container's entry point.
///
/// # Errors
/// None in practice: the template is sgbuild's own.
pub fn run_py(plan: &ImagePlan) -> Result<String, Error> {
    let variables = context! {
        train => plan.train.object.as_str(),
        serve => plan.serve.as_ref().map(|serve| serve.object.as_str()),
        train_is_console_script => plan.train.console_script,
        serve_is_console_script => plan.serve.as_ref().is_some_and(|serve| serve.console_script),
        prefix => "/opt/ml",
    };
    render("run.py", RUN_PY_TEMPLATE, variables)
}

fn render(path: &str, text: &str, variables: Value) -> Result<String, Error> {
    let rendered = || {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
        environment.add_filter("quoted", |text: String| quoted(&text));
        environment.render_named_str(path, text, variables)
    };
    let failed = |line, reason| Error {
        path: path.to_owned(),
        line,
        reason,
    };
    if text.len() > MAX_BYTES {
        let reason = format!(
            "it has {} kB; a template may have {}",
            text.len() / 1024,
            MAX_BYTES / 1024
        );
        return Err(failed(None, reason));
    }
    let done = on_large_stack(rendered).ok_or_else(|| failed(None, "there is no memory to render it".to_owned()))?;
    let text = done.map_err(|error: minijinja::Error| {
        let reason = match (error.kind(), error.detail()) {
            (ErrorKind::OutOfFuel, _) => "it takes too long: loops in loops, or a text that grows".to_owned(),
            (_, Some(detail)) => without_url_credentials(detail),
            (kind, None) => kind.to_string(),
        };
        failed(error.line(), reason)
    })?;
    if text.len() > MOST_BYTES {
        let reason = format!(
            "it makes {} MB of text; at most {} are used",
            text.len() / MB,
            MOST_BYTES / MB
        );
        return Err(failed(None, reason));
    }
    Ok(text)
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
