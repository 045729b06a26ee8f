//! [Package URLs](https://github.com/package-url/purl-spec): names by which scanners know a package wherever it is from.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::oci::{Digest, Platform, Reference};
use crate::project::normalized;

/// What is written by its number: all but what the specification leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');
/// See [`ENCODED`], of a qualifier's value.
const ENCODED_VALUE: &AsciiSet = &ENCODED.remove(b'/');

/// A Python distribution
/// ([pypi](https://github.com/package-url/purl-spec/blob/main/types-doc/pypi-definition.md)), by the file that was installed where it is known.
pub(super) fn distribution(name: &str, version: &str, file_name: Option<&str>) -> String {
    let named = format!("pkg:pypi/{}@{}", encoded(&normalized(name)), encoded(version));
    match file_name {
        Some(file_name) => format!("{named}?file_name={}", encoded(file_name)),
        None => named,
    }
}

/// An image ([oci](https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md)); `from` says where it is, if that is known.
pub(super) fn image(name: &str, manifest: &Digest, platform: &Platform, from: Option<&Reference>) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    let mut url = format!(
        "pkg:oci/{}@{}?arch={}",
        encoded(last),
        encoded(manifest.as_str()),
        encoded(&platform.architecture)
    );
    if let Some(from) = from {
        url.push_str("&repository_url=");
        let repository = from.repository.to_string();
        url.extend(utf8_percent_encode(&repository, ENCODED_VALUE));
        if let Some(tag) = &from.tag {
            url.push_str("&tag=");
            url.push_str(&encoded(tag));
        }
    }
    url
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
