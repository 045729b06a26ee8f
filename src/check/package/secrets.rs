//! Credentials in texts, by forms that nothing else has. What is found is never shown.

use crate::check::finding::{Finding, Place};
use crate::check::rule::Rule;

/// Where each of them begins with a word of its own.
const AWS_KEY: [&str; 2] = ["AKIA", "ASIA"];
/// [GitHub's tokens](https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/).
const GITHUB: [&str; 5] = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"];
/// Letters of a token behind its prefix, the last six of which are a checksum.
const GITHUB_LENGTH: usize = 36;
const GITHUB_CHECKSUM: usize = 6;
const HUGGING_FACE: &str = "hf_";
const HUGGING_FACE_LENGTH: usize = 34;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const PRIVATE_KEY: &str = "PRIVATE KEY-----";
/// A line of a key's text has so many letters.
const KEY_LINE: usize = 60;

const ADVICE: &str = "Take it out, and make it void where it was given: whoever can pull the image, or has its sources, has it. A training \
                      gets its rights from its role, and other secrets from Secrets Manager.";

/// All that is found in a file's text; `is_certain` says whether it is certainly packed.
pub(super) fn in_text(path: &str, text: &str, is_certain: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    // One look at the whole decides for nearly every file.
    let has = |word: &str| text.contains(word);
    if AWS_KEY.iter().any(|key| has(key)) {
        found.extend(aws(path, text, is_certain));
    }
    if GITHUB.iter().any(|prefix| has(prefix)) {
        let tokens = GITHUB.iter().flat_map(|prefix| words(text, prefix));
        found.extend(tokens.filter(|(_, token)| is_github(token)).map(|(at, _)| {
            credential(path, text, at, "a token of GitHub's, with its right checksum").certain(is_certain)
        }));
    }
    if has(HUGGING_FACE) {
        let tokens = words(text, HUGGING_FACE);
        let tokens = tokens.filter(|(_, token)| is_random(token, HUGGING_FACE_LENGTH));
        found.extend(
            tokens
                .map(|(at, _)| credential(path, text, at, "what looks like a token of Hugging Face's").certain(false)),
        );
    }
    if has(PRIVATE_KEY) {
        found.extend(private_key(path, text));
    }
    found
}

fn credential(path: &str, text: &str, at: usize, what: &str) -> Finding {
    let line = line_of(text, at);
    Finding::new(Rule::CredentialsInPackage, format!("here is {what}"), ADVICE).at(Place::line(path, line))
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The letters and digits behind each `prefix` that begins a word, and where it does.
fn words<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(prefix).filter_map(move |(at, _)| {
        if text[..at].chars().next_back().is_some_and(is_word) {
            return None;
        }
        let rest = &text[at + prefix.len()..];
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        Some((at, &rest[..end]))
    })
}

/// An access key with its secret: an id alone is none. The ids are in
/// [IAM's guide](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes).
fn aws(path: &str, text: &str, is_certain: bool) -> Option<Finding> {
    let is_id = |id: &str| {
        id.len() == 16 && id.bytes().all(|c| matches!(c, b'A'..=b'Z' | b'2'..=b'7')) && !id.ends_with("EXAMPLE")
    };
    let mut ids = AWS_KEY.iter().flat_map(|prefix| words(text, prefix));
    let (at, _) = ids.find(|(_, id)| is_id(id) && different_letters(id) > 7)?;
    // Test data is not a secret, and nobody can tell.
    let is_for_tests = path.split('/').any(|part| part.starts_with("test"));
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "/+".contains(c)));
    let has_secret = words.any(|word| word.len() == 40 && is_mixed(word) && !word.contains("EXAMPLE"));
    has_secret.then(|| {
        credential(path, text, at, "an access key of AWS, with its secret").certain(is_certain && !is_for_tests)
    })
}

fn is_github(token: &str) -> bool {
    if !is_random(token, GITHUB_LENGTH) {
        return false;
    }
    let (random, checksum) = token.split_at(GITHUB_LENGTH - GITHUB_CHECKSUM);
    base62(crc32fast::hash(random.as_bytes())) == checksum
}

