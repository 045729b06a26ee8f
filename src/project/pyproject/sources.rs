//! What tools' tables say of where requirements come from.
//!
//! - uv: <https://docs.astral.sh/uv/concepts/projects/dependencies/#dependency-sources>
//! - Poetry: <https://python-poetry.org/docs/dependency-specification/>
//! - PDM: <https://pdm-project.org/latest/usage/dependency/#local-dependencies>

use crate::project::dependency_source::{DependencySource, TakenFrom};
use crate::project::requirement::normalized;
use crate::project::value::{Kind, Value};

/// All that is said in a file with the tables `top`.
pub(in crate::project) fn sources(top: &Value) -> Vec<DependencySource> {
    let tool = |name: &str| top.get("tool").and_then(|tool| tool.get(name));
    let mut found = tool("uv").map(of_uv).unwrap_or_default();
    found.extend(tool("poetry").map(of_poetry).unwrap_or_default());
    let groups = [
        top.get("dependency-groups"),
        tool("pdm").and_then(|pdm| pdm.get("dev-dependencies")),
    ];
    for group in groups.into_iter().flatten() {
        let lines = entries(group).flat_map(|(_, listed)| listed.items().unwrap_or_default());
        found.extend(lines.filter_map(of_pdm));
    }
    found
}

fn of_uv(uv: &Value) -> Vec<DependencySource> {
    let named = uv.get("sources").into_iter().flat_map(entries);
    named
        .flat_map(|(name, said)| alternatives(said).iter().map(move |said| (name, said)))
        // What is said for a group of development is none of the package's requirements.
        .filter(|(_, said)| said.get("group").is_none())
        .filter_map(|(name, said)| {
            let is_workspace = said
                .get("workspace")
                .is_some_and(|value| value.kind == Kind::Bool(true));
            let from = if is_workspace {
                TakenFrom::Workspace
            } else {
                taken_from(said, "index", uv.get("index"))?
            };
            Some(DependencySource {
                extra: text(said, "extra").map(normalized),
                ..source(name, said, from)?
            })
        })
        .collect()
}

fn of_poetry(poetry: &Value) -> Vec<DependencySource> {
    let groups = poetry.get("group").into_iter().flat_map(entries);
    let of_groups = groups.map(|(_, group)| group.get("dependencies"));
    let others = of_groups.chain([poetry.get("dev-dependencies")]).flatten();
    let tables = others.map(|table| (false, table));
    let main = poetry.get("dependencies").map(|table| (true, table));
    let named = main.into_iter().chain(tables).flat_map(|(is_main, table)| {
        entries(table).flat_map(move |(name, said)| alternatives(said).iter().map(move |said| (is_main, name, said)))
    });
    named
        .filter_map(|(is_main, name, said)| {
            let from = taken_from(said, "source", poetry.get("source"))?;
            // Poetry resolves all groups together, so that a directory stands for the name wherever it is required.
            let counts = is_main || matches!(from, TakenFrom::Path(_));
            source(name, said, from).filter(|_| counts)
        })
        .collect()
}

/// `-e file:///${PROJECT_ROOT}/../common#egg=common`, or `common @ file:///…`.
fn of_pdm(line: &Value) -> Option<DependencySource> {
    let said = line.as_str()?;
    let (before, url) = said.split_at(said.find("file:")?);
    let (url, egg) = url.split_once("#egg=").unwrap_or((url, ""));
    let name = before.trim_end().strip_suffix('@').unwrap_or(egg);
    let name = name.split('[').next().unwrap_or_default().trim();
    let path = url.strip_prefix("file:///${PROJECT_ROOT}/")?;
    let path = path.split(';').next().unwrap_or(path).trim();
    Some(DependencySource {
        name: normalized(name),
        from: TakenFrom::Path(path.to_owned()),
        marker: None,
        extra: None,
        at: line.place.to_string(),
    })
}

fn source(name: &Value, said: &Value, from: TakenFrom) -> Option<DependencySource> {
    Some(DependencySource {
        name: normalized(name.as_str()?),
        from,
        marker: text(said, "marker").or(text(said, "markers")).map(ToOwned::to_owned),
        extra: None,
        at: name.place.to_string(),
    })
}

/// Where one table says that a package comes from; the key `index` names one of `indexes`.
fn taken_from(said: &Value, index: &str, indexes: Option<&Value>) -> Option<TakenFrom> {
    let fragment = text(said, "subdirectory").map_or_else(String::new, |path| format!("#subdirectory={path}"));
    if let Some(path) = text(said, "path").or(text(said, "file")) {
        let below = text(said, "subdirectory").map_or_else(String::new, |below| format!("/{below}"));
        return Some(TakenFrom::Path(format!("{path}{below}")));
    }
    if let Some(repository) = text(said, "git") {
        let at = ["rev", "tag", "branch"].into_iter().find_map(|key| text(said, key));
        let at = at.map_or_else(String::new, |at| format!("@{at}"));
        return Some(TakenFrom::Url(format!("git+{}{at}{fragment}", as_url(repository))));
    }
    if let Some(url) = text(said, "url") {
        return Some(TakenFrom::Url(format!("{url}{fragment}")));
    }
    let name = text(said, index)?;
    let listed = indexes.and_then(Value::items).unwrap_or_default();
    let named = listed.iter().find(|listed| text(listed, "name") == Some(name));
    Some(TakenFrom::Index {
        name: name.to_owned(),
        url: named.and_then(|listed| text(listed, "url")).map(ToOwned::to_owned),
    })
}

/// A repository as a URL: git's short form `git@host:path`, which pip does not take, is SSH.
fn as_url(repository: &str) -> String {
    let is_short = !repository.contains("://") && repository.contains('@');
    match repository.split_once(':').filter(|_| is_short) {
        Some((host, path)) => format!("ssh://{host}/{path}"),
        None => repository.to_owned(),
    }
}

/// A table, or several for different environments.
fn alternatives(said: &Value) -> &[Value] {
    said.items().unwrap_or(std::slice::from_ref(said))
}

fn entries(table: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let entries = table.entries().unwrap_or_default().iter();
    entries.map(|(key, value)| (key, value))
}

fn text<'a>(table: &'a Value, key: &str) -> Option<&'a str> {
    table.get(key)?.as_str()
}
