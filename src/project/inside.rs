//! Whether a file lies in the project's directory, wherever links lead.

use std::path::{Component, Path, PathBuf};

/// Why a file that the project names is not read.
pub(crate) enum Astray {
    /// It lies elsewhere: here.
    Outside(PathBuf),
    /// It cannot be followed to where it is, if it is there at all: reading it says why.
    Unreadable,
}

/// The file that `name` leads to from `root`, every link and `..` followed: one of the project's.
///
/// # Errors
/// It lies outside of `root`, or cannot be found.
pub(crate) fn inside(root: &Path, name: &Path) -> Result<PathBuf, Astray> {
    let root = root.canonicalize().map_err(|_| Astray::Unreadable)?;
    let path = root.join(name);
    match path.canonicalize() {
        Ok(real) if real.starts_with(&root) => Ok(real),
        Ok(real) => Err(Astray::Outside(real)),
        Err(_) => {
            // Nothing is there; its name alone may say that it is none of the project's.
            let plain = plain(&path);
            if plain.starts_with(&root) {
                Err(Astray::Unreadable)
            } else {
                Err(Astray::Outside(plain))
            }
        }
    }
}

/// The absolute `path` without its `..`, as though there were no links.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_and_dots_are_followed() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("project");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(root.join("sub/own.txt"), "").unwrap();
        fs::write(directory.path().join("other.txt"), "").unwrap();
        symlink("sub/own.txt", root.join("to-own")).unwrap();
        symlink("../other.txt", root.join("to-other")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink("/dev/null", root.join("device")).unwrap();
        // A name that only begins like the project's.
        fs::create_dir(directory.path().join("project-2")).unwrap();
        let is_inside = |name: &str| inside(&root, Path::new(name)).is_ok();
        assert!(is_inside("sub/own.txt") && is_inside("sub/../to-own") && is_inside("up/project/to-own"));
        let absolute = root.join("to-own");
        assert!(is_inside(absolute.to_str().unwrap()));
        for name in [
            "../other.txt",
            "to-other",
            "up/other.txt",
            "device",
            "/dev/null",
            "../project-2",
            "../gone.txt",
            "/gone",
        ] {
            let found = inside(&root, Path::new(name));
            assert!(matches!(found, Err(Astray::Outside(_))), "{name}");
        }
        assert!(matches!(inside(&root, Path::new("gone.txt")), Err(Astray::Unreadable)));
    }
}
