//! The flag of a setting, and where `--help` shows it.

use super::TABLE;
use super::definition::Definition;

/// A setting's flag on the command line.
#[derive(Debug)]
pub(crate) struct Flag {
    /// Its name without the dashes, where that is not the key.
    pub(super) name: Option<&'static str>,
    /// What `--help` calls its value; empty where it takes none.
    pub(crate) value_name: &'static str,
    /// Its help, where it is not the setting's.
    pub(super) help: Option<&'static str>,
    /// Where `--help` shows it.
    pub(super) places: &'static [Place],
}

impl Flag {
    pub(super) const fn new(value_name: &'static str, places: &'static [Place]) -> Self {
        Self {
            name: None,
            value_name,
            help: None,
            places,
        }
    }
}

/// A group of flags under one heading of `--help`. Each command has some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// How the project is read.
    Project,
    /// What the image holds.
    Image,
    /// How the image is built.
    Build,
    /// Where the image goes.
    Push,
    /// How the training is started.
    Training,
    /// What only `sgbuild train` shows beside them.
    Train,
    /// Which stack.
    Stack,
    /// What the pipeline is made of. A stack that exists keeps what is not given.
    Pipeline,
    /// Where runs are recorded.
    Account,
}

impl Group {
    /// Its heading in `--help`.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Project => "Project",
            Self::Image => "Image",
            Self::Build => "Build",
            Self::Push => "Push",
            Self::Training | Self::Train => "Training",
            Self::Stack => "Stack",
            Self::Pipeline => "Pipeline",
            Self::Account => "Account",
        }
    }

    /// The settings whose flags it shows, in the order of `--help`: that of the table, but for those that say after which flag
    /// they stand.
    pub(crate) fn flags(self) -> Vec<(&'static Definition, &'static Place)> {
        let shown = TABLE.iter().filter_map(|definition| {
            let places = definition.flag.as_ref()?.places;
            Some((*definition, places.iter().find(|place| place.group == self)?))
        });
        let (mut flags, moved): (Vec<_>, Vec<_>) = shown.partition(|(_, place)| place.after.is_none());
        for (definition, place) in moved {
            let before = flags.iter().position(|(other, _)| place.after == Some(other.key));
            flags.insert(before.map_or(flags.len(), |before| before + 1), (definition, place));
        }
        flags
    }
}

/// Where `--help` shows a flag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    group: Group,
    after: Option<&'static str>,
    pub(super) help: Option<&'static str>,
}

/// In this group.
pub(super) const fn at(group: Group) -> Place {
    Place {
        group,
        after: None,
        help: None,
    }
}

impl Place {
    /// Behind the flag of the setting `key`, not where the table has it.
    pub(super) const fn after(mut self, key: &'static str) -> Self {
        self.after = Some(key);
        self
    }

    /// With help of its own.
    pub(super) const fn saying(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_stands_behind_one_of_its_group() {
        for definition in TABLE {
            let places = definition.flag.iter().flat_map(|flag| flag.places);
            for place in places.filter(|place| place.after.is_some()) {
                let flags = place.group.flags();
                let found = flags.iter().position(|(other, _)| other.key == definition.key).unwrap();
                assert_eq!(flags[found - 1].0.key, place.after.unwrap(), "{}", definition.key);
            }
        }
    }
}
