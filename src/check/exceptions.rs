//! Findings that are meant: `# sgbuild: allow[SGB103] reason` on the line or on one of its own above it, and the setting `allow` for what
//! has no line.

use super::finding::{Finding, Fix, Place, Severity};
use super::rule::Rule;

const MARK: &str = "sgbuild: allow[";
const FORM: &str =
    "Write it as `# sgbuild: allow[SGB103] why it is meant`, with the ids that `sgbuild explain SGB103` knows.";

/// Something that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exception {
    ids: Vec<String>,
    reason: String,
    /// Where it stands.
    place: Option<Place>,
    /// The line that it is about; `None` is the whole project.
    line: Option<usize>,
    /// Its own line, and what is left of that without it.
    text: String,
}

/// What is left of the findings, and what was allowed.
#[derive(Debug, Default)]
pub struct Applied {
    /// What is told.
    pub findings: Vec<Finding>,
    /// What is allowed, with the reasons.
    pub allowed: Vec<(Finding, String)>,
}

/// The exceptions in the comments of a file.
pub(crate) fn in_text(file: &str, text: &str) -> Vec<Exception> {
    if !text.contains(MARK) {
        return Vec::new();
    }
    let lines: Vec<&str> = text.lines().collect();
    let found = lines.iter().enumerate().filter_map(|(index, line)| {
        let (before, rest) = line.split_once(MARK)?;
        let before = before.trim_end().strip_suffix('#')?;
        // A text that tells of exceptions is none.
        if before.contains(['"', '\'', '`']) && before.matches(['"', '\'']).count() % 2 == 1 {
            return None;
        }
        let (ids, reason) = rest.split_once(']').unwrap_or((rest, ""));
        let is_alone = before.trim().is_empty();
        let is_comment = |line: &&str| line.trim_start().starts_with('#') || line.trim().is_empty();
        // Alone it is about the next line that is none of comments.
        let below = || lines.iter().skip(index + 1).position(|line| !is_comment(line));
        let line_meant = if is_alone {
            below().map_or(index, |more| index + 1 + more)
        } else {
            index
        };
        Some(Exception {
            ids: ids.split(',').map(|id| id.trim().to_owned()).collect(),
            reason: reason.trim().trim_start_matches(':').trim().to_owned(),
            place: Some(Place::line(file, index + 1)),
            line: Some(line_meant + 1),
            text: (*line).to_owned(),
        })
    });
    found.collect()
}

/// What the setting `allow` says: `SGB205: reason`, set at `origin`.
pub(crate) fn in_setting(entries: &[String], origin: &str) -> Vec<Exception> {
    let of = |entry: &String| {
        let (ids, reason) = entry.split_once(':').unwrap_or((entry, ""));
        Exception {
            ids: ids
                .split([' ', '+'])
                .filter(|id| !id.is_empty())
                .map(str::to_owned)
                .collect(),
            reason: reason.trim().to_owned(),
            place: Place::parse(origin),
            line: None,
            text: entry.clone(),
        }
    };
    entries.iter().map(of).collect()
}

impl Exception {
    fn rules(&self) -> impl Iterator<Item = Rule> {
        self.ids.iter().filter_map(|id| Rule::find(id))
    }

    fn covers(&self, finding: &Finding) -> bool {
        let is_there = match self.line {
            None => true,
            Some(line) => finding.place.as_ref().is_some_and(|place| {
                place.line == Some(line) && self.place.as_ref().is_some_and(|own| own.file == place.file)
            }),
        };
        is_there && self.rules().any(|rule| rule == finding.rule)
    }

    /// What is wrong with it by itself.
    fn problem(&self) -> Option<Finding> {
        let unknown: Vec<_> = self.ids.iter().filter(|id| Rule::find(id).is_none()).collect();
        let message = if let Some(id) = unknown.first() {
            format!("the exception names {id:?}, which is no rule")
        } else if self.ids.is_empty() {
            format!("the exception {:?} names no rule", self.text)
        } else if self.reason.is_empty() {
            format!("the exception of {} says no reason", self.ids.join(", "))
        } else {
            return None;
        };
        let advice = match self.line {
            Some(_) => FORM,
            None => "Write it as `allow = [\"SGB205: why it is meant\"]` in [tool.sgbuild].",
        };
        Some(Finding::new(Rule::ExceptionWithoutReason, message, advice).at(self.place.clone()))
    }

