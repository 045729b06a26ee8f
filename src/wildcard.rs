//! The two wildcard languages of setuptools, matched in time proportional to pattern times text.

/// A compiled wildcard pattern.
///
/// Python's `fnmatch` and the patterns of `MANIFEST.in` look alike and differ in three ways: whether `*` crosses `/`,
/// whether `**` means "any directories", and whether `[a-z]` is a range. Hence one type with two constructors.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Vec<Token>);

#[derive(Debug, Clone)]
enum Token {
    Literal(char),
    /// `?`
    One {
        slash: bool,
    },
    /// `*`
    Many {
        slash: bool,
    },
    /// `[…]`
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// `**/`: any number of whole directory names.
    Directories,
}

impl Pattern {
    /// A pattern as Python's `fnmatch.translate` reads it: `*` and `?` match `/` too, `[a-z]` is a range.
    pub(crate) fn fnmatch(pattern: &str) -> Self {
        let chars: Vec<char> = pattern.chars().collect();
        let mut tokens = Vec::new();
        tokenize(&chars, true, &mut tokens);
        Self(tokens)
    }

    /// A pattern as setuptools' `egg_info.translate_pattern` reads it for `exclude`, `prune` and the `global-` commands:
    /// `*` and `?` stop at `/`, a component `**` is any number of directories (at the end: anything), and a dash in
    /// `[a-z]` is just one more character.
    pub(crate) fn manifest(pattern: &str) -> Self {
        let components: Vec<&str> = pattern.split('/').collect();
        let mut tokens = Vec::new();
        for (index, component) in components.iter().enumerate() {
            let last = index + 1 == components.len();
            match (*component == "**", last) {
                (true, true) => push(&mut tokens, Token::Many { slash: true }),
                (true, false) => push(&mut tokens, Token::Directories),
                (false, _) => {
                    let chars: Vec<char> = component.chars().collect();
                    tokenize(&chars, false, &mut tokens);
                    if !last {
                        tokens.push(Token::Literal('/'));
                    }
                }
            }
        }
        Self(tokens)
    }

    /// Whether the whole of `text` matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        // `reached[i]`: the tokens so far can consume exactly the first `i` characters.
        let mut reached = vec![false; chars.len() + 1];
        reached[0] = true;
        for token in &self.0 {
            reached = advance(token, &chars, &reached);
            if !reached.contains(&true) {
                return false;
            }
        }
        reached[chars.len()]
    }
}

