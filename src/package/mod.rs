//! What is made of a project for others to install: its distributions, [`sdist`] and [`wheel`].
//!
//! ```text
//! what is there    tree.rs (listings, links), globs.rs, paths.rs (as text); build_py.rs (modules and data of packages)
//! which files      files.rs: what setuptools' egg_info lists, with manifest.rs (MANIFEST.in); listing.rs (with its own files)
//! what they say    names.rs (my_pkg-1.0), metadata/ (PKG-INFO, entry_points.txt, …)
//! what can fail    error.rs
//! ```

mod build_py;
mod error;
mod files;
mod globs;
mod listing;
mod manifest;
mod metadata;
mod names;
mod output;
mod paths;
pub mod sdist;
mod tree;
pub mod wheel;

pub use self::error::Error;

/// The time of every member of an archive unless `SOURCE_DATE_EPOCH` says otherwise.
pub(crate) use crate::project::backend::DEFAULT_TIME;
