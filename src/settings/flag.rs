//! The flag of a setting, and where `--help` shows it.

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
    /// Where a base image goes, and whether it is made anew.
    Base,
    /// Which of several images of a name are compared.
    Diff,
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
            Self::Image | Self::Diff => "Image",
            Self::Build => "Build",
            Self::Push => "Push",
            Self::Base => "Base image",
            Self::Training | Self::Train => "Training",
            Self::Stack => "Stack",
            Self::Pipeline => "Pipeline",
            Self::Account => "Account",
        }
    }
}

/// Where `--help` shows a flag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(super) group: Group,
    pub(super) after: Option<&'static str>,
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
