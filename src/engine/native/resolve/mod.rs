//! `Requirements ─▶ Resolution`: which wheels a base image gets, so that it has what is required.
//!
//! ```text
//! what is asked   asked.rs: requirements in uv's words; installed.rs: what the base has, as if an index had it
//! the answer      choice.rs: one file of each package, in pip's order; build.rs (checkout.rs): a wheel of a package that has none
//! asked before    kept.rs: the answer to the same question
//! ```
//!
//! uv resolves; the judge is what `pip install -r requirements.txt` would do in the image: what is installed and satisfies stays.

mod asked;
mod build;
mod checkout;
mod choice;
mod error;
mod installed;
mod kept;

pub(crate) use asked::trusted_hosts;
pub(crate) use error::Error;
pub(crate) use installed::Installed;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Target;
use super::store::{Sites, Store};
use crate::oci::Digest;
use crate::package::DEFAULT_TIME;
use crate::progress::{Progress, Waiting};
use crate::uv::{Uv, UvSettings};

/// What is to be resolved.
pub(crate) struct Question<'a> {
    /// The lines of `requirements.txt`, in pip's form: with hashes, options and comments.
    pub(crate) requirements: &'a [String],
    /// The lines of `constraints.txt`.
    pub(crate) constraints: &'a [String],
    /// Whether the requirements are complete: then nothing else is installed.
    pub(crate) locked: bool,
    /// Where they are to be installed.
    pub(crate) target: &'a Target,
    /// The target's Python to the patch release, `3.11.9`, where it is known.
    pub(crate) python_full: Option<&'a str>,
    /// What the base image has.
    pub(crate) installed: &'a [Installed],
    /// Whether packages without a wheel may be built, which runs their code on this machine.
    pub(crate) may_build: bool,
    /// How uv is found, and what it is told.
    pub(crate) uv: &'a UvSettings,
    /// Whether to ask anew what was asked before, uv's own memory of the indexes aside.
    pub(crate) anew: bool,
}

/// What is to be installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resolution {
    /// Sorted by name.
    pub(crate) wheels: Vec<Resolved>,
    /// What of the base has to go, by the names that it has there: another version takes its place.
    pub(crate) replaced: Vec<String>,
    /// When the indexes were asked.
    pub(crate) resolved_at: Timestamp,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resolved {
    /// In its [normal form](https://packaging.python.org/en/latest/specifications/name-normalization/).
    pub(crate) name: String,
    /// See `name`.
    pub(crate) version: String,
    /// The wheel's.
    pub(crate) file_name: String,
    /// Whether the requirements name it themselves, as pip marks it
    /// ([REQUESTED](https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-requested-file)).
    pub(crate) requested: bool,
    /// Where it is from.
    pub(crate) source: Source,
    /// The hashes that its requirement allows, `sha256:…`; empty where it names none.
    pub(crate) hashes: Vec<String>,
    /// Whether it was found in an index, and not at a URL that a requirement names.
    pub(crate) is_of_index: bool,
    /// Which index that is, without credentials, where uv says so: of its default it does not.
    pub(crate) index: Option<String>,
}

impl Resolved {
    /// Whether its requirement takes a wheel of this digest.
    pub(crate) fn allows(&self, digest: &Digest) -> bool {
        self.hashes.is_empty() || self.hashes.iter().any(|hash| *hash == digest.as_str())
    }

    /// Of the wheel, where that is said before it is here.
    pub(crate) fn digest(&self) -> Option<&Digest> {
        match &self.source {
            Source::File(remote) => remote.sha256.as_ref(),
            Source::Built { digest, .. } => Some(digest),
        }
    }
}

/// Where a wheel is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    /// An index, or a URL that a requirement names.
    File(Remote),
    /// It was built here, and is in the store.
    Built {
        /// The wheel's.
        digest: Digest,
        /// What it was built of, for people: an sdist's name or a URL.
        of: String,
    },
}

/// A file of an index or at a URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remote {
    /// Without credentials.
    pub(crate) url: String,
    /// As the index says; not every one does.
    pub(crate) sha256: Option<Digest>,
    /// Bytes, as the index says.
    pub(crate) size: Option<u64>,
}

/// Answers the question: as it was answered before, or by asking the indexes. Wheels that must be built are built.
///
/// # Errors
/// See [`Error`]: there is no such set of packages, or a package has no wheel that fits and none can be made.
pub(crate) async fn resolve(
    question: &Question<'_>,
    store: &Store,
    sites: &Sites,
    progress: &dyn Progress,
) -> Result<Resolution, Error> {
    let key = kept::key(question);
    if let Some(resolution) = kept::answer(question, &key, store, progress) {
        return Ok(resolution);
    }
    progress.raw(&format!("resolving the requirements for {}", question.target));
    let waiting = Waiting::begin(progress, "Resolving the requirements");
    let asked = asked::Asked::of(question)?;
    // What is built shall be the same wherever and whenever it is.
    let same = [
        ("PYTHONHASHSEED", "0".to_owned()),
        ("SOURCE_DATE_EPOCH", DEFAULT_TIME.to_string()),
    ];
    let uv = Uv::find(&asked.uv, progress)?.with(&same);
    let lock = asked.compile(&uv, question, progress)?;
    drop(waiting);
    let chosen = choice::choose(&lock, question, &asked)?;
    let mut wheels = chosen.wheels;
    let builder = build::Builder {
        uv: &uv,
        target: question.target,
        may_build: question.may_build,
        store,
        sites,
        environment: &asked.uv.environment,
        progress,
    };
    for package in &chosen.to_build {
        wheels.push(builder.wheel(package).await?);
    }
    wheels.sort_by(|one, other| one.name.cmp(&other.name));
    let resolution = Resolution {
        wheels,
        replaced: chosen.replaced,
        resolved_at: Timestamp::now(),
    };
    kept::keep(&resolution, &key, store);
    Ok(resolution)
}

#[cfg(test)]
mod tests;
