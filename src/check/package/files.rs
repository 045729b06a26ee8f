//! The files of the project that get into the image.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::package::wheel::OwnFile;
use crate::package::{self, wheel};
use crate::progress::Progress;
use crate::project::{Project, package_directory};
use crate::reading::{self, Search};

/// What is read of one file: sources are shorter, and what is longer is data.
const MOST_OF_FILE: u64 = 500_000;
/// What is read of a project altogether: a check takes milliseconds.
const MOST_ALTOGETHER: u64 = 16_000_000;

/// The files that are packed.
pub(super) struct Files {
    /// Each once.
    pub(super) files: Vec<OwnFile>,
    /// Whether these are the ones. Where only the build backend can tell, they are those that lie in the packages.
    pub(super) is_certain: bool,
}

impl Files {
    /// Those of `project`.
    ///
    /// # Errors
    /// The wheel cannot be made of it.
    pub(super) fn of(project: &Project, progress: &dyn Progress) -> Result<Self, package::Error> {
        match wheel::own_files(project, progress) {
            Ok(files) => Ok(Self {
                files,
                is_certain: true,
            }),
            Err(package::Error::WheelNeedsBackend { .. }) => Ok(Self {
                files: in_packages(project),
                is_certain: false,
            }),
            Err(error) => Err(error),
        }
    }
}

/// Whatever lies in the directories of the project's packages, no links followed.
fn in_packages(project: &Project) -> Vec<OwnFile> {
    let root = &project.root;
    let named = &project.metadata.packages;
    let mut directories: Vec<PathBuf> = named
        .iter()
        .map(|package| package_directory(package, &project.build.package_dir))
        .collect();
    if directories.is_empty() {
        let name = project.metadata.name.replace(['-', '.'], "_").to_lowercase();
        directories = vec![PathBuf::from(&name), Path::new("src").join(&name)];
    }
    let mut found = BTreeMap::new();
    let mut search = Search::default();
    for directory in directories {
        gather(root, &directory, &mut search, &mut found);
    }
    let own = found.into_iter().map(|(path, real)| OwnFile {
        member: path.strip_prefix("src/").unwrap_or(&path).to_owned(),
        path,
        real,
    });
    own.collect()
}

fn gather(root: &Path, directory: &Path, search: &mut Search, found: &mut BTreeMap<String, PathBuf>) {
    let is_link = fs::symlink_metadata(root.join(directory)).is_ok_and(|kind| kind.is_symlink());
    if is_link || search.directory().is_err() {
        return;
    }
    let Ok(entries) = fs::read_dir(root.join(directory)) else {
        return;
    };
    for entry in entries.flatten() {
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
            continue;
        };
        let path = directory.join(&name);
        if search.entry().is_err() || name == "__pycache__" || name == ".git" {
            continue;
        }
        if kind.is_dir() {
            gather(root, &path, search, found);
        } else if kind.is_file() {
            found.insert(path.to_string_lossy().into_owned(), entry.path());
        }
    }
}

/// Reads files until it was enough.
pub(super) struct Reader {
    left: u64,
}

impl Default for Reader {
    fn default() -> Self {
        Self { left: MOST_ALTOGETHER }
    }
}

/// A file that was looked at.
pub(super) struct Content {
    /// In bytes.
    pub(super) size: u64,
    /// All of it; `None` where it is no text, or too long.
    pub(super) text: Option<String>,
    /// Whether it is binary, as far as it was read.
    pub(super) is_binary: bool,
}

impl Reader {
    /// Looks at a file; `None` where it cannot be read, which whoever packs it says.
    pub(super) fn read(&mut self, path: &Path) -> Option<Content> {
        let (file, metadata) = reading::open(path).ok()?;
        let size = metadata.len();
        let mut content = Content {
            size,
            text: None,
            is_binary: false,
        };
        if size > MOST_OF_FILE || size > self.left {
            return Some(content);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).ok()? + 1);
        let read = file.take(MOST_OF_FILE).read_to_end(&mut bytes).ok()?;
        self.left = self.left.saturating_sub(read as u64);
        match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => content.text = Some(text),
            _ => content.is_binary = true,
        }
        Some(content)
    }
}
