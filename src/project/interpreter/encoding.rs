//! Encodings, where their names tell enough.

use super::object::Object;

/// Whether the first 128 characters of an encoding are those of ASCII.
pub(super) fn begins_with_ascii(encoding: &Object) -> bool {
    let name = encoding
        .as_str()
        .map(|name| name.to_lowercase().replace(['-', '_', ' '], ""));
    let known = [
        "ascii",
        "usascii",
        "utf8",
        "utf8sig",
        "latin1",
        "iso88591",
        "iso885915",
        "cp1252",
        "windows1252",
    ];
    name.is_some_and(|name| known.contains(&name.as_str()))
}

/// Whether an encoding is UTF-8, or one that is part of it.
pub(super) fn is_utf8(encoding: &Object) -> bool {
    let name = encoding
        .as_str()
        .map(|name| name.to_lowercase().replace(['-', '_'], ""));
    matches!(name.as_deref(), Some("utf8"))
}
