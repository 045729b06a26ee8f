//! Variables that are called as settings are, and are none.

use std::collections::BTreeMap;

use super::Settings;
use super::definition::Definition;

/// Those of the pipeline's builds and functions, of the training container, and of what installs sgbuild: whoever sets them is right to.
const OTHERS: [&str; 10] = [
    "SGBUILD_CODE",
    "SGBUILD_COMMIT",
    "SGBUILD_GITHUB_TOKEN",
    "SGBUILD_INSTALL_DIR",
    "SGBUILD_PACKAGES",
    "SGBUILD_PROJECT",
    "SGBUILD_SERVED_AS",
    "SGBUILD_SYNTHETIC_PREFIX",
    "SGBUILD_TESTBED",
    "SGBUILD_TOPIC",
];
/// How further names of theirs begin.
const BEGINNINGS: [&str; 2] = ["SGBUILD_ALLOWED_", "SGBUILD_TESTBED_"];

fn is_no_setting(name: &str) -> bool {
    OTHERS.contains(&name) || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

impl Settings {
    /// The variables that look like settings and are none, each with the variable that was probably meant. Names that are like
    /// no setting's are left alone: they may be another program's.
    #[must_use]
    pub fn misspelt_variables(&self) -> Vec<(&str, String)> {
        let names = self.environment.all().iter().map(|(name, _)| name.as_str());
        let names = names.filter(|name| !is_no_setting(name));
        let ours: BTreeMap<&str, &str> = names
            .filter_map(|name| Some((name, name.strip_prefix("SGBUILD_")?)))
            .collect();
        ours.into_iter()
            .filter_map(|(name, rest)| {
                let key = rest.to_lowercase().replace('_', "-");
                if Definition::of(&key).is_some() {
                    return None;
                }
                let meant = Definition::of_flag(&key).or_else(|| Definition::nearest(&key))?;
                Some((name, meant.variable()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::super::tests::resolve;
    use super::*;

    /// What sgbuild itself brings along that sets or reads variables, and what tells people to.
    const PLACES: [&str; 12] = [
        "templates",
        "release",
        "docs",
        "demo",
        ".github",
        "action.yml",
        "install.sh",
        "launch-cicd-pipeline.sh",
        "buildspec.yml",
        "Makefile",
        "README.md",
        "src/stack/error.rs",
    ];

    fn files(path: PathBuf, found: &mut Vec<PathBuf>) {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                files(entry.unwrap().path(), found);
            }
        } else {
            found.push(path);
        }
    }

    /// The names in a text that begin as those of settings do.
    fn names(text: &str) -> impl Iterator<Item = String> {
        text.match_indices("SGBUILD_").map(|(at, _)| {
            let rest = text[at..].bytes();
            let length = rest.take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
            text[at..at + length.count()].to_owned()
        })
    }

    #[test]
    fn what_is_set_by_anything_of_ours_is_warned_of_by_nobody() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut all = Vec::new();
        for place in PLACES {
            files(root.join(place), &mut all);
        }
        let texts = all.iter().filter_map(|file| std::fs::read_to_string(file).ok());
        let found: BTreeSet<String> = texts.flat_map(|text| names(&text).collect::<Vec<_>>()).collect();
        // Behind a beginning alone stands a name that is filled in.
        let found: Vec<String> = found.into_iter().filter(|name| !name.ends_with('_')).collect();
        let set: Vec<_> = found
            .iter()
            .filter(|name| Definition::called(name).is_err())
            .map(|name| (name.as_str(), "1"))
            .collect();
        assert!(set.len() >= OTHERS.len(), "{set:?}");
        let settings = resolve(&[], vec![], &set).unwrap();
        assert_eq!(settings.misspelt_variables(), []);
        for (name, _) in set {
            assert!(is_no_setting(name), "{name} is neither a setting nor known");
        }
        for name in OTHERS {
            assert!(found.iter().any(|found| found == name), "nothing of ours sets {name}");
        }
    }
}
