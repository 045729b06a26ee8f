//! Which flags `--help` shows, and in which order.

use super::TABLE;
use super::definition::Definition;
use super::flag::{Group, Place};

/// The settings whose flags `group` shows, in the order of `--help`: that of the table, but for those that say after which flag
/// they stand.
pub(crate) fn flags_of(group: Group) -> Vec<(&'static Definition, &'static Place)> {
    let shown = TABLE.iter().filter_map(|definition| {
        let places = definition.flag.as_ref()?.places;
        Some((*definition, places.iter().find(|place| place.group == group)?))
    });
    let (mut flags, moved): (Vec<_>, Vec<_>) = shown.partition(|(_, place)| place.after.is_none());
    for (definition, place) in moved {
        let before = flags.iter().position(|(other, _)| place.after == Some(other.key));
        flags.insert(before.map_or(flags.len(), |before| before + 1), (definition, place));
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_stands_behind_one_of_its_group() {
        for definition in TABLE {
            let places = definition.flag.iter().flat_map(|flag| flag.places);
            for place in places.filter(|place| place.after.is_some()) {
                let flags = flags_of(place.group);
                let found = flags.iter().position(|(other, _)| other.key == definition.key).unwrap();
                assert_eq!(flags[found - 1].0.key, place.after.unwrap(), "{}", definition.key);
            }
        }
    }
}
