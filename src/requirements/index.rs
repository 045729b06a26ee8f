//! The indexes that a lock's packages are from.

use std::collections::BTreeMap;

use super::text::LineStarts;
use super::{Given, Line, Name, Place, What};
use crate::secret::without_url_credentials;

/// The options that name a lock's other indexes to pip, which otherwise looks only in the one that this machine's settings name.
/// Hashes make sure that each package is the one of its index. `indexes` has the index of each package; `None` is the tool's default.
pub(super) fn options<'a>(file: &str, text: &str, indexes: impl Iterator<Item = Option<&'a str>>) -> Vec<Line> {
    let mut used: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for index in indexes {
        *used.entry(index).or_default() += 1;
    }
    // The index that most packages are from is the usual one: this machine's settings name it, or a mirror of it.
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
