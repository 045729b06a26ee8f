//! `include_package_data`: files that the sdist packs become the data of the package in whose directory they lie.

use std::collections::{BTreeMap, BTreeSet};

use crate::package::build_py::spelled_package_dir;
use crate::package::listing::Listing;
use crate::project::{Build, Metadata, identifier};

/// The files of each package, as setuptools' `analyze_manifest` finds them: it goes from a file upwards until a directory has the name
/// of a package's, text by text, so that a `./` in front of either keeps it from being found.
pub(super) fn included(metadata: &Metadata, build: &Build, listing: &Listing) -> BTreeMap<String, BTreeSet<String>> {
    let directories: BTreeMap<String, &str> = metadata
        .packages
        .iter()
        .map(|package| (spelled_package_dir(build, package), package.as_str()))
        .collect();
    let mut included = BTreeMap::<String, BTreeSet<String>>::new();
    let selected = listing.selected.iter().map(|file| &file.path);
    for path in selected.chain(listing.generated.keys()) {
        let dotted = listing.below_here.get(path);
        let plain = dotted.is_none_or(|as_well| *as_well).then(|| path.clone());
        let dotted = dotted.map(|_| format!("./{path}"));
        for package in plain
            .iter()
            .chain(&dotted)
            .filter_map(|spelled| package_of(spelled, &directories))
        {
            included.entry(package.to_owned()).or_default().insert(path.clone());
        }
    }
    included
}

/// The package whose data `path` is.
fn package_of<'a>(path: &str, directories: &BTreeMap<String, &'a str>) -> Option<&'a str> {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    if let Some(package) = directories.get(dir) {
        return (!is_module(name)).then_some(package);
    }
    let above = std::iter::successors(Some(dir), |dir| {
        (!dir.is_empty()).then(|| dir.rsplit_once('/').map_or("", |(above, _)| above))
    });
    above.skip(1).find_map(|dir| directories.get(dir).copied())
}

/// A module is no data, but built as one.
fn is_module(name: &str) -> bool {
    name.strip_suffix(".py").is_some_and(identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_package_above() {
        let directories =
            [("src/a", "a"), ("src/a/b", "a.b"), ("./here", "here")].map(|(dir, name)| (dir.to_owned(), name));
        let directories = BTreeMap::from(directories);
        for (path, package) in [
            ("src/a/x.csv", Some("a")),
            ("src/a/data/deep/x.py", Some("a")),
            ("src/a/b/x.csv", Some("a.b")),
            ("src/a/mod.py", None),
            ("src/a/my-script.py", Some("a")),
            ("src/x.csv", None),
            ("x.csv", None),
            ("here/x.csv", None),
            ("./here/x.csv", Some("here")),
        ] {
            assert_eq!(package_of(path, &directories), package, "{path}");
        }
        assert_eq!(package_of("docs/x", &BTreeMap::from([(String::new(), "")])), Some(""));
    }
}
