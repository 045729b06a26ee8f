//! Content that is made or read when it is needed.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;

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

/// A document, as content that is held in memory.
#[must_use]
pub fn held(bytes: &[u8]) -> Arc<dyn Content> {
    Arc::new(Held(Descriptor::of(bytes), Bytes::copy_from_slice(bytes)))
}

struct Held(Descriptor, Bytes);

impl Content for Held {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::Cursor::new(self.1.clone())))
    }
}
