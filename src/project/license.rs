//! License expressions ([PEP 639](https://peps.python.org/pep-0639/)), normalised as setuptools does it.

/// [SPDX](https://spdx.org/licenses/) identifiers that are certainly known to setuptools; others are left to it, since the
/// list grows and every setuptools brings its own.
const LICENSES: [&str; 46] = [
    "0BSD",
    "AFL-3.0",
    "AGPL-3.0",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-2.0",
    "Artistic-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-2-Clause-Patent",
    "BSD-3-Clause",
    "BSD-3-Clause-Clear",
    "BSD-4-Clause",
    "BSL-1.0",
    "CC-BY-4.0",
    "CC-BY-NC-4.0",
    "CC-BY-SA-4.0",
    "CC0-1.0",
    "ECL-2.0",
    "EPL-1.0",
    "EPL-2.0",
    "EUPL-1.2",
    "GPL-2.0",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "HPND",
    "ISC",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "MS-PL",
    "NCSA",
    "PSF-2.0",
    "Python-2.0",
    "Unlicense",
    "WTFPL",
    "Zlib",
];

/// The same for exceptions, which follow `WITH`.
const EXCEPTIONS: [&str; 4] = [
    "Classpath-exception-2.0",
    "GCC-exception-3.1",
    "LLVM-exception",
    "Linux-syscall-note",
];

const REFERENCE: &str = "licenseref-";

/// The normal form of an expression that is certainly valid.
pub(crate) fn normalized(expression: &str) -> Option<String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let mut tokens = spaced.split_whitespace().peekable();
    let mut words = Vec::new();
    any_of(&mut tokens, &mut words, 0)?;
    if tokens.next().is_some() {
        return None;
    }
    Some(words.join(" ").replace("( ", "(").replace(" )", ")"))
}

type Tokens<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// Deeper nesting is left to setuptools.
const MAX_DEPTH: usize = 50;

/// `a AND b OR c`.
fn any_of(tokens: &mut Tokens<'_>, words: &mut Vec<String>, depth: usize) -> Option<()> {
    one(tokens, words, depth)?;
    while let Some(operator) = tokens.next_if(|token| is(token, "and") || is(token, "or")) {
        words.push(operator.to_uppercase());
        one(tokens, words, depth)?;
    }
    Some(())
}

/// `license`, `license WITH exception` or `(…)`.
fn one(tokens: &mut Tokens<'_>, words: &mut Vec<String>, depth: usize) -> Option<()> {
    let token = tokens.next().filter(|_| depth < MAX_DEPTH)?;
    if token == "(" {
        words.push(token.to_owned());
        any_of(tokens, words, depth + 1)?;
        words.push(tokens.next().filter(|token| *token == ")")?.to_owned());
        return Some(());
    }
    words.push(license(token)?);
    if tokens.next_if(|token| is(token, "with")).is_some() {
        let exception = tokens.next()?;
        words.push("WITH".to_owned());
        words.push(
            EXCEPTIONS
                .iter()
                .find(|known| is(known, exception))
                .map(ToString::to_string)?,
        );
    }
    Some(())
}

fn license(token: &str) -> Option<String> {
    let prefix = token.get(..REFERENCE.len()).filter(|prefix| is(prefix, REFERENCE));
    if prefix.is_some() {
        let name = &token[REFERENCE.len()..];
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        return (!name.is_empty() && name.chars().all(plain)).then(|| format!("LicenseRef-{name}"));
    }
    let (name, or_later) = token.strip_suffix('+').map_or((token, ""), |name| (name, "+"));
    let known = LICENSES.iter().find(|known| is(known, name))?;
    Some(format!("{known}{or_later}"))
}

fn is(token: &str, word: &str) -> bool {
    token.eq_ignore_ascii_case(word)
}

#[cfg(test)]
mod tests {
    use super::normalized;

    #[test]
    fn expressions_get_their_normal_form() {
        for (given, normal) in [
            ("mit", "MIT"),
            (
                " MIT and  (apache-2.0 Or BSD-2-clause)",
                "MIT AND (Apache-2.0 OR BSD-2-Clause)",
            ),
            (
                "GPL-2.0-only with classpath-exception-2.0",
                "GPL-2.0-only WITH Classpath-exception-2.0",
            ),
            ("gpl-3.0+", "GPL-3.0+"),
            ("licenseref-My-Own", "LicenseRef-My-Own"),
        ] {
            assert_eq!(normalized(given).as_deref(), Some(normal), "{given}");
        }
    }

    #[test]
    fn what_is_not_certain_is_left_to_setuptools() {
        for given in [
            "",
            "Proprietary",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT Apache-2.0",
            "()",
            "MIT WITH MIT",
            "(MIT) WITH LLVM-exception",
            "LicenseRef-",
            "LicenseRef-a+",
            "LicenseRef-ä",
        ] {
            assert_eq!(normalized(given), None, "{given}");
        }
    }
}
