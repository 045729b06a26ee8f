//! Where a setting's value comes from.

use std::fmt::{self, Display, Formatter};

/// Where a setting's value comes from, and so who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave it: sgbuild's own default.
    Default,
    /// A file of the project, which may be a stranger's.
    File {
        /// `pyproject.toml` or `setup.cfg`.
        name: &'static str,
        /// The line, counted from 1.
        line: usize,
    },
    /// The environment variable of this name.
    Variable(String),
    /// The flag on the command line, such as `--role`.
    Flag(String),
}

impl Origin {
    /// Whether a file of the project gave the value, and not whoever runs sgbuild.
    #[must_use]
    pub fn is_the_projects(&self) -> bool {
        matches!(self, Self::File { .. })
    }
}

impl Display for Origin {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { name, line } => write!(formatter, "{name}:{line}"),
            Self::Variable(name) | Self::Flag(name) => formatter.write_str(name),
        }
    }
}
