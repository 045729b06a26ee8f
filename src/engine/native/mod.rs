//! `ImagePlan ─▶ BuiltImage` without a daemon: a base image is referenced, wheels become layers as they are, and only what a registry
//! lacks is sent.
#![allow(dead_code)]

mod platform_tags;
pub(crate) mod resolve;
pub(crate) mod store;
mod target;

pub(crate) use target::{Libc, Target};