    fn unused(&self) -> Finding {
        let message = format!("nothing is found that the exception of {} allows", self.ids.join(", "));
        let finding = Finding::new(Rule::ExceptionUnused, message, "Take it out.").at(self.place.clone());
        let Some((before, _)) = self.text.split_once(MARK).filter(|_| self.line.is_some()) else {
            return finding;
        };
        let left = before.trim_end().trim_end_matches('#').trim_end();
        Finding {
            fix: Some(Fix::Line {
                was: self.text.clone(),
                becomes: Some(left.to_owned()).filter(|left| !left.is_empty()),
            }),
            ..finding
        }
    }
}

/// Takes out of `found` what the exceptions allow, and says what is wrong with them. Those of rules that were not looked for are not
/// unused; `is_looked_for` tells.
pub(crate) fn apply(found: Vec<Finding>, exceptions: &[Exception], is_looked_for: impl Fn(Rule) -> bool) -> Applied {
    let mut applied = Applied::default();
    let mut used = vec![false; exceptions.len()];
    for finding in found {
        let by = exceptions
            .iter()
            .position(|one| one.problem().is_none() && one.covers(&finding));
        match by {
            Some(index) => {
                used[index] = true;
                applied.allowed.push((finding, exceptions[index].reason.clone()));
            }
            None => applied.findings.push(finding),
        }
    }
    for (exception, used) in exceptions.iter().zip(used) {
        if let Some(problem) = exception.problem() {
            applied.findings.push(problem);
        } else if !used && exception.rules().all(&is_looked_for) {
            applied.findings.push(exception.unused());
        }
    }
    applied
        .findings
        .sort_by(|a, b| (&a.place, a.rule).cmp(&(&b.place, b.rule)));
    applied
}

impl Applied {
    /// How many are told as `severity`.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: Rule, file: &str, line: usize) -> Finding {
        Finding::new(rule, "m", "a").at(Place::line(file, line))
    }

    fn told(applied: &Applied) -> Vec<&'static str> {
        applied.findings.iter().map(|finding| finding.rule.id()).collect()
    }

    #[test]
    fn a_comment_allows_what_is_on_its_line_or_below_it() {
        let text = "a # sgbuild: allow[SGB103] it is only code\n# sgbuild: allow[SGB102, SGB101] why\n\n# more\nENTRYPOINT x\n";
        let exceptions = in_text("Dockerfile", text);
        let found = vec![
            finding(Rule::ContentBelowOptMl, "Dockerfile", 1),
            finding(Rule::ShellEntryPoint, "Dockerfile", 5),
            finding(Rule::ShellEntryPoint, "Dockerfile", 6),
        ];
        let applied = apply(found, &exceptions, |_| true);
        assert_eq!(told(&applied), ["SGB102"]);
        assert_eq!(applied.allowed[0].1, "it is only code");
    }

    #[test]
    fn an_exception_has_a_reason_and_a_use() {
        let text = "a # sgbuild: allow[SGB103]\nb # sgbuild: allow[SGB999] why\nc # sgbuild: allow[SGB102] why\n";
        let exceptions = in_text("Dockerfile", text);
        let applied = apply(Vec::new(), &exceptions, |_| true);
        assert_eq!(told(&applied), ["SGB901", "SGB901", "SGB902"]);
        assert_eq!(applied.count(Severity::Error), 2);
        let applied = apply(Vec::new(), &exceptions, |rule| rule != Rule::ShellEntryPoint);
        assert_eq!(told(&applied), ["SGB901", "SGB901"]);
    }

    #[test]
    fn texts_that_tell_of_exceptions_are_none() {
        let text = "print('# sgbuild: allow[SGB103]')\nsgbuild: allow[SGB103] is how it is written\n";
        assert_eq!(in_text("a.py", text), []);
    }

    #[test]
    fn the_setting_is_about_everything() {
        let exceptions = in_setting(
            &["SGB205: a large volume is set by hand".to_owned(), "SGB204".to_owned()],
            "pyproject.toml:4",
        );
        let found = vec![
            Finding::new(Rule::ImageSize, "m", "a"),
            Finding::new(Rule::ImageDriver, "m", "a"),
        ];
        let applied = apply(found, &exceptions, |_| true);
        assert_eq!(told(&applied), ["SGB204", "SGB901"]);
        assert_eq!(applied.allowed[0].1, "a large volume is set by hand");
    }
}
