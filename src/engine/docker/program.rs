//! Which program the daemon is: Docker's own, or podman, which speaks Docker's API.

use std::fmt;

/// The program that answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Program {
    /// `dockerd`.
    #[default]
    Docker,
    /// [`podman system service`](https://docs.podman.io/en/latest/markdown/podman-system-service.1.html).
    Podman,
}

impl Program {
    /// Whose socket this is, by its name.
    pub(super) fn at(endpoint: &str) -> Self {
        if endpoint.ends_with("/podman.sock") {
            Self::Podman
        } else {
            Self::Docker
        }
    }

    /// The command by which people speak to it.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// As a message names it.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "the Docker daemon",
            Self::Podman => "podman",
        })
    }
}
