//! Why the store does not have what it should.

use std::io;
use std::path::PathBuf;

use crate::cache::is_full_disk;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::progress::Cancelled;

/// See [`super::Store`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no place for it.
    #[error("cannot make a directory for wheels: {0}")]
    Scratch(#[source] io::Error),
    /// It cannot be written.
    #[error("cannot write to the store of wheels, {}: {source}", store.display())]
    Write {
        /// Its directory.
        store: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of this machine cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file's name is no wheel's.
    #[error("{} has no wheel's name", file.display())]
    NoWheel {
        /// The file.
        file: PathBuf,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client for wheels cannot be set up: {reason}")]
    Setup {
        /// What the library said.
        reason: String,
    },
    /// A host that does not prove who it is, or speaks no TLS.
    #[error("there is no TLS connection to {host}: {reason}")]
    Untrusted {
        /// The host.
        host: String,
        /// What the library said.
        reason: String,
    },
    /// The host wants to know who one is.
    #[error("{host} does not give {file_name} {}", if *anonymous { "to just anybody" } else { "to this user" })]
    Denied {
        /// The file.
        file_name: String,
        /// The host.
        host: String,
        /// Whether it was not told who one is.
        anonymous: bool,
    },
    /// The host answered something else than the file.
    #[error("{host} answered with status {status} to the request for {file_name}")]
    Status {
        /// The file.
        file_name: String,
        /// The host.
        host: String,
        /// The status.
        status: u16,
        /// Whether another try may help.
        temporary: bool,
    },
    /// The connection broke, on every try.
    #[error("{file_name} did not come from {host} as a whole: {reason}")]
    Broken {
        /// The file.
        file_name: String,
        /// The host.
        host: String,
        /// What it failed on.
        reason: String,
    },
    /// The answer is none that can be used.
    #[error("{file_name} cannot be fetched from {url}: {reason}")]
    Odd {
        /// The file.
        file_name: String,
        /// Its URL.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The file is another.
    #[error("{file_name} at {place} has the digest {found}, and not {expected}")]
    OtherDigest {
        /// The file.
        file_name: String,
        /// Where it is.
        place: String,
        /// As the index or the requirement says.
        expected: String,
        /// What was computed.
        found: String,
    },
    /// A wheel that was built is no longer there.
    #[error("{file_name}, which was built of {of}, is no longer in the store of wheels")]
    BuiltIsGone {
        /// The wheel.
        file_name: String,
        /// What it was built of.
        of: String,
    },
    /// The user asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::Cancelled(cancelled) => cancelled.code(),
            Self::Scratch(source) | Self::Write { source, .. } => Code::of_unwritten(source, Code::CacheUnusable),
            Self::Read { .. } => Code::FileUnreadable,
            Self::NoWheel { .. } => Code::ArchiveRefused,
            Self::Setup { .. } | Self::Untrusted { .. } => Code::CertificateNotTrusted,
            Self::Denied { .. } => Code::PackageIndexDenied,
            Self::Status { temporary: true, .. } | Self::Broken { .. } => Code::PackageIndexUnreachable,
            Self::Status { .. } | Self::Odd { .. } | Self::OtherDigest { .. } => Code::PackageFileChanged,
            Self::BuiltIsGone { .. } => Code::BuiltImageGone,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Cancelled(cancelled) => cancelled.advice(),
            Self::Scratch(source) | Self::Write { source, .. } if is_full_disk(source) => Fault::User.hint(
                "Free some space there; `sgbuild cache` shows what sgbuild keeps, and `sgbuild cache clear` removes it.",
            ),
            Self::Scratch(_) => Fault::User
                .hint("Check that the directory for temporary files (TMPDIR) can be written, by nobody else but you."),
            Self::Write { .. } => {
                Fault::User.hint("Check that it can be written, or name another cache directory with XDG_CACHE_HOME.")
            }
            Self::Read { .. } => Fault::User.hint("Check that the file is there and can be read."),
            Self::NoWheel { .. } => Fault::User.hint("Its name must be as in `my_pkg-1.0-py3-none-any.whl`."),
            Self::Setup { .. } => {
                Fault::User.hint("Check the proxy's variables (HTTPS_PROXY) and the certificates (SSL_CERT_FILE).")
            }
            Self::Untrusted { .. } => Fault::User.hint(
                "Name your company's certificates with --ca-bundle or pip's `cert`; for a host without any, there is `trusted-host` in pip.conf.",
            ),
            Self::Denied { anonymous: true, .. } => Fault::User.hint(
                "Put its credentials into the index's URL in pip.conf, or into ~/.netrc.",
            ),
            Self::Denied { .. } => {
                Fault::User.hint("Check that the credentials in the index's URL, or in ~/.netrc, are right and not expired.")
            }
            Self::Status { temporary: true, .. } | Self::Broken { .. } => {
                Fault::Temporary.hint("Check the network and the package index, and try again.")
            }
            Self::Status { .. } | Self::Odd { .. } => {
                Fault::User.hint("Ask the index anew with --upgrade: it may have moved the file or taken it away.")
            }
            Self::OtherDigest { .. } => Fault::User.hint(
                "Nothing of it was used. If the file was replaced where it is from, ask the index anew with --upgrade, or lock again.",
            ),
            Self::BuiltIsGone { .. } => Fault::Temporary.hint("Run the command again: it builds it again."),
        }
    }
}
