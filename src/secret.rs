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

/// `text` with the user info of every URL in it replaced by `***`: for anything that is shown or stored.
#[must_use]
pub fn without_url_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(scheme_end) = rest.find("://") {
        let (before, after) = rest.split_at(scheme_end + 3);
        shown.push_str(before);
        let authority_end = after
            .find(|c: char| c == '/' || c == '?' || c == '#' || c == '"' || c == '\'' || c.is_whitespace())
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(authority_end);
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                shown.push_str("***@");
                shown.push_str(host);
            }
            None => shown.push_str(authority),
        }
        rest = tail;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_formatted() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn url_credentials_are_masked_wherever_they_stand() {
        assert_eq!(
            without_url_credentials("Looking in indexes: https://me:p%40ss@pypi.example/simple, http://b/ ok"),
            "Looking in indexes: https://***@pypi.example/simple, http://b/ ok"
        );
        assert_eq!(without_url_credentials("no url, mail@host"), "no url, mail@host");
        assert_eq!(without_url_credentials("https://t@h"), "https://***@h");
    }
}
