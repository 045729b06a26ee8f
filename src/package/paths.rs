//! Paths in the project as text: relative to its root, `/`-separated; the root is the empty one.

use std::path::{Component, Path};

/// `path`, a `/`-separated path as someone wrote it, without `.`, `..` and doubled slashes; `None` if it is absolute or
/// leads out of the directory it is relative to.
pub(crate) fn inside(path: impl AsRef<Path>) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for component in path.as_ref().components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// What Python's `pathlib.PurePath` makes of a path: no `.` components, no doubled or trailing slashes; `..` stays, and
/// so does a lone `.`.
pub(crate) fn pure(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let root = if path.starts_with('/') { "/" } else { "" };
    let pure = format!("{root}{}", parts.join("/"));
    if pure.is_empty() { ".".to_owned() } else { pure }
}

/// `dir/name`, or `name` at the root.
pub(crate) fn join(dir: &str, name: &str) -> String {
    match (dir.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => dir.to_owned(),
        _ => format!("{dir}/{name}"),
    }
}

/// The directory above; `None` above the root.
pub(crate) fn parent(dir: &str) -> Option<String> {
    if dir.is_empty() {
        return None;
    }
    Some(
        dir.rsplit_once('/')
            .map_or_else(String::new, |(parent, _)| parent.to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_and_kept_inside() {
        assert_eq!(inside("./a//b/../c").as_deref(), Some("a/c"));
        assert_eq!(inside(".").as_deref(), Some(""));
        assert_eq!(inside("../a"), None);
        assert_eq!(inside("a/../../b"), None);
        assert_eq!(inside("/etc/passwd"), None);
    }
}
