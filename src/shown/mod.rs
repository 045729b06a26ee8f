//! What people are shown: text of others, made safe for a terminal.
//!
//! Names, paths, answers of servers and lines of logs may hold what a terminal obeys (escape sequences, carriage returns) and
//! what an eye does not see or sees elsewhere (zero-width characters, bidirectional overrides). Here that is spelt out: `\x1b`,
//! `\n`, `\u{202e}`. It is made for reading: a backslash stays as it is, so nothing reads it back.
//!
//! [`Ui`](crate::ui::Ui) passes everything through here that it prints. Whoever puts a page together for people
//! does it with [`Page`], which does the same; a stage need not think of it.

mod data;
mod page;
mod quote;

use std::borrow::Cow;
use std::fmt::Write as _;

pub use data::Data;
pub use page::Page;
pub(crate) use quote::{bounded, escaped, first_of, quoted};

/// The longest line, in bytes: as much as Docker's log drivers take as one message.
const LONGEST_LINE: usize = 16 * 1024;
/// The longest line of a message about a failure, in bytes: it names its object at the beginning and the reason at the end.
const LONGEST_QUOTE: usize = 1400;
/// The longest text of several lines, in bytes.
const LONGEST_BLOCK: usize = 64 * 1024;

/// One line of prose: line breaks are spelt out, and what is too long for a line loses its middle. Tabs stay.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    prose(text, LONGEST_LINE)
}

fn prose(text: &str, longest: usize) -> Cow<'_, str> {
    spelt(text, longest, |character| character != '\t' && is_hidden(character))
}

/// What stands in a column: as [`line`], and tabs are spelt out too.
#[must_use]
pub fn cell(text: &str) -> Cow<'_, str> {
    spelt(text, LONGEST_LINE, is_hidden)
}

/// What is said of a failure, as [`block`]: a line that quotes a long text loses its middle sooner than a log's line does.
#[must_use]
pub fn message(text: &str, indent: usize) -> Cow<'_, str> {
    lines_below(text, indent, LONGEST_QUOTE)
}

/// A text of several lines, of which all but the first stand `indent` columns further right than a line of ours begins: so none
/// of them can pass for one. Each is a [`line`].
#[must_use]
pub fn block(text: &str, indent: usize) -> Cow<'_, str> {
    lines_below(text, indent, LONGEST_LINE)
}

fn lines_below(text: &str, indent: usize, longest_line: usize) -> Cow<'_, str> {
    let text = text.trim_end();
    if !text.contains('\n') {
        return prose(text, longest_line);
    }
    let kept = without_middle(text, LONGEST_BLOCK);
    let mut shown = String::with_capacity(kept.len());
    for (number, each) in kept.split('\n').enumerate() {
        if number > 0 {
            let _ = write!(shown, "\n{:indent$}", "");
        }
        shown.push_str(&prose(each.strip_suffix('\r').unwrap_or(each), longest_line));
    }
    Cow::Owned(shown)
}

/// A line of a program's log as a terminal would leave it: what stands after the last carriage return, where progress bars draw
/// their last state, without control sequences such as colours and movements of the cursor (`CSI` of
/// [ECMA-48](https://ecma-international.org/publications-and-standards/standards/ecma-48/), 5.4). Whatever else is in it stays.
#[must_use]
pub fn log_line(line: &str) -> Cow<'_, str> {
    let line = line.trim_end();
    let line = line.rsplit('\r').find(|part| !part.is_empty()).unwrap_or_default();
    if !line.contains(CONTROL_SEQUENCE) {
        return Cow::Borrowed(line);
    }
    let mut parts = line.split(CONTROL_SEQUENCE);
    let mut left = parts.next().unwrap_or_default().to_owned();
    left.extend(parts.map(after_control_sequence));
    Cow::Owned(left)
}

const CONTROL_SEQUENCE: &str = "\u{1b}[";

/// What follows the parameters and the final character of a control sequence.
fn after_control_sequence(text: &str) -> &str {
    let rest = text.trim_start_matches(|c| matches!(c, '\u{30}'..='\u{3f}'));
    let rest = rest.trim_start_matches(|c| matches!(c, '\u{20}'..='\u{2f}'));
    rest.strip_prefix(|c| matches!(c, '\u{40}'..='\u{7e}')).unwrap_or(rest)
}

/// JSON for a terminal: the same value, with hidden characters as `\u202e`. Strings hold none of the first 32 as they are
/// ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259#section-7)), so those are the text's own lines.
fn json(text: &str) -> Cow<'_, str> {
    let is_spelt = |character| character >= ' ' && is_hidden(character);
    if !text.contains(is_spelt) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_spelt(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// `text`, no longer than a line may be, with those characters spelt out.
fn spelt(text: &str, longest: usize, is_spelt: impl Fn(char) -> bool) -> Cow<'_, str> {
    let kept = without_middle(text, longest);
    if !kept.contains(&is_spelt) {
        return kept;
    }
    let mut shown = String::with_capacity(kept.len());
    for character in kept.chars() {
        match character {
            character if !is_spelt(character) => shown.push(character),
            '\t' | '\n' | '\r' => shown.extend(character.escape_default()),
            character if character.is_ascii() => {
                let _ = write!(shown, "\\x{:02x}", u32::from(character));
            }
            character => shown.extend(character.escape_unicode()),
        }
    }
    Cow::Owned(shown)
}

/// A text that is longer than `longest` bytes without what is in its middle: a message names its object at the beginning, and often
/// says at the end what is wrong with it.
fn without_middle(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest {
        return Cow::Borrowed(text);
    }
    let beginning = text.floor_char_boundary(longest / 4 * 3);
    let end = text.ceil_char_boundary(text.len() - longest / 4);
    let (beginning, left_out, end) = (&text[..beginning], end - beginning, &text[end..]);
    Cow::Owned(format!("{beginning}… ({left_out} bytes left out) …{end}"))
}

/// Whether a terminal obeys the character, or a reader cannot see it: Unicode's control characters, line and paragraph
/// separators, and what has the properties `Bidi_Control` or `Default_Ignorable_Code_Point`
/// ([PropList](https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt),
/// [DerivedCoreProperties](https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt)).
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests;
