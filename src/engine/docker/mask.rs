//! Keeps secrets out of build logs and errors.

use std::collections::BTreeMap;

use crate::secret::{Secret, without_url_credentials};

/// Texts shorter than this are not masked: they would blot out half the log and tell nothing.
const SHORTEST: usize = 4;

/// Replaces what a build's secrets contain by `***`.
#[derive(Clone, Default)]
pub(crate) struct Mask {
    /// Longest first, so that a whole line goes before the password in it.
    texts: Vec<String>,
}

impl Mask {
    /// A mask for the secrets of one build.
    pub(crate) fn new(secrets: &BTreeMap<String, Secret>) -> Self {
        let mut texts: Vec<String> = secrets
            .values()
            .flat_map(|secret| telling_parts(secret.expose()))
            .collect();
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        texts.dedup();
        Self { texts }
    }

    /// `text` without any secret or URL credential.
    pub(crate) fn apply(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for secret in &self.texts {
            if shown.contains(secret.as_str()) {
                shown = shown.replace(secret.as_str(), "***");
            }
        }
        without_url_credentials(&shown)
    }
}

/// The parts of a secret file that tell something when printed on their own: lines of settings, words after
/// `password`, user info of URLs. Certificates are public and left alone.
fn telling_parts(secret: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut in_certificate = false;
    for line in secret.lines().map(str::trim) {
        if line.starts_with("-----BEGIN ") {
            in_certificate = line.contains("CERTIFICATE");
            continue;
        }
        if line.starts_with("-----END ") {
            in_certificate = false;
            continue;
        }
        if in_certificate || line.is_empty() || line.starts_with(['#', ';', '[']) {
            continue;
        }
        parts.push(line.to_owned());
        for url in line.split_whitespace().filter_map(|word| word.split_once("://")) {
            let authority = url.1.split(['/', '?', '#']).next().unwrap_or_default();
            let Some((user_info, _)) = authority.rsplit_once('@') else {
                continue;
            };
            let password = user_info.split_once(':').map_or(user_info, |(_, password)| password);
            parts.push(password.to_owned());
            parts.push(percent_decoded(password));
        }
        let words: Vec<&str> = line
            .split(|c: char| c.is_whitespace() || c == '=')
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            let key = pair[0].to_ascii_lowercase();
            if ["password", "passwd", "token", "secret"]
                .iter()
                .any(|name| key.ends_with(name))
            {
                parts.push(pair[1].trim_matches(['"', '\'']).to_owned());
            }
        }
    }
    parts.retain(|part| part.len() >= SHORTEST);
    parts
}

fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("k={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(id: &str, text: &str) -> Mask {
        Mask::new(&BTreeMap::from([(id.to_owned(), Secret::new(text))]))
    }

    #[test]
    fn the_telling_parts_of_pip_conf_are_masked_and_the_rest_is_not() {
        let mask = mask(
            "pip.conf",
            "[global]\ntimeout = 60\nindex-url = https://me:c%40nary@index.example/simple\n",
        );
        assert_eq!(mask.apply("saw c%40nary and c@nary"), "saw *** and ***");
        assert_eq!(
            mask.apply("index-url = https://me:c%40nary@index.example/simple"),
            "***"
        );
        assert_eq!(
            mask.apply("Looking in https://x:y@index.example/simple [global] 60"),
            "Looking in https://***@index.example/simple [global] 60"
        );
    }

    #[test]
    fn a_password_of_netrc_is_masked_alone() {
        let mask = mask("netrc", "machine index.example login me password canary123\n");
        assert_eq!(
            mask.apply("echo canary123 from index.example"),
            "echo *** from index.example"
        );
    }

    #[test]
    fn certificates_are_public_but_private_keys_are_not() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIBpublic\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nMIIEprivate\n-----END PRIVATE KEY-----\n";
        assert_eq!(mask("ca.pem", pem).apply("MIIBpublic MIIEprivate"), "MIIBpublic ***");
    }
}
