//! Whatever builds with Docker's API: a test of what the engine does with one is a test of each.

use std::process::{Command, Output};

use super::Testbed;

/// A builder of one of the testbed's daemons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builder {
    /// Docker 20.10.
    Docker20,
    /// The same, without `BuildKit`.
    Docker20Classic,
    /// Docker 26 with its classic store.
    Docker26,
    /// The same, without `BuildKit`.
    Docker26Classic,
    /// Docker 26 with containerd's store.
    Containerd26,
    /// Podman.
    Podman,
}

impl Builder {
    /// Where its daemon is, as `DOCKER_HOST` has it.
    pub(crate) fn host(self) -> String {
        let name = match self {
            Self::Docker20 | Self::Docker20Classic => {
                return std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
            }
            Self::Docker26 | Self::Docker26Classic => "SGBUILD_TESTBED_DOCKER26",
            Self::Containerd26 => "SGBUILD_TESTBED_CONTAINERD26",
            Self::Podman => "SGBUILD_TESTBED_PODMAN",
        };
        Testbed::get().variable(name).to_owned()
    }

    /// What `DOCKER_BUILDKIT` says, as podman does not care.
    pub(crate) fn buildkit(self) -> bool {
        !matches!(self, Self::Docker20Classic | Self::Docker26Classic)
    }

    /// `name` for this builder alone: some have a daemon in common.
    pub(crate) fn own(self, name: &str) -> String {
        format!("{name}-{self:?}").to_ascii_lowercase()
    }

    /// As messages name the daemon.
    pub(crate) fn called(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            _ => "the Docker daemon",
        }
    }

    /// The `docker` command at its daemon, not yet started.
    pub(crate) fn command(self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(arguments).env("DOCKER_HOST", self.host());
        command
    }

    /// Runs the `docker` command at its daemon.
    pub(crate) fn docker(self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What the command prints, which has to succeed.
    pub(crate) fn docker_ok(self, arguments: &[&str]) -> String {
        let output = self.docker(arguments);
        assert!(
            output.status.success(),
            "{self:?}: docker {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Makes a test of each builder named of a function that takes one.
macro_rules! with_each {
    ($check:ident: $($name:ident $builder:ident),+ $(,)?) => {
        mod $check {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$check(crate::support::builders::Builder::$builder).await;
                }
            )+
        }
    };
    ($check:ident: all) => {
        with_each!($check: docker20 Docker20, docker20_classic Docker20Classic, docker26 Docker26,
            docker26_classic Docker26Classic, containerd26 Containerd26, podman Podman);
    };
    ($check:ident: modern) => {
        with_each!($check: docker20 Docker20, docker26 Docker26, containerd26 Containerd26, podman Podman);
    };
}
pub(crate) use with_each;
