//! What was found.

use std::fmt;

use serde::Serialize;

use super::rule::Rule;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It certainly fails, or does certain harm.
    Error,
    /// It may be meant, or cannot be told for certain.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// Where something was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Relative to the project, or as it was named.
    pub file: String,
    /// From 1, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// In characters from 1, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl Place {
    /// A whole file.
    pub(crate) fn file(name: impl Into<String>) -> Self {
        Self {
            file: name.into(),
            ..Self::default()
        }
    }

    /// A line of a file.
    pub(crate) fn line(name: impl Into<String>, line: usize) -> Self {
        Self {
            line: Some(line),
            ..Self::file(name)
        }
    }

    /// Takes a place off the beginning of a message: `setup.py:3:7: what is wrong`. `None` where it begins with none.
    pub(crate) fn split_off(message: &str) -> Option<(Self, &str)> {
        let (before, rest) = message.split_once(": ")?;
        let place = Self::parse(before)?;
        Some((place, rest))
    }

    /// `setup.py:3`, `setup.py:3:7`, or what begins so, such as `setup.py:3 entry_points["a"]`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.split_whitespace().next()?;
        let mut parts = text.split(':');
        let file = parts.next().filter(|file| !file.is_empty())?;
        let line = parts.next()?.parse().ok()?;
        let column = parts.next().and_then(|column| column.parse().ok());
        Some(Self {
            file: file.to_owned(),
            line: Some(line),
            column,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.line.and(self.column)].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}

/// One finding of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// How it is told: as the rule says, or as a warning where it is not certain.
    pub severity: Severity,
    /// Where; `None` for what has no place, such as an image.
    pub place: Option<Place>,
    /// What is wrong, on which input, without a full stop.
    pub message: String,
    /// What to do, in sentences.
    pub advice: String,
    /// How `--fix` mends it, where that is safe.
    pub fix: Option<Fix>,
}

/// How a finding is mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// A line of a file is exchanged, if it still is what it was.
    Line {
        /// What it was.
        was: String,
        /// What it becomes; `None` takes it out.
        becomes: Option<String>,
    },
    /// An empty file is made, relative to the project.
    EmptyFile(String),
}

impl Finding {
    /// As the rule has it.
    pub(crate) fn new(rule: Rule, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity(),
            place: None,
            message: message.into(),
            advice: advice.into(),
            fix: None,
        }
    }

    /// At a place.
    pub(crate) fn at(mut self, place: impl Into<Option<Place>>) -> Self {
        self.place = place.into();
        self
    }

    /// As a warning, unless it is `certain`.
    pub(crate) fn certain(mut self, certain: bool) -> Self {
        if !certain {
            self.severity = Severity::Warning;
        }
        self
    }

    /// Whether it is told as an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}[{}]: {}", self.severity, self.rule.id(), self.message)
    }
}
