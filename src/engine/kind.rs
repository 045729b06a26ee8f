//! Which engines there are.

use std::str::FromStr;

/// An engine, as the setting `engine` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// sgbuild itself where it can make what is planned, else the Docker daemon.
    Auto,
    /// The Docker daemon.
    Docker,
    /// sgbuild itself, without a daemon.
    Native,
}

impl EngineKind {
    /// Every name of an engine.
    const NAMES: [(&str, Self); 3] = [("auto", Self::Auto), ("docker", Self::Docker), ("native", Self::Native)];

    /// What the pipeline's template calls it. `auto`, where it is asked for by name, may come to need a daemon; where nobody chose, the template
    /// does: natively.
    #[must_use]
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Auto | Self::Docker => "docker",
            Self::Native => "native",
        }
    }
}

impl FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        let found = Self::NAMES.into_iter().find(|(known, _)| *known == name);
        found
            .map(|(_, kind)| kind)
            .ok_or_else(|| UnknownEngine { name: name.to_owned() })
    }
}

/// There is no engine of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no engine `{name}`")]
pub struct UnknownEngine {
    /// As set.
    pub name: String,
}
