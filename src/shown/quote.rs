//! Text of others within a line of our own: bounded, and unable to look like a line of ours.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::cell;

/// So many characters of a value say which one it is.
const MOST: usize = 200;
/// So many of one kind are listed one by one.
const LISTED: usize = 10;

/// A value of others in backticks, [`escaped`].
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", escaped(text))
}

/// Words of others: control characters and invisible ones escaped, the end of a long text left out.
pub(crate) fn escaped(text: &str) -> String {
    let end = text.char_indices().nth(MOST).map_or(text.len(), |(end, _)| end);
    let mut escaped = cell(&text[..end]).into_owned();
    if end < text.len() {
        let _ = write!(escaped, "… ({} bytes)", text.len());
    }
    escaped
}

/// A text that may be long, of which at most `most` bytes are wanted.
pub(crate) fn bounded(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let kept = &text[..text.floor_char_boundary(most)];
    Cow::Owned(format!("{kept}… ({} bytes in all)", text.len()))
}

/// The first of many lines, and how many more there are.
pub(crate) fn first_of(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > LISTED + 1 {
        let more = lines.len() - LISTED;
        lines.truncate(LISTED);
        lines.push(format!("and {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_begin_a_line_of_its_own() {
        assert_eq!(quoted("a b\"c\\ü"), "`a b\"c\\ü`");
        assert_eq!(
            quoted("a\n\u{1b}[2K\u{202e}\u{2028}\0"),
            "`a\\n\\x1b[2K\\u{202e}\\u{2028}\\x00`"
        );
        let long = quoted(&"é".repeat(1_000_000));
        assert!(long.ends_with("é… (2000000 bytes)`") && long.len() < 500, "{long}");
    }

    #[test]
    fn long_texts_and_long_lists_are_cut() {
        assert_eq!(bounded("abc", 3), "abc");
        assert_eq!(bounded("aéc", 2), "a… (4 bytes in all)");
        let lines = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(first_of(lines(11)).len(), 11);
        assert_eq!(
            first_of(lines(10_000)).last().map(String::as_str),
            Some("and 9990 more")
        );
    }
}
