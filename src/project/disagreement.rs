//! Where two files disagree about a field: setuptools takes the value of one of them, and the user should know whose.

use super::value::{Draft, Kind, Value};

/// What `setup()` and setup.cfg say differently, and what `[project]` says differently from both, a sentence each.
pub(super) fn disagreements(setup_py: Option<&Draft>, setup_cfg: &Draft, project: &Draft) -> Vec<String> {
    let none = Draft::default();
    let setup_py = setup_py.unwrap_or(&none);
    // The one that setuptools takes comes first.
    [(project, setup_py), (project, setup_cfg), (setup_py, setup_cfg)]
        .into_iter()
        .flat_map(|(taken, ignored)| between(taken, ignored))
        .collect()
}

fn between(taken: &Draft, ignored: &Draft) -> Vec<String> {
    let known = |draft: &Draft, key: &str| draft.get(key).ok().flatten().filter(|value| value.truthy()).cloned();
    let pairs = taken.fields.keys().filter_map(|key| {
        let (taken, ignored) = (known(taken, key)?, known(ignored, key)?);
        (same(&taken, &ignored) == Some(false)).then(|| {
            format!(
                "{} and {} disagree about {key}: setuptools takes the one of {}",
                taken.place, ignored.place, taken.place.file
            )
        })
    });
    pairs.collect()
}

/// Whether both are the same wherever they stand; `None` where one form says little about the other.
fn same(one: &Value, other: &Value) -> Option<bool> {
    match (&one.kind, &other.kind) {
        (Kind::Str(one), Kind::Str(other)) => Some(one.trim() == other.trim()),
        (Kind::Bool(one), Kind::Bool(other)) => Some(one == other),
        (Kind::List(one) | Kind::Tuple(one), Kind::List(other) | Kind::Tuple(other)) => {
            let items = one.iter().zip(other).map(|(one, other)| same(one, other));
            let all: Option<Vec<bool>> = items.collect();
            Some(one.len() == other.len() && all?.into_iter().all(|same| same))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::Place;
    use super::*;

    fn draft(file: &'static str, line: usize, fields: &[(&str, Kind)]) -> Draft {
        let mut draft = Draft::default();
        for (key, kind) in fields {
            draft.set(key, Value::new(kind.clone(), Place { file, line }));
        }
        draft
    }

    fn text(text: &str) -> Kind {
        Kind::Str(text.to_owned())
    }

    #[test]
    fn what_differs_is_told_with_both_places() {
        let list = |names: &[&str]| {
            let place = Place {
                file: "setup.py",
                line: 9,
            };
            Kind::List(names.iter().map(|name| Value::str(*name, place)).collect())
        };
        let setup_py = draft(
            "setup.py",
            3,
            &[
                ("version", text("1.0")),
                ("name", text("a")),
                ("install_requires", list(&["x"])),
                ("description", text("")),
            ],
        );
        let setup_cfg = draft(
            "setup.cfg",
            5,
            &[
                ("version", text("2.0")),
                ("name", text(" a ")),
                ("install_requires", list(&["x", "y"])),
                ("description", text("One")),
            ],
        );
        assert_eq!(
            disagreements(Some(&setup_py), &setup_cfg, &Draft::default()),
            [
                "setup.py:3 and setup.cfg:5 disagree about install_requires: setuptools takes the one of setup.py",
                "setup.py:3 and setup.cfg:5 disagree about version: setuptools takes the one of setup.py",
            ]
        );
        let project = draft("pyproject.toml", 2, &[("version", text("3.0"))]);
        let told = disagreements(Some(&setup_py), &Draft::default(), &project);
        assert_eq!(
            told,
            ["pyproject.toml:2 and setup.py:3 disagree about version: setuptools takes the one of pyproject.toml"]
        );
    }
}
