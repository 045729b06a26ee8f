//! Entry points, and which of them trains or serves.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnosis;
use super::error::Error;
use super::near_names;
use super::python_source::identifier;
use super::requirement::{Stop, has_other_line_ends};
use super::value::{Dynamic, Kind, Value};
use super::{Candidate, EntryPoint, Project, ProjectSettings, training_function};

/// One declared entry point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) group: String,
    pub(crate) name: String,
    /// `module:attr`, perhaps with `[extras]`.
    pub(crate) object: String,
    /// `file:line`, or how else it is known.
    pub(crate) at: String,
}

/// The entry points of an `entry_points` value: a dict of lists of `name = object`, or the text of `entry_points.txt`.
pub(crate) fn declared(value: &Value) -> Result<Vec<Declared>, Stop> {
    let found = listed(value)?;
    let mut names = BTreeSet::new();
    for entry in &found {
        if !names.insert((&entry.group, &entry.name)) {
            let reason = format!("without the second {} in {}", entry.name, entry.group);
            return Err(value.unclear("entry_points", &reason).into());
        }
        if !well_formed(&entry.object) {
            return Err(Error::InvalidEntryPoint {
                object: entry.object.clone(),
                declared_in: entry.declared_in(),
            }
            .into());
        }
    }
    Ok(found)
}

/// Whether setuptools accepts an entry point's object: `module`, `module:attr`, either with `[extras]`.
fn well_formed(object: &str) -> bool {
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    let bare = match object.split_once('[') {
        Some((bare, extras)) if extras.trim_end().ends_with(']') => bare,
        Some(_) => return false,
        None => object,
    };
    match bare.split_once(':') {
        Some((module, attribute)) => word(module.trim()) && word(attribute.trim()),
        None => word(bare.trim()),
    }
}

fn listed(value: &Value) -> Result<Vec<Declared>, Stop> {
    match &value.kind {
        Kind::Str(text) if has_other_line_ends(text) => Err(value.of_unusual_lines("entry_points").into()),
        Kind::Str(text) => from_text(text, value),
        Kind::Dict(entries) => {
            let mut found = Vec::new();
            for (group, listed) in entries {
                let group = group
                    .as_str()
                    .ok_or_else(|| group.unclear("entry_points", "a dict of lists"))?;
                from_group(group.trim(), listed, &mut found)?;
            }
            Ok(found)
        }
        Kind::None => Ok(Vec::new()),
        _ => Err(value.unclear("entry_points", "a dict of lists").into()),
    }
}

fn from_group(group: &str, listed: &Value, found: &mut Vec<Declared>) -> Result<(), Stop> {
    match &listed.kind {
        Kind::Str(text) if has_other_line_ends(text) => {
            return Err(listed.of_unusual_lines("entry_points").into());
        }
        Kind::Str(text) => {
            for line in text.lines() {
                push_line(group, line, listed, found)?;
            }
        }
        Kind::List(items) | Kind::Tuple(items) => {
            for item in items {
                let text = item
                    .as_str()
                    .filter(|text| !has_other_line_ends(text))
                    .ok_or_else(|| item.unclear("entry_points", "a list of texts, each of plain lines"))?;
                for line in text.lines() {
                    push_line(group, line, item, found)?;
                }
            }
        }
        // Only [project] declares them so.
        Kind::Dict(entries) if listed.place.file == "pyproject.toml" => {
            for (name, object) in entries {
                let (Some(key), Some(text)) = (name.as_str(), object.as_str()) else {
                    return Err(object.unclear("entry-points", "a table of strings").into());
                };
                push(group, key, text, object.place.to_string(), found);
            }
        }
        _ => return Err(listed.unclear("entry_points", "a list of strings").into()),
    }
    Ok(())
}

fn push_line(group: &str, line: &str, value: &Value, found: &mut Vec<Declared>) -> Result<(), Stop> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    let Some((name, object)) = line.split_once('=') else {
        let message = format!("entry point {line:?} in {group} is not `name = module:function`");
        return Err(Error::InvalidValue {
            at: value.place.to_string(),
            message,
        }
        .into());
    };
    push(group, name, object, value.place.to_string(), found);
    Ok(())
}

fn push(group: &str, name: &str, object: &str, at: String, found: &mut Vec<Declared>) {
    let (group, name, object) = (group.to_owned(), name.trim().to_owned(), object.trim().to_owned());
    found.push(Declared {
        group,
        name,
        object,
        at,
    });
}

