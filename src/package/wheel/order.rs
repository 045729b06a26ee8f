//! The order of a wheel's members, which is wheel's own: a directory's files before the directories in it, each by name, and what
//! lies in the `.dist-info` itself at the end, so that it can be changed without writing all again.

use std::cmp::Ordering;

/// The order of the members `a` and `b`.
pub(super) fn order(a: &str, b: &str) -> Ordering {
    let is_last = |path: &str| {
        path.rsplit_once('/')
            .is_some_and(|(dir, _)| dir.ends_with(".dist-info"))
    };
    is_last(a).cmp(&is_last(b)).then_with(|| walked(a, b))
}

/// As `os.walk` comes to them.
fn walked(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.split_once('/'), b.split_once('/')) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some((first, rest)), Some((second, others))) => match first.cmp(second) {
                Ordering::Equal => (a, b) = (rest, others),
                unequal => return unequal,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_wheel_writes_them() {
        let written = [
            "z.py",
            "a/z.py",
            "a/b/a.py",
            "a-1.dist-info/licenses/LICENSE",
            "a.b/c.py",
            "a-1.dist-info/METADATA",
            "a-1.dist-info/WHEEL",
        ];
        let mut sorted = written;
        sorted.reverse();
        sorted.sort_by(|a, b| order(a, b));
        assert_eq!(
            sorted,
            [
                "z.py",
                "a/z.py",
                "a/b/a.py",
                "a-1.dist-info/licenses/LICENSE",
                "a.b/c.py",
                "a-1.dist-info/METADATA",
                "a-1.dist-info/WHEEL",
            ]
        );
    }
}
