//! What the project says of itself, and what is wrong with that.

use super::finding::{Finding, Fix, Place};
use super::rule::Rule;
use crate::explain::{Code, Report};
use crate::project::{self, Project};

const NOT_LOOKED: &str = "Nothing of the package was looked at, as a check runs no code of the project; `sgbuild push` asks Python, and \
                          looks then.";

/// A project that was read: whether it declares one function that trains, and that is in the package.
pub(super) fn training_function(project: &Project) -> Option<Finding> {
    let error = project::require_train(project).err()?;
    let fix = match &error {
        project::Error::ModuleNotPacked { hint, .. } => empty_init(hint),
        _ => None,
    };
    Some(Finding {
        fix,
        ..of_report(&Report::of(&error))
    })
}

/// The one cure that is certain: an `__init__.py` that is not there.
fn empty_init(hint: &str) -> Option<Fix> {
    let path = hint.strip_prefix("Add an empty ")?.strip_suffix('.')?;
    path.ends_with("__init__.py").then(|| Fix::EmptyFile(path.to_owned()))
}

/// A failure to read the project, its requirements or what is packed, by what its code says.
pub(crate) fn of_report(report: &Report) -> Finding {
    let message = std::iter::once(&report.title).chain(&report.causes);
    let message = message.map(String::as_str).collect::<Vec<_>>().join(": ");
    let rule = match report.code {
        Code::NeedsProjectCode => Rule::DynamicProject,
        Code::NoTrainingFunction => Rule::NoTrainingFunction,
        Code::SeveralTrainingFunctions => Rule::SeveralTrainingFunctions,
        Code::TrainingFunctionNotPacked | Code::TrainingFunctionMissing => Rule::FunctionNotPacked,
        _ => Rule::ProjectUnreadable,
    };
    if rule == Rule::DynamicProject {
        let message = message.replace(", and static reading was asked for", "");
        return placed(rule, &message, NOT_LOOKED);
    }
    placed(rule, &message, &report.advice.hints.join(" "))
}

/// A message that begins with its place, or ends in one, gives it away.
fn placed(rule: Rule, message: &str, advice: &str) -> Finding {
    match Place::split_off(message) {
        Some((place, rest)) => Finding::new(rule, rest, advice).at(place),
        None => Finding::new(rule, message, advice).at(place_within(message)),
    }
}

/// The first place that a message names, such as `(setup.py:3 entry_points["a"])`.
fn place_within(message: &str) -> Option<Place> {
    let words = message
        .split_whitespace()
        .map(|word| word.trim_matches(['(', ')', ',', ';', '`']));
    words
        .filter(|word| word.contains(".py:") || word.contains(".cfg:") || word.contains(".toml:"))
        .find_map(Place::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_gives_its_place_away() {
        let finding = placed(Rule::ProjectUnreadable, "setup.py:3:7: expected `)`", "");
        assert_eq!(finding.to_string(), "setup.py:3:7: error[SGB001]: expected `)`");
        let finding = placed(
            Rule::FunctionNotPacked,
            "p:f (setup.py:3 entry_points[\"a\"]) is not there",
            "",
        );
        assert_eq!(finding.place, Some(Place::line("setup.py", 3)));
        assert_eq!(placed(Rule::ProjectUnreadable, "no setup.py: nothing", "").place, None);
    }
}
