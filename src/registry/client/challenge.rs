//! `WWW-Authenticate`: how a registry wants to be authenticated to.

use http::{HeaderMap, header::WWW_AUTHENTICATE};

/// A challenge that this client can meet ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#name-authentication-scheme),
/// [token authentication](https://distribution.github.io/distribution/spec/auth/token/)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with every request; ECR.
    Basic,
    /// A token from an authorization service; Docker Hub, GitHub, the ECR public gallery.
    Bearer {
        /// The service's URL.
        realm: String,
        /// What the registry calls itself there.
        service: Option<String>,
    },
}

impl Challenge {
    /// The strongest challenge of an answer's headers that can be met: Bearer before Basic.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let texts = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let challenges: Vec<Self> = texts.flat_map(parse).collect();
        challenges
            .iter()
            .find(|c| matches!(c, Self::Bearer { .. }))
            .or(challenges.first())
            .cloned()
    }
}

/// Every challenge of one header value that can be met. Parameters belong to the last scheme named before them.
fn parse(text: &str) -> Vec<Challenge> {
    let mut challenges: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = token(rest);
        if word.is_empty() {
            rest = rest.get(1..).unwrap_or_default().trim_start();
            continue;
        }
        if let Some(value) = after.trim_start().strip_prefix('=') {
            let (value, after) = parameter_value(value.trim_start());
            if let Some((_, parameters)) = challenges.last_mut() {
                parameters.push((word.to_ascii_lowercase(), value));
            }
            rest = after.trim_start();
        } else {
            challenges.push((word.to_ascii_lowercase(), Vec::new()));
            rest = after.trim_start();
        }
    }
    challenges
        .into_iter()
        .filter_map(|(scheme, parameters)| understood(&scheme, &parameters))
        .collect()
}

fn understood(scheme: &str, parameters: &[(String, String)]) -> Option<Challenge> {
    let parameter = |name: &str| {
        parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer {
            realm: parameter("realm")?,
            service: parameter("service"),
        }),
        _ => None,
    }
}

/// The token at the head of `text`, and what follows it.
fn token(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, '=' | ',' | '"'))
        .unwrap_or(text.len());
    text.split_at(end)
}

/// A token or quoted string at the head of `text`, and what follows it.
fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = token(text);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((i, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[i + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Option<Challenge> {
        Challenge::of(
            &values
                .iter()
                .map(|value| (WWW_AUTHENTICATE, value.parse().unwrap()))
                .collect(),
        )
    }

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
        }
    }

    #[test]
    fn challenges_of_real_registries_are_read() {
        assert_eq!(
            of(&[r#"Basic realm="https://123456789012.dkr.ecr.us-east-1.amazonaws.com/",service="ecr.amazonaws.com""#]),
            Some(Challenge::Basic)
        );
        assert_eq!(
            of(&[
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#
            ]),
            Some(bearer("https://auth.docker.io/token", Some("registry.docker.io")))
        );
        assert_eq!(
            of(&[r#"bearer  Realm = "https://x/t" , error=invalid_token"#]),
            Some(bearer("https://x/t", None))
        );
    }

    #[test]
    fn a_token_is_preferred_to_a_password() {
        assert_eq!(
            of(&[r#"Basic realm="r", Bearer realm="https://x/t",service=s"#]),
            Some(bearer("https://x/t", Some("s")))
        );
        assert_eq!(
            of(&[r#"Basic realm="r""#, r#"Bearer realm="https://x/t""#]),
            Some(bearer("https://x/t", None))
        );
    }

    #[test]
    fn what_cannot_be_met_is_none() {
        for value in [
            "Negotiate",
            "Digest realm=\"a\"",
            "Bearer service=\"no realm\"",
            "",
            ",,,=\"",
            "\"\"",
            "realm=\"x",
        ] {
            assert_eq!(of(&[value]), None, "{value}");
        }
        assert_eq!(of(&[]), None);
        assert_eq!(
            of(&[r#"Bearer realm="https://x/a\"b"#]),
            Some(bearer("https://x/a\"b", None))
        );
    }
}
