//! What machines an image runs on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An operating system and a processor architecture, by the names that
/// [Go has for them](https://github.com/opencontainers/image-spec/blob/main/config.md#properties): `linux/amd64`, `linux/arm64/v8`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Platform {
    /// Such as `linux`.
    pub os: String,
    /// Such as `amd64`.
    pub architecture: String,
    /// Such as `v8`, where one is named.
    pub variant: Option<String>,
}

/// A text is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform such as linux/amd64")]
pub struct NoPlatform(pub String);

impl Platform {
    /// Of an operating system and an architecture.
    #[must_use]
    pub fn new(os: &str, architecture: &str) -> Self {
        Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: None,
        }
    }

    /// Whether an image for `actual` is one for this platform. A variant counts where both name one: not every image says its own.
    #[must_use]
    pub fn is_met_by(&self, actual: &Self) -> bool {
        let is_same_variant = match (&self.variant, &actual.variant) {
            (Some(wanted), Some(actual)) => wanted == actual,
            _ => true,
        };
        self.os == actual.os && self.architecture == actual.architecture && is_same_variant
    }
}

impl FromStr for Platform {
    type Err = NoPlatform;

    fn from_str(text: &str) -> Result<Self, NoPlatform> {
        let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric());
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [os, architecture] if parts.iter().all(is_word) => Ok(Self::new(os, architecture)),
            [os, architecture, variant] if parts.iter().all(is_word) => Ok(Self {
                variant: Some(variant.to_owned()),
                ..Self::new(os, architecture)
            }),
            _ => Err(NoPlatform(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Platform {
    type Error = NoPlatform;

    fn try_from(text: String) -> Result<Self, NoPlatform> {
        text.parse()
    }
}

impl From<Platform> for String {
    fn from(platform: Platform) -> Self {
        platform.to_string()
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn a_variant_may_be_asked_for_but_another_architecture_is_another_platform() {
        let is_met = |wanted: &str, actual: &str| platform(wanted).is_met_by(&platform(actual));
        assert!(is_met("linux/amd64", "linux/amd64"));
        assert!(is_met("linux/arm64/v8", "linux/arm64"));
        assert!(is_met("linux/arm64", "linux/arm64/v8"));
        assert!(!is_met("linux/arm/v6", "linux/arm/v7"));
        assert!(!is_met("linux/arm64", "linux/amd64"));
        assert!(!is_met("windows/amd64", "linux/amd64"));
    }

    #[test]
    fn what_is_no_platform_is_refused() {
        for text in ["", "linux", "linux/", "/amd64", "linux/arm64/v8/x", "linux/amd 64"] {
            assert_eq!(text.parse::<Platform>(), Err(NoPlatform(text.to_owned())));
        }
        assert_eq!(platform("linux/arm64/v8").to_string(), "linux/arm64/v8");
    }
}
