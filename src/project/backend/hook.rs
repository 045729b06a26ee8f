//! What a build backend can be asked for.

use serde::{Serialize, Serializer};

use crate::project::Error;

/// What a build backend is asked for. `ask.py`, which runs beside the backend, calls the hooks of
/// [PEP 517](https://peps.python.org/pep-0517/#build-backend-interface) that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    /// The metadata of the wheel that it would build.
    Metadata,
    /// A source distribution.
    Sdist,
    /// A wheel.
    Wheel,
}

impl Hook {
    /// Its name: the key in `ask.py`, and the word in messages.
    fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Sdist => "sdist",
            Self::Wheel => "wheel",
        }
    }

    /// What `backend` is doing while it answers.
    pub(super) fn task(self, backend: &str) -> String {
        let verb = match self {
            Self::Metadata => "reading",
            Self::Sdist | Self::Wheel => "building",
        };
        format!("{verb} the {} with {backend}", self.name())
    }

    /// What is said before `backend` is asked.
    pub(super) fn told(self, backend: &str, because: &str) -> String {
        // Whatever the backend, what its metadata is asked for is what setup.py computes.
        let who = if self == Self::Metadata { "Python" } else { backend };
        format!("Asking {who} for the {}, because {because}", self.name())
    }

    /// Why `backend` is not asked where static reading was asked for.
    pub(super) fn refused(self, backend: &str, because: &str) -> Error {
        let reason = because.to_owned();
        match self {
            Self::Metadata => Error::StaticOnly { reason },
            Self::Sdist => Error::StaticSdist {
                reason,
                backend: backend.to_owned(),
            },
            Self::Wheel => Error::StaticWheel {
                reason,
                backend: backend.to_owned(),
            },
        }
    }
}

impl Serialize for Hook {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_beside_the_backend_knows_every_hook() {
        let (_, table) = super::super::question::ASK.split_once("\nHOOKS = {").unwrap();
        let (table, _) = table.split_once('}').unwrap();
        let known: Vec<_> = table.split(", ").filter_map(|entry| entry.split('"').nth(1)).collect();
        assert_eq!(known, [Hook::Metadata, Hook::Sdist, Hook::Wheel].map(Hook::name));
    }
}
