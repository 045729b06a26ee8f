//! Why there is no page.

use crate::explain::{Advice, Code, Explain, Fault};

/// The page's own template failed.
#[derive(Debug, thiserror::Error)]
#[error("the page cannot be made of its template")]
pub struct Error(#[source] pub(super) minijinja::Error);

impl Explain for Error {
    fn code(&self) -> Code {
        Code::TemplateInvalid
    }

    fn advice(&self) -> Advice {
        Fault::User.hint("Please report this: the template is sgbuild's own.")
    }
}
