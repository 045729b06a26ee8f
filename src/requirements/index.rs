//! The indexes that a lock's packages are from.

use std::collections::BTreeMap;

use super::text::LineStarts;
use super::{Given, Line, Name, Place, What};
use crate::secret::without_url_credentials;

/// pip looks in the index that it is told of on this machine; of a lock's others it must be told too. Which package is from which,
/// their hashes make sure of. `indexes` has that of each package, `None` for the tool's default.
pub(super) fn options<'a>(file: &str, text: &str, indexes: impl Iterator<Item = Option<&'a str>>) -> Vec<Line> {
    let mut used: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for index in indexes {
        *used.entry(index).or_default() += 1;
    }
    // The one that most packages are from is the usual one, or what stands for it on this machine.
    let usual = used.iter().max_by_key(|(_, count)| **count).map(|(index, _)| *index);
    let others = used.into_keys().filter(|index| Some(*index) != usual).flatten();
    let others = others.filter(|index| without_url_credentials(index) == **index);
    let option = |index: &str| Line {
        place: Place {
            file: file.to_owned(),
            line: LineStarts::of(text).line(text.find(index).unwrap_or_default()),
        },
        text: format!("--extra-index-url {index}"),
        what: What::Options(vec![Given {
            name: Name::ExtraIndexUrl,
            spelled: "--extra-index-url".to_owned(),
            value: index.to_owned(),
        }]),
        hashes: Vec::new(),
        options: Vec::new(),
    };
    others.map(option).collect()
}
