//! A string that does not show itself.

use std::fmt;

/// A credential, or text that contains one. `Debug` and `Display` print `***`, so that it can sit in a settings struct or
/// an error without reaching a log; [`Secret::expose`] is the only way to the text, and easy to search for.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that must send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Has the system write no core of this process, nor of those that it starts, when it crashes: all secrets would be in it. Whoever wants one
/// nevertheless raises the limit again, which a program may ([core(5)](https://man7.org/linux/man-pages/man5/core.5.html)).
pub fn leave_no_core() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Core).maximum;
    let current = Some(0);
    // A limit can always be lowered.
    let _ = setrlimit(Resource::Core, Rlimit { current, maximum });
}

mod netrc;
mod url;

pub(crate) use netrc::Netrc;
pub use url::without_url_credentials;
pub(crate) use url::{has_url_credentials, url_user_infos};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_formatted() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.expose(), "hunter2");
    }
}
