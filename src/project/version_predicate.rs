//! The items of `requires`, `provides` and `obsoletes`, as distutils has them: `module`, or `module (>=1.0, <2)`.
//! <https://peps.python.org/pep-0314/#requires-multiple-use>

/// Whether distutils certainly accepts an item of `requires` or `obsoletes`.
pub(crate) fn is_predicate(item: &str) -> bool {
    let (name, rest) = split(item);
    let conditions = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    is_module(name) && (rest.is_empty() || conditions.is_some_and(|all| all.split(',').all(is_condition)))
}

/// Whether distutils certainly accepts an item of `provides`.
pub(crate) fn is_provision(item: &str) -> bool {
    let (name, rest) = split(item);
    let version = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    is_module(name) && (rest.is_empty() || version.is_some_and(|version| is_version(version.trim())))
}

/// The name and what follows it.
fn split(item: &str) -> (&str, &str) {
    let item = item.trim();
    let end = item.find(|c: char| c == '(' || c.is_ascii_whitespace());
    let (name, rest) = item.split_at(end.unwrap_or(item.len()));
    (name, rest.trim())
}

fn is_module(name: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    let part = |part: &str| part.starts_with(starts) && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    name.split('.').all(part)
}

fn is_condition(condition: &str) -> bool {
    let condition = condition.trim();
    let operators = ["<=", ">=", "!=", "==", "<", ">"];
    let version = operators.iter().find_map(|operator| condition.strip_prefix(operator));
    version.is_some_and(|version| is_version(version.trim()))
}

/// `1.0`, `1.0.2`, `1.0a1`, `1.0.2b3`.
fn is_version(version: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.len() < 10 && text.bytes().all(|b| b.is_ascii_digit());
    let (release, pre) = version
        .split_once(['a', 'b'])
        .map_or((version, None), |(r, n)| (r, Some(n)));
    let parts: Vec<&str> = release.split('.').collect();
    matches!(parts.len(), 2 | 3) && parts.into_iter().all(number) && pre.is_none_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_as_distutils_has_them() {
        for item in ["numpy", " a.b_1 ", "a (>=1.0, <2.0.1)", "a(==1.0a2)"] {
            assert!(is_predicate(item), "{item}");
        }
        for item in [
            "",
            "scikit-learn",
            "a>=1",
            "a (1.0)",
            "a (>=1)",
            "a ()",
            "1a",
            "a (>=1.0) b",
        ] {
            assert!(!is_predicate(item), "{item}");
        }
        assert!(is_provision("a") && is_provision("a.b ( 1.2 )") && is_provision("a(1.2b1)"));
        assert!(!is_provision("a-b") && !is_provision("a (>=1.0)") && !is_provision("a (1)"));
    }
}
