//! What to do where the daemon, or what it is given, is not as it should be.

use std::io;

use super::Program;
use crate::explain::{Advice, Fault};

/// How to give it a password that is found here, too.
pub(super) fn login(daemon: Program) -> &'static str {
    match daemon {
        Program::Docker => "docker login",
        Program::Podman => "podman login --compat-auth-file ~/.docker/config.json",
    }
}

/// What to do where somebody else wrote the build context meanwhile.
pub(super) const CHANGED: &str = "Another sgbuild, or somebody else, wrote there meanwhile: run the command again, or build the other commit in a checkout of its own.";

/// Whether a file of the context could not be sent because it was taken away, or cut, meanwhile.
pub(super) fn was_changed(source: &io::Error) -> bool {
    matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
}

/// About a daemon that is not there.
pub(super) fn when_absent(endpoint: &str, source: &io::Error) -> Advice {
    if Program::at(endpoint) == Program::Podman {
        return Fault::User.hint("Start podman's socket (`systemctl --user start podman.socket`).");
    }
    match source.kind() {
        io::ErrorKind::PermissionDenied => Fault::User.hint(
            "Add yourself to the docker group (`sudo usermod -aG docker $USER`) and log in again, or point DOCKER_HOST at a daemon of your own.",
        ),
        io::ErrorKind::InvalidData => Fault::User.hint(
            "Put ca.pem, cert.pem and key.pem that belong to the daemon's CA into DOCKER_CERT_PATH (or the context).",
        ),
        kind => {
            let fault = match kind {
                io::ErrorKind::TimedOut => Fault::Temporary,
                _ => Fault::User,
            };
            if endpoint.starts_with("ssh://") {
                return fault.hint("Check that `ssh HOST docker version` works without a question.");
            }
            fault
                .hint("Start Docker (`sudo systemctl start docker`, or Docker Desktop).")
                .and("If the daemon is elsewhere, set DOCKER_HOST or choose a context with `docker context use`.")
        }
    }
}
