//! Whose move it is after a failure, and the exit code that says so.

/// What kind of failure an error is. Every stage's error enum has a `fault()` that answers with one of these; `main` turns
/// it into the process's exit code.
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
        }
    }
}
