//! Thousands of files in a few lines: directories stand for what is in them, those with most in them are opened first.

use super::FileChange;

/// So small a part of the rows tells too little.
const FEW: usize = 4;

/// What differs at a path, or below a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Absolute; a directory's ends with `/`.
    pub path: String,
    /// Files that only the second image has.
    pub added: usize,
    /// Files that only the first image has.
    pub removed: usize,
    /// Files of both that are not the same.
    pub changed: usize,
    /// How many bytes there are in the first image.
    pub before: u64,
    /// How many bytes there are in the second.
    pub after: u64,
}

/// A part of the files' tree: what is below a directory.
struct Part<'a> {
    /// How many bytes of each path are this directory's, its `/` included.
    depth: usize,
    files: &'a [FileChange],
    /// What is in it would be too many rows.
    stays_closed: bool,
}

/// `files`, which are sorted by path, in at most `most` rows, or a few more where one directory has so many.
#[must_use]
pub fn summary(files: &[FileChange], most: usize) -> Vec<Row> {
    let mut parts = vec![Part {
        depth: 1,
        files,
        stays_closed: false,
    }];
    while let Some(at) = largest(&parts) {
        let opened = parts[at].opened();
        if parts.len() - 1 + opened.len() > most {
            // Smaller ones are opened only while there is little to see: beside a closed larger one they would mislead.
            if parts.len() > most / FEW {
                break;
            }
            parts[at].stays_closed = true;
        } else {
            parts.splice(at..=at, opened);
        }
    }
    parts
        .iter()
        .filter(|part| !part.files.is_empty())
        .map(Part::row)
        .collect()
}

/// The directory with the most in it.
fn largest(parts: &[Part<'_>]) -> Option<usize> {
    let is_to_be_opened = |part: &Part<'_>| part.files.len() > 1 && !part.stays_closed;
    let directories = parts.iter().enumerate().filter(|(_, part)| is_to_be_opened(part));
    directories
        .max_by_key(|(at, part)| (part.files.len(), std::cmp::Reverse(*at)))
        .map(|(at, _)| at)
}

impl<'a> Part<'a> {
    /// What is in it: directories and files.
    fn opened(&self) -> Vec<Part<'a>> {
        let mut parts: Vec<Part<'a>> = Vec::new();
        let mut rest = self.files;
        while let Some(first) = rest.first() {
            let end = first.path[self.depth..].find('/').map(|end| self.depth + end + 1);
            let count = match end {
                Some(end) => rest
                    .iter()
                    .take_while(|file| file.path.starts_with(&first.path[..end]))
                    .count(),
                None => 1,
            };
            let (files, others) = rest.split_at(count);
            parts.push(Part {
                depth: end.unwrap_or(first.path.len()),
                files,
                stays_closed: false,
            });
            rest = others;
        }
        parts
    }

    fn row(&self) -> Row {
        let path = match self.files {
            [only] => only.path.clone(),
            files => files
                .first()
                .map_or_else(String::new, |file| file.path[..self.depth].to_owned()),
        };
        let mut row = Row {
            path,
            added: 0,
            removed: 0,
            changed: 0,
            before: 0,
            after: 0,
        };
        for file in self.files {
            match (&file.a, &file.b) {
                (None, _) => row.added += 1,
                (_, None) => row.removed += 1,
                _ => row.changed += 1,
            }
            row.before += file.a.as_ref().map_or(0, |file| file.size);
            row.after += file.b.as_ref().map_or(0, |file| file.size);
        }
        row
    }
}
