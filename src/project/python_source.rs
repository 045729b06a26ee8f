//! Parsing Python source within limits: no input may exhaust the stack.

use ruff_python_ast::{ModExpression, ModModule, Stmt};
use ruff_python_parser::Parsed;

use super::error::Error;
use super::source_file::SourceFile;
use crate::depth::{MAX_BYTES, on_large_stack};

/// `CPython`'s own limit on nested brackets.
const MAX_BRACKETS: usize = 200;

/// Parses `file` and hands its statements to `look`; `None` if the file is too large to be read statically.
pub(crate) fn with_module<T: Send>(
    file: &SourceFile,
    look: impl FnOnce(&SourceFile, &[Stmt]) -> T + Send,
) -> Result<Option<T>, Error> {
    if let Some(at) = too_deep(&file.text) {
        return Err(syntax(file, at, "too many nested parentheses".to_owned()));
    }
    // Longer files are generated or hostile; Python is asked about them.
    if file.text.len() > MAX_BYTES {
        return Ok(None);
    }
    // A deep tree is built, read and dropped recursively: on a larger stack than a thread has.
    let looked = on_large_stack(|| match ruff_python_parser::parse_module(&file.text) {
        Ok(parsed) => Ok(look(file, parsed.suite())),
        Err(error) => Err(syntax(file, error.location.start().to_usize(), error.error.to_string())),
    });
    looked.transpose()
}

/// A text's statements; `None` where it is not Python, or past the limits. Only for callers that run on the large stack of
/// [`with_module`].
pub(crate) fn parse(text: &str) -> Option<Parsed<ModModule>> {
    within_limits(text).then(|| ruff_python_parser::parse_module(text).ok())?
}

/// The same for one expression.
pub(crate) fn parse_expression(text: &str) -> Option<Parsed<ModExpression>> {
    within_limits(text).then(|| ruff_python_parser::parse_expression(text).ok())?
}

fn within_limits(text: &str) -> bool {
    text.len() <= MAX_BYTES && too_deep(text).is_none()
}

fn syntax(file: &SourceFile, offset: usize, message: String) -> Error {
    Error::Syntax {
        file: file.name.clone(),
        line: file.line(offset),
        column: file.column(offset),
        message,
        python2: looks_like_python2(&file.text),
    }
}

fn looks_like_python2(text: &str) -> bool {
    text.lines().map(str::trim_start).any(|line| {
        let print = line
            .strip_prefix("print ")
            .is_some_and(|rest| !rest.trim_start().starts_with(['(', '=']));
        let except = line.starts_with("except ") && line.contains(',') && !line.contains('(') && !line.contains(" as ");
        print || except || line.starts_with("exec \"") || line.starts_with("exec '")
    })
}

/// The offset at which brackets nest too deeply, strings and comments left out.
fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'#' => at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at),
            quote @ (b'"' | b'\'') => {
                at = string_end(bytes, at, quote);
                continue;
            }
            b'(' | b'[' | b'{' => {
                depth += 1;
                if depth > MAX_BRACKETS {
                    return Some(at);
                }
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The offset behind the string that starts at `start`.
fn string_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let triple = bytes[start..].starts_with(&[quote; 3]);
    let mut at = start + if triple { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\n' if !triple => return at,
            b if b == quote && !triple => return at + 1,
            b if b == quote && bytes[at..].starts_with(&[quote; 3]) => return at + 3,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Whether `name` is a Python identifier.
pub(crate) fn identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic()) && chars.all(|c| c == '_' || c.is_alphanumeric())
}
