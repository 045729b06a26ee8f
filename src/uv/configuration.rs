//! uv's configuration files (<https://docs.astral.sh/uv/concepts/configuration-files/>): what several say together, and where their indexes are.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

use crate::reading::{self, SETTINGS_FILE};

/// A file; an empty one where it is not there.
///
/// # Errors
/// Why it cannot be read, without the line in which that is: it may have a password.
pub(crate) fn read(path: &Path) -> Result<Table, String> {
    let text = match reading::text(path, SETTINGS_FILE) {
        Ok(text) => text,
        Err(_) if !path.exists() => return Ok(Table::new()),
        Err(error) => return Err(error.to_string()),
    };
    text.parse()
        .map_err(|error: toml::de::Error| error.message().to_owned())
}

/// Makes the paths absolute that the file at `path` names as indexes: they are meant from its own directory.
pub(super) fn make_absolute(configuration: &mut Table, path: &Path) {
    let file = fs::canonicalize(path).ok();
    let directory = file.as_deref().and_then(Path::parent).unwrap_or(Path::new("/"));
    let absolute = |place: &mut Value| {
        if let Value::String(place) = place
            && !place.contains("://")
        {
            *place = directory.join(&place).display().to_string();
        }
    };
    for_each_level(configuration, &mut |level| {
        indexes(level)
            .filter_map(|index| index.get_mut("url"))
            .for_each(absolute);
        for key in ["find-links", "extra-index-url", "index-url"] {
            match level.get_mut(key) {
                Some(Value::Array(places)) => places.iter_mut().for_each(absolute),
                Some(place) => absolute(place),
                None => {}
            }
        }
    });
}

/// Adds what a file behind the first says: lists are joined, and else the first to say something is right.
pub(super) fn merge(first: &mut Table, behind: Table) {
    for (key, value) in behind {
        match (first.get_mut(&key), value) {
            (Some(Value::Table(first)), Value::Table(behind)) => merge(first, behind),
            (Some(Value::Array(first)), Value::Array(behind)) => first.extend(behind),
            (Some(_), _) => {}
            (None, value) => {
                first.insert(key, value);
            }
        }
    }
}

/// Puts the items before those of the list `key`, and before those of `[pip]`, which would come first.
pub(super) fn put_first(configuration: &mut Table, key: &str, items: &[Value]) {
    let before = |list: &mut Value| {
        if let Value::Array(list) = list {
            list.splice(0..0, items.iter().cloned());
        }
    };
    if let Some(list) = configuration.get_mut("pip").and_then(|pip| pip.get_mut(key)) {
        before(list);
    }
    if !items.is_empty() {
        before(configuration.entry(key).or_insert_with(|| Value::Array(Vec::new())));
    }
}

/// Changes every index of a file.
pub(super) fn for_each_index(configuration: &mut Table, change: &mut dyn FnMut(&mut Table)) {
    for_each_level(configuration, &mut |level| indexes(level).for_each(&mut *change));
}

/// Settings stand in the file itself, and of `uv pip` alone in `[pip]`.
fn for_each_level(configuration: &mut Table, change: &mut dyn FnMut(&mut Table)) {
    if let Some(Value::Table(pip)) = configuration.get_mut("pip") {
        change(pip);
    }
    change(configuration);
}

fn indexes(level: &mut Table) -> impl Iterator<Item = &mut Table> {
    let list = level.get_mut("index").and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_table_mut)
}
