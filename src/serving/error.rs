//! Why nothing could be served or executed here.

use std::io;
use std::time::Duration;

use crate::aws::CallError;
use crate::engine::docker;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::progress::Cancelled;

/// Docker's and podman's words for a port of this machine that another program, or another container, has.
const PORT_TAKEN: [&str; 2] = ["address already in use", "port is already allocated"];

/// Why a container did not do what it was started for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The daemon.
    #[error(transparent)]
    Docker(#[from] docker::Error),
    /// The user has enough.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Signals cannot be had, or an address cannot be printed.
    #[error("cannot follow the container")]
    Follow(#[source] io::Error),
    /// The model cannot be read or unpacked.
    #[error("the model {model} cannot be read")]
    Model {
        /// As given.
        model: String,
        /// Why.
        source: io::Error,
    },
    /// The model cannot be fetched.
    #[error("cannot fetch the model {uri}")]
    Fetch {
        /// Its address.
        uri: String,
        /// What S3 said.
        source: CallError,
    },
    /// The container ended, and nobody asked it to.
    #[error("the container ended{} with exit code {code}{}", if *.was_healthy { "" } else { " before GET /ping was answered by 200," }, if *.out_of_memory { ": the kernel killed it for want of memory" } else { "" })]
    Ended {
        /// Its exit code.
        code: i64,
        /// Whether it had served.
        was_healthy: bool,
        /// Whether the kernel killed it.
        out_of_memory: bool,
    },
    /// It runs, and does not become healthy.
    #[error("GET /ping of the container was not answered by 200 within {} s", limit.as_secs())]
    Unhealthy {
        /// How long SageMaker waits.
        limit: Duration,
    },
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Docker(error) => error.code(),
            Self::Cancelled(error) => error.code(),
            Self::Follow(source) => Code::of_unwritten(source, Code::OutputUnusable),
            Self::Model { .. } => Code::NamedFileUnreadable,
            Self::Fetch { source, .. } => source.explained(Code::ServingFailed),
            Self::Ended { .. } | Self::Unhealthy { .. } => Code::ServingFailed,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Docker(docker::Error::Refused { message, .. })
                if PORT_TAKEN.iter().any(|words| message.contains(words)) =>
            {
                Fault::User.hint("Name another port: `--port PORT`; 0 is any that is free.")
            }
            Self::Docker(error) => error.advice(),
            Self::Cancelled(error) => error.advice(),
            Self::Follow(source) => Advice::of_unwritten(source),
            Self::Model { .. } => Fault::User
                .hint("Name a model.tar.gz, as a training leaves it, or the directory that it is unpacked to."),
            Self::Fetch { source, .. } => source
                .fault()
                .hint("Name an object that is there, and that you may read (s3:GetObject)."),
            Self::Ended { .. } => Fault::User.hint("The container's log above says why."),
            Self::Unhealthy { .. } => {
                Fault::User.hint("See in its log above how far it came; SageMaker gives up after as long.")
            }
        }
    }
}
