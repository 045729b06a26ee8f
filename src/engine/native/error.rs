//! Why the native engine did not make an image.

use std::io;
use std::path::{Path, PathBuf};

use super::archive::Malformed;
use super::{base, resolve, store};
use crate::explain::{Advice, Code, Explain, Fault};
use crate::oci::Digest;
use crate::progress::Cancelled;
use crate::registry::{auth, client};
use crate::{template, uv};

/// What to do where only a Dockerfile serves.
const DOCKER: &str = "Build it with Docker: `--engine docker`.";
/// What to do where a base image may have what needs a Dockerfile.
pub(crate) const BASE: &str = "Once `sgbuild base` has made a base image of it, with Docker, every build is native.";

/// The same in a pipeline's stack, whose builds have no daemon by default.
const PIPELINE: &str = "In a pipeline's build: `sgbuild launch --engine docker`, once, makes its builds privileged.";

/// Why the native engine failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The plan asks for what only running commands in the image can do, and no base image is known that has it already.
    #[error("the native engine runs nothing in the image, and {what} needs that")]
    Unprepared {
        /// Such as `the setting system-packages`.
        what: &'static str,
    },
    /// Something has to be run in the image, and its base image is on this machine alone.
    #[error(
        "the native engine runs nothing in the image, which `system-packages` and `dockerlines` need, and a base image with them is made of one in a registry only, not of {base}"
    )]
    LocalBase {
        /// As the setting names it.
        base: String,
    },
    /// The Dockerfile is the user's own.
    #[error("the native engine runs nothing in the image, and a Dockerfile template of your own needs that")]
    Template,
    /// A Dockerfile line of the project's own cannot be in a base image either.
    #[error(
        "the native engine runs nothing in the image, and no base image can have this line of `dockerlines`, which {reason}: {line}"
    )]
    BoundLine {
        /// The instruction.
        line: String,
        /// What it does: the middle of the sentence.
        reason: &'static str,
    },
    /// The package itself is no wheel: its build backend compiles for the machine that it runs on.
    #[error("the package cannot be built to a wheel here: it is built in the image, by pip")]
    NoWheel,
    /// A base image cannot be used.
    #[error(transparent)]
    Base(#[from] base::Error),
    /// A layer of the base is in no form that a Docker manifest can name.
    #[error(
        "the base image {base} has a layer of the type {media_type}, which Docker's manifest, and so SageMaker, does not know"
    )]
    BaseLayer {
        /// The base image.
        base: String,
        /// The layer's media type.
        media_type: String,
    },
    /// The base image says what is to be run in every image that is made of it.
    #[error("the base image {base} has lines that are to be run in every image made of it (ONBUILD): {lines}")]
    OnBuild {
        /// The base image.
        base: String,
        /// The lines, such as `RUN make`.
        lines: String,
    },
    /// A distribution of the base is to be replaced, and nothing says what it consists of.
    #[error("{name} {version} of the base image cannot be replaced: nothing in {directory} tells which files it has")]
    Unrecorded {
        /// The distribution.
        name: String,
        /// See `name`.
        version: String,
        /// Its metadata.
        directory: String,
    },
    /// The requirements have no answer.
    #[error(transparent)]
    Resolve(#[from] resolve::Error),
    /// Wheels cannot be fetched or kept.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// uv cannot be run.
    #[error(transparent)]
    Uv(#[from] uv::Error),
    /// No installer should take this wheel.
    #[error("the wheel of {name} {reason}")]
    Wheel {
        /// Of which distribution.
        name: String,
        /// The wheel, as it is kept.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        reason: Malformed,
    },
    /// A wheel of an image is not kept any more.
    #[error("the wheel of {name} ({digest}) is not in the cache any more")]
    WheelGone {
        /// Of which distribution.
        name: String,
        /// Of the wheel.
        digest: Digest,
    },
    /// The last image of a repository told of a layer what it is not.
    #[error("the layer of {title} is not {told}, as an image of the repository had said")]
    OtherLayer {
        /// What is in it.
        title: String,
        /// What it was said to be.
        told: Digest,
    },
    /// An image is not kept any more.
    #[error("the image {id} is not in sgbuild's cache any more")]
    ImageGone {
        /// The config's digest.
        id: Digest,
    },
    /// A file cannot be installed over what is there, of the base or of another wheel.
    #[error("a file cannot be installed: there is {is} at {path}")]
    InTheWay {
        /// In the image.
        path: String,
        /// `a directory` or `a file`.
        is: &'static str,
    },
    /// A layer cannot be made.
    #[error("a layer cannot be made: {0}")]
    Layer(#[source] io::Error),
    /// A file of `dist/` cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Dist {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `run.py` cannot be rendered.
    #[error(transparent)]
    RunPy(#[from] template::Error),
    /// A registry.
    #[error(transparent)]
    Registry(#[from] client::Error),
    /// There are no credentials for the base image's registry.
    #[error(transparent)]
    Auth(#[from] auth::Error),
    /// The base image is another one than when the image was made.
    #[error("the base image {base} is not the one that the image was made on any more")]
    BaseChanged {
        /// The base image.
        base: String,
    },
    /// The base's registry lost a layer since the base was read: another image has its tag by now.
    #[error("the registry does not have the layer {digest} of the base image {base} any more")]
    LayerGone {
        /// The base image.
        base: String,
        /// The layer.
        digest: Digest,
    },
    /// The user interrupted.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Error {
    pub(crate) fn wheel(name: &str, path: &Path, reason: Malformed) -> Self {
        Self::Wheel {
            name: name.to_owned(),
            path: path.to_owned(),
            reason,
        }
    }

    /// Why a layer could not be read to its end; what a registry said of it is told as it was said.
    pub(super) fn of_reading(source: io::Error) -> Self {
        let source = match source.downcast::<Self>() {
            Ok(error) => return error,
            Err(source) => source,
        };
        match source.downcast::<client::Error>() {
            Ok(error) => Self::Registry(error),
            Err(source) => Self::Layer(source),
        }
    }

    /// Why a layer of the base could not be passed on.
    pub(super) fn of_passing(error: client::Error) -> Self {
        match error {
            client::Error::Local { source, digest } => match source.downcast::<Self>() {
                Ok(error) => error,
                Err(source) => Self::Registry(client::Error::Local { source, digest }),
            },
            error => Self::Registry(error),
        }
    }

    /// Whether Docker may do what the native engine could not: it runs commands in the image, and may have a base image that no
    /// registry has.
    pub(crate) fn is_for_docker(&self) -> bool {
        match self {
            Self::Unprepared { .. }
            | Self::LocalBase { .. }
            | Self::Template
            | Self::BoundLine { .. }
            | Self::NoWheel
            | Self::BaseLayer { .. }
            | Self::OnBuild { .. }
            | Self::InTheWay { .. } => true,
            Self::Base(error) => !matches!(error, base::Error::Cancelled(_)),
            Self::Resolve(error) => error.is_for_docker(),
            _ => false,
        }
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unprepared { .. }
            | Self::LocalBase { .. }
            | Self::Template
            | Self::BoundLine { .. }
            | Self::NoWheel
            | Self::OnBuild { .. } => Code::NeedsDocker,
            Self::Base(error) => error.code(),
            Self::BaseLayer { .. } | Self::Unrecorded { .. } => Code::BaseImageUnsuited,
            Self::Resolve(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Uv(error) => error.code(),
            Self::Wheel { .. } => Code::ArchiveRefused,
            Self::WheelGone { .. }
            | Self::ImageGone { .. }
            | Self::Dist { .. }
            | Self::BaseChanged { .. }
            | Self::LayerGone { .. }
            | Self::OtherLayer { .. } => Code::BuiltImageGone,
            Self::InTheWay { .. } => Code::FilesCollide,
            Self::Layer(source) => Code::of_unwritten(source, Code::CacheUnusable),
            Self::RunPy(error) => error.code(),
            Self::Registry(error) => error.code(),
            Self::Auth(error) => error.code(),
            Self::Cancelled(cancelled) => cancelled.code(),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Unprepared { .. } => Fault::User.hint(BASE).and(DOCKER).and(PIPELINE),
            Self::LocalBase { .. } => Fault::User.hint(
                "Push the image, and name it in its registry (setting `base-image`): then `sgbuild base` can make a base image of it.",
            ),
            Self::Template
            | Self::BoundLine { .. }
            | Self::NoWheel
            | Self::OnBuild { .. }
            | Self::InTheWay { .. } => Fault::User.hint(DOCKER).and(PIPELINE),
            Self::Layer(_) => Fault::User.hint(DOCKER),
            Self::BaseLayer { .. } => Fault::User.hint("Choose a base image whose layers are in gzip."),
            Self::Unrecorded { .. } => Fault::User.hint(
                "pip could not replace it either: require the version that the base has, or choose another base image.",
            ),
            Self::Base(error) => error.advice(),
            Self::Resolve(error) => error.advice(),
            Self::Store(error) => error.advice(),
            Self::Uv(error) => error.advice(),
            Self::Wheel { .. } => Fault::User.hint("Name another version of the package, or ask those who publish it."),
            Self::BaseChanged { .. } | Self::WheelGone { .. } | Self::ImageGone { .. } | Self::Dist { .. } => {
                Fault::User.hint("Build it again: `sgbuild build`.")
            }
            Self::OtherLayer { .. } => Fault::User.hint(
                "This machine makes other bytes of the same wheels, or the image lied: build it without its word, `sgbuild build --no-last-image --no-cache`.",
            ),
            Self::RunPy(error) => error.advice(),
            Self::Registry(error) => error.advice(),
            Self::Auth(error) => error.advice(),
            Self::LayerGone { .. } => Fault::User.hint("Read the base image anew: `--pull`."),
            Self::Cancelled(error) => error.advice(),
        }
    }

    fn log(&self) -> Option<&str> {
        match self {
            Self::Resolve(error) => error.log(),
            _ => None,
        }
    }
}
