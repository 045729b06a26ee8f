//! The Docker daemon as an engine.

/// Why the Docker engine failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {}

impl Error {
    /// Whose move it is.
    #[must_use]
    pub fn fault(&self) -> crate::fault::Fault {
        match *self {}
    }

    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match *self {}
    }
}
