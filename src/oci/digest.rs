//! Content by what it is: the hash over its bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::hex::hex;

/// A [digest](https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests): `sha256:` and 64 lower-case hexadecimal
/// digits, or the longer ones of SHA-384 and SHA-512.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// Why a text is no digest: the end of a sentence that begins with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` {reason}")]
pub struct Malformed {
    /// The text.
    pub text: String,
    /// Such as `needs 64 lower-case hexadecimal digits`.
    pub reason: String,
}

impl Digest {
    /// The SHA-256 digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_sha256(&Sha256::digest(bytes))
    }

    /// The digest that a hasher came to.
    pub(crate) fn of_sha256(hash: &[u8]) -> Self {
        Self(format!("sha256:{}", hex(hash)))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match check(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(reason) => Err(Malformed {
                text: text.to_owned(),
                reason,
            }),
        }
    }
}

fn check(text: &str) -> Result<(), String> {
    let (algorithm, hex) = text.split_once(':').ok_or("has no algorithm, as in `sha256:…`")?;
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(format!("has the unknown algorithm `{algorithm}`")),
    };
    let is_hex = hex.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    if hex.len() == length && is_hex {
        Ok(())
    } else {
        Err(format!("needs {length} lower-case hexadecimal digits"))
    }
}

impl TryFrom<String> for Digest {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_digest_is_none_and_a_json_text_neither() {
        let known = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").as_str(), known);
        assert_eq!(known.parse(), Ok(Digest::of(b"")));
        for text in [
            "",
            "sha256",
            "sha256:00",
            "md5:00",
            &known.to_uppercase(),
            &format!("{known}0"),
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
            let json = serde_json::Value::from(text);
            assert!(serde_json::from_value::<Digest>(json).is_err(), "{text}");
        }
    }
}