/// Whether `text` contains a character that makes it a pattern rather than a name.
pub(crate) fn has_magic(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Once through the text, however many positions were reached: a pattern may be all stars.
fn advance(token: &Token, chars: &[char], reached: &[bool]) -> Vec<bool> {
    match token {
        Token::Many { slash } => {
            let mut next = reached.to_vec();
            for (position, c) in chars.iter().enumerate() {
                next[position + 1] |= next[position] && (*slash || *c != '/');
            }
            next
        }
        Token::Directories => {
            let mut next = reached.to_vec();
            // Whether a directory's name that begins somewhere before reaches to here.
            let mut inside = false;
            for (position, c) in chars.iter().enumerate() {
                if *c == '/' {
                    next[position + 1] |= inside;
                    inside = false;
                } else {
                    inside |= next[position];
                }
            }
            next
        }
        one => {
            let mut next = vec![false; reached.len()];
            for (position, c) in chars.iter().enumerate() {
                next[position + 1] = reached[position] && matches_one(one, *c);
            }
            next
        }
    }
}

fn matches_one(token: &Token, c: char) -> bool {
    match token {
        Token::Literal(literal) => *literal == c,
        Token::One { slash } => *slash || c != '/',
        Token::Set { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
        Token::Many { .. } | Token::Directories => false,
    }
}

/// Appends a token; one that stands for any number of characters says the same when it is repeated, and would cost as much again.
fn push(tokens: &mut Vec<Token>, token: Token) {
    let is_repeated = match (tokens.last(), &token) {
        (Some(Token::Many { slash: before }), Token::Many { slash }) => before == slash,
        (Some(Token::Directories), Token::Directories) => true,
        _ => false,
    };
    if !is_repeated {
        tokens.push(token);
    }
}

/// Appends the tokens of `chars`; `fnmatch` decides what `*`, `?` and a dash in brackets mean.
fn tokenize(chars: &[char], fnmatch: bool, tokens: &mut Vec<Token>) {
    // Whoever looked for it from every bracket would go through what nobody closes as often as there are brackets.
    let last_closing = chars.iter().rposition(|c| *c == ']').unwrap_or_default();
    let mut index = 0;
    while let Some(c) = chars.get(index) {
        index += 1;
        match c {
            '*' => push(tokens, Token::Many { slash: fnmatch }),
            '?' => tokens.push(Token::One { slash: fnmatch }),
            '[' if index > last_closing => tokens.push(Token::Literal('[')),
            '[' => match closing_bracket(chars, index) {
                // An unclosed bracket is an ordinary character, in both languages.
                None => tokens.push(Token::Literal('[')),
                Some(end) => {
                    tokens.push(set(&chars[index..end], fnmatch));
                    index = end + 1;
                }
            },
            other => tokens.push(Token::Literal(*other)),
        }
    }
}

/// The index of the `]` that closes the bracket whose inside begins at `start`; a `]` right after `[` or `[!` is a member.
fn closing_bracket(chars: &[char], start: usize) -> Option<usize> {
    let mut index = start;
    if chars.get(index) == Some(&'!') {
        index += 1;
    }
    if chars.get(index) == Some(&']') {
        index += 1;
    }
    (index..chars.len()).find(|at| chars[*at] == ']')
}

fn set(inside: &[char], with_ranges: bool) -> Token {
    let (negated, members) = match inside.split_first() {
        Some(('!', rest)) => (true, rest),
        _ => (false, inside),
    };
    let mut ranges = Vec::new();
    let mut index = 0;
    while index < members.len() {
        let low = members[index];
        let is_range = with_ranges && members.get(index + 1) == Some(&'-') && index + 2 < members.len();
        if is_range {
            // A range the wrong way round contains nothing, as in Python.
            ranges.push((low, members[index + 2]));
            index += 3;
        } else {
            ranges.push((low, low));
            index += 1;
        }
    }
    Token::Set { negated, ranges }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn manifest(pattern: &str, text: &str) -> bool {
        Pattern::manifest(pattern).matches(text)
    }

    fn fnmatch(pattern: &str, text: &str) -> bool {
        Pattern::fnmatch(pattern).matches(text)
    }

    #[test]
    fn a_star_in_the_manifest_stops_at_a_slash() {
        assert!(manifest("*.py", "a.py"));
        assert!(!manifest("*.py", "pkg/a.py"));
        assert!(manifest("pkg/*/a?.txt", "pkg/sub/ab.txt"));
        assert!(!manifest("pkg/*", "pkg/sub/a"));
        assert!(!manifest("pkg/*", "pkg"));
    }

    #[test]
    fn two_stars_are_any_directories() {
        assert!(manifest("**/*.pyc", "a.pyc"));
        assert!(manifest("**/*.pyc", "a/b/c.pyc"));
        assert!(manifest("docs/**", "docs/a/b"));
        assert!(!manifest("docs/**", "docs2/a"));
        assert!(manifest("a/**/z", "a/z"));
        assert!(manifest("a/**/z", "a/b/c/z"));
        assert!(!manifest("a/**/z", "a/bz"));
        // Only a whole component is special.
        assert!(!manifest("a**z", "a/z"));
    }

    #[test]
    fn brackets_differ_between_the_two_languages() {
        assert!(manifest("*.py[cod]", "a.pyo"));
        assert!(!manifest("[a-c]", "b"));
        assert!(manifest("[a-c]", "-"));
        assert!(fnmatch("[a-c]", "b"));
        assert!(!fnmatch("[a-c]", "-"));
        assert!(fnmatch("[a-]", "-"));
        assert!(fnmatch("[!a-c]x", "dx"));
        assert!(!fnmatch("[c-a]", "b"));
        assert!(fnmatch("[]x]", "]"));
        assert!(fnmatch("[abc", "[abc"));
        assert!(manifest("[abc", "[abc"));
        assert!(manifest("[!a]", "b"));
    }

    #[test]
    fn fnmatch_matches_names_of_packages() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("a.*", "a.b.c", true),
            ("a.*", "a", false),
            ("*tests*", "x.tests.y", true),
            ("[._]*", "_x", true),
            ("[!a]b", "cb", true),
            ("[!a]b", "ab", false),
            ("[]a]", "]", true),
            ("[a-c]?", "bz", true),
            ("[ab", "[ab", true),
            ("{a,b}", "a", false),
        ] {
            assert_eq!(fnmatch(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn fnmatch_crosses_slashes() {
        assert!(fnmatch("pkg/*.txt", "pkg/a/b.txt"));
        assert!(fnmatch("LICEN[CS]E*", "LICENSE.md"));
        assert!(!fnmatch("LICEN[CS]E*", "license"));
    }

    #[test]
    fn many_stars_do_not_explode() {
        let text = "a".repeat(400);
        assert!(!fnmatch(&"*a".repeat(60), &format!("{text}b")));
    }

    #[test]
    fn what_is_repeated_in_a_pattern_takes_no_time() {
        let begun = std::time::Instant::now();
        let text = "a".repeat(4_000);
        for pattern in ["*", "**/", "["].map(|piece| piece.repeat(1_000_000)) {
            let patterns = [Pattern::fnmatch(&pattern), Pattern::manifest(&pattern)];
            for _ in 0..50 {
                let matched = patterns.each_ref().map(|pattern| pattern.matches(&text));
                assert_eq!(matched[0], pattern.starts_with("**********"));
            }
        }
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(20),
            "{:?}",
            begun.elapsed()
        );
        for pattern in ["a[", "[]", "a[]b", "x][", "[[]"] {
            let wanted = pattern.replace("[[]", "[");
            assert!(fnmatch(pattern, &wanted) && manifest(pattern, &wanted), "{pattern}");
        }
        assert!(manifest("**/**/a", "a") && manifest("**/**/a", "x/y/a"));
    }
}
