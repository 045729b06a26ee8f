//! `--fix`: what can be mended without a doubt. A line is exchanged only where it still is what was looked at.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::finding::{Finding, Fix, Place};
use crate::reading::{self, PROJECT_FILE};

/// The number of a line, what it was, and what it becomes.
type Change<'a> = (usize, &'a str, Option<&'a str>);

/// What was mended.
#[derive(Debug, Default)]
pub struct Mended {
    /// In words, one a change.
    pub done: Vec<String>,
    /// The places that were changed.
    places: Vec<(String, usize)>,
}

impl Mended {
    /// Whether a finding is mended.
    #[must_use]
    pub fn has(&self, finding: &Finding) -> bool {
        let place = match (&finding.fix, &finding.place) {
            (Some(Fix::EmptyFile(path)), _) => (path.clone(), 0),
            (
                Some(Fix::Line { .. }),
                Some(Place {
                    file, line: Some(line), ..
                }),
            ) => (file.clone(), *line),
            _ => return false,
        };
        self.places.contains(&place)
    }
}

/// Mends what can be mended of `findings`, in the project in `root`.
///
/// # Errors
/// A file cannot be written.
pub fn mend(root: &Path, findings: &[Finding]) -> io::Result<Mended> {
    let mut mended = Mended::default();
    let mut lines: BTreeMap<&str, Vec<Change<'_>>> = BTreeMap::new();
    for finding in findings {
        match (&finding.fix, &finding.place) {
            (Some(Fix::EmptyFile(path)), _) if is_inside(root, path) => {
                fs::File::create_new(root.join(path))?;
                mended.done.push(format!("{path}: made"));
                mended.places.push((path.clone(), 0));
            }
            (
                Some(Fix::Line { was, becomes }),
                Some(Place {
                    file, line: Some(line), ..
                }),
            ) => {
                lines.entry(file).or_default().push((*line, was, becomes.as_deref()));
            }
            _ => {}
        }
    }
    for (file, changes) in lines {
        if is_inside(root, file) {
            exchange(root, file, &changes, &mut mended)?;
        }
    }
    Ok(mended)
}

/// Whether a file is the project's own, as far as links go.
fn is_inside(root: &Path, path: &str) -> bool {
    let named = root.join(path);
    let (Some(Ok(above)), Ok(root)) = (named.parent().map(Path::canonicalize), root.canonicalize()) else {
        return false;
    };
    !named.is_symlink() && above.starts_with(root)
}

fn exchange(root: &Path, file: &str, changes: &[Change<'_>], mended: &mut Mended) -> io::Result<()> {
    let path = root.join(file);
    let text = reading::text(&path, PROJECT_FILE)?;
    let mut lines: Vec<Option<String>> = text.split_inclusive('\n').map(|line| Some(line.to_owned())).collect();
    let before = mended.done.len();
    for (line, was, becomes) in changes {
        let Some(Some(there)) = lines.get(line - 1).cloned() else {
            continue;
        };
        let bare = there.trim_end_matches(['\n', '\r']);
        if bare != *was {
            continue;
        }
        let end = &there[bare.len()..];
        lines[line - 1] = becomes.map(|becomes| format!("{becomes}{end}"));
        mended
            .done
            .push(format!("{file}:{line}: {}", becomes.unwrap_or("taken out").trim()));
        mended.places.push((file.to_owned(), *line));
    }
    if mended.done.len() > before {
        // In place by one rename: a file that is half written would be worse than what was found.
        let directory = path.parent().unwrap_or(root);
        let mut written = tempfile::NamedTempFile::new_in(directory)?;
        written.write_all(lines.into_iter().flatten().collect::<String>().as_bytes())?;
        fs::set_permissions(written.path(), fs::metadata(&path)?.permissions())?;
        written.persist(&path).map_err(|error| error.error)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::rule::Rule;

    #[test]
    fn lines_are_exchanged_where_they_are_what_they_were() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("Dockerfile"), "FROM a\r\nENTRYPOINT b\r\nCMD c").unwrap();
        let change = |line, was: &str, becomes: Option<&str>| Finding {
            fix: Some(Fix::Line {
                was: was.to_owned(),
                becomes: becomes.map(str::to_owned),
            }),
            ..Finding::new(Rule::ShellEntryPoint, "", "").at(Place::line("Dockerfile", line))
        };
        let done = mend(
            root.path(),
            &[
                change(2, "ENTRYPOINT b", Some("ENTRYPOINT [\"b\"]")),
                change(3, "other", None),
                change(1, "FROM a", None),
            ],
        );
        let mended = done.unwrap();
        assert_eq!(mended.done.len(), 2);
        assert_eq!(
            fs::read_to_string(root.path().join("Dockerfile")).unwrap(),
            "ENTRYPOINT [\"b\"]\r\nCMD c"
        );
    }

    #[test]
    fn nothing_out_of_the_project_is_written() {
        let root = tempfile::tempdir().unwrap();
        let finding = Finding {
            fix: Some(Fix::EmptyFile("../outside/__init__.py".to_owned())),
            ..Finding::new(Rule::FunctionNotPacked, "", "")
        };
        let mended = mend(root.path(), std::slice::from_ref(&finding)).unwrap();
        assert!(mended.done.is_empty() && !mended.has(&finding));
    }
}
