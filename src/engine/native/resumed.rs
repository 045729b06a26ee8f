//! Content that goes on where its reading broke off: what was written of it somewhere need not be written again.

use std::io::{self, Read};
use std::thread;

use crate::explain::{Explain as _, Fault};
use crate::oci::Content;
use crate::registry::client;
use crate::web::Retry;

/// Reads a content to its end, and opens it again where a registry fails in a way that may pass. Whether it is the same content then is for
/// the digest of the whole to say.
pub(super) struct Resumed<'a> {
    content: &'a dyn Content,
    reader: Box<dyn Read + Send>,
    done: u64,
    tries: u32,
    retry: Retry,
}

impl<'a> Resumed<'a> {
    /// From the beginning.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn open(content: &'a dyn Content) -> io::Result<Self> {
        Ok(Self {
            content,
            reader: content.open()?,
            done: 0,
            tries: 0,
            retry: Retry::default(),
        })
    }

    /// Opens it again, and passes over what was read.
    fn again(&self) -> io::Result<Box<dyn Read + Send>> {
        let mut reader = self.content.open()?;
        let passed = io::copy(&mut reader.by_ref().take(self.done), &mut io::sink())?;
        if passed == self.done {
            return Ok(reader);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "it is shorter than it was"))
    }
}

impl Read for Resumed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut outcome = self.reader.read(buffer);
        while let Err(error) = &outcome {
            self.tries += 1;
            let wait = self.retry.wait(self.tries, None).filter(|_| is_passing(error));
            let Some(wait) = wait else { break };
            thread::sleep(wait);
            outcome = self.again().and_then(|reader| {
                self.reader = reader;
                self.reader.read(buffer)
            });
        }
        let length = outcome?;
        self.done += length as u64;
        Ok(length)
    }
}

/// Whether a registry failed in a way that may pass.
fn is_passing(error: &io::Error) -> bool {
    let of_registry = error.get_ref().and_then(|error| error.downcast_ref::<client::Error>());
    of_registry.is_some_and(|error| error.advice().fault == Fault::Temporary)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::oci::{Descriptor, Digest};

    /// Breaks off after a few more bytes each time that it is opened.
    struct Breaking {
        descriptor: Descriptor,
        text: &'static str,
        opened: AtomicU32,
        is_passing: bool,
    }

    struct Broken(io::Cursor<Vec<u8>>, bool);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match (self.0.read(buffer)?, self.1) {
                (0, true) => Err(io::Error::other(client::Error::Unreachable {
                    host: "registry.example".to_owned(),
                    tries: 1,
                    reason: "the connection broke".to_owned(),
                })),
                (0, false) => Err(io::Error::other("a disk broke")),
                (length, _) => Ok(length),
            }
        }
    }

    impl Content for Breaking {
        fn descriptor(&self) -> &Descriptor {
            &self.descriptor
        }

        fn open(&self) -> io::Result<Box<dyn Read + Send>> {
            let opened = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
            let until = 4 * opened as usize;
            let text = self.text.as_bytes();
            Ok(if until < text.len() {
                Box::new(Broken(io::Cursor::new(text[..until].to_vec()), self.is_passing))
            } else {
                Box::new(io::Cursor::new(text.to_vec()))
            })
        }
    }

    fn read(is_passing: bool) -> (io::Result<String>, u32) {
        let text = "a layer of ten";
        let content = Breaking {
            descriptor: Descriptor {
                digest: Digest::of(text.as_bytes()),
                size: text.len() as u64,
            },
            text,
            opened: AtomicU32::new(0),
            is_passing,
        };
        let mut resumed = Resumed::open(&content).unwrap();
        resumed.retry.base = std::time::Duration::from_millis(1);
        (io::read_to_string(&mut resumed), content.opened.load(Ordering::Relaxed))
    }

    #[test]
    fn it_goes_on_where_it_broke_off() {
        let (text, opened) = read(true);
        assert_eq!((text.unwrap().as_str(), opened), ("a layer of ten", 4));
        // What will not pass is not tried again.
        let (text, opened) = read(false);
        assert_eq!((text.unwrap_err().to_string().as_str(), opened), ("a disk broke", 1));
    }
}
