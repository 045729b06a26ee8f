//! Content that is made or read when it is needed.

use std::io::{self, Read};

use super::Descriptor;

/// A config or a layer that can be opened any number of times: what was sent in vain is sent again from its beginning, and nobody holds
/// it in memory.
pub trait Content: Send + Sync {
    /// What it is; whoever sends it makes sure that it is so.
    fn descriptor(&self) -> &Descriptor;

    /// Its bytes from the beginning.
    ///
    /// # Errors
    /// What it is made of is not there.
    fn open(&self) -> io::Result<Box<dyn Read + Send>>;
}
