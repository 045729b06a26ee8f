//! `sgbuild check`: what can be known to go wrong before anything is paid for.
//!
//! ```text
//! what there is    rule.rs (every rule), finding.rs, exceptions.rs (what is meant), sarif.rs, fix.rs
//! what is looked   declared.rs (what the project says), package/ (what is packed), dockerfile/, request/ (the training), image.rs, account.rs (AWS)
//! ```
//!
//! Everything is read, and nothing of the project is run. An error is certain; what may be meant, or may be otherwise, is a warning.

pub(crate) mod account;
pub(crate) mod declared;
mod dockerfile;
pub(crate) mod exceptions;
mod finding;
mod fix;
pub(crate) mod image;
mod package;
mod request;
mod rule;
mod sarif;
#[cfg(test)]
mod tests;

pub use dockerfile::Dockerfile;
pub use exceptions::Applied;
pub use finding::{Finding, Fix, Place, Severity};
pub use fix::{Mended, mend};
pub use request::Request;
pub use rule::{Group, Rule};
pub use sarif::sarif;

use std::path::Path;

use self::exceptions::Exception;
use crate::explain::Report;
use crate::progress::Progress;
use crate::project::{Project, SourceFile};
use crate::requirements::Requirements;

/// Files of the project that may hold exceptions, beside those that are looked at anyway.
const WITH_COMMENTS: [&str; 3] = ["setup.py", "setup.cfg", "pyproject.toml"];

/// What is looked at, as far as it could be read.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The project's directory.
    pub root: &'a Path,
    /// The project; `None` where it could not be read, which is a finding of its own.
    pub project: Option<&'a Project>,
    /// What the file says that the setting `requirements` names.
    pub requirements: Option<&'a Requirements>,
    /// The user's own Dockerfiles.
    pub dockerfiles: &'a [Dockerfile],
    /// The training.
    pub request: &'a Request<'a>,
    /// Whether what `sgbuild push` refuses by itself is looked for as well.
    pub is_alone: bool,
}

/// What was found, and what the files say is meant.
#[derive(Debug, Default)]
pub struct Found {
    /// Not sorted, and with what is meant.
    pub findings: Vec<Finding>,
    pub(crate) exceptions: Vec<Exception>,
}

/// Looks at everything that is on this machine. Nothing is run, and nobody is asked.
#[must_use]
pub fn offline(subject: &Subject<'_>, progress: &dyn Progress) -> Found {
    let mut found = Found::default();
    if let Some(project) = subject.project {
        if subject.is_alone {
            found.findings.extend(declared::training_function(project));
        }
        match package::look(project, subject.requirements, subject.request.has_own_base, progress) {
            Ok(looked) => found.add(looked),
            Err(error) if subject.is_alone => found.findings.push(declared::of_report(&Report::of(&error))),
            // Whoever packs it says so.
            Err(_) => {}
        }
    }
    for dockerfile in subject.dockerfiles {
        found.add(dockerfile::look(dockerfile));
    }
    if subject.is_alone {
        found.findings.extend(request::refused(subject.request));
        found.findings.extend(request::tried(subject.request));
    }
    found
        .findings
        .extend(request::look(subject.request, subject.project, subject.requirements));
    found.exceptions.extend(in_comments(subject));
    found
}

impl Found {
    fn add(&mut self, looked: package::Looked) {
        self.findings.extend(looked.findings);
        self.exceptions.extend(looked.exceptions);
    }

    /// What is left without what is meant. `settings` is what the setting `allow` says, and where; `is_looked_for` tells of which rules
    /// an exception may be unused.
    #[must_use]
    pub fn without_exceptions(self, settings: (&[String], &str), is_looked_for: impl Fn(Rule) -> bool) -> Applied {
        let mut exceptions = self.exceptions;
        exceptions.extend(exceptions::in_setting(settings.0, settings.1));
        exceptions::apply(self.findings, &exceptions, is_looked_for)
    }
}

/// Those of the files that declare the project, and of its requirements.
fn in_comments(subject: &Subject<'_>) -> Vec<Exception> {
    let mut names: Vec<&str> = WITH_COMMENTS.to_vec();
    names.extend(subject.requirements.iter().map(|read| read.file.as_str()));
    let read = names
        .into_iter()
        .filter_map(|name| SourceFile::read(subject.root, name).ok()?);
    read.flat_map(|file| exceptions::in_text(&file.name, &file.text))
        .collect()
}
