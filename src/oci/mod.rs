//! The nouns of container images, wherever they are kept and whoever makes them: references, digests, platforms, manifests.
//!
//! Source: the [OCI image specification](https://github.com/opencontainers/image-spec/blob/main/spec.md), and
//! [Docker's image manifest, version 2 schema 2](https://distribution.github.io/distribution/spec/manifest-v2-2/), which SageMaker
//! takes.

mod content;
mod digest;
mod manifest;
mod media_type;
pub mod naming;
mod platform;
pub mod reference;

pub use content::{Content, held};
pub use digest::{Digest, Malformed};
pub use manifest::{Descriptor, ImageManifest};
pub use media_type::MediaType;
pub use platform::{NoPlatform, Platform};
pub use reference::{Reference, Repository};
