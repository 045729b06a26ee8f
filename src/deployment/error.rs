//! Why a program could not be packed for AWS, or not be uploaded.

use std::io;
use std::path::PathBuf;

use crate::aws::{CallError, Kind};
use crate::explain::{Advice, Code, Explain, Fault};

/// Why the program could not be packed or uploaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program cannot be read.
    #[error("cannot read the program {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a 64-bit Linux program: a Mac's, a script, something else.
    #[error("{} is no 64-bit Linux program (ELF), and AWS Lambda and CodeBuild run nothing else", .path.display())]
    NotForLinux {
        /// The file.
        path: PathBuf,
    },
    /// It is for a machine that Lambda does not have.
    #[error("{} is a program for another machine (ELF machine {machine}); Lambda has x86_64 and arm64", .path.display())]
    OtherMachine {
        /// The file.
        path: PathBuf,
        /// ELF's number of it.
        machine: u16,
    },
    /// It is for the functions alone, and nothing is there for builds.
    #[error("{} is a program for arm64, and builds run on x86_64, as SageMaker's training instances do", .path.display())]
    NotForBuilds {
        /// The file.
        path: PathBuf,
    },
    /// Its loader is not on Amazon Linux.
    #[error("{} is loaded by {interpreter}, which provided.al2023 does not have", .path.display())]
    OtherLoader {
        /// The file.
        path: PathBuf,
        /// The loader.
        interpreter: String,
    },
    /// It was linked on a newer system than Lambda's.
    #[error(
        "{} needs glibc {}.{}, and provided.al2023 has glibc 2.34: it would not start",
        .path.display(), .needed.0, .needed.1
    )]
    NewerGlibc {
        /// The file.
        path: PathBuf,
        /// The version it needs.
        needed: (u32, u32),
    },
    /// Over Lambda's limit.
    #[error("{} has {size} bytes, and Lambda takes at most {limit} (250 MiB)", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
        /// Lambda's limit.
        limit: u64,
    },
    /// The zip file could not be written.
    #[error("cannot pack {}", .path.display())]
    Zip {
        /// The program.
        path: PathBuf,
        /// Why.
        source: zip::result::ZipError,
    },
    /// The bucket's name is someone else's.
    #[error("the bucket {bucket} belongs to another account")]
    BucketTaken {
        /// The bucket.
        bucket: String,
    },
    /// The bucket that was named does not exist.
    #[error("there is no bucket {bucket}")]
    BucketMissing {
        /// The bucket.
        bucket: String,
    },
    /// A call to S3 failed.
    #[error("{action} failed for s3://{object}: {source}")]
    Call {
        /// The IAM action.
        action: &'static str,
        /// The bucket, or the object in it.
        object: String,
        /// What S3 said.
        source: CallError,
    },
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } => Code::NamedFileUnreadable,
            Self::NotForLinux { .. }
            | Self::OtherMachine { .. }
            | Self::NotForBuilds { .. }
            | Self::OtherLoader { .. }
            | Self::NewerGlibc { .. }
            | Self::TooLarge { .. }
            | Self::Zip { .. } => Code::ProgramUnsuited,
            Self::BucketTaken { .. } | Self::BucketMissing { .. } => Code::BucketUnusable,
            Self::Call { source, .. } => source.explained(Code::AwsRefused),
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Unreadable { .. } => Fault::User.hint("Name the program with `--binary`."),
            Self::NotForLinux { .. } | Self::OtherMachine { .. } => {
                Fault::User.hint("Give sgbuild's Linux binary for x86_64 or aarch64 with `--binary`.")
            }
            Self::NotForBuilds { .. } => Fault::User
                .hint("Give sgbuild's Linux binary for x86_64 with `--binary`.")
                .and("Or with `--build-binary`, and the functions run on arm64."),
            Self::OtherLoader { .. } | Self::NewerGlibc { .. } => Fault::User.hint(
                "Give a static binary with `--binary` (cargo build --release --target x86_64-unknown-linux-musl), or one \
                 built on a system with glibc 2.34 or older.",
            ),
            Self::TooLarge { .. } => {
                Fault::User.hint("Give a release build without debug information with `--binary`.")
            }
            Self::BucketTaken { .. } | Self::BucketMissing { .. } => {
                Fault::User.hint("Name a bucket of your account with `--code-bucket`.")
            }
            Self::Call { action, source, .. } => match source.kind() {
                Kind::Denied => Fault::User.hint(format!("Allow `{action}` in the principal's IAM policy.")),
                Kind::Credentials => Fault::User.hint("Run `aws configure` or `aws sso login`, then try again."),
                Kind::Temporary => Fault::Temporary.hint("Try again in a minute."),
                Kind::Other => Fault::User.alone(),
            },
            Self::Zip { .. } => Fault::User.alone(),
        }
    }
}
