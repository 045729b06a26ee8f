//! What a failure of the daemon is called, and what to do about it.

use super::super::advice::{CHANGED, login, was_changed, when_absent};
use super::super::step_hints;
use super::Error;
use crate::explain::{Advice, Code, Explain, Fault};

/// The daemon's words where a layer came as it is, and is of a kind that it does not know.
const UNREADABLE_LAYER: &str = "failed to register layer";

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Plan(error) => error.code(),
            Self::Host { .. } | Self::ContextMissing { .. } | Self::NotDocker { .. } | Self::TooLong { .. } => {
                Code::DockerAddressInvalid
            }
            Self::Configuration { .. } | Self::Tls { .. } => Code::DockerConfigUnusable,
            Self::Absent { .. } => Code::DockerUnreachable,
            Self::TooOld { .. }
            | Self::MountsUnsupported { .. }
            | Self::SecretsUnsupported { .. }
            | Self::ImageStore { .. } => Code::DockerTooOld,
            Self::Lost { .. } => Code::DockerLost,
            Self::Refused { .. } | Self::NotLoaded { .. } | Self::SecretTooLarge { .. } => Code::DockerRefused,
            Self::Context { source, .. } if was_changed(source) => Code::ChangedMeanwhile,
            Self::Context { .. } => Code::FileUnreadable,
            Self::ContextChanged { .. } | Self::Retagged { .. } => Code::ChangedMeanwhile,
            Self::Step { .. } | Self::Build { .. } => Code::BuildStepFailed,
            Self::BaseImage { message, .. } if message.contains(UNREADABLE_LAYER) => Code::BaseImageUnsuited,
            Self::BaseImage { .. } => Code::BaseImageNotFound,
            Self::Platform { .. } => Code::ImageForAnotherPlatform,
            Self::DiskFull { .. } => Code::DiskFull,
            Self::ImageMissing { .. } => Code::BuiltImageGone,
            Self::Target { .. } => Code::ImageNameInvalid,
            Self::PushDenied { .. } => Code::RegistryDenied,
            Self::BaseRegistry { .. } | Self::PushInterrupted { .. } => Code::RegistryUnreachable,
            Self::Push { .. } => Code::RegistryAnswerOdd,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Plan(error) => error.advice(),
            Self::Host { .. } => Fault::Usage.hint(
                "Use an address such as unix:///var/run/docker.sock, tcp://host:2375 or ssh://user@host.",
            ),
            Self::ContextMissing { .. } => Fault::Usage.hint(
                "List the contexts with `docker context ls` and choose one of them, or unset the choice.",
            ),
            Self::Configuration { .. } => {
                Fault::User.hint("Repair the file, or name another directory in DOCKER_CONFIG.")
            }
            Self::Tls { .. } => Fault::User.hint(
                "Put ca.pem, cert.pem and key.pem of the daemon's CA into that directory, or name another in DOCKER_CERT_PATH.",
            ),
            Self::Absent { endpoint, source } => when_absent(endpoint, source),
            Self::NotDocker { reason, .. } if reason.contains("HTTPS") => Fault::User.hint(
                "The daemon wants TLS: set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the directory of ca.pem, cert.pem and key.pem.",
            ),
            Self::NotDocker { .. } => Fault::User.hint("Check DOCKER_HOST and `docker context ls`."),
            Self::TooOld { .. } => {
                Fault::User.hint("Update Docker to version 20.10 or later on the machine of the daemon.")
            }
            Self::Lost { daemon, .. } => Fault::Temporary
                .hint(format!("Check that the daemon still runs with `{0} info`, then try again.", daemon.command()))
                .and(format!("Look into the daemon's log (`journalctl -u {}`): a daemon out of memory is killed by the system.", daemon.command())),
            Self::SecretTooLarge { .. } => Fault::User.hint(
                "Reduce the file to what the build needs; a CA bundle may hold just the company's own CA certificates.",
            ),
            Self::SecretsUnsupported { .. } => Fault::User
                .hint("Build with BuildKit: update Docker to version 20.10 or later, and unset DOCKER_BUILDKIT=0.")
                .and("Or build without index credentials, pip configuration and CA bundle, if the package index needs none."),
            Self::MountsUnsupported { builder } if builder.starts_with("podman") => {
                Fault::User.hint("Update podman to version 4.0 or later, or build with the native engine (`--engine native`).")
            }
            Self::MountsUnsupported { .. } => Fault::User
                .hint("Set DOCKER_BUILDKIT=0: then the Dockerfile is written for Docker's classic builder.")
                .and("Or update Docker to version 20.10 or later, which has BuildKit."),
            Self::ImageStore { .. } => Fault::User
                .hint("Unset DOCKER_BUILDKIT=0: BuildKit makes Docker's images there.")
                .and("Or switch the daemon to its classic store: set {\"features\": {\"containerd-snapshotter\": false}} in /etc/docker/daemon.json and restart it."),
            Self::Step { output, message, .. } => Advice {
                fault: Fault::User,
                hints: step_hints::hints(output, message),
            },
            // It is there, and of a kind that this daemon does not know.
            Self::BaseImage { message, .. } if message.contains(UNREADABLE_LAYER) => Fault::User
                .hint("Layers in zstd are read by Docker 23 or newer, by podman, and by the native engine (`--engine native`).")
                .and("Choose another base with the setting `base-image`."),
            Self::BaseImage { image, daemon, .. } => Fault::User
                .hint(format!(
                    "Check that {image} exists and that you may pull it: `{} pull {image}`.",
                    daemon.command()
                ))
                .and("Choose another base with the setting `base-image`."),
            Self::Platform { daemon, .. } => Fault::User
                .hint("Choose a base image for that platform with the setting `base-image`, or another platform with `platform`.")
                .and(format!("To build for another architecture than the machine's, install QEMU's emulators: `{} run --privileged --rm tonistiigi/binfmt --install all`.", daemon.command())),
            Self::DiskFull { daemon, .. } => Fault::User.hint(format!(
                "Free space on the daemon's machine: `{0} system df` shows what is used, `{0} system prune` removes what is unused.",
                daemon.command()
            )),
            Self::NotLoaded { daemon, .. } => Fault::User
                .hint(format!("The daemon's log (`journalctl -u {}`) says more; `--output FILE` writes the image where nothing is in the way.", daemon.command())),
            Self::ImageMissing { .. } => Fault::User.hint("Build the image again."),
            Self::PushDenied { daemon, .. } => Fault::User
                .hint("Check that the repository exists and that your credentials may push to it.")
                .and(format!("For a registry other than ECR, log in with `{}`; for ECR, the identity needs ecr:InitiateLayerUpload, ecr:UploadLayerPart, ecr:CompleteLayerUpload, ecr:BatchCheckLayerAvailability and ecr:PutImage.", login(*daemon))),
            Self::BaseRegistry { daemon, .. } | Self::PushInterrupted { daemon, .. } => Fault::Temporary.hint(format!(
                "Try again; if it stays so, check the network and proxy settings of {daemon}.",
            )),
            Self::ContextChanged { .. } => Fault::Temporary.hint(CHANGED),
            Self::Context { source, .. } if was_changed(source) => Fault::Temporary.hint(CHANGED),
            Self::Retagged { .. } => Fault::Temporary.hint(
                "Another build takes the same tag: run this one again when that is over, or give one of them another `revision`.",
            ),
            Self::TooLong { .. } => {
                Fault::User.hint("Check that DOCKER_HOST names a Docker daemon, and no other server.")
            }
            Self::Refused { status, .. } if *status == 429 || *status >= 500 => Fault::Temporary.alone(),
            Self::Refused { .. }
            | Self::Context { .. }
            | Self::Build { .. }
            | Self::Target { .. }
            | Self::Push { .. } => Fault::User.alone(),
        }
    }
}
