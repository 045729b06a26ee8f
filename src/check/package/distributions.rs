//! Which distributions hold which modules, of those that are common, and what they bring with them.
//!
//! The list is a help for a warning, not a truth: what is not in it is not judged.

use std::collections::{BTreeMap, BTreeSet};

const LIST: &str = include_str!("distributions.txt");

/// What is known of one distribution.
struct Known {
    modules: Vec<String>,
    brings: Vec<&'static str>,
}

/// What is known of common distributions, by their normalised names.
pub(super) struct Distributions(BTreeMap<&'static str, Known>);

impl Distributions {
    /// Reads the list.
    pub(super) fn read() -> Self {
        let lines = LIST.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(entry).collect())
    }

    /// The distributions that hold `module`, which is dotted: those that name the longest part of it.
    pub(super) fn holding(&self, module: &str) -> Vec<&'static str> {
        let mut part = module;
        loop {
            let holds = |(_, known): &(&&str, &Known)| known.modules.iter().any(|named| named == part);
            let found: Vec<_> = self.0.iter().filter(holds).map(|(name, _)| *name).collect();
            match part.rsplit_once('.') {
                Some((above, _)) if found.is_empty() => part = above,
                _ => return found,
            }
        }
    }

    /// Whether it is known what the distribution brings.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What comes of `required`, as far as it is known: they themselves, and what they bring.
    pub(super) fn with_brought(&self, required: &BTreeSet<String>) -> BTreeSet<String> {
        let mut all = required.clone();
        let mut left: Vec<String> = required.iter().cloned().collect();
        while let Some(name) = left.pop() {
            let brought = self.0.get(name.as_str()).map_or(&[][..], |known| &known.brings);
            for other in brought {
                if all.insert((*other).to_owned()) {
                    left.push((*other).to_owned());
                }
            }
        }
        all
    }
}

/// `name: module … <- other …`.
fn entry(line: &'static str) -> Option<(&'static str, Known)> {
    let (name, rest) = line.split_once(':')?;
    let (modules, brings) = rest.split_once("<-").unwrap_or((rest, ""));
    let module = |word: &str| match word {
        "=" => name.replace('-', "_"),
        other => other.to_owned(),
    };
    Some((
        name,
        Known {
            modules: modules.split_whitespace().map(module).collect(),
            brings: brings.split_whitespace().collect(),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_by_the_longest_name() {
        let known = Distributions::read();
        assert_eq!(known.holding("sklearn.linear_model"), ["scikit-learn"]);
        assert_eq!(known.holding("google.cloud.storage.blob"), ["google-cloud-storage"]);
        assert!(known.holding("google.cloud").is_empty());
        assert!(known.holding("cv2").contains(&"opencv-python-headless"));
        assert!(known.holding("nobody_knows").is_empty());
    }

    #[test]
    fn what_is_brought_is_brought_by_others_too() {
        let known = Distributions::read();
        let brought = known.with_brought(&BTreeSet::from(["seaborn".to_owned()]));
        assert!(["numpy", "six", "pillow"].iter().all(|name| brought.contains(*name)));
        assert!(!brought.contains("torch"));
    }

    #[test]
    fn every_line_is_an_entry_with_a_normalised_name() {
        let lines: Vec<_> = LIST.lines().filter(|line| !line.starts_with('#')).collect();
        let names: BTreeSet<_> = lines
            .iter()
            .filter_map(|line| entry(line))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names.len(), lines.len());
        assert!(names.iter().all(|name| crate::project::normalized(name) == *name));
    }
}
