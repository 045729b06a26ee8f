//! `ImagePlan ─▶ BuiltImage` without a daemon: a base image is referenced, wheels become layers as they are, and only what a registry
//! lacks is sent.
#![allow(dead_code)]

pub mod base;
mod target;

pub use target::{Libc, Target};
