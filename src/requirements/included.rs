//! A requirements file and those that it includes, as one: the build's context does not hold the project's directories.

use std::path::{Component, Path, PathBuf};

use pep508_rs::{MarkerTree, PackageName};

use super::local::{Local, Target};
use super::requirements_txt::{Entry, Kind, Wrong, is_remote, parse};
use super::text::decode;
use super::{Error, Format, Given, Line, Name, Named, Place, Requirements, What, direct_reference, own_name, pep508};
use crate::progress::Progress;
use crate::project::{Project, border};
use crate::reading::{self, PROJECT_FILE};

/// More files than anybody includes: a file may include another twice, which includes a third twice, and so on.
const MOST_FILES: usize = 1000;

/// The endings by which pip takes a name for a file. Source: <https://packaging.python.org/en/latest/specifications/source-distribution-format/>
/// and pip's older formats.
const ARCHIVES: [&str; 10] = [
    ".whl",
    ".zip",
    ".tar.gz",
    ".tgz",
    ".tar",
    ".tar.bz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".tar.lzma",
];

/// Reads the requirements file of `project` that is `named`, and all that it includes.
pub(super) fn read(project: &Project, named: Named<'_>, progress: &dyn Progress) -> Result<Requirements, Error> {
    let file = named.file;
    let mut reader = Reader {
        project,
        named,
        own: own_name(project),
        progress,
        open: Vec::new(),
        files: 0,
        found: Requirements::new(file, Format::RequirementsTxt),
    };
    reader.file(file, Purpose::Requirements, None)?;
    Ok(reader.found)
}

/// What the requirements of a file are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// They are installed (`-r`).
    Requirements,
    /// They limit the versions of what is installed (`-c`).
    Constraints,
}

struct Reader<'a> {
    project: &'a Project,
    named: Named<'a>,
    own: Option<PackageName>,
    progress: &'a dyn Progress,
    /// The files that are being read, from the first to the innermost.
    open: Vec<PathBuf>,
    files: usize,
    found: Requirements,
}

