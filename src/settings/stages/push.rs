//! Where the image goes.

use crate::settings::{Settings, table};

/// Where the image goes, as far as the settings say: the rest is the account's and the package's to say.
#[derive(Debug)]
pub struct DestinationSettings<'a> {
    /// A name in the account's ECR, or `host/path`; the package's name where it is not set.
    pub repository: Option<&'a str>,
    /// The tags to push; version and commit where there is none.
    pub tags: &'a [String],
    /// Create the ECR repository when it is missing.
    pub create_repository: bool,
}

impl Settings {
    /// Where the image goes.
    #[must_use]
    pub fn destination(&self) -> DestinationSettings<'_> {
        DestinationSettings {
            repository: self.get(&table::REPOSITORY),
            tags: self.get(&table::TAG),
            create_repository: self.get(&table::CREATE_REPOSITORY),
        }
    }
}
