//! What fails in a command itself, not in a stage that it calls.

use std::io;
use std::path::PathBuf;

use crate::aws::{CallError, Kind};
use crate::engine;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::oci::NoPlatform;
use crate::settings::NoSetting;
use crate::training;
use crate::training::job::{Job, JobStatus};

/// Why a command did not do what it was asked, although no stage failed, or what it makes of a stage's failure.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The image is pushed, but its training did not start.
    #[error("{image} is pushed, but its training was not started: {source}")]
    PushedNotTrained {
        /// `repository@digest`.
        image: String,
        /// Why.
        source: Box<training::Error>,
    },
    /// CodeBuild went on to its last phase although an earlier one failed.
    #[error("nothing is pushed or trained: an earlier phase of this build failed (CODEBUILD_BUILD_SUCCEEDING is 0)")]
    BuildFailed,
    /// `sgbuild train` without an image.
    #[error("there is no pushed image to train: {} does not name one", .path.display())]
    NothingPushed {
        /// `dist/image.json`.
        path: PathBuf,
    },
    /// `sgbuild train` without a function.
    #[error("no training function is set, so there is nothing to start")]
    NoFunction,
    /// A flag of the image for a training of one that is pushed.
    #[error("`{key}` is of the image, and `sgbuild train` builds one with `--local` alone")]
    NothingBuilt {
        /// The setting that the flag gives.
        key: &'static str,
    },
    /// A setting was asked about that does not exist.
    #[error(transparent)]
    NoSetting(#[from] NoSetting),
    /// An engine that does not exist.
    #[error("{source} ({origin})")]
    UnknownEngine {
        /// Its name.
        source: engine::UnknownEngine,
        /// Where it was set.
        origin: String,
    },
    /// A place for the SBOM that does not exist.
    #[error("{source} ({origin})")]
    UnknownSbom {
        /// Its name.
        source: engine::UnknownSbom,
        /// Where it was set.
        origin: String,
    },
    /// The setting `platform` is none.
    #[error(transparent)]
    NoPlatform(NoPlatform),
    /// A code of no error.
    #[error("there is no error code `{given}`{}", if .near.is_empty() { String::new() } else { format!("; did you mean {}?", .near.join(", ")) })]
    UnknownCode {
        /// As given.
        given: String,
        /// Codes that resemble it.
        near: Vec<&'static str>,
    },
    /// An image that is to be checked.
    #[error("cannot read the image {image}")]
    ImageUnread {
        /// As it was named.
        image: String,
        /// Why.
        source: Box<engine::native::base::Error>,
    },
    /// Two images were compared, and `--exit-code` wants to know.
    #[error("the images differ")]
    ImagesDiffer,
    /// The pipeline that is launched could not build the package in this directory.
    #[error("the pipeline would build without Docker, and this package cannot be: {source}")]
    PipelineEngine {
        /// What needs Docker.
        source: engine::native::Error,
    },
    /// An archive and JSON in one stream.
    #[error("standard output cannot be the image's archive and JSON at once")]
    TwoOutputs,
    /// The runs were asked for, and no table is named.
    #[error("no table of runs is set")]
    NoTable,
    /// The newest run was asked for, and there is none.
    #[error("no run is recorded yet")]
    NoRuns,
    /// A metric that no run has.
    #[error("no run has recorded the metric `{name}`{}", .near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    NoMetric {
        /// As given.
        name: String,
        /// One that resembles it.
        near: Option<String>,
    },
    /// The page of runs could not be written.
    #[error("cannot write {}", .path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The table of runs could not be read.
    #[error("cannot read the table of runs `{table}`: {source}")]
    Runs {
        /// Its name.
        table: String,
        /// What `DynamoDB` said.
        source: CallError,
    },
    /// A job that was to be followed and is not known.
    #[error("the training was started, but cannot be followed: {function} does not say which job it started")]
    NothingToFollow {
        /// The training Lambda.
        function: String,
    },
    /// A training job's log could not be read.
    #[error("cannot read the log of the training job {job}: {source}")]
    JobLog {
        /// Its name.
        job: String,
        /// What CloudWatch Logs or SageMaker said.
        source: CallError,
    },
    /// A training job that was followed did not end well.
    #[error("{}", ended(.0))]
    TrainingEnded(Box<Job>),
    /// A run whose model was to be served.
    #[error("there is no model of the run {run}: {}", if *.is_recorded { "it has no artifact" } else { "it is not recorded" })]
    NoArtifact {
        /// Its id.
        run: String,
        /// Whether the table has it.
        is_recorded: bool,
    },
    /// A directory that a container was to have.
    #[error("{} cannot be /opt/ml of a container", .path.display())]
    NoDirectory {
        /// As given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A command in the image that did not end well: whoever ran it saw what it wrote.
    #[error("the command ended with exit code {code}")]
    Executed {
        /// As the container gave it.
        code: u8,
    },
    /// A digest is what a push results in.
    #[error("cannot push to `{name}`: a digest names an image that is already there")]
    PushToDigest {
        /// The setting `repository`.
        name: String,
    },
    /// A path that is to be printed, and is no text.
    #[error("the path {} is not UTF-8, so it cannot be printed as it is", .path.display())]
    NotUnicode {
        /// The path.
        path: PathBuf,
    },
    /// A neighbour holds compiled code, which only the image could build.
    #[error("{directory} ({declared_at}) cannot be built here for the image: {reason}")]
    ForeignNeighbour {
        /// Its directory.
        directory: String,
        /// What asks for it.
        declared_at: String,
        /// Why.
        reason: String,
    },
    /// No directory for what a base image is made of.
    #[error("cannot write what the base image is made of: {0}")]
    Scratch(#[source] io::Error),
    /// A file that `sgbuild init` makes or adds to is not written.
    #[error("cannot write {}", .path.display())]
    Init {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that would not be read any more with another section at its end.
    #[error("cannot add {section} to {file}: {reason}")]
    Section {
        /// `pyproject.toml` or `setup.cfg`.
        file: &'static str,
        /// `[tool.sgbuild]` or `[sgbuild]`.
        section: &'static str,
        /// What its parser would say.
        reason: String,
    },
    /// A manual page could not be written.
    #[error("cannot write the manual page {}", .path.display())]
    ManualPage {
        /// The page, or the directory of them all.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `sgbuild check` found errors, or warnings where these count.
    #[error("{} found", counted(*.errors, *.warnings))]
    Found {
        /// How many errors.
        errors: usize,
        /// How many warnings.
        warnings: usize,
    },
    /// `sgbuild push` found errors before it began.
    #[error("the push would fail, or do harm: {}", .errors.join("\n"))]
    FoundBeforePush {
        /// The findings, each with what to do.
        errors: Vec<String>,
    },
    /// `--fix` could not write.
    #[error("cannot mend what was found")]
    NotMended(#[source] io::Error),
    /// The process could not start its threads.
    #[error("cannot start")]
    Runtime(#[source] io::Error),
    /// Stdout is closed or full.
    #[error("cannot write to standard output")]
    Stdout(#[source] io::Error),
}

/// `2 errors and 1 warning`.
fn counted(errors: usize, warnings: usize) -> String {
    let of = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    };
    let both: Vec<String> = [of(errors, "error"), of(warnings, "warning")]
        .into_iter()
        .flatten()
        .collect();
    both.join(" and ")
}

impl Explain for CommandError {
    fn code(&self) -> Code {
        match self {
            Self::PushedNotTrained { source, .. } => source.code(),
            Self::BuildFailed => Code::EarlierPhaseFailed,
            Self::NothingPushed { .. } => Code::NothingPushed,
            Self::NoFunction => Code::TrainingLambdaMissing,
            Self::UnknownEngine { .. } | Self::UnknownSbom { .. } | Self::NoPlatform(_) | Self::NothingBuilt { .. } => {
                Code::SettingInvalid
            }
            Self::UnknownCode { .. } => Code::UnknownCode,
            Self::NoSetting(_) => Code::SettingUnknown,
            Self::ImagesDiffer => Code::ImagesDiffer,
            Self::ImageUnread { source, .. } => source.code(),
            Self::Found { .. } | Self::FoundBeforePush { .. } => Code::CheckFailed,
            Self::PipelineEngine { .. } => Code::NeedsDocker,
            Self::TwoOutputs => Code::OutputUnusable,
            Self::NoArtifact { .. } | Self::Executed { .. } => Code::ServingFailed,
            Self::NoDirectory { .. } => Code::NamedFileUnreadable,
            Self::NoTable | Self::NoRuns => Code::RunTableUnusable,
            Self::NoMetric { .. } => Code::RunUnknown,
            Self::Runs { source, .. } => source.explained(Code::RunTableUnusable),
            Self::NothingToFollow { .. } => Code::TrainingLambdaFailed,
            Self::JobLog { source, .. } => source.explained(Code::TrainingJobNotFound),
            Self::TrainingEnded(_) => Code::TrainingJobFailed,
            Self::PushToDigest { .. } => Code::ImageNameInvalid,
            Self::NotUnicode { .. } => Code::FileNameNotUtf8,
            Self::ForeignNeighbour { .. } => Code::NeighbourCompiled,
            Self::Scratch(source) => Code::of_unwritten(source, Code::CacheUnusable),
            Self::Init { source, .. }
            | Self::ManualPage { source, .. }
            | Self::Report { source, .. }
            | Self::NotMended(source)
            | Self::Stdout(source) => Code::of_unwritten(source, Code::NotWritable),
            Self::Section { .. } => Code::SyntaxError,
            Self::Runtime(_) => Code::CannotStart,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::PushedNotTrained { source, .. } => source.advice().and("`sgbuild train` repeats only this step."),
            Self::BuildFailed => Fault::User.hint("Correct what the log of that phase says."),
            Self::NothingPushed { .. } => Fault::User.hint("Run `sgbuild push` first."),
            Self::NoFunction => Fault::User
                .hint("Name the training Lambda with `--function`, SGBUILD_FUNCTION or the setting `function`."),
            Self::NothingBuilt { .. } => {
                Fault::Usage.hint("Leave it out, and give it to `sgbuild push`; or train here, with `--local`.")
            }
            Self::NoSetting(_) => Fault::Usage.hint("`sgbuild settings` lists every setting."),
            Self::UnknownEngine { .. } => Fault::Usage.hint("Set `engine` to auto, native or docker."),
            Self::UnknownSbom { .. } => Fault::Usage.hint("Set `sbom` to file, attach or off."),
            Self::NoPlatform(_) => Fault::Usage.hint("Set `platform` to that of the images, such as linux/arm64."),
            Self::UnknownCode { .. } => Fault::Usage.hint("`sgbuild explain` lists them all."),
            Self::PipelineEngine { .. } => Fault::User.hint(
                "Launch it with Docker, in privileged builds: `sgbuild launch --engine docker`; or have what it needs in a base image of your own (`base-image`).",
            ),
            Self::ImageUnread { source, .. } => match source.advice() {
                advice if advice.fault == Fault::User => advice.fault.hint(
                    "Name another image: of a registry, or as oci:DIRECTORY, docker-archive:FILE or docker-daemon:NAME.",
                ),
                advice => advice,
            },
            Self::TwoOutputs => Fault::Usage.hint("Leave out `--json`, or write the archive to a file."),
            Self::NoTable => Fault::User
                .hint("Set `table`, with --table or SGBUILD_TABLE, to the table that `sgbuild status` names."),
            Self::NoRuns => Fault::User.hint("Name a training job."),
            Self::NoMetric { .. } => Fault::User.hint(
                "`sgbuild runs` lists what was recorded; the setting `metrics` says what SageMaker looks for in a training's log.",
            ),
            Self::Report { source, .. } | Self::NotMended(source) => Advice::of_unwritten(source),
            Self::NoArtifact { .. } => {
                Fault::User.hint("`sgbuild runs --json` lists the runs, and the artifact of each that completed.")
            }
            Self::NoDirectory { .. } => Fault::User.hint("Name a directory with --ml, or leave it out."),
            Self::Executed { code } => Fault::Program(*code).alone(),
            Self::Runs { source, .. } => source
                .fault()
                .hint("Check its name and the region; it needs dynamodb:Scan on the table."),
            Self::NothingToFollow { .. } => {
                Fault::User.hint("Let the Lambda answer with `training_job_name`, as sgbuild's own does.")
            }
            Self::JobLog { source, .. } if source.kind() == Kind::Temporary => {
                Fault::Temporary.hint("Try again in a minute: what was printed of it comes again.")
            }
            Self::JobLog { source, .. } => source
                .fault()
                .hint("It needs logs:DescribeLogStreams and logs:GetLogEvents on /aws/sagemaker/TrainingJobs."),
            Self::TrainingEnded(job) => Fault::User.hint(format!("`sgbuild logs {}` shows its log.", job.name)),
            Self::PushToDigest { .. } => Fault::Usage.hint("Give the repository alone, or with a tag."),
            Self::NotUnicode { .. } => {
                Fault::User.hint("Rename the directory. `build` and `push` work in it as it is.")
            }
            Self::ForeignNeighbour { .. } => Fault::User.hint(
                "Only the project itself is compiled in the image, and not yet what is beside it: publish its wheel on an index and require that, or make what is compiled a part of the project.",
            ),
            Self::Scratch(_) => Fault::User.hint("Make room in the directory for temporary files (TMPDIR)."),
            Self::Init { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Fault::User.hint("`sgbuild init --dry-run` prints what it would write; put that there yourself, or allow it to be written.")
                }
                io::ErrorKind::AlreadyExists => Fault::User.hint("Nothing that is there is overwritten: move it away, or run it in another directory."),
                _ => Advice::of_unwritten(source),
            },
            Self::Section { section, .. } => Fault::User.hint(format!(
                "`sgbuild init --dry-run` prints the section {section}: put it there yourself, in the form that the file has.",
            )),
            Self::ManualPage { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                    Fault::User.hint("Name a directory that you may write to.")
                }
                _ => Advice::of_unwritten(source),
            },
            Self::Found { .. } => Fault::User.hint(
                "`sgbuild explain` and a rule's id tell more of it; what is meant can be allowed with a reason: `# sgbuild: allow[SGB103] why`.",
            ),
            Self::FoundBeforePush { .. } => Fault::User.hint("`--no-check` pushes all the same; `sgbuild check` shows the warnings, too."),
            Self::ImagesDiffer | Self::Runtime(_) => Fault::User.alone(),
            Self::Stdout(output) => Advice::of_unwritten(output),
        }
    }

    fn log(&self) -> Option<&str> {
        match self {
            Self::PushedNotTrained { source, .. } => source.log(),
            _ => None,
        }
    }
}

/// `the training job iris-1 failed: AlgorithmError: …`.
fn ended(job: &Job) -> String {
    let how = match job.status {
        JobStatus::Stopped => "was stopped",
        _ => "failed",
    };
    match &job.failure_reason {
        Some(reason) => format!("the training job {} {how}: {}", job.name, reason.trim_end()),
        None => format!("the training job {} {how}", job.name),
    }
}
