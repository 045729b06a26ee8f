//! Entry points whose names come near to what would have been understood.

use std::collections::BTreeMap;

use super::entry_points::Role;

/// Words that people use for it.
const TRAINING: [&str; 7] = ["fit", "learn", "learner", "train", "trainer", "training", "trains"];
const SERVING: [&str; 15] = [
    "deploy",
    "endpoint",
    "host",
    "hosting",
    "infer",
    "inference",
    "predict",
    "prediction",
    "predictor",
    "score",
    "scoring",
    "serve",
    "server",
    "serves",
    "serving",
];
/// Groups of programs for a shell, which may do for people what their names say.
const PROGRAMS: [&str; 2] = ["console_scripts", "gui_scripts"];
/// How many are listed.
const SHOWN: usize = 10;

/// An entry point as messages list it, such as `fit = iris.model:fit (entry_points["iris.jobs"])`.
type Listed = String;

/// The entry points of which a group, a name or the function says that it may be meant for `role`.
pub(super) fn near(role: Role, entry_points: &BTreeMap<String, BTreeMap<String, String>>) -> Vec<Listed> {
    let all = entry_points
        .iter()
        .flat_map(|(group, named)| named.iter().map(move |(name, object)| (group, name, object)));
    all.filter(|(group, name, object)| [*group, *name, *object].into_iter().any(|text| says(role, text)))
        .take(SHOWN)
        .map(|(group, name, object)| format!("{name} = {object} (entry_points[{group:?}])"))
        .collect()
}

/// A warning where none serves, and one that is no program for a shell comes near to it.
pub(super) fn serves_nothing(entry_points: &BTreeMap<String, BTreeMap<String, String>>) -> Option<String> {
    let is_meant = |(group, named): (&String, &BTreeMap<String, String>)| {
        let names = std::iter::once(group).chain(named.keys());
        !PROGRAMS.contains(&group.as_str()) && names.into_iter().any(|text| says(Role::Serve, text))
    };
    entry_points.iter().any(is_meant).then(|| {
        format!(
            "no function is declared to serve, as one that is called serve or is in the group sgbuild.serve would be; these come near, and \
             the image serves none of them unless the setting serve names it: {}",
            near(Role::Serve, entry_points).join(", ")
        )
    })
}

fn says(role: Role, text: &str) -> bool {
    let meant: &[&str] = match role {
        Role::Train => &TRAINING,
        Role::Serve | Role::Initialize => &SERVING,
    };
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    words.any(|word| meant.contains(&word.to_lowercase().as_str()))
}
