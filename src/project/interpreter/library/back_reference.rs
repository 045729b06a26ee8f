//! Back references in regular expressions, such as `(["'])(.+?)\1`, for an engine that has none.
//!
//! A group of one character that is one of a few is written out: `(?:(")(.+?)"|(')(.+?)')`. Where the group stands, the text has one
//! character, so one alternative at most can match there, and matches are found in the same order. What is not of that kind is left
//! to Python. <https://docs.python.org/3/library/re.html#regular-expression-syntax>

use std::ops::Range;

/// Characters that a group may be one of.
const MOST_CHARACTERS: usize = 8;

/// A pattern without back references.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expanded {
    pub(super) pattern: String,
    /// For each group of Python's, the whole first, the groups of which one is it.
    pub(super) groups: Vec<Vec<usize>>,
    /// The groups that have names.
    pub(super) names: Vec<(String, usize)>,
}

/// A group with its brackets; behind a quantifier, what it matched last is not certain to be told.
#[derive(Debug)]
struct Group {
    range: Range<usize>,
    /// Of what is in the brackets, its name and kind left aside.
    content: Range<usize>,
    /// The group around it, by its place in the list of all.
    parent: Option<usize>,
    number: Option<usize>,
    is_repeated: bool,
}

/// A pattern's parts that matter here.
#[derive(Debug, Default)]
struct Parts {
    groups: Vec<Group>,
    names: Vec<(String, usize)>,
    /// Where a group is referred to, by which number, and in which group.
    references: Vec<(Range<usize>, usize, Option<usize>)>,
    /// Where an alternative begins, and in which group.
    bars: Vec<(usize, Option<usize>)>,
}

/// The pattern without back references, and without the names of groups; `None` where it may mean something else to Python.
pub(super) fn expand(pattern: &str) -> Option<Expanded> {
    let parts = Parts::of(pattern)?;
    let count = parts.groups.iter().filter_map(|group| group.number).max().unwrap_or(0);
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for group in parts.groups.iter().filter(|group| group.number.is_some()) {
        let name = group.range.start + 1..group.content.start;
        edits.push((name, String::new()));
    }
    let Some((_, number, _)) = parts.references.first() else {
        return Some(Expanded {
            pattern: edited(pattern, 0..pattern.len(), &edits),
            groups: (0..=count).map(|group| vec![group]).collect(),
            names: parts.names,
        });
    };
    let (at, group) = parts.referred(*number)?;
    let scope = group.range.start..parts.end_of_scope(pattern, at, group)?;
    let characters = characters(&pattern[group.content.clone()])?;
    let alternatives: Vec<String> = characters
        .iter()
        .map(|character| {
            let mut edits = edits.clone();
            edits.push((group.content.clone(), regex_lite::escape(&character.to_string())));
            let written = |(range, ..): &(Range<usize>, usize, Option<usize>)| {
                (range.clone(), regex_lite::escape(&character.to_string()))
            };
            edits.extend(parts.references.iter().map(written));
            edited(pattern, scope.clone(), &edits)
        })
        .collect();
    let inside: Vec<usize> = parts
        .groups
        .iter()
        .filter(|group| scope.contains(&group.range.start))
        .filter_map(|group| group.number)
        .collect();
    let (first, last) = (*inside.first()?, *inside.last()?);
    let width = last - first + 1;
    let places = |group: usize| match group {
        group if group < first => vec![group],
        group if group > last => vec![group + (characters.len() - 1) * width],
        group => (0..characters.len()).map(|copy| group + copy * width).collect(),
    };
    let before = edited(pattern, 0..scope.start, &edits);
    let after = edited(pattern, scope.end..pattern.len(), &edits);
    Some(Expanded {
        pattern: format!("{before}(?:{}){after}", alternatives.join("|")),
        groups: (0..=count).map(places).collect(),
        names: parts.names,
    })
}

/// A part of the pattern with some of its parts replaced.
fn edited(pattern: &str, part: Range<usize>, edits: &[(Range<usize>, String)]) -> String {
    let mut edits: Vec<_> = edits
        .iter()
        .filter(|(range, _)| part.start <= range.start && range.end <= part.end)
        .collect();
    edits.sort_by_key(|(range, _)| range.start);
    let mut text = String::new();
    let mut at = part.start;
    for (range, replacement) in edits {
        text.push_str(&pattern[at..range.start]);
        text.push_str(replacement);
        at = range.end;
    }
    text + &pattern[at..part.end]
}

/// The characters of which the group is one; letters and digits are left out, for they may match others without regard to case.
fn characters(content: &str) -> Option<Vec<char>> {
    let listed = match content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(listed) => listed,
        None if content.trim_start_matches('\\').chars().count() == 1 => content,
        None => return None,
    };
    let mut characters = Vec::new();
    let mut rest = listed.chars();
    while let Some(character) = rest.next() {
        let character = if character == '\\' { rest.next()? } else { character };
        if character.is_alphanumeric() || character == '-' || (character == '^' && characters.is_empty()) {
            return None;
        }
        if !characters.contains(&character) {
            characters.push(character);
        }
    }
    // Outside of brackets, most of the others mean something.
    let is_plain = content.starts_with('[') || ["'", "\"", "\\'", "\\\""].contains(&content);
    (is_plain && (1..=MOST_CHARACTERS).contains(&characters.len())).then_some(characters)
}

