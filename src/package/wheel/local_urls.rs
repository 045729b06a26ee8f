//! `METADATA` without directories of this machine.

use std::borrow::Cow;

const FIELD: &str = "Requires-Dist:";

/// `metadata` with each requirement `name @ file:…` as `name`: where the project's directory was when the wheel was built, or that of a
/// copy, means nothing where it is installed, and would make other bytes of it in every directory. The package of that name is
/// installed beside it.
pub(super) fn without(metadata: &str) -> Cow<'_, str> {
    let end = metadata.find("\n\n").unwrap_or(metadata.len());
    let (headers, description) = metadata.split_at(end);
    let has_local = |line: &str| line.starts_with(FIELD) && local(line).is_some();
    if !headers.lines().any(has_local) {
        return Cow::Borrowed(metadata);
    }
    let shortened = headers.split('\n').map(|line| match local(line) {
        Some(shorter) if line.starts_with(FIELD) => shorter,
        _ => line.to_owned(),
    });
    let headers: Vec<String> = shortened.collect();
    Cow::Owned(format!("{}{description}", headers.join("\n")))
}

/// The requirement in `line` without its URL, if that is of this machine.
fn local(line: &str) -> Option<String> {
    let (name, url) = line.split_once('@')?;
    let url = url.trim_start();
    let is_local = url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"));
    let marker = url
        .split_once(" ;")
        .map_or_else(String::new, |(_, marker)| format!(" ;{marker}"));
    is_local.then(|| format!("{}{marker}", name.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_directories_of_this_machine_are_left_out() {
        let metadata = "Name: a\nRequires-Dist: common[x] @ file:///srv/a;b/common\nRequires-Dist: b@FILE:///b ; extra == \"c\"\n\
                        Requires-Dist: d @ https://h/d.zip\nSummary: e @ file:///e\n\nRequires-Dist: f @ file:///f\n";
        let expected = "Name: a\nRequires-Dist: common[x]\nRequires-Dist: b ; extra == \"c\"\n\
                        Requires-Dist: d @ https://h/d.zip\nSummary: e @ file:///e\n\nRequires-Dist: f @ file:///f\n";
        assert_eq!(without(metadata), expected);
        assert!(matches!(without(expected), Cow::Borrowed(_)));
    }
}