fn from_text(text: &str, value: &Value) -> Result<Vec<Declared>, Stop> {
    let mut found = Vec::new();
    let mut group: Option<String> = None;
    for (index, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            group = Some(header.trim().to_owned());
            continue;
        }
        if line.is_empty() || line.starts_with('#') || line.starts_with(';') {
            continue;
        }
        let Some(group) = &group else {
            let reason = "has an entry before its first [group]".to_owned();
            return Err(Dynamic {
                expression: "entry_points".to_owned(),
                place: value.place,
                reason,
            }
            .into());
        };
        let mut at = value.clone();
        at.place.line += index;
        push_line(group, line, &at, &mut found)?;
    }
    Ok(found)
}

/// What an entry point is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Train,
    Serve,
    Initialize,
}

impl Role {
    fn verb(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Serve => "serve",
            Self::Initialize => "initialize",
        }
    }

    fn claims_group(self, group: &str) -> bool {
        let tools = ["setuptools_docker", "baklava", "mlbaklava", "sgbuild"];
        let verbs: &[&str] = match self {
            Self::Train => &["train"],
            Self::Serve => &["predict", "serve"],
            Self::Initialize => &["initialize"],
        };
        group
            .split_once('.')
            .is_some_and(|(tool, verb)| tools.contains(&tool) && verbs.contains(&verb))
    }
}

/// The function for `role`: the setting, then the groups that mean it, then the key that names it, then the keyword
/// `entry_point` of `setup()`, which only trains.
pub(crate) fn select(
    role: Role,
    setting: Option<&(String, String)>,
    declared: &[Declared],
    keyword: &[Declared],
) -> Result<Option<EntryPoint>, Error> {
    if let Some((object, origin)) = setting {
        if object.contains(':') {
            return checked(object, origin, false).map(Some);
        }
        return named(role, object, origin, declared, keyword).map(Some);
    }
    let by_group: Vec<&Declared> = declared.iter().filter(|d| role.claims_group(&d.group)).collect();
    let by_key = declared
        .iter()
        .filter(|d| role != Role::Initialize && d.name == role.verb());
    let by_key: Vec<&Declared> = by_key.collect();
    let by_keyword: Vec<&Declared> = keyword.iter().filter(|_| role == Role::Train).collect();
    match [by_group, by_key, by_keyword].into_iter().find(|rank| !rank.is_empty()) {
        Some(rank) => only(role, &rank).map(Some),
        None => Ok(None),
    }
}

