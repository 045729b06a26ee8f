//! Which of many names a misspelt one was probably meant to be.

/// The one of `names` that is most like `name`, if it is like it at all: a mistake in four letters, and one more.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = 1 + name.len() / 4;
    let length = name.chars().count();
    names
        .into_iter()
        // Of many names that resemble nothing, the lengths say so at once.
        .filter(|other| other.len().abs_diff(length) <= most)
        .map(|other| (edit_distance(name, other), other))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, other)| other)
}

/// Levenshtein's distance, in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
