//! How much work a marker makes.
//!
//! The PEP 508 parser turns a marker into a decision diagram, and every comparison with another variable can double its size:
//! 22 pairs of them, `or`ed, took two minutes and 15 GB. So the size is estimated before the parser sees the marker.
//! <https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers>

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::iter::Peekable;
use std::sync::{Mutex, PoisonError};

/// Size of the diagram times comparisons, estimated from above. Markers of published packages stay below 1,000, those that
/// lockers write below 30,000; one at the limit takes some milliseconds.
const MOST_WORK: u64 = 500_000;
/// The limit for all different markers of a project together: the parser keeps every diagram that it has made.
const MOST_ALTOGETHER: u64 = 4_000_000;

/// The markers of this project that were looked at so far, and their work.
static LOOKED_AT: Mutex<Markers> = Mutex::new(Markers {
    known: BTreeSet::new(),
    work: 0,
});

struct Markers {
    /// Digests of their texts.
    known: BTreeSet<u64>,
    work: u64,
}

/// Another project begins.
pub(super) fn begin() {
    let mut markers = LOOKED_AT.lock().unwrap_or_else(PoisonError::into_inner);
    *markers = Markers {
        known: BTreeSet::new(),
        work: 0,
    };
}

/// Why the parser would need too long for a marker, or for a requirement with one. Its parentheses are known to be nested no
/// deeper than the parser goes.
pub(super) fn too_much(text: &str) -> Option<&'static str> {
    // One comparison is nothing, and most requirements have no more.
    if !text.contains("and") && !text.contains("or") {
        return None;
    }
    let marker = text.split_once(';').map_or(text, |(_, marker)| marker);
    let work = work(marker);
    if work > MOST_WORK {
        return Some("its marker combines too many conditions");
    }
    let mut digest = DefaultHasher::new();
    marker.hash(&mut digest);
    let mut markers = LOOKED_AT.lock().unwrap_or_else(PoisonError::into_inner);
    if markers.known.insert(digest.finish()) {
        markers.work += work;
    }
    (markers.work > MOST_ALTOGETHER).then_some("with it, the project's markers combine too many conditions")
}

fn work(marker: &str) -> u64 {
    let mut reader = Reader {
        tokens: Tokens { rest: marker }.peekable(),
        values: BTreeMap::new(),
        comparisons: 0,
    };
    let mut size: u64 = 1;
    // Text that goes on behind a complete marker is an error, which the parser reports.
    loop {
        size = size.saturating_mul(reader.any().size());
        if reader.tokens.next().is_none() {
            break;
        }
    }
    let size = size.min(reader.combinations());
    size.saturating_mul(reader.comparisons)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    And,
    Or,
    /// A quoted text.
    Text(&'a str),
    /// A variable, or an operator.
    Word(&'a str),
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.rest = self.rest.trim_start();
        let first = self.rest.chars().next()?;
        let is_end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\'');
        let length = match first {
            '(' | ')' => 1,
            '"' | '\'' => {
                let (inner, rest) = self.rest[1..].split_once(first).unwrap_or((&self.rest[1..], ""));
                self.rest = rest;
                return Some(Token::Text(inner));
            }
            _ => self.rest.find(is_end).unwrap_or(self.rest.len()),
        };
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(match word {
            "(" => Token::Open,
            ")" => Token::Close,
            "and" => Token::And,
            "or" => Token::Or,
            word => Token::Word(word),
        })
    }
}

/// How large the diagram of a part may be: each comparison of a chain adds to it, and any other part multiplies it.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// What joins it, where it is more than one comparison.
    by: Option<Token<'static>>,
    comparisons: u64,
    others: u64,
}

impl Part {
    const ONE: Self = Self {
        by: None,
        comparisons: 1,
        others: 1,
    };

    fn size(self) -> u64 {
        (self.comparisons + 1).saturating_mul(self.others)
    }

    fn join(self, by: Token<'static>, next: Self) -> Self {
        // As a part of a chain: one comparison more, a chain of the same kind, or something of another kind.
        let link = |part: Self| match part.by {
            None => (1, 1),
            Some(joined) if joined == by => (part.comparisons, part.others),
            Some(_) => (0, part.size()),
        };
        let ((mine, my_others), (new, new_others)) = (link(self), link(next));
        Self {
            by: Some(by),
            comparisons: mine + new,
            others: my_others.saturating_mul(new_others),
        }
    }
}

