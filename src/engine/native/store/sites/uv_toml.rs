//! The indexes in uv's configuration files, with who one is to them (<https://docs.astral.sh/uv/reference/settings/>).

use std::path::PathBuf;

use toml::{Table, Value};

use crate::uv::configuration;

/// The indexes that `files` name, as `UV_INDEX` has them: a URL, or `name=URL`. A file that uv could not read either says nothing.
pub(super) fn indexes(files: &[PathBuf]) -> Vec<String> {
    let tables = files.iter().filter_map(|file| configuration::read(file).ok());
    let mut found = Vec::new();
    for table in tables {
        found.extend(named(&table));
        found.extend(
            table
                .get("pip")
                .and_then(Value::as_table)
                .map(named)
                .into_iter()
                .flatten(),
        );
    }
    found
}

fn named(table: &Table) -> Vec<String> {
    let mut found = Vec::new();
    for index in table.get("index").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| index.get(key).and_then(Value::as_str);
        let Some(url) = text("url") else { continue };
        found.push(text("name").map_or_else(|| url.to_owned(), |name| format!("{name}={url}")));
    }
    for key in ["index-url", "extra-index-url", "find-links"] {
        match table.get(key) {
            Some(Value::String(url)) => found.push(url.clone()),
            Some(Value::Array(urls)) => found.extend(urls.iter().filter_map(Value::as_str).map(ToOwned::to_owned)),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_name_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("uv.toml");
        let text = "index-url = 'https://a/'\nextra-index-url = ['https://b/']\n[[index]]\nname = 'own'\nurl = 'https://me:pw@c/'\n\
                    [[index]]\nurl = 'https://d/'\n[pip]\nfind-links = ['https://e/']\n";
        std::fs::write(&file, text).unwrap();
        let found = indexes(&[file, directory.path().join("none.toml")]);
        assert_eq!(
            found,
            [
                "own=https://me:pw@c/",
                "https://d/",
                "https://a/",
                "https://b/",
                "https://e/"
            ]
        );
    }
}
