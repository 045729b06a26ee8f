//! The Python of an image: what `python` on its PATH is, where its pip installs, and what is installed already.

mod executable;
mod installed;
mod layout;
mod libc;
mod pip;
mod variables;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Error;
use super::manifest::Config;
use super::merge::Merged;
use super::tree::Tree;
use crate::engine::native::Target;
use executable::Executable;
use layout::Layout;
use variables::Variables;

pub use installed::{Installed, Record};

/// The Python that `python` is in an image. All paths are absolute, as Python itself has them: links in them are not followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Python {
    /// As PATH finds it, such as `/usr/local/bin/python`: `sys.executable`, and what scripts begin with.
    pub executable: String,
    /// Which wheels fit.
    pub target: Target,
    /// `3.11.2`, where the program or its library says it.
    pub release: Option<String>,
    /// `sys.prefix`: that of the virtual environment, where it is one.
    pub prefix: String,
    /// Where the image's own pip would install modules.
    pub purelib: String,
    /// Where it would install modules of which some are compiled.
    pub platlib: String,
    /// Where it would install scripts.
    pub scripts: String,
    /// Where it would install data files.
    pub data: String,
    /// Where it would install C headers, in a directory named for the distribution.
    pub include: String,
    /// The directories of `sys.path` where distributions may be, the first found first.
    pub path: Vec<String>,
    /// What is installed there.
    pub installed: Vec<Installed>,
}

/// An image that is looked through for its Python.
struct Image<'a> {
    /// As the setting names it.
    name: &'a str,
    tree: &'a Tree,
    kept: &'a HashMap<String, Arc<str>>,
    variables: Variables,
}

impl Python {
    /// Finds it.
    ///
    /// # Errors
    /// There is none, or what it is cannot be told by reading.
    pub(super) fn find(name: &str, config: &Config, merged: &Merged) -> Result<Self, Error> {
        let image = Image {
            name,
            tree: &merged.tree,
            kept: &merged.kept,
            variables: Variables::of(&config.document),
        };
        image.variables.refuse_redirection(name)?;
        let executable = Executable::find(&image)?;
        let pip = pip::Settings::read(&image, executable.prefix());
        pip.refuse_redirection(name)?;
        let layout = Layout::find(&image, &executable, &pip)?;
        let path = layout.path(&image);
        Ok(Self {
            target: Target {
                platform: config.platform.clone(),
                python: executable.version,
                libc: libc::find(&image, &executable)?,
            },
            executable: executable.path,
            release: executable.release,
            prefix: layout.prefix,
            purelib: layout.site_packages.clone(),
            platlib: layout.site_packages,
            scripts: layout.scripts,
            data: layout.data,
            include: layout.include,
            installed: installed::find(&image, &path),
            path,
        })
    }
}

impl Image<'_> {
    /// What is kept of the file at `path`, through whatever links.
    fn kept(&self, path: &str) -> Option<&str> {
        self.kept.get(&self.tree.resolve(path)).map(|kept| &**kept)
    }

    fn unknown(&self, executable: &str, reason: impl Into<String>) -> Error {
        Error::UnknownPython {
            image: self.name.to_owned(),
            executable: executable.to_owned(),
            reason: reason.into(),
        }
    }
}

/// The directory above; that of the root is the root.
fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

/// Whether a name has the suffix, as it is written: another case is another suffix.
fn has_suffix(name: &str, suffix: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, its)| its == suffix)
}

/// `path` below `directory`, or `path` itself where it is absolute.
fn join(directory: &str, path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{}/{path}", directory.trim_end_matches('/'))
    }
}

/// `path` without `.`, `..` and needless slashes, as `os.path.normpath` has it.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
