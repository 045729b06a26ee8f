//! What is in an image, as [CycloneDX 1.6](https://cyclonedx.org/docs/1.6/json/) has it: the wheels that were installed, what the base
//! has installed and keeps, and the base itself by its digest.
//!
//! It is made of what decides the image, and of nothing else: no clock and no chance, so that it is made again with the same bytes. What a
//! wheel says of itself is kept by the wheel's digest (about.rs), so that a later build opens none.

mod about;
mod component;
mod purl;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Variant, Version};

use super::base::Base;
use super::image::Documents;
use super::layers::Piece;
use super::resolve::{Remote, Resolved, Source};
use super::store::{Store, Wheel};
use super::{Error, removal};
use crate::image::ImagePlan;
use crate::oci::{Digest, naming};
use crate::project::normalized;
use about::About;
use component::Component;

/// SBOMs are kept in the store by the images that they are of.
const SBOMS: &str = "sboms";
/// Changes with what is written, so that another version of sgbuild writes anew.
const FORMAT: u32 = 1;
/// By what the document calls the image.
const IMAGE: &str = "image";
/// See [`IMAGE`].
const BASE: &str = "base-image";

/// Where a wheel is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// An index.
    Index {
        /// Of the file.
        url: String,
        /// Which index it is, where that is known.
        index: Option<String>,
    },
    /// A URL that a requirement names.
    Url(String),
    /// A file of this machine.
    ThisMachine,
    /// It was built here.
    Built {
        /// An sdist's name or a URL.
        of: String,
    },
    /// A project beside this one.
    Neighbour {
        /// Its directory, relative to the project's.
        directory: String,
    },
    /// The project itself.
    Project,
}

impl Origin {
    /// Where what was resolved is from.
    pub(super) fn of(resolved: &Resolved) -> Self {
        match &resolved.source {
            Source::Built { of, .. } => Self::Built { of: of.clone() },
            Source::File(Remote { url, .. }) if url.starts_with("file:") => Self::ThisMachine,
            Source::File(Remote { url, .. }) if resolved.is_of_index => Self::Index {
                url: url.clone(),
                index: resolved.index.clone(),
            },
            Source::File(Remote { url, .. }) => Self::Url(url.clone()),
        }
    }
}

/// A wheel in the image. It need not be on this machine.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) file_name: String,
    pub(super) digest: Digest,
    pub(super) origin: Origin,
}

impl Listed {
    /// Of what is required: `piece` is what the wheel turned out to be.
    pub(super) fn required(wheel: &Resolved, piece: &Piece) -> Self {
        Self {
            name: wheel.name.clone(),
            version: wheel.version.clone(),
            file_name: wheel.file_name.clone(),
            digest: piece.ingredient.digest.clone(),
            origin: Origin::of(wheel),
        }
    }

    /// Of the project's own.
    pub(super) fn own(wheel: &Wheel, origin: Origin) -> Self {
        Self {
            name: wheel.name.clone(),
            version: wheel.version.clone(),
            file_name: wheel.file_name.clone(),
            digest: wheel.digest.clone(),
            origin,
        }
    }
}

/// What an image is made of.
pub(super) struct Contents<'a> {
    pub(super) plan: &'a ImagePlan,
    pub(super) base: &'a Base,
    pub(super) documents: &'a Documents,
    pub(super) wheels: &'a [Listed],
    /// What of the base was replaced, by the names that it has there.
    pub(super) replaced: &'a [String],
}

impl Contents<'_> {
    /// The document, which is kept as well.
    ///
    /// # Errors
    /// A wheel cannot be read.
    pub(super) fn list(&self, store: &Store) -> Result<String, Error> {
        let mut components = Vec::new();
        for listed in self.wheels {
            let about = About::of(listed, store)?;
            components.push(Component::wheel(listed, &about));
        }
        components.extend(self.kept_of_base());
        components.sort_by(|a, b| (&a.name, &a.reference).cmp(&(&b.name, &b.reference)));
        components.dedup_by(|a, b| a.reference == b.reference);
        components.insert(0, Component::base(BASE, &self.plan.native_base(), self.base));
        let mut document = self.document(&components);
        let unnumbered = text(&document);
        document["serialNumber"] = json!(serial_number(&unnumbered));
        let text = text(&document);
        store.keep_note(SBOMS, &key(&self.documents.id()), &text);
        Ok(text)
    }

    /// What the base has installed, but for what was taken away, or replaced by the same again.
    fn kept_of_base(&self) -> impl Iterator<Item = Component> {
        let installed = self.base.python.installed.iter();
        let stays = |distribution: &&super::base::Installed| {
            let is_again = |listed: &Listed| {
                normalized(&listed.name) == normalized(&distribution.name) && listed.version == distribution.version
            };
            !removal::goes(self.base, self.replaced, distribution) && !self.wheels.iter().any(is_again)
        };
        installed.filter(stays).map(Component::of_base)
    }

    fn document(&self, components: &[Component]) -> Value {
        json!({
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": "",
            "version": 1,
            "metadata": {
                "lifecycles": [{ "phase": "build" }],
                "tools": {
                    "components": [{ "type": "application", "name": "sgbuild", "version": env!("CARGO_PKG_VERSION") }],
                },
                "component": self.image(),
            },
            "components": components,
            // What the base has beside its Python distributions is not told one by one.
            "compositions": [{ "aggregate": "incomplete", "assemblies": [BASE] }],
        })
    }

    fn image(&self) -> Value {
        let plan = self.plan;
        let manifest = Digest::of(&self.documents.manifest);
        // A package has such a name, or it would not have got this far.
        let name = naming::repository_name(&plan.name).unwrap_or_else(|_| plan.name.clone());
        json!({
            "type": "container",
            "bom-ref": IMAGE,
            "name": name,
            "version": manifest,
            "purl": purl::image(&name, &manifest, &plan.platform, None),
            "properties": [
                { "name": "sgbuild:image:id", "value": self.documents.id() },
                { "name": "sgbuild:image:platform", "value": plan.platform },
                { "name": "sgbuild:package", "value": format!("{} {}", plan.name, plan.version) },
            ],
        })
    }
}

/// What was listed of an image.
pub(super) fn kept(store: &Store, image: &Digest) -> Option<String> {
    store.note(SBOMS, &key(image))
}

fn key(image: &Digest) -> String {
    format!("{FORMAT} {image}")
}

fn text(document: &Value) -> String {
    // JSON values can be written.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// A UUID of the content alone: [version 8](https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8).
fn serial_number(content: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(content.as_bytes()).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    let uuid = Builder::from_bytes(bytes)
        .with_variant(Variant::RFC4122)
        .with_version(Version::Custom)
        .into_uuid();
    format!("urn:uuid:{uuid}")
}

#[cfg(test)]
mod tests;
