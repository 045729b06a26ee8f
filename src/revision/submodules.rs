//! Submodules, each asked as the checkout itself is.
//!
//! `git status` would look into them with a git that obeys their configuration.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::checkout::Checkout;
use super::configuration::Configuration;
use super::private::shared_indexes;
use super::tree::{Tree, anchored};
use super::{Error, State};
use crate::reading::{self, ANSWER};

/// The kind of file by which an index names another repository's commit:
/// <https://git-scm.com/docs/index-format#_index_entry>.
const GITLINK: &[u8] = b"160000";
/// The same as the index file holds it, four bytes in network order.
const GITLINK_IN_INDEX: [u8; 4] = 0o160_000_u32.to_be_bytes();
/// Submodules in submodules; somebody who nests deeper means to keep us busy.
const DEEPEST: usize = 16;

impl Tree<'_> {
    /// Whether it differs, its files or what is in a submodule, apart from the paths `excluded`; `options` are more of `git status`.
    pub(super) fn differs(&self, excluded: &[&str], options: &[&str]) -> Result<bool, Error> {
        let submodules = of(self)?;
        let ignored = submodules.iter().filter(|submodule| submodule.is_ignored());
        let excluded: Vec<OsString> = excluded
            .iter()
            .map(OsString::from)
            .chain(ignored.map(|submodule| anchored(":(top,exclude,literal)", &submodule.path)))
            .collect();
        if self.files_differ(&excluded, options)? {
            return Ok(true);
        }
        for submodule in &submodules {
            if submodule.differs(self)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A submodule below the part of a checkout that is compared.
struct Submodule {
    /// From the checkout's top.
    path: OsString,
    /// `all`, `dirty`, `untracked` or `none`: <https://git-scm.com/docs/gitmodules#Documentation/gitmodules.txt-submoduleltnamegtignore>.
    ignore: String,
}

impl Submodule {
    /// Whether the commit that it is at does not matter either.
    fn is_ignored(&self) -> bool {
        self.ignore == "all"
    }

    /// Whether it differs from the commit that it is at. One that is not there differs from nothing.
    fn differs(&self, around: &Tree<'_>) -> Result<bool, Error> {
        let options: &[&str] = match self.ignore.as_str() {
            "all" | "dirty" => return Ok(false),
            "untracked" => &["--untracked-files=no"],
            _ => &[],
        };
        let directory = around.checkout.top().join(&self.path);
        if directory.join(".git").symlink_metadata().is_err() {
            return Ok(false);
        }
        if around.depth == DEEPEST {
            return Err(Error::Refused("its submodules are nested too deeply".to_owned()));
        }
        let Some(checkout) = Checkout::at(&directory) else {
            return Ok(true);
        };
        let Some(state) = State::of(&checkout, around.git)? else {
            return Ok(true);
        };
        let tree = Tree {
            checkout: &checkout,
            state: &state,
            git: around.git,
            directory: &directory,
            depth: around.depth + 1,
        };
        tree.differs(&[], options)
    }
}

/// The submodules that the index names.
fn of(tree: &Tree<'_>) -> Result<Vec<Submodule>, Error> {
    if !may_be_there(tree.checkout) {
        return Ok(Vec::new());
    }
    let arguments = ["ls-files", "--stage", "-z", "--full-name"];
    let asked = tree.state.private.start(tree.git, tree.directory, &arguments)?;
    let listed = tree.git.answer(asked)?.bytes()?;
    let entries = listed
        .split(|byte| *byte == 0)
        .filter(|entry| entry.starts_with(GITLINK));
    let paths = entries.filter_map(|entry| entry.splitn(2, |byte| *byte == b'\t').nth(1));
    let paths: Vec<OsString> = paths.map(|path| OsStr::from_bytes(path).to_owned()).collect();
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let ignored = Ignored::read(tree)?;
    let submodules = paths.into_iter().map(|path| Submodule {
        ignore: ignored.of(&path),
        path,
    });
    Ok(submodules.collect())
}

/// Whether an index file holds the bytes of such an entry. Other entries may hold them by chance, which costs a question.
fn may_be_there(checkout: &Checkout) -> bool {
    let mut files = shared_indexes(checkout);
    files.push(checkout.git_dir().join("index"));
    files.iter().any(|file| holds(file, GITLINK_IN_INDEX).unwrap_or(true))
}

fn holds(file: &Path, wanted: [u8; 4]) -> std::io::Result<bool> {
    if !file.is_file() {
        return Ok(false);
    }
    let bytes = reading::bytes(file, ANSWER)?;
    Ok(bytes.windows(wanted.len()).any(|window| window == wanted))
}

/// What the checkout's `.gitmodules` and the configuration say of changes in submodules.
struct Ignored {
    by_path: BTreeMap<String, String>,
    otherwise: String,
}

impl Ignored {
    fn read(tree: &Tree<'_>) -> Result<Self, Error> {
        let file = tree.checkout.top().join(".gitmodules");
        let is_file = file.symlink_metadata().is_ok_and(|kind| kind.is_file());
        let declared = if is_file {
            let arguments = ["config", "--no-includes", "--file", ".gitmodules", "--list", "-z"];
            tree.ask_at_top(arguments.map(OsString::from))?
        } else {
            Vec::new()
        };
        let declared = Configuration::parse(&declared);
        let configured = &tree.state.configuration;
        let last = |configuration: &Configuration, name: &str| {
            let key = format!("submodule.{name}.ignore");
            configuration.values(&key).last().map(ToOwned::to_owned)
        };
        let by_path = declared.named("submodule", "path").filter_map(|(name, path)| {
            let ignore = last(configured, name).or_else(|| last(&declared, name))?;
            Some((path.to_owned(), ignore))
        });
        let otherwise = configured.values("diff.ignoresubmodules").last().unwrap_or("none");
        Ok(Self {
            by_path: by_path.collect(),
            otherwise: otherwise.to_owned(),
        })
    }

    fn of(&self, path: &OsStr) -> String {
        let named = path.to_str().and_then(|path| self.by_path.get(path));
        named.unwrap_or(&self.otherwise).clone()
    }
}