impl Parts {
    fn of(pattern: &str) -> Option<Self> {
        let bytes = pattern.as_bytes();
        let mut parts = Self::default();
        let mut open: Vec<usize> = Vec::new();
        let mut count = 0;
        let mut at = 0;
        while at < bytes.len() {
            let around = open.last().copied();
            match bytes[at] {
                b'\\' => {
                    let next = *bytes.get(at + 1)?;
                    if next.is_ascii_digit() {
                        // Two digits may be an octal number.
                        if next == b'0' || bytes.get(at + 2).is_some_and(u8::is_ascii_digit) {
                            return None;
                        }
                        parts.references.push((at..at + 2, usize::from(next - b'0'), around));
                    }
                    at += 1;
                }
                b'[' => at = end_of_class(bytes, at)?,
                b'|' => parts.bars.push((at, around)),
                b'(' if pattern[at..].starts_with("(?P=") => {
                    let name = pattern[at + 4..].split(')').next()?;
                    let (_, number) = parts.names.iter().find(|(known, _)| known == name)?;
                    let end = at + 4 + name.len() + 1;
                    parts.references.push((at..end, *number, around));
                    at = end - 1;
                }
                b'(' => {
                    let rest = &pattern[at + 1..];
                    let name = rest.strip_prefix("?P<").and_then(|rest| rest.split('>').next());
                    let is_plain = !rest.starts_with("?:");
                    let kind = name.map_or(2 * usize::from(!is_plain), |name| "?P<>".len() + name.len());
                    count += usize::from(is_plain);
                    if let Some(name) = name {
                        parts.names.push((name.to_owned(), count));
                    }
                    open.push(parts.groups.len());
                    parts.groups.push(Group {
                        range: at..at,
                        content: at + 1 + kind..at,
                        parent: around,
                        number: is_plain.then_some(count),
                        is_repeated: false,
                    });
                }
                b')' => {
                    let group = parts.groups.get_mut(open.pop()?)?;
                    group.range.end = at + 1;
                    group.content.end = at;
                    group.is_repeated = end_of_quantifier(bytes, at + 1) > at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        (open.is_empty()
            && parts
                .groups
                .iter()
                .all(|group| group.content.start <= group.content.end))
        .then_some(parts)
    }

    /// The one group that is referred to.
    fn referred(&self, number: usize) -> Option<(usize, &Group)> {
        let is_only = self.references.iter().all(|(_, other, _)| *other == number);
        let (at, group) = self
            .groups
            .iter()
            .enumerate()
            .find(|(_, group)| group.number == Some(number))?;
        let mut around = Some(at);
        while let Some(index) = around {
            if self.groups[index].is_repeated {
                return None;
            }
            around = self.groups[index].parent;
        }
        is_only.then_some((at, group))
    }

    /// Where the last part of the group's own sequence ends that refers to it.
    fn end_of_scope(&self, pattern: &str, at: usize, group: &Group) -> Option<usize> {
        let mut end = group.range.end;
        for (range, _, around) in &self.references {
            let mut part = range.clone();
            let mut around = *around;
            while around != group.parent {
                let index = around.filter(|index| *index != at)?;
                part = self.groups[index].range.clone();
                around = self.groups[index].parent;
            }
            end = end.max(end_of_quantifier(pattern.as_bytes(), part.end));
        }
        let is_behind = self.references.iter().all(|(range, ..)| range.start >= group.range.end);
        let bar = self
            .bars
            .iter()
            .any(|(bar, around)| *around == group.parent && (group.range.start..end).contains(bar));
        (is_behind && !bar).then_some(end)
    }
}

/// The place of the bracket that ends the class that begins at `at`.
fn end_of_class(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 1;
    end += usize::from(bytes.get(end) == Some(&b'^'));
    end += usize::from(bytes.get(end) == Some(&b']'));
    while *bytes.get(end)? != b']' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    Some(end)
}

/// Where the quantifier ends that begins at `at`, if one does.
fn end_of_quantifier(bytes: &[u8], at: usize) -> usize {
    let end = match bytes.get(at) {
        Some(b'*' | b'+' | b'?') => at + 1,
        Some(b'{') => bytes[at..]
            .iter()
            .position(|byte| *byte == b'}')
            .map_or(at, |length| at + length + 1),
        _ => return at,
    };
    end + usize::from(bytes.get(end) == Some(&b'?'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(pattern: &str) -> Option<String> {
        expand(pattern).map(|expanded| expanded.pattern)
    }

    #[test]
    fn a_quote_that_ends_as_it_began() {
        let found = expand(r#"v = (["'])(.+?)\1;(x)"#).unwrap();
        assert_eq!(found.pattern, r#"v = (?:(")(.+?)"|(')(.+?)');(x)"#);
        assert_eq!(found.groups, [vec![0], vec![1, 3], vec![2, 4], vec![5]]);
        assert_eq!(expanded(r"(?P<q>['])x(?P=q)").unwrap(), "(?:(')x')");
        assert_eq!(
            expanded(r#"(?:a(["'])(?:b|\1)*)c"#).unwrap(),
            r#"(?:a(?:(")(?:b|")*|(')(?:b|')*))c"#
        );
    }

    #[test]
    fn what_has_no_back_reference_stays() {
        for pattern in [r"a(b|c)+[\])](?:d)", r"[(](\d+)\.", ""] {
            assert_eq!(expanded(pattern).unwrap(), pattern);
        }
        let named = expand("(?P<a>x)(?:y)(?P<b>z)").unwrap();
        assert_eq!((named.pattern.as_str(), named.names.len()), ("(x)(?:y)(z)", 2));
    }

    #[test]
    fn what_is_of_another_kind_is_not_written_out() {
        for pattern in [
            r"(\w+) \1",
            r#"(["'])+x\1"#,
            r#"(?:(["'])x\1)*"#,
            r#"(["'])|\1"#,
            r#"(?:(["']))\1"#,
            r#"\1(["'])"#,
            r"([ab])\1",
            r"([^'])\1",
            r#"(["'])([;,])\1\2"#,
            r"(')\01",
            r"(.)\1",
        ] {
            assert_eq!(expanded(pattern), None, "{pattern}");
        }
    }
}
