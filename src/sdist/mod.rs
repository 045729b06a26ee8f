//! `Project ─▶ Sdist`: the source distribution, the same bytes for the same inputs.

use std::path::PathBuf;

/// A source distribution on disk.
#[derive(Debug, Clone)]
pub struct Sdist {
    /// Where it was written.
    pub path: PathBuf,
    /// Its file name, `<name>-<version>.tar.gz` with the normalised name (PEP 625).
    pub file_name: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// The archive's members below `<name>-<version>/`, sorted.
    pub files: Vec<String>,
}
