//! What can go wrong between here, the daemon, and the registry it pushes to.

use std::io;
use std::path::PathBuf;

use super::advice::{CHANGED, login, was_changed, when_absent};
use super::{Program, context, step_hints};
use crate::explain::{Advice, Explain, Fault};

/// Why the Docker engine failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No Dockerfile can say what is planned.
    #[error(transparent)]
    Plan(#[from] context::Error),
    /// An address of a daemon that is not understood.
    #[error("{origin} is {value:?}, which is not an address of a Docker daemon: {reason}")]
    Host {
        /// `DOCKER_HOST` or the context's name.
        origin: String,
        /// The value, without credentials.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Docker's configuration names a context that does not exist.
    #[error("the docker context {name} (from {origin}) does not exist")]
    ContextMissing {
        /// The context.
        name: String,
        /// Where it was chosen.
        origin: String,
    },
    /// Docker's own configuration cannot be read.
    #[error("cannot read Docker's configuration {}: {reason}", path.display())]
    Configuration {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// TLS material for the daemon cannot be used.
    #[error("cannot use the Docker TLS material {}: {reason}", path.display())]
    Tls {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Nobody answers where the daemon should be.
    #[error("cannot connect to {} at {endpoint}: {source}", Program::at(endpoint))]
    Absent {
        /// Where it was looked for.
        endpoint: String,
        /// What the connection attempt said.
        source: io::Error,
    },
    /// Something answers there, but not as a Docker daemon does.
    #[error("what answers at {endpoint} is not a Docker daemon: {reason}")]
    NotDocker {
        /// Where it was looked for.
        endpoint: String,
        /// What it answered.
        reason: String,
    },
    /// The daemon's API predates what is needed.
    #[error("the Docker daemon is too old: version {version} speaks API {api}, {needed} is needed")]
    TooOld {
        /// The daemon's version.
        version: String,
        /// The newest API it speaks.
        api: String,
        /// The oldest API that will do.
        needed: String,
    },
    /// The connection broke, or a stream ended before its result.
    #[error("{daemon} went away while {during}: {reason}")]
    Lost {
        /// Who says so.
        daemon: Program,
        /// What was going on: `building sgbuild/iris:1.0`.
        during: String,
        /// What the connection said.
        reason: String,
    },
    /// The daemon refused a request.
    #[error("{daemon} answered {status} while {during}: {message}")]
    Refused {
        /// Who says so.
        daemon: Program,
        /// What was asked.
        during: String,
        /// The HTTP status.
        status: u16,
        /// The daemon's words.
        message: String,
    },
    /// A file of the build context cannot be read.
    #[error("cannot send {} to {daemon}: {source}", path.display())]
    Context {
        /// Who says so.
        daemon: Program,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was sent is not what was written: nothing was built of it.
    #[error("{} was changed while it was sent to {daemon}, so nothing was built of it", directory.display())]
    ContextChanged {
        /// Who says so.
        daemon: Program,
        /// The directory.
        directory: PathBuf,
    },
    /// The tag is on another image than the one that was built.
    #[error("the image {built} was built, but the tag {tag} is on {held}")]
    Retagged {
        /// The local tag.
        tag: String,
        /// The id that the build ended with.
        built: String,
        /// The id that the tag has.
        held: String,
    },
    /// An answer that is too long to be one.
    #[error("{daemon}'s answer while {during} is longer than {limit} bytes")]
    TooLong {
        /// Who says so.
        daemon: Program,
        /// What was asked.
        during: String,
        /// The most that is read.
        limit: usize,
    },
    /// The Dockerfile mounts files into its steps, and the builder knows no such steps.
    #[error("{builder} cannot mount files into a step, as the Dockerfile has it done")]
    MountsUnsupported {
        /// `the classic builder of the Docker daemon 18.09.1`.
        builder: String,
    },
    /// A build secret exceeds what `BuildKit` accepts.
    #[error("the build secret {id} is {size} bytes long, but BuildKit accepts at most {limit}")]
    SecretTooLarge {
        /// The secret's id, such as `ca.pem`.
        id: String,
        /// Its size in bytes.
        size: usize,
        /// `BuildKit`'s limit in bytes.
        limit: usize,
    },
    /// There are secrets, but the daemon has no builder that keeps them.
    #[error("this build needs the secrets {ids}, and {builder} cannot keep a secret out of the image")]
    SecretsUnsupported {
        /// The ids, comma separated.
        ids: String,
        /// Which builder, and why it is used.
        builder: String,
    },
    /// What Docker's classic builder makes in containerd's store are OCI images.
    #[error("{builder} makes OCI images in the containerd image store, and SageMaker takes Docker's only")]
    ImageStore {
        /// As in [`Self::MountsUnsupported`].
        builder: String,
    },
    /// A step of the Dockerfile failed.
    #[error("the step `{step}` of the image's build failed: {message}{}", last_lines(output))]
    Step {
        /// The instruction, such as `RUN pip install …`.
        step: String,
        /// The last lines it printed.
        output: Vec<String>,
        /// What the builder said of it.
        message: String,
    },
    /// The build failed outside of any step.
    #[error("the image's build failed: {message}")]
    Build {
        /// What the builder said.
        message: String,
    },
    /// The base image does not exist, or may not be pulled.
    #[error("cannot get the base image {image}: {message}")]
    BaseImage {
        /// Who says so.
        daemon: Program,
        /// The image.
        image: String,
        /// What the registry or daemon said.
        message: String,
    },
    /// The base image's registry could not be reached or is in trouble.
    #[error("the registry of the base image {image} is out of reach: {message}")]
    BaseRegistry {
        /// Who says so.
        daemon: Program,
        /// The image.
        image: String,
        /// What the daemon said.
        message: String,
    },
    /// The base image or the daemon cannot give the platform asked for.
    #[error("cannot build for the platform {wanted}: {message}")]
    Platform {
        /// Who says so.
        daemon: Program,
        /// The platform asked for.
        wanted: String,
        /// What was found.
        message: String,
    },
    /// The daemon did not take an image.
    #[error("{daemon} did not take the image {image}: {message}")]
    NotLoaded {
        /// Who says so.
        daemon: Program,
        /// The image.
        image: String,
        /// The daemon's words, or what it has instead.
        message: String,
    },
    /// The daemon's disk is full.
    #[error("the disk of {daemon} is full: {message}")]
    DiskFull {
        /// Who says so.
        daemon: Program,
        /// What the daemon said.
        message: String,
    },
    /// The image to be pushed is no longer there.
    #[error("the image {image} is no longer in {daemon}")]
    ImageMissing {
        /// Who says so.
        daemon: Program,
        /// Its id.
        image: String,
    },
    /// The push target is not usable, for example without a tag.
    #[error("cannot push to {target}: {reason}")]
    Target {
        /// The target.
        target: String,
        /// Why.
        reason: String,
    },
    /// The registry refused the push.
    #[error("the push to {target} was denied: {message}")]
    PushDenied {
        /// Who says so.
        daemon: Program,
        /// The target.
        target: String,
        /// The registry's words.
        message: String,
    },
    /// The registry failed, or the way to it did.
    #[error("the push to {target} was interrupted: {message}")]
    PushInterrupted {
        /// Who says so.
        daemon: Program,
        /// The target.
        target: String,
        /// The registry's words.
        message: String,
    },
    /// The push failed for another reason.
    #[error("the push to {target} failed: {message}")]
    Push {
        /// The target.
        target: String,
        /// The registry's words.
        message: String,
    },
}

/// The lines below an error's first, indented.
fn last_lines(output: &[String]) -> String {
    output.iter().fold(String::new(), |text, line| text + "\n    " + line)
}

impl Error {
    /// The same, said by this program: where a failure is met, that is not always known.
    #[must_use]
    pub(super) fn by(mut self, program: Program) -> Self {
        if let Self::Lost { daemon, .. }
        | Self::Refused { daemon, .. }
        | Self::Context { daemon, .. }
        | Self::ContextChanged { daemon, .. }
        | Self::TooLong { daemon, .. }
        | Self::BaseImage { daemon, .. }
        | Self::BaseRegistry { daemon, .. }
        | Self::Platform { daemon, .. }
        | Self::NotLoaded { daemon, .. }
        | Self::DiskFull { daemon, .. }
        | Self::ImageMissing { daemon, .. }
        | Self::PushDenied { daemon, .. }
        | Self::PushInterrupted { daemon, .. } = &mut self
        {
            *daemon = program;
        }
        self
    }
}

impl Explain for Error {
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
            Self::BaseImage { message, .. } if message.contains("failed to register layer") => Fault::User
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