impl Reader<'_> {
    /// Reads one file, named relative to the project.
    fn file(&mut self, name: &str, purpose: Purpose, included_at: Option<&Place>) -> Result<(), Error> {
        self.refuse_outside(name, included_at)?;
        let path = self.project.root.join(name);
        let unreadable = |source| Error::Unreadable {
            file: name.to_owned(),
            included_at: included_at.cloned(),
            source,
        };
        let bytes = reading::bytes(&path, PROJECT_FILE).map_err(unreadable)?;
        let real = path.canonicalize().map_err(unreadable)?;
        if let Some(place) = included_at.filter(|_| self.open.contains(&real)) {
            return Err(Error::Cycle {
                place: place.clone(),
                file: name.to_owned(),
            });
        }
        self.files += 1;
        if self.files > MOST_FILES {
            return Err(Error::TooManyFiles {
                file: self.found.file.clone(),
                most: MOST_FILES,
            });
        }
        let at = |line| Place {
            file: name.to_owned(),
            line,
        };
        let text = decode(&bytes).map_err(|(line, reason)| Error::Undecodable {
            place: at(line),
            reason,
        })?;
        let entries = parse(&text).map_err(|error| Error::Line {
            place: at(error.line),
            wrong: error.wrong,
        })?;
        self.open.push(real);
        for entry in entries {
            self.entry(entry, name, purpose)?;
        }
        self.open.pop();
        Ok(())
    }

    /// Refuses a file that is not the project's where a file of the project named the first one: what is included is shown and packed.
    fn refuse_outside(&self, name: &str, included_at: Option<&Place>) -> Result<(), Error> {
        let Some(named_at) = self.named.by_project_at else {
            return Ok(());
        };
        if border::outside(&self.project.root, Path::new(name)).is_none() {
            return Ok(());
        }
        Err(Error::Outside {
            file: name.to_owned(),
            at: included_at.map_or_else(|| named_at.to_owned(), ToString::to_string),
            first: self.named.file.to_owned(),
            named_at: named_at.to_owned(),
        })
    }

    fn entry(&mut self, entry: Entry, file: &str, purpose: Purpose) -> Result<(), Error> {
        let place = Place {
            file: file.to_owned(),
            line: entry.line,
        };
        let line = match entry.kind {
            Kind::Requirements(named) => return self.include(&named, Purpose::Requirements, &place),
            Kind::Constraints(named) => return self.include(&named, Purpose::Constraints, &place),
            // Wherever they stand, pip's options are for the whole installation.
            Kind::Options { text, options } => {
                self.found.lines.push(line(place, text, What::Options(options)));
                return Ok(());
            }
            Kind::Editable(target) => self.editable(&target, purpose, &place)?,
            Kind::Requirement { text, hashes, options } => {
                let found = self.requirement(&text, purpose, &place)?;
                found.map(|line| Line {
                    hashes,
                    options: options.iter().map(written).collect(),
                    ..line
                })
            }
        };
        if purpose == Purpose::Constraints {
            self.found.constraints.extend(line);
        } else {
            self.found.lines.extend(line);
        }
        Ok(())
    }

    /// `-r` and `-c`: the file is relative to the one that names it.
    fn include(&mut self, named: &str, purpose: Purpose, place: &Place) -> Result<(), Error> {
        let wrong = |wrong| refusal(place, wrong);
        if is_remote(named) && purpose == Purpose::Constraints {
            // pip reads it in the build, as it reads the index.
            let option = Given {
                name: Name::Constraint,
                spelled: "--constraint".to_owned(),
                value: named.to_owned(),
            };
            self.found
                .lines
                .push(line(place.clone(), written(&option), What::Options(vec![option])));
            return Ok(());
        }
        if is_remote(named) {
            return Err(wrong(Wrong::RemoteRequirements(named.to_owned())));
        }
        if named.contains("://") || named.starts_with("file:") {
            return Err(wrong(Wrong::LocalPath(named.to_owned())));
        }
        let beside = Path::new(&place.file).parent().unwrap_or(Path::new(""));
        let joined = plain(&beside.join(named));
        self.file(&joined, purpose, Some(place))
    }

    /// `-e`: the project itself, which is installed anyway, or a checkout.
    fn editable(&mut self, target: &str, purpose: Purpose, place: &Place) -> Result<Option<Line>, Error> {
        if is_remote(target) {
            if self.is_own(target, place) {
                return Ok(None);
            }
            let text = format!("--editable {target}");
            return Ok(Some(line(place.clone(), text, What::Url(target.to_owned()))));
        }
        let (path, marker) = target.split_once(" ;").unwrap_or((target, ""));
        self.path(path, marker, purpose, place)
    }

    fn requirement(&mut self, text: &str, purpose: Purpose, place: &Place) -> Result<Option<Line>, Error> {
        let before_marker = text.split(';').next().unwrap_or(text).trim();
        let scheme_end = before_marker.find("://").unwrap_or(before_marker.len());
        let is_named = before_marker[..scheme_end].contains('@');
        if !is_named && is_remote(before_marker) {
            let url = text.split_whitespace().next().unwrap_or(text).trim_end_matches(';');
            if self.is_own(url, place) {
                return Ok(None);
            }
            let found = What::Url(url.to_owned());
            return Ok(Some(line(place.clone(), text.to_owned(), found)));
        }
        let without_extras = before_marker
            .split('[')
            .next()
            .unwrap_or(before_marker)
            .to_ascii_lowercase();
        let is_path = before_marker.starts_with('.')
            || before_marker.contains(['/', '\\'])
            || ARCHIVES.iter().any(|ending| without_extras.ends_with(ending));
        if !is_named && is_path {
            let marker = text.split_once(';').map_or("", |(_, marker)| marker);
            return self.path(before_marker, marker, purpose, place);
        }
        let wrong = |wrong| refusal(place, wrong);
        let requirement = pep508::requirement(text).map_err(|reason| {
            wrong(Wrong::Requirement {
                text: text.to_owned(),
                reason,
            })
        })?;
        if self.own.as_ref() == Some(&requirement.name) {
            self.note_own(requirement.extras.iter().map(ToString::to_string), place);
            return Ok(None);
        }
        let found = line(place.clone(), text.to_owned(), What::Package(Box::new(requirement)));
        let urls = found.urls();
        let Some(url) = urls.iter().find(|url| !is_remote(url)) else {
            return Ok(Some(found));
        };
        let Some(requirement) = found.package() else {
            return Ok(None);
        };
        let target = Target {
            name: Some(requirement.name.clone()),
            extras: requirement.extras.clone(),
            ..Target::parse(url)
        };
        self.local(target, url, requirement.marker.clone(), purpose, place)?;
        Ok(None)
    }

    /// A path of this machine: the project itself, `.[extra]`, or another. pip takes it relative to where it runs.
    fn path(&mut self, written: &str, marker: &str, purpose: Purpose, place: &Place) -> Result<Option<Line>, Error> {
        let target = Target::parse(written);
        let found = self.project.root.join(&target.path).canonicalize();
        let is_project = found.is_ok_and(|found| self.project.root.canonicalize().is_ok_and(|root| root == found));
        if is_project {
            self.note_own(target.extras.iter().map(ToString::to_string), place);
            return Ok(None);
        }
        let marker = if marker.trim().is_empty() {
            MarkerTree::TRUE
        } else {
            pep508::marker(marker).map_err(|reason| {
                let text = written.to_owned();
                refusal(place, Wrong::Requirement { text, reason })
            })?
        };
        self.local(target, written, marker, purpose, place)?;
        Ok(None)
    }

    /// Another project of this machine. Nothing else is: an archive says nothing of how it came to be.
    fn local(
        &mut self,
        target: Target,
        written: &str,
        marker: MarkerTree,
        purpose: Purpose,
        place: &Place,
    ) -> Result<(), Error> {
        let named = target.path.to_string_lossy().to_ascii_lowercase();
        let is_archive = ARCHIVES.iter().any(|ending| named.ends_with(ending));
        if is_archive || purpose == Purpose::Constraints {
            return Err(refusal(place, Wrong::LocalPath(written.to_owned())));
        }
        self.found.locals.push(Local {
            place: place.clone(),
            path: target.path,
            written: written.to_owned(),
            name: target.name,
            extras: target.extras,
            marker,
        });
        Ok(())
    }

    /// Whether a URL is the project's own, as `pip freeze` writes it of a checkout.
    fn is_own(&mut self, url: &str, place: &Place) -> bool {
        let is_own = self.own.is_some() && direct_reference::package(url).map(|(name, _)| name) == self.own;
        if is_own {
            self.note_own(std::iter::empty(), place);
        }
        is_own
    }

    /// The file names the project itself, which is not taken from an index: it is what the image is made of.
    fn note_own(&mut self, extras: impl Iterator<Item = String>, place: &Place) {
        self.progress.detail(&format!(
            "{place}: this is the project itself, which is installed anyway"
        ));
        self.found.own_extras.extend(extras.map(|extra| (extra, place.clone())));
    }
}

fn refusal(place: &Place, wrong: Wrong) -> Error {
    Error::Line {
        place: place.clone(),
        wrong: wrong.clipped(),
    }
}

fn line(place: Place, text: String, what: What) -> Line {
    Line {
        place,
        text,
        what,
        hashes: Vec::new(),
        options: Vec::new(),
    }
}

/// An option of a requirement as a requirements file has it, quoted for pip.
fn written(option: &Given) -> String {
    // Only a NUL character cannot be quoted, and the file holds none.
    let value = shlex::try_quote(&option.value).unwrap_or_default();
    let between = if option.spelled.starts_with("--") { "=" } else { " " };
    format!("{}{between}{value}", option.spelled)
}

/// `a/../b` as `b`, for people to read; what leaves the project keeps its `..`.
fn plain(path: &Path) -> String {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for component in path.components() {
        match (component, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            _ => parts.push(component),
        }
    }
    parts.iter().collect::<PathBuf>().display().to_string()
}
