//! A git directory of our own through which a checkout's contents are read.
//!
//! It holds the commit, the harmless settings, and the way to the checkout's index and objects. The checkout's configuration is not
//! read through it, so nothing in there starts a program; neither are remotes, so nothing is fetched.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Error;
use super::checkout::Checkout;
use super::configuration::Configuration;
use super::git::Git;
use crate::cache::{self, Staging};
use crate::process::Asked;

/// By how much the copy of an index is younger than what it names.
const YOUNGER: Duration = Duration::from_hours(24);
/// Files of the repository that say which files count and how their text is encoded, not what runs.
const SHARED: [&str; 2] = ["info/exclude", "info/attributes"];

/// See the module.
pub(super) struct PrivateDirectory {
    directory: Staging,
    variables: Vec<(OsString, OsString)>,
}

impl PrivateDirectory {
    /// For `checkout`, which is at the commit `head`.
    pub(super) fn make(checkout: &Checkout, head: &str, configuration: &Configuration) -> io::Result<Self> {
        let directory = cache::scratch()?;
        let path = directory.path();
        for name in ["objects", "refs", "info"] {
            fs::create_dir(path.join(name))?;
        }
        fs::write(path.join("HEAD"), format!("{head}\n"))?;
        fs::write(path.join("config"), configuration.harmless())?;
        for name in SHARED {
            link(&checkout.common_dir().join(name), &path.join(name))?;
        }
        link(
            &checkout.git_dir().join("info/sparse-checkout"),
            &path.join("info/sparse-checkout"),
        )?;
        for file in shared_indexes(checkout) {
            link(&file, &path.join(file.file_name().unwrap_or_default()))?;
        }
        let variables = [
            ("GIT_DIR", path.to_owned()),
            ("GIT_WORK_TREE", checkout.top().to_owned()),
            ("GIT_INDEX_FILE", checkout.git_dir().join("index")),
            ("GIT_OBJECT_DIRECTORY", checkout.common_dir().join("objects")),
            ("GIT_CONFIG_GLOBAL", PathBuf::from("/dev/null")),
            ("GIT_CONFIG_NOSYSTEM", PathBuf::from("1")),
        ];
        Ok(Self {
            variables: variables.map(|(name, value)| (name.into(), value.into())).to_vec(),
            directory,
        })
    }

    /// Starts git in `directory` of the checkout.
    pub(super) fn start<A: AsRef<std::ffi::OsStr>>(
        &self,
        git: &Git<'_>,
        directory: &Path,
        arguments: &[A],
    ) -> Result<Asked, Error> {
        git.start(directory, &self.variables, arguments)
    }

    /// The variables for the same with a copy of the index. It is younger than every file, so git takes a file that is as the index says
    /// at its word, also where it was written [in the same second](https://git-scm.com/docs/racy-git).
    pub(super) fn trusting_index(&self, checkout: &Checkout) -> io::Result<Vec<(OsString, OsString)>> {
        let copy = self.directory.path().join("index");
        fs::copy(checkout.git_dir().join("index"), &copy)?;
        let file = fs::File::options().append(true).open(&copy)?;
        file.set_modified(SystemTime::now() + YOUNGER)?;
        let variables = self.variables.iter().map(|(name, value)| {
            let value = if name == "GIT_INDEX_FILE" {
                copy.clone().into()
            } else {
                value.clone()
            };
            (name.clone(), value)
        });
        Ok(variables.collect())
    }
}

/// The files with which an index was [split](https://git-scm.com/docs/git-update-index#_split_index).
pub(super) fn shared_indexes(checkout: &Checkout) -> Vec<PathBuf> {
    let entries = fs::read_dir(checkout.git_dir()).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"sharedindex."))
        .map(|entry| entry.path())
        .collect()
}

/// A link to `file`, where there is one; not to a device or a pipe, which might never end.
fn link(file: &Path, at: &Path) -> io::Result<()> {
    if file.is_file() { symlink(file, at) } else { Ok(()) }
}
