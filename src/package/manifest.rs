//! `MANIFEST.in`: its lines, and what each does to the set of files
//! (<https://setuptools.pypa.io/en/latest/userguide/miscellaneous.html#using-manifest-in>).

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::globs::Dialect;
use super::paths::{inside, join, pure};
use super::tree::{Kind, Tree};
use crate::progress::Progress;
use crate::wildcard::Pattern;

/// The file's name.
pub(crate) const TEMPLATE: &str = "MANIFEST.in";

/// The root, as MANIFEST.in names it. What a pattern below it finds keeps a `./` in front, which only a pattern that begins
/// so too matches: `prune .` leaves out what `recursive-include .` brought, and nothing else.
const HERE: &str = ".";
const BELOW_HERE: &str = "./";

/// A line, continuation lines joined.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    /// The number of its last physical line, from 1.
    number: usize,
    text: String,
}

/// What a line says. Its patterns are in the form that setuptools' `convert_path` gives them ([`pure`]).
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Include(Vec<String>),
    Exclude(Vec<String>),
    GlobalInclude(Vec<String>),
    GlobalExclude(Vec<String>),
    RecursiveInclude(String, Vec<String>),
    RecursiveExclude(String, Vec<String>),
    Graft(String),
    Prune(String),
}

/// Applies `MANIFEST.in`'s `bytes` to `files`, in order. Lines that mean nothing are warned of and passed over, as setuptools
/// does it; an exclusion that excludes nothing is mere detail. Returns the files that
/// setuptools lists with a `./` in front, as a pattern that begins so brought them, and whether it lists them without one as well.
pub(crate) fn apply(
    bytes: &[u8],
    tree: &Tree,
    files: &mut BTreeSet<String>,
    progress: &dyn Progress,
) -> Result<BTreeMap<String, bool>, Error> {
    for line in lines(text_of(bytes, tree)?) {
        match parse(&line.text) {
            Ok(command) => Applying {
                number: line.number,
                tree,
                files,
                progress,
            }
            .command(&command)?,
            Err(reason) => progress.warn(&format!("{TEMPLATE}:{}: {reason}; the line is ignored", line.number)),
        }
    }
    let dotted = files.iter().filter_map(|path| path.strip_prefix(BELOW_HERE));
    let below_here: BTreeMap<String, bool> = dotted.map(|path| (path.to_owned(), files.contains(path))).collect();
    files.retain(|path| !path.starts_with(BELOW_HERE));
    files.extend(below_here.keys().cloned());
    Ok(below_here)
}

fn text_of<'a>(bytes: &'a [u8], tree: &Tree) -> Result<&'a str, Error> {
    std::str::from_utf8(bytes).map_err(|error| Error::ManifestText {
        path: tree.absolute(TEMPLATE),
        line: bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count(),
    })
}

/// The logical lines: comments stripped (`\#` is a number sign), `\` at a line's end joins the next, blank ones dropped.
fn lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut pending = String::new();
    let mut last = 0;
    for (index, physical) in text.lines().enumerate() {
        last = index + 1;
        let Some(content) = without_comment(physical) else {
            continue;
        };
        // The parts of a continued line are joined as they come: there may be very many.
        pending.push_str(content.trim_start());
        pending.truncate(pending.trim_end().len());
        if pending.ends_with('\\') {
            pending.pop();
        } else if !pending.is_empty() {
            lines.push(Line {
                number: last,
                text: std::mem::take(&mut pending).trim_start().to_owned(),
            });
        }
    }
    if !pending.trim().is_empty() {
        lines.push(Line {
            number: last,
            text: pending,
        });
    }
    lines
}

/// `line` without its comment; `None` if nothing else is on it.
fn without_comment(line: &str) -> Option<String> {
    let Some(position) = line.find('#') else {
        return Some(line.to_owned());
    };
    if line[..position].ends_with('\\') {
        return Some(line.replace("\\#", "#"));
    }
    let content = &line[..position];
    (!content.trim().is_empty()).then(|| content.to_owned())
}

fn parse(line: &str) -> Result<Command, String> {
    let mut words = line.split_whitespace();
    let action = words.next().unwrap_or_default();
    let words: Vec<String> = words.map(pure).collect();
    match (action, words.as_slice()) {
        ("include", [_, ..]) => Ok(Command::Include(words)),
        ("exclude", [_, ..]) => Ok(Command::Exclude(words)),
        ("global-include", [_, ..]) => Ok(Command::GlobalInclude(words)),
        ("global-exclude", [_, ..]) => Ok(Command::GlobalExclude(words)),
        ("recursive-include", [dir, patterns @ ..]) if !patterns.is_empty() => {
            Ok(Command::RecursiveInclude(dir.clone(), patterns.to_vec()))
        }
        ("recursive-exclude", [dir, patterns @ ..]) if !patterns.is_empty() => {
            Ok(Command::RecursiveExclude(dir.clone(), patterns.to_vec()))
        }
        ("graft", [dir]) => Ok(Command::Graft(dir.clone())),
        ("prune", [dir]) => Ok(Command::Prune(dir.clone())),
        ("include" | "exclude" | "global-include" | "global-exclude", _) => {
            Err(format!("`{action}` expects one or more patterns"))
        }
        ("recursive-include" | "recursive-exclude", _) => {
            Err(format!("`{action}` expects a directory and one or more patterns"))
        }
        ("graft" | "prune", _) => Err(format!("`{action}` expects a single directory")),
        _ => Err(format!("unknown command `{action}`")),
    }
}

