//! The index of errors: every code has a page, every page a code, and each page what a page has.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::explain::plain::link;

/// What the generated index begins with.
const HEAD: &str = "\
# Errors

Every error has a code, which its message begins with: `error[docker-unreachable]: …`. Here is a page of each: what it means, its usual causes and how
to tell which it is, and what to do. `sgbuild explain CODE` prints the same without a network, and `sgbuild explain` this list.

Exit codes: 1 you can fix it, 2 usage, 75 temporary (try again), 130 interrupted.
";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors")
}

/// The index as it should be.
fn index() -> String {
    let mut text = HEAD.to_owned();
    let mut subject = "";
    for code in Code::ALL {
        if code.subject() != subject {
            subject = code.subject();
            let _ = write!(
                text,
                "\n## {subject}\n\n| code | what it means | exit code |\n|---|---|---|\n"
            );
        }
        let name = code.name();
        let _ = writeln!(text, "| [`{name}`]({name}.md) | {} | {} |", code.title(), exits(*code));
    }
    text
}

/// `1`, or `1 or 75`.
fn exits(code: Code) -> String {
    let each: Vec<String> = code.exit_codes().iter().map(u8::to_string).collect();
    each.join(" or ")
}

#[test]
fn codes_are_words_with_hyphens_each_once() {
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let titles: BTreeSet<&str> = Code::ALL.iter().map(|code| code.title()).collect();
    assert_eq!((names.len(), titles.len()), (Code::ALL.len(), Code::ALL.len()));
    for name in names {
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        assert!(name.split('-').all(is_word), "{name}");
        assert_eq!(Code::find(name).map(Code::name), Some(name));
    }
    assert_eq!(Code::find("nonsense"), None);
}

#[test]
fn every_page_has_its_parts() {
    for code in Code::ALL {
        let (name, page) = (code.name(), code.page());
        let mut rest = page;
        for part in [
            "# ",
            &format!("\n\n`{name}`, exit code {}\n\n", exits(*code)),
            &format!("\n\n```text\nerror[{name}]: "),
            "\n```\n\n## Usual causes\n\n- **",
            "\n- **",
            "\n\n## What to do\n\n",
            "\n\n## More\n\n- [",
        ] {
            let found = rest.split_once(part);
            rest = found
                .unwrap_or_else(|| panic!("docs/errors/{name}.md has no {part:?} where it should be"))
                .1;
        }
        assert!(page.starts_with("# ") && page.ends_with(")\n"), "{name}");
        assert_eq!(
            page.matches("```").count() % 2,
            0,
            "{name}: a block of code without an end"
        );
        let words = page.split_whitespace().count();
        assert!((70..=330).contains(&words), "{name}: {words} words");
    }
}

/// What a link to a heading of `document` ends with, for each heading.
fn anchors(document: &str) -> BTreeSet<String> {
    let headings = document.lines().filter_map(|line| {
        let text = line.trim_start_matches('#');
        (text.len() < line.len()).then(|| text.trim().to_lowercase())
    });
    let anchor = |heading: String| {
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn links_of_pages_lead_to_documents_and_their_headings() {
    for code in Code::ALL {
        let mut rest = code.page();
        while let Some((_, _, target, after)) = link(rest) {
            rest = after;
            if target.starts_with("https://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let document = fs::read_to_string(directory().join(file));
            let document = document.unwrap_or_else(|error| panic!("docs/errors/{}.md, {target}: {error}", code.name()));
            assert!(
                anchor.is_empty() || anchors(&document).contains(anchor),
                "docs/errors/{}.md links to {target}, and there is no such heading",
                code.name()
            );
        }
    }
}

#[test]
fn every_page_is_of_a_code() {
    let files = fs::read_dir(directory()).unwrap();
    let mut found: Vec<String> = files
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut expected: Vec<String> = Code::ALL.iter().map(|code| format!("{}.md", code.name())).collect();
    expected.push("README.md".to_owned());
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_index_is_current() {
    let found = fs::read_to_string(directory().join("README.md")).unwrap();
    assert!(
        found == index(),
        "docs/errors/README.md is not what src/explain/code.rs says. It should be:\n{}",
        index()
    );
}

#[test]
fn a_terminal_is_shown_where_a_link_leads() {
    let page = Code::DockerUnreachable.plain_page();
    assert!(
        page.contains("How the daemon is found (docs/configuration.md#build)"),
        "{page}"
    );
    assert!(Code::ALL.iter().all(|code| !code.plain_page().contains("](")));
}

#[test]
fn a_full_disk_is_told_as_that() {
    let of = |kind: io::ErrorKind| Code::of_unwritten(&kind.into(), Code::NotWritable);
    assert_eq!(of(io::ErrorKind::StorageFull), Code::DiskFull);
    assert_eq!(of(io::ErrorKind::PermissionDenied), Code::NotWritable);
}
