//! `sgbuild explain`: the pages of the errors, where nothing else is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use sgbuild::explain::Code;

use crate::support::{Ran, Sandbox, root};

/// Runs it in an empty directory, without a home, a project or a variable.
fn explain(arguments: &[&str]) -> Ran {
    let empty = tempfile::tempdir().unwrap();
    let arguments = [&["explain"], arguments].concat();
    let output = Command::new(env!("CARGO_BIN_EXE_sgbuild"))
        .args(&arguments)
        .current_dir(empty.path())
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran::new(&arguments, output)
}

#[test]
fn every_code_has_its_page() {
    for code in Code::ALL {
        let ran = explain(&[code.name()]).exits(0);
        assert_eq!(ran.stdout, code.plain_page());
        assert!(ran.stderr.is_empty());
    }
}

#[test]
fn a_page_as_a_terminal_shows_it() {
    assert_snapshot!(explain(&["docker-unreachable"]).exits(0).stdout);
}

#[test]
fn all_codes_are_listed_with_what_they_mean() {
    let listed = explain(&[]).exits(0).stdout;
    for code in Code::ALL {
        let line = listed
            .lines()
            .find(|line| line.split_whitespace().next() == Some(code.name()));
        assert!(line.is_some_and(|line| line.ends_with(code.title())), "{}", code.name());
        assert!(listed.contains(&format!("{}:\n", code.subject())));
    }
    assert_snapshot!(listed.lines().take(8).collect::<Vec<_>>().join("\n"));
}

#[test]
fn programs_read_json() {
    let page = explain(&["docker-unreachable", "--json"]).exits(0).json();
    assert_eq!(page["code"], "docker-unreachable");
    assert_eq!(page["title"], Code::DockerUnreachable.title());
    assert_eq!(page["exit_codes"], serde_json::json!([1, 75]));
    assert_eq!(page["text"], Code::DockerUnreachable.page());
    let all = explain(&["--json"]).exits(0).json();
    assert_eq!(all.as_array().unwrap().len(), Code::ALL.len());
    assert_eq!(all[0]["code"], "no-project");
}

#[test]
fn a_code_is_taken_as_the_message_has_it() {
    for given in ["error[disk-full]:", "error[disk-full]", "[disk-full]", " disk-full "] {
        assert_eq!(
            explain(&[given]).exits(0).stdout,
            Code::DiskFull.plain_page(),
            "{given}"
        );
    }
}

#[test]
fn a_wrong_code_is_told_with_those_that_are_near() {
    explain(&["docker-unreachabel"])
        .exits(2)
        .says(&["error[unknown-code]: there is no error code `docker-unreachabel`; did you mean docker-unreachable?"]);
    explain(&["podman-docker"])
        .exits(2)
        .says(&["docker-unreachable, docker-address-invalid", "needs-docker"]);
    explain(&["xyzzy"]).exits(2).says(&[
        "there is no error code `xyzzy`\n",
        "hint: `sgbuild explain` lists them all.",
    ]);
}

/// The commands that `--help` lists, each with its own help.
fn helps() -> BTreeMap<String, String> {
    let sandbox = Sandbox::empty();
    let help = sandbox.run(&["--help"]).exits(0).stdout;
    let listed = help.split("Commands:\n").nth(1).unwrap();
    let listed = listed.lines().take_while(|line| !line.is_empty());
    let verbs = listed.filter_map(|line| line.split_whitespace().next());
    let each = verbs.filter(|verb| *verb != "help").map(|verb| {
        let help = sandbox.run(&[verb, "--help"]).exits(0).stdout;
        (verb.to_owned(), help)
    });
    each.collect()
}

/// A cure that cannot be typed is none.
#[test]
fn pages_name_commands_flags_and_variables_that_are_there() {
    let helps = helps();
    let documented: String = ["docs/configuration.md", "docs/operations.md", "src/commands/github.rs"]
        .iter()
        .map(|name| fs::read_to_string(root().join(name)).unwrap())
        .collect();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut wrong = BTreeSet::new();
    for code in Code::ALL {
        let (name, page) = (code.name(), code.page());
        let commands = page.split(['`', '\n']).flat_map(|part| part.split("&&"));
        for command in commands {
            let command = command.split(['#', '|', '>']).next().unwrap_or_default();
            let Some((_, command)) = command.split_once("sgbuild ") else {
                continue;
            };
            let Some(verb) = command.split_whitespace().next() else {
                continue;
            };
            let Some(help) = helps.get(verb) else { continue };
            let flags = command.split(|c| !is_word(c)).filter(|word| word.starts_with("--"));
            let unknown = flags.filter(|flag| !help.split(|c| !is_word(c)).any(|word| word == *flag));
            wrong.extend(unknown.map(|flag| format!("{name}: sgbuild {verb} {flag}")));
        }
        for line in page.lines().filter_map(|line| line.strip_prefix("$ sgbuild ")) {
            let verb = line.split_whitespace().next().unwrap_or_default();
            if !helps.contains_key(verb) {
                wrong.insert(format!("{name}: sgbuild {verb}"));
            }
        }
        let variables = page.split(|c| !is_word(c)).filter(|word| word.starts_with("SGBUILD_"));
        let unknown = variables.filter(|variable| !variable.ends_with('_') && !documented.contains(*variable));
        wrong.extend(unknown.map(|variable| format!("{name}: {variable}")));
    }
    assert_eq!(wrong, BTreeSet::new());
}
