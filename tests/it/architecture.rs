//! ARCHITECTURE.md says which room of the code may know which: its list is held against the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sgbuild::explain::Code;

/// Beginning and end of the list in ARCHITECTURE.md.
const BEGINNING: &str = "```rooms\n";
const END: &str = "\n```";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The rooms in the order in which ARCHITECTURE.md lists them: what stands before a line's colon is its title.
fn listed() -> Vec<String> {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let list = page
        .split_once(BEGINNING)
        .expect("ARCHITECTURE.md has a list of rooms")
        .1;
    let list = list.split_once(END).expect("the list of rooms has an end").0;
    let lines = list
        .lines()
        .map(|line| line.split_once(':').map_or(line, |(_, rooms)| rooms));
    lines.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The product's lines of every file, without comments and tests, by the file's name below `src/`.
fn product() -> BTreeMap<String, String> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let own = files
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs") && !path.ends_with("scripted.rs"));
    own.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let name = path.strip_prefix(root().join("src")).unwrap().display().to_string();
        (name, lines.collect::<Vec<_>>().join("\n"))
    })
    .collect()
}

/// The room that a file below `src/` is in.
fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// The rooms that a text names: `crate::room` alone or in a list.
fn named<'a>(text: &'a str, rooms: &[String]) -> BTreeSet<&'a str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let end = list.find("};").unwrap_or(list.len());
            let mut depth = 0;
            for part in list[..end].split_inclusive([',', '{', '}']) {
                if depth == 0 {
                    found.insert(part.trim().split(|c| !is_word(c)).next().unwrap_or_default());
                }
                depth += part.matches('{').count();
                depth = depth.saturating_sub(part.matches('}').count());
            }
        } else {
            found.insert(rest.split(|c| !is_word(c)).next().unwrap_or_default());
        }
    }
    found.retain(|name| rooms.iter().any(|room| room == name));
    found
}

#[test]
fn every_room_is_listed_once() {
    let mut listed = listed();
    let mut there: BTreeSet<String> = product().keys().map(|file| room(file).to_owned()).collect();
    there.retain(|room| room != "lib");
    listed.sort();
    assert_eq!(
        listed,
        Vec::from_iter(there),
        "the list of rooms in ARCHITECTURE.md beside src/"
    );
}

#[test]
fn a_room_imports_those_before_it() {
    let rooms = listed();
    let place = |name: &str| rooms.iter().position(|room| room == name).unwrap_or(rooms.len());
    let mut wrong = Vec::new();
    for (file, text) in product() {
        let own = room(&file);
        let after = named(&text, &rooms).into_iter().filter(|name| place(name) > place(own));
        wrong.extend(after.map(|name| format!("{file} imports {name}, which ARCHITECTURE.md lists after {own}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_error_code_is_some_errors() {
    let sources = product();
    let outside = sources.iter().filter(|(file, _)| room(file) != "explain");
    let text: String = outside.map(|(_, text)| text.as_str()).collect();
    let is_named = |code: &Code| {
        let variant = format!("Code::{code:?}");
        let mut found = text.match_indices(&variant);
        found.any(|(at, _)| !text[at + variant.len()..].starts_with(|next: char| next.is_ascii_alphanumeric()))
    };
    let unused: Vec<_> = Code::ALL.iter().filter(|code| !is_named(code)).collect();
    assert!(unused.is_empty(), "no error has these codes: {unused:?}");
}

#[test]
fn stages_know_neither_the_command_line_nor_the_processs_environment() {
    let mut wrong = Vec::new();
    for (file, text) in product() {
        let knows = |what: &str| text.contains(what);
        if knows("clap::") && !["cli", "commands", "main"].contains(&room(&file)) {
            wrong.push(format!("{file} knows clap"));
        }
        let reads = ["env::var(", "env::var_os(", "env::vars(", "env::vars_os("];
        if reads.into_iter().any(knows) && !["main.rs", "settings/environment.rs"].contains(&file.as_str()) {
            wrong.push(format!("{file} reads the environment"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_engine_is_known_to_who_connects_it_alone() {
    let knows = |file: &str, text: &str| {
        let is_its_own = file.starts_with("engine/");
        // What runs a container runs it in a daemon, whichever engine made the image.
        let runs_containers = ["local/", "serving/"].iter().any(|room| file.starts_with(room));
        !is_its_own && !runs_containers && text.contains("engine::docker")
    };
    let files: Vec<String> = product()
        .into_iter()
        .filter(|(file, text)| knows(file, text))
        .map(|(file, _)| file)
        .collect();
    let expected = ["commands/image_here.rs", "commands/job.rs", "settings/stages/engine.rs"];
    assert_eq!(files, expected);
}

/// docs/security.md names, for each promise, files of `tests/it/` or paths from the root that hold it.
#[test]
fn each_promise_names_tests_that_are_there() {
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let promises = page.split_once("## What is promised").unwrap().1;
    let promises = promises.split_once("\n## ").unwrap().0;
    let is_file = |quoted: &&str| {
        Path::new(quoted)
            .extension()
            .is_some_and(|kind| kind == "rs" || kind == "py")
    };
    let promises: Vec<&str> = promises.split('`').filter(is_file).collect();
    assert!(promises.len() > 20, "{promises:?}");
    let is_there = |name: &&&str| root().join("tests/it").join(name).exists() || root().join(name).exists();
    let absent: Vec<_> = promises.iter().filter(|name| !is_there(name)).collect();
    assert!(
        absent.is_empty(),
        "docs/security.md names what is not there: {absent:?}"
    );
}
