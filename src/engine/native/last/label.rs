//! What an image says of its layers, so that another machine knows them again without what they are made of: a label of its config.
//!
//! ```json
//! {"format": 1,
//!  "layers": [["<key>", 12345, [3, 678]]],
//!  "wheels": {"<16 digits>": [54321, ["numpy", "bin/f2py"]]},
//!  "removed": ["<key>", ["/usr/local/lib/python3.11/site-packages/attr"]]}
//! ```
//!
//! `layers` are the lowest ones above the base's: what decides each one's bytes ([`Ground::key`](super::super::layers::Ground::key)), its
//! size unpacked, and of which layer its byte code is. Digests and sizes are the manifest's, `DiffIDs` the config's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::oci::Digest;

/// Its name.
pub(crate) const NAME: &str = "sgbuild.layers";
/// Changes with what it says.
const FORMAT: u32 = 1;
/// The longest that is read or written.
const LONGEST: usize = 128 << 10;
/// So many digits of a digest tell wheels apart. What is known by them decides no layer's bytes.
const DIGITS: usize = 16;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine::native) struct Label {
    format: u32,
    /// From the lowest.
    pub(super) layers: Vec<Told>,
    wheels: BTreeMap<String, Wheel>,
    /// What goes of the base, by what decides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) removed: Option<(String, Vec<String>)>,
}

/// A layer: its key, its size unpacked, and its byte code: unknown, none, or the layer's number above the base's and its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine::native) struct Told(pub(super) String, pub(super) u64, pub(super) Option<Vec<u64>>);

/// A wheel: its size, and the places that it shares with no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine::native) struct Wheel(pub(super) u64, pub(super) BTreeSet<String>);

/// The byte code of a layer of wheels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::native) enum OfByteCode {
    /// Nobody looked, or not to the end.
    Unknown,
    /// There is nothing to compile.
    Nothing,
    /// A layer.
    Layer {
        /// Its number above the base's layers.
        at: usize,
        /// Its size.
        unpacked: u64,
    },
}

impl Label {
    /// One that says nothing yet.
    pub(in crate::engine::native) fn new() -> Self {
        Self {
            format: FORMAT,
            layers: Vec::new(),
            wheels: BTreeMap::new(),
            removed: None,
        }
    }

    /// Says of the next layer.
    pub(in crate::engine::native) fn add_layer(&mut self, key: String, unpacked: u64, byte_code: OfByteCode) {
        let byte_code = match byte_code {
            OfByteCode::Unknown => None,
            OfByteCode::Nothing => Some(Vec::new()),
            OfByteCode::Layer { at, unpacked } => Some(vec![at as u64, unpacked]),
        };
        self.layers.push(Told(key, unpacked, byte_code));
    }

    /// Says of a wheel.
    pub(in crate::engine::native) fn add_wheel(&mut self, digest: &Digest, size: u64, places: BTreeSet<String>) {
        self.wheels.insert(digits(digest), Wheel(size, places));
    }

    /// Says what goes of the base.
    pub(in crate::engine::native) fn remove(&mut self, key: String, paths: Vec<String>) {
        self.removed = Some((key, paths));
    }

    /// Its text; `None` where there is nothing to say, or too much.
    pub(in crate::engine::native) fn text(&self) -> Option<String> {
        let text = serde_json::to_string(self).ok()?;
        (!self.layers.is_empty() && text.len() <= LONGEST).then_some(text)
    }

    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it: the end of a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("is longer than {} kB", LONGEST >> 10));
        }
        let label: Self = serde_json::from_str(text).map_err(|error| format!("is not understood: {error}"))?;
        if label.format != FORMAT {
            return Err(format!("is of the format {}, and {FORMAT} is read", label.format));
        }
        Ok(label)
    }

    /// What it says of a wheel.
    pub(super) fn wheel(&self, digest: &Digest) -> Option<&Wheel> {
        self.wheels.get(&digits(digest))
    }
}

fn digits(digest: &Digest) -> String {
    let hex = digest.as_str().split_once(':').map_or("", |(_, hex)| hex);
    hex.chars().take(DIGITS).collect()
}

impl Told {
    /// Its byte code.
    ///
    /// # Errors
    /// It is said in no way that there is.
    pub(super) fn byte_code(&self) -> Result<OfByteCode, String> {
        match self.2.as_deref() {
            None => Ok(OfByteCode::Unknown),
            Some([]) => Ok(OfByteCode::Nothing),
            Some(&[at, unpacked]) => {
                let at = usize::try_from(at).map_err(|_| "names a layer that there cannot be".to_owned())?;
                Ok(OfByteCode::Layer { at, unpacked })
            }
            Some(_) => Err("says of byte code what is not understood".to_owned()),
        }
    }
}
