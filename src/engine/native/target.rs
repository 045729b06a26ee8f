//! Where wheels are to be installed: what of a base image decides which of them fit.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::oci::Platform;

/// The Python of a base image and what it runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The image's platform.
    pub platform: Platform,
    /// `(3, 11)`; always `CPython`.
    pub python: (u16, u16),
    /// Its C library.
    pub libc: Libc,
}

/// A C library and its version, which platform tags name
/// (<https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Libc {
    /// Such as 2.36: `manylinux_2_36` and older.
    Glibc(u16, u16),
    /// Such as 1.2: `musllinux_1_2` and older.
    Musl(u16, u16),
}

impl fmt::Display for Libc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Glibc(major, minor) => write!(f, "glibc {major}.{minor}"),
            Self::Musl(major, minor) => write!(f, "musl {major}.{minor}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.python;
        write!(f, "Python {major}.{minor} on {} with {}", self.platform, self.libc)
    }
}