/// What a line works on while it is carried out.
struct Applying<'a> {
    number: usize,
    tree: &'a Tree,
    files: &'a mut BTreeSet<String>,
    progress: &'a dyn Progress,
}

impl Applying<'_> {
    fn command(&mut self, command: &Command) -> Result<(), Error> {
        match command {
            Command::Include(patterns) => {
                for pattern in patterns {
                    let found = self.expand(pattern, false)?;
                    self.include(found, pattern, "")?;
                }
            }
            Command::RecursiveInclude(dir, patterns) => {
                for pattern in patterns {
                    let mut found = self.expand(&join(&join(dir, "**"), pattern), true)?;
                    if dir == HERE {
                        for path in &mut found {
                            path.insert_str(0, BELOW_HERE);
                        }
                    }
                    self.include(found, pattern, &format!(" below `{dir}`"))?;
                }
            }
            Command::GlobalInclude(patterns) => {
                let all = self.tree.walk("")?;
                for pattern in patterns {
                    let matcher = Pattern::manifest(&join("**", pattern));
                    let found = all.iter().filter(|file| matcher.matches(file)).cloned().collect();
                    self.include(found, pattern, " anywhere")?;
                }
            }
            Command::Graft(dir) => {
                let mut found = Vec::new();
                for start in self.expand_directories(dir)? {
                    found.extend(self.tree.walk(&start)?);
                }
                self.include(found, dir, " (a directory with files in it)")?;
            }
            Command::Exclude(patterns) => patterns.iter().for_each(|pattern| self.exclude(pattern)),
            Command::GlobalExclude(patterns) => {
                for pattern in patterns {
                    self.exclude(&join("**", pattern));
                }
            }
            Command::RecursiveExclude(dir, patterns) => {
                for pattern in patterns {
                    self.exclude(&join(&join(dir, "**"), pattern));
                }
            }
            Command::Prune(dir) => self.exclude(&join(dir, "**")),
        }
        Ok(())
    }

    fn expand(&self, pattern: &str, recursive: bool) -> Result<Vec<String>, Error> {
        if inside(pattern).is_none() {
            return Err(Error::OutsideProject {
                path: pattern.to_owned(),
                declared_in: format!("{TEMPLATE}:{}", self.number),
            });
        }
        self.tree.expand(pattern, Dialect::Setuptools, recursive)
    }

    /// The directories that `graft` names; `graft .` is the root.
    fn expand_directories(&self, dir: &str) -> Result<Vec<String>, Error> {
        if dir == HERE {
            return Ok(vec![String::new()]);
        }
        self.expand(dir, false)
    }

    fn include(&mut self, found: Vec<String>, pattern: &str, place: &str) -> Result<(), Error> {
        let mut any = false;
        for path in found {
            if self.tree.kind(&path)? != Kind::Directory {
                any = true;
                self.files.insert(path);
            }
        }
        if !any {
            self.progress.warn(&format!(
                "{TEMPLATE}:{}: nothing matches `{pattern}`{place}",
                self.number
            ));
        }
        Ok(())
    }

    fn exclude(&mut self, pattern: &str) {
        let matcher = Pattern::manifest(pattern);
        let before = self.files.len();
        self.files.retain(|file| !matcher.matches(file));
        if self.files.len() == before {
            self.progress.detail(&format!(
                "{TEMPLATE}:{}: nothing to leave out matches `{pattern}`",
                self.number
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        lines(text).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn comments_blank_lines_and_continuations() {
        assert_eq!(
            texts("# all\n\ninclude a # b\n  include\tc \n"),
            ["include a", "include\tc"]
        );
        assert_eq!(texts("include a \\\n   b \\\n# between\nc\n"), ["include a b c"]);
        assert_eq!(texts("include \\#a\n"), ["include #a"]);
        assert_eq!(texts("include a \\\n"), ["include a "]);
        assert_eq!(texts("include a\r\nprune b\r\n"), ["include a", "prune b"]);
        assert_eq!(lines("\n\nfoo\n")[0].number, 3);
    }

    #[test]
    fn commands_need_their_words() {
        assert_eq!(
            parse("include ./a// b/"),
            Ok(Command::Include(vec!["a".into(), "b".into()]))
        );
        assert_eq!(parse("graft ./"), Ok(Command::Graft(".".into())));
        assert_eq!(
            parse("recursive-include d"),
            Err("`recursive-include` expects a directory and one or more patterns".into())
        );
        assert_eq!(parse("graft a b"), Err("`graft` expects a single directory".into()));
        assert_eq!(parse("include"), Err("`include` expects one or more patterns".into()));
        assert_eq!(parse("inklude x"), Err("unknown command `inklude`".into()));
    }

    #[test]
    fn a_manifest_that_is_not_text_is_refused_with_its_line() {
        let tree = Tree::new(std::path::Path::new("/p"), |_| false);
        let error = text_of(b"include a\ninclude \xff\n", &tree).unwrap_err();
        assert_eq!(error.to_string(), "/p/MANIFEST.in:2: not UTF-8 text");
    }
}
