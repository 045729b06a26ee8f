//! Where the list of what is in an image goes.

use std::str::FromStr;

/// Where the list of what is in an image (its SBOM) goes, as the setting `sbom` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sbom {
    /// Nowhere: none is made.
    Off,
    /// To `dist/`.
    File,
    /// To `dist/`, and to the registry with the image.
    Attach,
}

impl Sbom {
    /// Every name of one.
    const NAMES: [(&str, Self); 3] = [("file", Self::File), ("attach", Self::Attach), ("off", Self::Off)];
}

impl FromStr for Sbom {
    type Err = UnknownSbom;

    fn from_str(name: &str) -> Result<Self, UnknownSbom> {
        let found = Self::NAMES.into_iter().find(|(known, _)| *known == name);
        found
            .map(|(_, sbom)| sbom)
            .ok_or_else(|| UnknownSbom { name: name.to_owned() })
    }
}

/// It goes to no such place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an SBOM cannot go to `{name}`")]
pub struct UnknownSbom {
    /// As set.
    pub name: String,
}
