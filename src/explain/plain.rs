//! A page of the index as a terminal shows it: the Markdown that the pages are written in, without its marks.

use unicode_width::UnicodeWidthStr as _;

/// How wide prose may be; commands and messages are as wide as they are.
const WIDTH: usize = 100;
/// What a list's item begins with.
const ITEM: &str = "- ";

/// `page` without marks: blocks of code are indented, and of a link, where it leads stands behind its words.
pub(crate) fn plain(page: &str) -> String {
    let mut shown = String::new();
    let mut is_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
            continue;
        }
        if is_code && !line.is_empty() {
            shown.extend(["    ", line]);
        } else if let Some(heading) = line.strip_prefix("## ") {
            shown.extend([heading, ":"]);
        } else {
            let line = line.strip_prefix("# ").unwrap_or(line);
            shown.push_str(&wrapped(&with_targets(line).replace("**", "")));
        }
        shown.push('\n');
    }
    shown
}

/// A line of prose, broken where a word would be beyond the width; an item's later lines stand below its first.
fn wrapped(line: &str) -> String {
    let indent = if line.starts_with(ITEM) { ITEM.len() } else { 0 };
    let mut broken = String::new();
    let mut column = 0;
    for word in line.split(' ') {
        if column > indent && column + 1 + word.width() > WIDTH {
            broken.push('\n');
            broken.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if column > 0 {
            broken.push(' ');
            column += 1;
        }
        broken.push_str(word);
        column += word.width();
    }
    broken
}

/// `line`, where each link is its words, and in brackets where it leads.
fn with_targets(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some((before, words, target, after)) = link(rest) {
        let target = match target.strip_prefix("../") {
            Some(document) => format!("docs/{document}"),
            None if target.contains("://") => target.to_owned(),
            None => format!("docs/errors/{target}"),
        };
        shown.extend([before, words, " (", &target, ")"]);
        rest = after;
    }
    shown + rest
}

/// The first link of `text`: what stands before it, its words, where it leads, and what stands behind it.
pub(super) fn link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (head, after) = text.split_once("](")?;
    let (target, after) = after.split_once(')')?;
    let (before, words) = head.rsplit_once('[')?;
    Some((before, words, target, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_what_they_mean_stays() {
        let page = "# Title\n\n```text\nerror[x]: **\n\n```\n\n## Usual causes\n\n- **One.** See [it](../a.md#b), [that](README.md) or [https](https://c.example/).\n";
        assert_eq!(
            plain(page),
            "Title\n\n    error[x]: **\n\n\nUsual causes:\n\n- One. See it (docs/a.md#b), that (docs/errors/README.md) or https (https://c.example/).\n"
        );
    }

    #[test]
    fn prose_is_broken_between_words() {
        let words = "word ".repeat(45);
        for line in [words.trim_end().to_owned(), format!("- {}", words.trim_end())] {
            let broken = wrapped(&line);
            assert!(
                broken.lines().count() == 3 && broken.lines().all(|line| line.width() <= WIDTH),
                "{broken}"
            );
            let joined: Vec<&str> = broken.split_whitespace().collect();
            assert_eq!(joined.join(" "), line);
        }
        assert!(
            wrapped(&format!("- {words}"))
                .lines()
                .skip(1)
                .all(|line| line.starts_with("  word"))
        );
        let long = "x".repeat(200);
        assert_eq!(wrapped(&format!("- {long}")), format!("- {long}"));
    }
}
