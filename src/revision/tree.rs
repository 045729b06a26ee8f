//! The part of a checkout that is compared with its commit.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::checkout::Checkout;
use super::git::Git;
use super::{Error, State};

/// The part of a checkout that is compared: the project's directory, or all of a submodule.
pub(super) struct Tree<'a> {
    pub(super) checkout: &'a Checkout,
    pub(super) state: &'a State,
    pub(super) git: &'a Git<'a>,
    pub(super) directory: &'a Path,
    /// How many submodules it is in.
    pub(super) depth: usize,
}

impl Tree<'_> {
    /// Asks in the checkout's top directory, from which paths count.
    pub(super) fn ask_at_top(&self, arguments: impl IntoIterator<Item = OsString>) -> Result<Vec<u8>, Error> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let asked = self.state.private.start(self.git, self.checkout.top(), &arguments)?;
        self.git.answer(asked)?.bytes()
    }
}

/// A path behind what git wants before it, such as `:(top,literal)`.
pub(super) fn anchored(before: &str, path: &OsStr) -> OsString {
    let mut whole = OsString::from(before);
    whole.push(path);
    whole
}
