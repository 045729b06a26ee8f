//! Indexes as uv's variables name them (<https://docs.astral.sh/uv/concepts/indexes/>).

use crate::process::variable;

/// Variables with indexes, the first asked first.
pub(crate) const INDEXES: [&str; 2] = ["UV_INDEX", "UV_EXTRA_INDEX_URL"];
/// Those with the index that is asked last: the first that is set says which.
pub(crate) const DEFAULT_INDEXES: [&str; 2] = ["UV_DEFAULT_INDEX", "UV_INDEX_URL"];
/// The one with pages and directories of wheels.
pub(crate) const FIND_LINKS: &str = "UV_FIND_LINKS";

/// `URL` or `NAME=URL`: the name, and the URL.
pub(crate) fn name_and_url(word: &str) -> (Option<&str>, &str) {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    match word.split_once('=') {
        Some((name, url)) if is_name(name) => (Some(name), url),
        _ => (None, word),
    }
}

/// What variables say of who one is to the index `name`, the user and the password
/// (<https://docs.astral.sh/uv/concepts/indexes/#providing-credentials-directly>).
pub(crate) fn credentials<'a>(environment: &'a [(String, String)], name: &str) -> (Option<&'a str>, Option<&'a str>) {
    let name = name.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let told = |what: &str| variable(environment, &format!("UV_INDEX_{name}_{what}"));
    (told("USERNAME"), told("PASSWORD"))
}

/// Whether the variable is one of those, `UV_INDEX_<NAME>_USERNAME` and `UV_INDEX_<NAME>_PASSWORD`, or like them of a publisher.
pub(crate) fn is_credential(name: &str) -> bool {
    ["_USERNAME", "_PASSWORD", "_TOKEN"]
        .iter()
        .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_may_have_a_name() {
        for (word, expected) in [
            ("own=https://a/simple", (Some("own"), "https://a/simple")),
            ("my.own-1=https://a/", (Some("my.own-1"), "https://a/")),
            ("https://a/simple?b=c", (None, "https://a/simple?b=c")),
            ("/wheels/a=b", (None, "/wheels/a=b")),
            ("=https://a/", (None, "=https://a/")),
        ] {
            assert_eq!(name_and_url(word), expected, "{word}");
        }
    }
}
