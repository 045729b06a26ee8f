//! What a person is told of an error: what failed, why, whose move it is, and what to do next.

mod code;
mod plain;

pub use code::{Code, Summary};
pub(crate) use plain::plain;

use std::error::Error as StdError;
use std::io;

/// What kind of failure an error is; `main` turns it into the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The user can fix it (exit code 1).
    User,
    /// The command line or a setting is not understood (exit code 2, as `clap` exits).
    Usage,
    /// It may work when tried again: throttling, 5xx, a daemon gone away (exit code 75, `EX_TEMPFAIL` of `sysexits.h`).
    Temporary,
    /// The user pressed Ctrl-C (exit code 130, 128 + SIGINT, as shells report it).
    Interrupted,
    /// Whoever read the output has stopped reading, as `head` does (exit code 141, 128 + SIGPIPE, as shells report a program that
    /// a closed pipe ended). There is nobody to tell.
    Unread,
    /// A program that was run for the user ended with this exit code, which is handed on. It has said what there is to say.
    Program(u8),
}

impl Fault {
    /// The process exit code for this fault.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::User => 1,
            Self::Usage => 2,
            Self::Temporary => 75,
            Self::Interrupted => 130,
            Self::Unread => 141,
            Self::Program(code) => code,
        }
    }

    /// Whose move it is, and nothing that the message does not say already.
    #[must_use]
    pub fn alone(self) -> Advice {
        Advice {
            fault: self,
            hints: Vec::new(),
        }
    }

    /// Whose move it is, and which: a complete sentence.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Advice {
        self.alone().and(hint)
    }
}

/// What to do about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Whose move it is; the exit code follows.
    pub fault: Fault,
    /// What to do next, each a complete sentence; often one, possibly none.
    pub hints: Vec<String>,
}

impl Advice {
    /// With another hint below those that are there.
    #[must_use]
    pub fn and(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// About output that its receiver did not take.
    #[must_use]
    pub fn of_unwritten(output: &io::Error) -> Self {
        match output.kind() {
            io::ErrorKind::BrokenPipe => Fault::Unread.alone(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Fault::User.hint("Free some disk space where the output goes.")
            }
            _ => Fault::User.alone(),
        }
    }
}

/// An error that a person can act on. Its message says what failed on which input, its sources say why; this trait adds the rest.
pub trait Explain: StdError + Send + Sync + 'static {
    /// What it is called, and so on which page more is said of it.
    fn code(&self) -> Code;

    /// Whose move it is, and what to do next.
    fn advice(&self) -> Advice;

    /// The last lines of what failed elsewhere, such as a Lambda's log, to be shown below the message.
    fn log(&self) -> Option<&str> {
        None
    }
}

/// An error as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it is called.
    pub code: Code,
    /// What failed, on what input.
    pub title: String,
    /// Why, from the nearest cause to the farthest.
    pub causes: Vec<String>,
    /// The last lines of what failed elsewhere: a Lambda's log.
    pub log: Option<String>,
    /// Whose move it is, and what to do next.
    pub advice: Advice,
}

impl Report {
    /// All that is to be told of `error`.
    #[must_use]
    pub fn of(error: &dyn Explain) -> Self {
        let title = error.to_string();
        Self {
            code: error.code(),
            causes: causes(error, &title),
            log: error.log().map(|log| log.trim_end().to_owned()),
            advice: error.advice(),
            title,
        }
    }
}

/// An error and its causes, from the nearest to the farthest.
pub(crate) fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn StdError + 'static)| {
        <dyn StdError>::source(*cause)
    })
}

/// The chain of sources, without those whose text a nearer one already holds.
fn causes(error: &dyn StdError, title: &str) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        let told = |by: &str| by.contains(&text);
        if !text.is_empty() && !told(title) && !causes.iter().any(|earlier| told(earlier)) {
            causes.push(text);
        }
        source = cause.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write dist/image.json")]
    struct Unwritten(#[source] io::Error);

    impl Explain for Unwritten {
        fn code(&self) -> Code {
            Code::of_unwritten(&self.0, Code::NotWritable)
        }

        fn advice(&self) -> Advice {
            Fault::User.hint("Free some disk space.")
        }

        fn log(&self) -> Option<&str> {
            Some("its last line\n\n")
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the image is not noted: {0}")]
    struct Outer(#[source] Unwritten);

    impl Explain for Outer {
        fn code(&self) -> Code {
            self.0.code()
        }

        fn advice(&self) -> Advice {
            self.0.advice().and("Then run the command again.")
        }
    }

    #[test]
    fn a_report_names_each_cause_once() {
        let error = Unwritten(io::Error::other("disk on fire"));
        let report = Report::of(&error);
        assert_eq!(report.title, "cannot write dist/image.json");
        assert_eq!(report.code, Code::NotWritable);
        assert_eq!(report.causes, ["disk on fire"]);
        assert_eq!(report.log.as_deref(), Some("its last line"));
        assert_eq!(report.advice.fault.exit_code(), 1);

        let report = Report::of(&Outer(error));
        assert_eq!(report.title, "the image is not noted: cannot write dist/image.json");
        assert_eq!(report.causes, ["disk on fire"]);
        assert_eq!(
            report.advice.hints,
            ["Free some disk space.", "Then run the command again."]
        );
    }
}