/// The function of the entry point that a setting names: of those that mean `role`, else of all there are.
fn named<'d>(
    role: Role,
    name: &str,
    origin: &str,
    declared: &'d [Declared],
    keyword: &'d [Declared],
) -> Result<EntryPoint, Error> {
    let meant = |d: &&Declared| role.claims_group(&d.group) || d.name == role.verb();
    let ours: Vec<&'d Declared> = declared.iter().filter(meant).collect();
    let all: Vec<&'d Declared> = declared.iter().chain(keyword).collect();
    let is_named = |rank: &[&'d Declared]| -> Vec<&'d Declared> {
        let named = rank.iter().copied().filter(|declared| declared.name == name);
        named.collect()
    };
    let mut found = is_named(&ours);
    if found.is_empty() {
        found = is_named(&all);
    }
    if !found.is_empty() {
        return only(role, &found);
    }
    let has = if ours.is_empty() { all } else { ours };
    Err(Error::NoSuchEntryPoint {
        name: name.to_owned(),
        origin: origin.to_owned(),
        has: has.iter().map(|d| format!("{} = {}", d.name, d.object)).collect(),
    })
}

/// The functions that train and serve. Of several, one is to be chosen once it is needed: those that may train are kept for that,
/// and those that may serve become a warning.
pub(crate) struct Selected {
    pub(crate) train: Option<EntryPoint>,
    pub(crate) train_candidates: Vec<Candidate>,
    pub(crate) serve: Option<EntryPoint>,
    pub(crate) initializer: Option<EntryPoint>,
    pub(crate) warnings: Vec<String>,
}

impl Selected {
    /// By the settings `train` and `serve`, then by what is declared.
    pub(crate) fn of(settings: &ProjectSettings, declared: &[Declared], keyword: &[Declared]) -> Result<Self, Error> {
        let (train, train_candidates) = match select(Role::Train, settings.train.as_ref(), declared, keyword) {
            Err(Error::AmbiguousTrain { found, .. }) => (None, found),
            selected => (selected?, Vec::new()),
        };
        let (serve, warning) = match select(Role::Serve, settings.serve.as_ref(), declared, keyword) {
            Err(Error::AmbiguousTrain { found, .. }) => (None, Some(several(&found, "serve", "serve"))),
            selected => match selected? {
                None => (None, near_names::serves_nothing(&by_group(declared))),
                serve => (serve, None),
            },
        };
        let by_setting = settings.initializer.as_ref();
        let (initializer, unclear) = match select(Role::Initialize, by_setting, declared, &[]) {
            Err(Error::AmbiguousTrain { found, .. }) => (
                None,
                Some(several(&found, "make the model that is served", "initializer")),
            ),
            selected => (selected?, None),
        };
        Ok(Self {
            train,
            train_candidates,
            serve,
            initializer,
            warnings: warning.into_iter().chain(unclear).collect(),
        })
    }
}

/// A warning of several functions that are declared for the same, of which the image has none.
fn several(found: &[Candidate], role: &str, setting: &str) -> String {
    let named: Vec<_> = found
        .iter()
        .map(|candidate| format!("{} = {}", candidate.name, candidate.function.object))
        .collect();
    let (count, named) = (found.len(), named.join(", "));
    let does = if role == "serve" {
        "serves none of them"
    } else {
        "calls none of them"
    };
    format!(
        "{count} functions are declared to {role} ({named}), and the image {does}: choose one with the setting {setting}"
    )
}

/// `{group: {name: object}}`.
pub(super) fn by_group(declared: &[Declared]) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut groups = BTreeMap::<String, BTreeMap<String, String>>::new();
    for entry in declared {
        let named = groups.entry(entry.group.clone()).or_default();
        named.insert(entry.name.clone(), entry.object.clone());
    }
    groups
}

fn only(role: Role, rank: &[&Declared]) -> Result<EntryPoint, Error> {
    let mut found = Vec::new();
    for declared in rank {
        let console = declared.group == "console_scripts";
        found.push(Candidate {
            name: declared.name.clone(),
            function: checked(&declared.object, &declared.declared_in(), console)?,
        });
    }
    match found.as_slice() {
        [one] => Ok(one.function.clone()),
        // One function declared twice is no question; a plain declaration says more than a console script.
        [first, rest @ ..] if rest.iter().all(|other| other.function.object == first.function.object) => {
            let plain = found.iter().find(|each| !each.function.console_script);
            Ok(plain.unwrap_or(first).function.clone())
        }
        _ => Err(Error::AmbiguousTrain {
            verb: role.verb(),
            found,
        }),
    }
}

impl Declared {
    fn declared_in(&self) -> String {
        if self.group.is_empty() {
            return format!("{} entry_point[{:?}]", self.at, self.name);
        }
        format!("{} entry_points[{:?}]", self.at, self.group)
    }
}

/// The entry points of the keyword `entry_point={"package.module": "function"}`.
pub(crate) fn keyword(value: &Value) -> Result<Vec<Declared>, Error> {
    let wrong = |value: &Value| Error::InvalidValue {
        at: value.place.to_string(),
        message: "entry_point is not a dict such as {\"package.module\": \"function\"}".to_owned(),
    };
    let mut found = Vec::new();
    for (module, function) in value.entries().ok_or_else(|| wrong(value))? {
        let (Some(module_text), Some(function)) = (module.as_str(), function.as_str()) else {
            return Err(wrong(module));
        };
        push(
            "",
            module_text,
            &format!("{module_text}:{function}"),
            module.place.to_string(),
            &mut found,
        );
    }
    Ok(found)
}

/// `object` without extras and blanks, if it names a function.
fn checked(object: &str, declared_in: &str, console_script: bool) -> Result<EntryPoint, Error> {
    let bare = object.split('[').next().unwrap_or_default();
    let bare: String = bare.chars().filter(|c| !c.is_whitespace()).collect();
    let dotted = |path: &str| path.split('.').all(identifier);
    match bare.split_once(':') {
        Some((module, attribute)) if dotted(module) && dotted(attribute) => Ok(EntryPoint {
            object: bare.clone(),
            declared_in: declared_in.to_owned(),
            console_script,
        }),
        _ => Err(Error::InvalidEntryPoint {
            object: object.to_owned(),
            declared_in: declared_in.to_owned(),
        }),
    }
}

