//! Text from a template: sgbuild's own, or one that the user wrote.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};

use crate::depth::{MAX_BYTES, on_large_stack};
use crate::explain::{Advice, Code, Explain, Fault};
use crate::secret::without_url_credentials;

/// What a template may cost: about an instruction each, or 64 bytes that it makes. sgbuild's own takes some hundreds.
const FUEL: u64 = 2_000_000;
/// Bytes that it may make.
const MOST_BYTES: usize = 4 * MB;
const MB: usize = 1_000_000;

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
    fn code(&self) -> Code {
        Code::TemplateInvalid
    }

    fn advice(&self) -> Advice {
        Fault::User.hint("docs/configuration.md lists the variables that a Dockerfile template may use.")
    }
}

/// Renders `text`, which is what `path` holds, with `variables`; `extended` adds to its language.
///
/// # Errors
/// It is malformed, uses a variable that there is not, or has no end.
pub(crate) fn render(
    path: &str,
    text: &str,
    variables: Value,
    extended: fn(&mut Environment<'_>),
) -> Result<String, Error> {
    let rendered = || {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
        extended(&mut environment);
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
