//! The Docker daemon as an engine.

/// Why the Docker engine failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {}
