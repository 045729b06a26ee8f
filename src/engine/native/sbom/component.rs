//! One thing that is in an image, as the document tells of it.

use serde::Serialize;
use serde_json::{Value, json};

use super::about::{About, License};
use super::{Listed, Origin, purl};
use crate::engine::native::base::{Base, Installed};
use crate::image::BaseImage;
use crate::oci::Digest;
use crate::secret::without_url_credentials;

/// What a base image that is in no registry is called.
const LOCAL: &str = "local-image";

/// A [component](https://cyclonedx.org/docs/1.6/json/#components).
#[derive(Debug, Clone, Serialize)]
pub(super) struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    /// By which the document knows it.
    #[serde(rename = "bom-ref")]
    pub(super) reference: String,
    pub(super) name: String,
    version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<Value>,
    purl: String,
    #[serde(rename = "externalReferences", skip_serializing_if = "Vec::is_empty")]
    found_at: Vec<Value>,
    properties: Vec<Value>,
}

impl Component {
    /// A wheel that was installed.
    pub(super) fn wheel(listed: &Listed, about: &About) -> Self {
        let origin = &listed.origin;
        let name = about.name.as_deref().unwrap_or(&listed.name);
        let version = about.version.as_deref().unwrap_or(&listed.version);
        let purl = purl::distribution(name, version, Some(&listed.file_name));
        let mut properties = vec![property("origin", kind_of(origin))];
        properties.extend(told(origin));
        properties.push(property("file", &listed.file_name));
        Self {
            kind: if *origin == Origin::Project {
                "application"
            } else {
                "library"
            },
            reference: purl.clone(),
            name: name.to_owned(),
            version: version.to_owned(),
            hashes: hashes(&listed.digest),
            licenses: licenses(about.license.as_ref()),
            purl,
            found_at: found_at(origin, &listed.digest),
            properties,
        }
    }

    /// A distribution that the base has installed.
    pub(super) fn of_base(installed: &Installed) -> Self {
        let Installed { name, version, .. } = installed;
        let purl = purl::distribution(name, version, None);
        let mut properties = vec![
            property("origin", "base image"),
            property("path", &installed.info_directory),
        ];
        properties.extend(installed.installer.as_deref().map(|by| property("installer", by)));
        Self {
            kind: "library",
            reference: purl.clone(),
            name: name.clone(),
            version: version.clone(),
            hashes: Vec::new(),
            licenses: licenses(About::parse(&installed.metadata).license.as_ref()),
            purl,
            found_at: Vec::new(),
            properties,
        }
    }

    /// The base image itself.
    pub(super) fn base(reference: &str, named: &BaseImage, base: &Base) -> Self {
        let digest = &base.manifest_digest;
        let repository = named.repository().map_or_else(|| LOCAL.to_owned(), ToString::to_string);
        // Where it is on this machine says nothing elsewhere.
        let place = named
            .in_registry()
            .map(|named| property("reference", &named.to_string()));
        Self {
            kind: "container",
            reference: reference.to_owned(),
            purl: purl::image(&repository, digest, &base.python.target.platform, named.in_registry()),
            name: repository,
            version: digest.to_string(),
            hashes: hashes(digest),
            licenses: Vec::new(),
            found_at: Vec::new(),
            properties: std::iter::once(property("origin", "base image")).chain(place).collect(),
        }
    }
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": format!("sgbuild:{name}"), "value": value })
}

fn kind_of(origin: &Origin) -> &'static str {
    match origin {
        Origin::Index { .. } => "index",
        Origin::Url(_) => "url",
        Origin::ThisMachine => "file",
        Origin::Built { .. } => "built from sources",
        Origin::Neighbour { .. } => "neighbour project",
        Origin::Project => "project",
    }
}

/// What else there is to say of it.
fn told(origin: &Origin) -> Option<Value> {
    match origin {
        Origin::Index { index, .. } => index.as_deref().map(|index| property("index", &public(index))),
        Origin::Built { of } => Some(property("sources", &without_url_credentials(of))),
        Origin::Neighbour { directory } => Some(property("directory", directory)),
        Origin::Url(_) | Origin::ThisMachine | Origin::Project => None,
    }
}

/// Where the very file is had from.
fn found_at(origin: &Origin, digest: &Digest) -> Vec<Value> {
    match origin {
        Origin::Index { url, .. } | Origin::Url(url) => {
            vec![json!({ "type": "distribution", "url": public(url), "hashes": hashes(digest) })]
        }
        _ => Vec::new(),
    }
}

/// A URL that may be told to everyone: what stands behind `?` and `#` may be a signature or a token.
fn public(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or(url);
    without_url_credentials(bare)
}

fn hashes(digest: &Digest) -> Vec<Value> {
    let known = digest.as_str().split_once(':').and_then(|(algorithm, hex)| {
        // https://cyclonedx.org/docs/1.6/json/#components_items_hashes_items_alg
        let name = match algorithm {
            "sha256" => "SHA-256",
            "sha384" => "SHA-384",
            "sha512" => "SHA-512",
            _ => return None,
        };
        Some(json!({ "alg": name, "content": hex }))
    });
    known.into_iter().collect()
}

fn licenses(license: Option<&License>) -> Vec<Value> {
    match license {
        None => Vec::new(),
        Some(License::Expression(expression)) => {
            vec![json!({ "expression": expression, "acknowledgement": "declared" })]
        }
        Some(License::Names(names)) => names
            .iter()
            .map(|name| json!({ "license": { "name": name, "acknowledgement": "declared" } }))
            .collect(),
    }
}
