//! Keeps secrets out of build logs and errors.

use std::collections::BTreeMap;

use base64::Engine as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use crate::secret::{Secret, url_user_infos, without_url_credentials};

/// What a URL's user info holds unencoded: <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

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
/// `password`, user info of URLs; each as it is and as others write it. Certificates are public and left alone.
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
        for user_info in url_user_infos(line) {
            parts.extend(passwords(user_info));
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
                parts.push(pair[1].to_owned());
                parts.push(pair[1].trim_matches(['"', '\'']).to_owned());
            }
        }
    }
    let mut written: Vec<String> = parts.iter().flat_map(|part| as_others_write(part)).collect();
    written.append(&mut parts);
    written.retain(|part| part.len() >= SHORTEST);
    written
}

/// What is secret in the user info of a URL: its password, and all of it where it has none, as it is and decoded; and both together in
/// base64, which is how [HTTP](https://www.rfc-editor.org/rfc/rfc7617#section-2) sends them.
fn passwords(user_info: &str) -> Vec<String> {
    let password = user_info.split_once(':').map_or(user_info, |(_, password)| password);
    let mut parts = vec![password.to_owned(), percent_decoded(password)];
    let decoded = percent_decoded(user_info);
    let pair = if decoded.contains(':') {
        decoded
    } else {
        format!("{decoded}:")
    };
    parts.push(base64(&pair));
    parts
}

/// A text as programs show it: percent-encoded in a URL, escaped in JSON and in Python's `repr`, quoted for a shell, in base64.
fn as_others_write(text: &str) -> Vec<String> {
    let json = serde_json::to_string(text).unwrap_or_default();
    let json = json
        .trim_start_matches('"')
        .strip_suffix('"')
        .unwrap_or_default()
        .to_owned();
    let repr = text.replace('\\', "\\\\").replace('\'', "\\'");
    let shell = shlex::try_quote(text)
        .map(std::borrow::Cow::into_owned)
        .unwrap_or_default();
    let in_quotes = text.replace('\'', "'\\''");
    let encoded: String = percent_encoding::utf8_percent_encode(text, UNRESERVED).to_string();
    let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let lower = lower_escapes(&encoded);
    let slashes = json.replace('/', "\\/");
    vec![
        json,
        slashes,
        repr,
        shell,
        in_quotes,
        encoded,
        lower,
        form,
        base64(text),
    ]
}

/// `%2F` as `%2f`.
fn lower_escapes(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escape, rest) = part.split_at(part.len().min(2));
        lower.push('%');
        lower.push_str(&escape.to_ascii_lowercase());
        lower.push_str(rest);
    }
    lower
}

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
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
    fn a_password_is_masked_however_it_is_written() {
        let mask = mask(
            "pip.conf",
            "[global]\nindex-url = https://me:c4%22n'a%2Fry\\é@index.example/simple\n",
        );
        for written in [
            r#"c4"n'a/ry\é"#,
            r"c4%22n%27a%2Fry%5C%C3%A9",
            r"c4%22n%27a%2fry%5c%c3%a9",
            r#"c4\"n'a/ry\\é"#,
            r#"c4\"n'a\/ry\\é"#,
            r#"c4"n\'a/ry\\é"#,
            r#"c4"n'\''a/ry\é"#,
            "bWU6YzQibidhL3J5XMOp",
            "YzQibidhL3J5XMOp",
        ] {
            assert_eq!(mask.apply(&format!("saw {written}.")), "saw ***.", "{written}");
        }
    }

    #[test]
    fn passwords_with_odd_characters_are_found_in_the_settings() {
        for password in ["c4na\"ry", "c4na/ry", "c4na#ry", "c4na@ry", "c4na<ry", "c4na ry"] {
            let mask = mask(
                "pip.conf",
                &format!("index-url = https://me:{password}@index.example/simple"),
            );
            assert_eq!(mask.apply(&format!("saw {password}.")), "saw ***.", "{password}");
        }
        let mask = mask("netrc", "machine index.example login me password \"c4n'ary\"");
        assert_eq!(mask.apply("saw c4n'ary."), "saw ***.");
    }

    #[test]
    fn certificates_are_public_but_private_keys_are_not() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIBpublic\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nMIIEprivate\n-----END PRIVATE KEY-----\n";
        assert_eq!(mask("ca.pem", pem).apply("MIIBpublic MIIEprivate"), "MIIBpublic ***");
    }
}