/// The function that trains, for commands that need one.
///
/// # Errors
/// [`Error::NoTrainFunction`] where the project declares none, [`Error::NearlyTrains`] where one may be meant, [`Error::AmbiguousTrain`] where it declares several,
/// [`Error::ModuleNotPacked`] and [`Error::FunctionMissing`] where it is certainly not in the package.
pub(crate) fn require_train(project: &Project) -> Result<&EntryPoint, Error> {
    if !project.train_candidates.is_empty() {
        return Err(Error::AmbiguousTrain {
            verb: Role::Train.verb(),
            found: project.train_candidates.clone(),
        });
    }
    if project.train.is_none() {
        let near = near_names::near(Role::Train, &project.metadata.entry_points);
        let name = project.metadata.name.clone();
        if !near.is_empty() {
            return Err(Error::NearlyTrains { name, near });
        }
    }
    let train = project.train.as_ref().ok_or_else(|| {
        let name = project.metadata.name.clone();
        diagnosis::above_others(Error::NoTrainFunction { name }, &project.root)
    })?;
    training_function::look_for(project, train)?;
    Ok(train)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::Explain as _;

    fn at(group: &str, name: &str, object: &str) -> Declared {
        Declared {
            group: group.into(),
            name: name.into(),
            object: object.into(),
            at: "setup.py:3".into(),
        }
    }

    fn train(declared: &[Declared], keyword: &[Declared]) -> Result<Option<EntryPoint>, Error> {
        select(Role::Train, None, declared, keyword)
    }

    #[test]
    fn the_four_ranks_decide_in_order() {
        let group = at("baklava.train", "any", "p.m:by_group");
        let key = at("iris.training", "train", "p.m:by_key");
        let old = at("", "p.m", "p.m:by_keyword");
        let all = [key.clone(), group];
        let setting = ("p.m:set".to_owned(), "--train".to_owned());
        let chosen = select(Role::Train, Some(&setting), &all, std::slice::from_ref(&old))
            .unwrap()
            .unwrap();
        assert_eq!(
            (chosen.object.as_str(), chosen.declared_in.as_str()),
            ("p.m:set", "--train")
        );
        assert_eq!(
            train(&all, std::slice::from_ref(&old)).unwrap().unwrap().object,
            "p.m:by_group"
        );
        let chosen = train(&[key], std::slice::from_ref(&old)).unwrap().unwrap();
        assert_eq!(chosen.object, "p.m:by_key");
        assert_eq!(chosen.declared_in, "setup.py:3 entry_points[\"iris.training\"]");
        assert_eq!(
            train(&[], std::slice::from_ref(&old)).unwrap().unwrap().object,
            "p.m:by_keyword"
        );
        assert_eq!(train(&[], &[]).unwrap(), None);
        assert_eq!(select(Role::Serve, None, &[], &[old]).unwrap(), None);
    }

    #[test]
    fn several_at_one_rank_are_listed() {
        let error = train(&[at("a", "train", "p:x"), at("console_scripts", "train", "p:y")], &[]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("p:x (setup.py:3 entry_points[\"a\"])") && text.contains("p:y"),
            "{text}"
        );
        assert!(error.advice().hints[0].contains("--train"));
        let same = train(&[at("console_scripts", "train", "p:x"), at("a", "train", "p:x")], &[])
            .unwrap()
            .unwrap();
        assert!(!same.console_script);
    }

    #[test]
    fn serving_has_its_own_groups() {
        let declared = [at("mlbaklava.predict", "k", "p:s"), at("x", "serve", "p:t")];
        assert_eq!(
            select(Role::Serve, None, &declared, &[]).unwrap().unwrap().object,
            "p:s"
        );
    }

    #[test]
    fn objects_must_name_a_function() {
        for bad in ["p.m", "p.m:", ":f", "p-m:f", "p.m:f()", "1p:f", "", "p.m:f:g"] {
            let error = train(&[at("a", "train", bad)], &[]).unwrap_err();
            assert!(matches!(error, Error::InvalidEntryPoint { .. }), "{bad}");
        }
        assert_eq!(
            train(&[at("a", "train", "p.m : C.f [extra]")], &[])
                .unwrap()
                .unwrap()
                .object,
            "p.m:C.f"
        );
    }
}
