//! Asking the build backend: what only Python knows of a project, and what only its backend can make.
//!
//! The backend's hooks ([PEP 517](https://peps.python.org/pep-0517/)) run in a process of their own: in an environment with the
//! build requirements only, without credentials, with a time limit. The process answers through a file; what it prints is kept for
//! the error message. It works in a copy of the project, and leaves nothing in the user's tree.
//!
//! ```text
//! hook.rs         what can be asked for          environment.rs  Python with the build requirements, kept
//! question.rs     asking, and what comes back    litter.rs       what tools leave in the tree
//! metadata.rs     the question of the project    ask.py          runs beside the backend
//! workplace.rs    the copy to work in, copy.rs
//! ```

mod copy;
mod environment;
mod hook;
mod litter;
mod metadata;
mod question;
mod scratch;
mod workplace;

pub(crate) use hook::Hook;
pub(super) use metadata::{Answer, metadata};
pub(super) use question::variables_seen;
pub(crate) use question::{DEFAULT_TIME, Question};
pub use workplace::Workplace;
