//! Why nothing could be trained here.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use crate::aws::CallError;
use crate::engine::docker;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::progress::Cancelled;
use crate::{template, training, uv};

/// Docker's and podman's words for a mount whose source they do not see.
const UNSEEN: [&str; 2] = ["bind source path does not exist", "statfs "];
/// The words of both for an entry point that the image does not have.
const NO_PROGRAM: [&str; 2] = ["executable file not found", "executable file `train` not found"];
/// Docker's words for a GPU that it has no driver for, and what podman says where there is no device.
const NO_GPU: [&str; 2] = ["could not select device driver", "unresolvable CDI devices"];
/// The words of podman's network program where the firewall's is not installed
/// ([what it needs](https://github.com/containers/netavark#requires)).
const NO_NFT: [&str; 1] = ["unable to execute nft"];

/// Why a training on this machine did not begin, or could not be followed to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The daemon.
    #[error(transparent)]
    Docker(#[from] docker::Error),
    /// A job that SageMaker would refuse.
    #[error(transparent)]
    Job(#[from] training::Error),
    /// No directory for the run.
    #[error("cannot make a directory for the run")]
    Directory(#[source] io::Error),
    /// A channel's directory.
    #[error("the channel {channel} cannot be read: {}", path.display())]
    Channel {
        /// Its name.
        channel: String,
        /// As given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A channel whose data is no prefix of S3, or is handed out otherwise than to everybody.
    #[error("the channel {channel} cannot be had on this machine: {reason}")]
    ChannelKind {
        /// Its name.
        channel: String,
        /// Why.
        reason: String,
    },
    /// A prefix without objects.
    #[error("the channel {channel} has no data: nothing is at {uri}")]
    NoData {
        /// Its name.
        channel: String,
        /// The prefix.
        uri: String,
    },
    /// Objects could not be listed or fetched.
    #[error("cannot fetch the data of the channel {channel} from {uri}")]
    Fetch {
        /// Its name.
        channel: String,
        /// The prefix or object.
        uri: String,
        /// What S3 said.
        source: CallError,
    },
    /// The hyperparameters of the bucket could not be read.
    #[error("cannot read the hyperparameters {uri}")]
    FetchHyperparameters {
        /// The object.
        uri: String,
        /// What S3 said.
        source: CallError,
    },
    /// What was fetched could not be written.
    #[error("cannot keep {uri}")]
    Keep {
        /// The object.
        uri: String,
        /// Why.
        source: io::Error,
    },
    /// A hyperparameters file.
    #[error("the hyperparameters {} cannot be used:\n  {}", path.display(), problems.join("\n  "))]
    Hyperparameters {
        /// The file.
        path: PathBuf,
        /// Each what is wrong.
        problems: Vec<String>,
    },
    /// What is left of a training could not be written.
    #[error("cannot write {}", path.display())]
    Output {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What the container left could not be read.
    #[error("cannot read {what} of the container")]
    Left {
        /// A path in it.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// No signal can be waited for.
    #[error("cannot wait for Ctrl-C")]
    Signals(#[source] io::Error),
    /// The entry point.
    #[error(transparent)]
    RunPy(template::Error),
    /// The environment for a training without a container.
    #[error(transparent)]
    Uv(#[from] uv::Error),
    /// It could not be made.
    #[error("{what} failed: {status}{log}")]
    Environment {
        /// Such as `making the environment`.
        what: String,
        /// How uv ended.
        status: String,
        /// Its last lines.
        log: String,
    },
    /// No Python of the image's version is on this machine.
    #[error("there is no Python {release} on this machine, which the image has")]
    NoPython {
        /// Such as `3.11`.
        release: String,
    },
    /// The training's process.
    #[error("cannot start the training with {}", program.display())]
    NotStarted {
        /// The interpreter.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A container's thing, and there is none.
    #[error("{what} needs a container")]
    NeedsContainer {
        /// The flag.
        what: &'static str,
    },
    /// The training ran, and failed.
    #[error("the training {job} failed ({}): {reason}", exit_codes(codes))]
    Failed {
        /// Its name.
        job: String,
        /// Each host's exit code.
        codes: BTreeMap<String, i64>,
        /// What SageMaker would call the reason.
        reason: String,
    },
    /// It took too long.
    #[error("the training {job} was stopped: it took longer than {seconds} s")]
    Stopped {
        /// Its name.
        job: String,
        /// The setting `max-runtime`.
        seconds: u64,
    },
    /// The user asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// `exit code 3`, or of several hosts those that failed.
fn exit_codes(codes: &BTreeMap<String, i64>) -> String {
    if let [code] = codes.values().collect::<Vec<_>>()[..] {
        return format!("exit code {code}");
    }
    let failed = codes.iter().filter(|(_, code)| **code != 0);
    let failed: Vec<_> = failed.map(|(host, code)| format!("{host}: exit code {code}")).collect();
    failed.join(", ")
}

impl Error {
    fn refused_for(error: &docker::Error, words: &[&str]) -> bool {
        let docker::Error::Refused { message, .. } = error else {
            return false;
        };
        words.iter().any(|words| message.contains(words))
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Docker(error) => error.code(),
            Self::Job(error) => error.code(),
            Self::Directory(source) | Self::Keep { source, .. } => Code::of_unwritten(source, Code::CacheUnusable),
            Self::Channel { .. } | Self::NoData { .. } => Code::NoTrainingData,
            Self::ChannelKind { .. } => Code::TrainingDataUnreadable,
            Self::Fetch { source, .. } | Self::FetchHyperparameters { source, .. } => {
                source.explained(Code::TrainingDataUnreadable)
            }
            Self::Hyperparameters { .. } => Code::HyperparametersUnusable,
            Self::Output { source, .. } => Code::of_unwritten(source, Code::NotWritable),
            Self::Left { .. } => Code::DockerLost,
            Self::Signals(_) => Code::CannotStart,
            Self::RunPy(error) => error.code(),
            Self::Uv(error) => error.code(),
            Self::Environment { .. } => Code::RequirementsUnresolved,
            Self::NoPython { .. } | Self::NotStarted { .. } => Code::PythonUnusable,
            Self::NeedsContainer { .. } => Code::NeedsDocker,
            Self::Failed { .. } | Self::Stopped { .. } => Code::TrainingJobFailed,
            Self::Cancelled(error) => error.code(),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Docker(error) if Self::refused_for(error, &UNSEEN) => Fault::User.hint(
                "The daemon has to see this machine's files, and seems to run elsewhere: use one that runs here.",
            ),
            Self::Docker(error) if Self::refused_for(error, &NO_GPU) => {
                Fault::User.hint("Install the NVIDIA container toolkit, or leave out `--gpus`.")
            }
            Self::Docker(error) if Self::refused_for(error, &NO_NFT) => Fault::User.hint(
                "podman makes a network of several hosts by `nft`: install nftables (`apt-get install nftables`, `dnf install nftables`), or train on one host.",
            ),
            Self::Docker(error) if Self::refused_for(error, &NO_PROGRAM) => Fault::User.hint(
                "SageMaker starts an image as `docker run IMAGE train`: what sgbuild builds has an entry point for that, and another image needs a program `train`.",
            ),
            Self::Docker(error @ docker::Error::Absent { .. }) => {
                error.advice().and("`--local=process` trains without a container.")
            }
            Self::Docker(error) => error.advice(),
            Self::Job(error) => error.advice(),
            Self::Directory(source) | Self::Keep { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Advice::of_unwritten(source),
                _ => Fault::User.hint("Make sgbuild's cache directory (XDG_CACHE_HOME) one that you can write to."),
            },
            Self::Channel { .. } => Fault::User.hint("Name a directory or file that is there: `--input NAME=DIR`."),
            Self::ChannelKind { channel, .. } => Fault::User.hint(format!(
                "Give its data for this machine: `--input {channel}=DIR`.",
            )),
            Self::NoData { channel, .. } => Fault::User.hint(format!(
                "Upload data there, or give other data: `--input {channel}=DIR`.",
            )),
            Self::Fetch { source, .. } | Self::FetchHyperparameters { source, .. } => source
                .fault()
                .hint("It needs s3:ListBucket on the bucket and s3:GetObject on the objects."),
            Self::Hyperparameters { .. } => Fault::User.hint("Correct the file."),
            Self::Output { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Advice::of_unwritten(source),
                _ => Fault::User.hint("Name a directory that you can write to: `--output DIR`."),
            },
            Self::Left { .. } => Fault::Temporary.hint("Try again."),
            Self::RunPy(error) => error.advice(),
            Self::Uv(error) => error.advice(),
            Self::Environment { .. } => Fault::User.hint("`--local` trains in the image itself, where there is Docker or podman."),
            Self::NoPython { release } => Fault::User
                .hint(format!("Install it (`uv python install {release}`), or choose another with `python-version`.")),
            Self::NeedsContainer { .. } => Fault::User.hint("Leave it out, or use `--local` with Docker or podman."),
            Self::Failed { .. } => Fault::User.hint("SageMaker would say the same of a job; what it wrote is above."),
            Self::Stopped { .. } => Fault::User.hint("Set a longer `max-runtime`, or let it do less."),
            Self::Signals(_) | Self::NotStarted { .. } => Fault::User.alone(),
            Self::Cancelled(error) => error.advice(),
        }
    }

    fn log(&self) -> Option<&str> {
        match self {
            Self::Uv(error) => error.log(),
            _ => None,
        }
    }
}
