//! A requirements file's bytes as text, and its text as the lines that pip sees.
//! Source: <https://pip.pypa.io/en/stable/reference/requirements-file-format/>.

/// A line after continuations are joined and comments are gone; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogicalLine {
    /// Where it begins in the file, from 1.
    pub(super) number: usize,
    pub(super) text: String,
}

/// Where the lines of a text begin.
pub(super) struct LineStarts(Vec<usize>);

impl LineStarts {
    pub(super) fn of(text: &str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(starts).collect())
    }

    /// The line of a byte offset, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}

/// Decodes a file as pip does: a byte order mark decides, then a [PEP 263](https://peps.python.org/pep-0263/) comment in the first
/// two lines, else it is UTF-8. Encodings that nobody writes such files in are refused.
///
/// # Errors
/// The line, and what is wrong with it.
pub(super) fn decode(bytes: &[u8]) -> Result<String, (usize, String)> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err((1, "it is UTF-32 text; save it as UTF-8".to_owned())),
        // What PowerShell's `pip freeze > requirements.txt` writes.
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match declared_encoding(bytes) {
            None => utf8(bytes),
            Some((line, name)) => match name.to_ascii_lowercase().replace('_', "-").as_str() {
                "utf-8" | "utf8" | "ascii" | "us-ascii" => utf8(bytes),
                "latin-1" | "latin1" | "iso-8859-1" => Ok(bytes.iter().copied().map(char::from).collect()),
                _ => Err((
                    line,
                    format!("the encoding `{name}` is not supported; save it as UTF-8"),
                )),
            },
        },
    }
}

fn utf8(bytes: &[u8]) -> Result<String, (usize, String)> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.iter().take(error.valid_up_to());
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        (line, "it is not UTF-8 text".to_owned())
    })?;
    match text.split('\n').position(|line| line.contains('\0')) {
        Some(at) => Err((at + 1, "it holds a NUL character".to_owned())),
        None => Ok(text.to_owned()),
    }
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Result<String, (usize, String)> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text = String::from_utf16(&pairs.iter().copied().map(unit).collect::<Vec<_>>());
    match text {
        Ok(text) if rest.is_empty() && !text.contains('\0') => Ok(text),
        _ => Err((1, "it is not the UTF-16 text that its first bytes announce".to_owned())),
    }
}

/// The encoding that a comment in the first two lines names, with its line.
fn declared_encoding(bytes: &[u8]) -> Option<(usize, String)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut lines = bytes.split(|byte| *byte == b'\n').take(2).enumerate();
    lines.find_map(|(at, line)| {
        let line = String::from_utf8_lossy(line);
        let comment = line.strip_prefix('#')?;
        let mut said = comment.match_indices("coding").filter_map(|(found, word)| {
            let value = comment
                .get(found + word.len()..)?
                .strip_prefix([':', '='])?
                .trim_start();
            let name: String = value.chars().take_while(|c| is_name(*c)).collect();
            (!name.is_empty()).then_some(name)
        });
        Some((at + 1, said.next()?))
    })
}

/// The logical lines: physical ones split where Python splits, joined after a backslash, without comments, not blank.
pub(super) fn logical_lines(text: &str) -> Vec<LogicalLine> {
    let mut lines = Vec::new();
    let mut open: Option<LogicalLine> = None;
    for (at, line) in physical_lines(text).into_iter().enumerate() {
        let is_comment = comment_start(line) == Some(0);
        let goes_on = line.ends_with('\\') && !is_comment;
        let joined = open.get_or_insert_with(|| LogicalLine {
            number: at + 1,
            text: String::new(),
        });
        if goes_on {
            joined.text.push_str(line.trim_matches('\\'));
            continue;
        }
        // A comment ends the line that it continues, and must be seen as a comment there.
        if is_comment {
            joined.text.push(' ');
        }
        joined.text.push_str(line);
        lines.extend(open.take());
    }
    lines.extend(open);
    for line in &mut lines {
        let end = comment_start(&line.text).unwrap_or(line.text.len());
        line.text = line.text[..end].trim_matches(is_space).to_owned();
    }
    lines.retain(|line| !line.text.is_empty());
    lines
}

/// Splits as Python's `str.splitlines` does.
fn physical_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some((at, end)) = rest.char_indices().find(|(_, c)| ends_line(*c)) {
        lines.push(&rest[..at]);
        let after = &rest[at + end.len_utf8()..];
        rest = match end {
            '\r' => after.strip_prefix('\n').unwrap_or(after),
            _ => after,
        };
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

fn ends_line(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Python's idea of white space.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// Where the comment of a line begins: `#` at the line's start or after white space, which belongs to it.
fn comment_start(line: &str) -> Option<usize> {
    let hash = line
        .match_indices('#')
        .map(|(at, _)| at)
        .find(|at| *at == 0 || line[..*at].ends_with(is_space))?;
    Some(line[..hash].trim_end_matches(is_space).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(usize, String)> {
        let lines = logical_lines(text);
        lines.into_iter().map(|line| (line.number, line.text)).collect()
    }

    #[test]
    fn lines_are_joined_and_comments_dropped() {
        let text = "a\n\n# no\n  b \\\n  c # d\ne#f\ng \\\n# ends it\nh\\";
        let expected = [(1, "a"), (4, "b   c"), (6, "e#f"), (7, "g"), (9, "h")];
        assert_eq!(lines(text), expected.map(|(number, text)| (number, text.to_owned())));
    }

    #[test]
    fn bytes_become_text() {
        assert_eq!(decode(b"\xef\xbb\xbfa").unwrap(), "a");
        assert_eq!(decode(b"\xff\xfea\0\n\0").unwrap(), "a\n");
        assert_eq!(decode(b"\xfe\xff\0a").unwrap(), "a");
        assert_eq!(
            decode(b"# coding: latin-1\n#\xe9").unwrap(),
            "# coding: latin-1\n#\u{e9}"
        );
        assert_eq!(decode(b"\n# vim: set fileencoding=utf-8 :\n").unwrap().len(), 33);
        assert_eq!(decode(b"a\n\xff").unwrap_err(), (2, "it is not UTF-8 text".to_owned()));
        assert_eq!(decode(b"#coding=koi8-r\n").unwrap_err().0, 1);
        assert!(decode(b"\xff\xfea").is_err() && decode(b"\xff\xfe\0\0").is_err() && decode(b"a\0").is_err());
    }
}