fn base62(mut number: u32) -> String {
    let mut digits = [b'0'; GITHUB_CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[number as usize % BASE62.len()];
        number /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

fn is_random(token: &str, length: usize) -> bool {
    token.len() == length
        && token.bytes().all(|c| c.is_ascii_alphanumeric())
        && is_mixed(token)
        && different_letters(token) > 12
}

/// Whether there are small and large letters, and digits: a hash in hexadecimal has no large ones.
fn is_mixed(word: &str) -> bool {
    let bytes = word.as_bytes();
    let has = |is: fn(&u8) -> bool| bytes.iter().any(is);
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)
}

fn different_letters(word: &str) -> usize {
    let letters: std::collections::BTreeSet<u8> = word.bytes().collect();
    letters.len()
}

/// A private key that no password protects: [RFC 7468](https://www.rfc-editor.org/rfc/rfc7468).
fn private_key(path: &str, text: &str) -> Option<Finding> {
    let lines: Vec<&str> = text.lines().collect();
    let is_key_line = |line: &&str| {
        let line = line.trim();
        line.len() >= KEY_LINE && line.bytes().all(|c| c.is_ascii_alphanumeric() || b"+/=".contains(&c))
    };
    let begins = |(index, line): (usize, &&str)| {
        let is_head =
            line.trim_start().starts_with("-----BEGIN") && line.contains(PRIVATE_KEY) && !line.contains("ENCRYPTED");
        let is_protected = lines.get(index + 1).is_some_and(|next| next.contains("ENCRYPTED"));
        (is_head && !is_protected && lines[index + 1..].iter().take(3).any(is_key_line)).then_some(index)
    };
    // Google's service accounts have it in one line of JSON.
    let in_json = |(index, line): (usize, &&str)| {
        (line.contains("\"private_key\"") && line.contains("-----BEGIN PRIVATE KEY-----\\n")).then_some(index)
    };
    let numbered = || lines.iter().enumerate();
    let index = numbered().find_map(begins).or_else(|| numbered().find_map(in_json))?;
    Some(
        Finding::new(
            Rule::PrivateFileInPackage,
            "here is a private key without a password",
            ADVICE,
        )
        .at(Place::line(path, index + 1)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let found = in_text("p/a.py", text, true);
        found
            .iter()
            .map(|finding| format!("{} {}", finding.severity, finding.rule.id()))
            .collect()
    }

    /// Put together here, so that no scanner takes this file for a leak.
    fn github(random: &str) -> String {
        ["gh", "p_", random, &base62(crc32fast::hash(random.as_bytes()))].concat()
    }

    #[test]
    fn a_token_of_github_has_a_checksum() {
        let token = github("aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2");
        assert_eq!(told(&format!("t = '{token}'\n")), ["error SGB008"]);
        let mistyped = token.replace("aB3", "aB4");
        assert!(told(&format!("t = '{mistyped}'\n")).is_empty());
        assert!(told(&format!("t = 'x{token}'\n")).is_empty());
    }

    #[test]
    fn an_access_key_is_one_with_its_secret() {
        let id = ["AK", "IAQWERTYUIOP234567"].concat();
        let secret = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2eF4hJ6kL8n";
        assert_eq!(told(&format!("key={id}\nsecret={secret}\n")), ["error SGB008"]);
        assert!(told(&format!("key={id}\n")).is_empty());
        assert!(told(&format!("key={id}\nsha={}\n", "0123456789abcdef".repeat(3))).is_empty());
        let example = ["AK", "IAIOSFODNN7EXAMPLE"].concat();
        assert!(told(&format!("key={example}\nsecret={secret}\n")).is_empty());
    }

    #[test]
    fn a_private_key_has_a_text_and_no_password() {
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        let head = ["-----BEGIN RSA PRIV", "ATE KEY-----"].concat();
        assert_eq!(told(&format!("{head}\n{line}\n")), ["warning SGB009"]);
        assert!(told(&format!("{head}\nProc-Type: 4,ENCRYPTED\n{line}\n")).is_empty());
        assert!(told(&format!("if text.startswith('{head}'):\n    pass\n")).is_empty());
    }
}