struct Reader<'a> {
    tokens: Peekable<Tokens<'a>>,
    /// The values that each variable is compared with. `extra`, which may have several of them at once, counts as a variable of its own
    /// for each.
    values: BTreeMap<(&'a str, &'a str), BTreeSet<&'a str>>,
    comparisons: u64,
}

impl Reader<'_> {
    /// Parts joined by `or`.
    fn any(&mut self) -> Part {
        let mut part = self.all();
        while self.tokens.next_if_eq(&Token::Or).is_some() {
            part = part.join(Token::Or, self.all());
        }
        part
    }

    /// Parts joined by `and`.
    fn all(&mut self) -> Part {
        let mut part = self.one();
        while self.tokens.next_if_eq(&Token::And).is_some() {
            part = part.join(Token::And, self.one());
        }
        part
    }

    /// A comparison, or parts in parentheses.
    fn one(&mut self) -> Part {
        if self.tokens.next_if_eq(&Token::Open).is_some() {
            let part = self.any();
            self.tokens.next_if_eq(&Token::Close);
            return part;
        }
        let (mut variable, mut value, mut is_membership) = ("", "", false);
        while let Some(token) = self
            .tokens
            .next_if(|token| matches!(token, Token::Text(_) | Token::Word(_)))
        {
            match token {
                Token::Text(text) => value = text,
                Token::Word("in") => is_membership = true,
                Token::Word(word) if word.starts_with(|c: char| c.is_ascii_alphabetic()) && word != "not" => {
                    // `os_name=='nt'` is written without blanks too.
                    let end = word.find(['=', '<', '>', '!', '~']).unwrap_or(word.len());
                    variable = &word[..end];
                }
                _ => {}
            }
        }
        self.comparisons += 1;
        let is_own = is_membership || variable == "extra" || variable.is_empty();
        let key = (variable, if is_own { value } else { "" });
        self.values.entry(key).or_default().insert(value);
        Part::ONE
    }

    /// How many combinations of what the variables may hold the marker tells apart.
    fn combinations(&self) -> u64 {
        self.values.iter().fold(1, |all, ((_, own), values)| {
            // Below, at and above each of the values; a variable of one value's own holds or does not.
            let apart = if own.is_empty() { 2 * values.len() as u64 + 1 } else { 2 };
            all.saturating_mul(apart)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_little(text: &str) -> bool {
        too_much(text).is_none()
    }

    fn joined(count: usize, with: &str, each: impl Fn(usize) -> String) -> String {
        (0..count).map(each).collect::<Vec<_>>().join(with)
    }

    #[test]
    fn what_people_and_lockers_write_is_little() {
        let machines = "python_version >= '3' and (platform_machine == 'aarch64' or (platform_machine == 'ppc64le' or \
            (platform_machine == 'x86_64' or (platform_machine == 'amd64' or (platform_machine == 'AMD64' or \
            (platform_machine == 'win32' or platform_machine == 'WIN32'))))))";
        let extras = joined(60, " or ", |n| format!("extra == 'extra-{n}'"));
        let by_platform = joined(12, " or ", |n| {
            format!(
                "(python_full_version < '3.{n}' and platform_machine == 'm{}' and sys_platform == 'p{}')",
                n % 4,
                n % 3
            )
        });
        for marker in ["os_name == 'nt'", "", machines, &extras, &by_platform] {
            assert!(is_little(marker), "{marker}");
            assert!(is_little(&format!("a[b]>=1 ; ({marker}) and extra == 'e'")), "{marker}");
        }
    }

    #[test]
    fn what_grows_with_each_pair_is_too_much() {
        let pairs = |with: &str, within: &str, comparison: &dyn Fn(&str, usize) -> String| {
            joined(22, with, |n| {
                format!("({}{within}{})", comparison("a", n), comparison("b", n))
            })
        };
        let extra = |name: &str, n: usize| format!("extra=='{name}{n}'");
        let membership = |name: &str, n: usize| format!("'{name}{n}' not in platform_version");
        let other_way_round = |name: &str, n: usize| format!("\"{name}{n}\" == extra");
        for marker in [
            pairs(" or ", " and ", &extra),
            pairs(" and ", " or ", &extra),
            pairs(" or ", " and ", &membership),
            pairs(" or ", " and ", &other_way_round),
        ] {
            assert!(!is_little(&marker), "{marker}");
            assert!(!is_little(&format!("a;{marker}")), "{marker}");
            assert!(!is_little(&format!("a @ http://b/c;d ; {marker}")), "{marker}");
        }
    }
}
