//! What can go wrong between here, the daemon, and the registry it pushes to.

mod advice;

use std::io;
use std::path::PathBuf;

use super::{Program, context};

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
