//! `sgbuild` takes a Python package to a running Amazon SageMaker training job.
//!
//! The data path is the architecture: each noun is one plain struct, each arrow one public function of one module.
//!
//! ```text
//! Project ─▶ Sdist ─▶ ImagePlan ─▶ BuiltImage ─▶ PushedImage ─▶ TrainingRun
//! ```
//!
//! Modules are listed by what they are, and within a group by name; the path itself is `project`, `package`, `image`, `dist`,
//! `engine`, `push`, `training`. A stage imports the types of earlier stages only. No stage prints, exits or reads the process
//! environment: it takes a settings struct and a [`progress::Progress`], and returns a value or its own error enum, of which
//! [`explain::Explain`] says whose move it is and what to do next.
//!
//! *The setuptools-docker pipeline* is what sgbuild replaces: the package setuptools-docker, whose setuptools command builds such an
//! image of the same `setup.py`, and the CloudFormation stack, build script and training Lambda around it. Its keywords of
//! `setup()`, its variables and its Lambda's payload are still taken.

// Leaves: used by every stage.
pub mod aws;
mod cache;
mod depth;
pub mod explain;
mod hex;
mod near;
mod process;
pub mod progress;
mod python;
mod reading;
pub mod revision;
pub mod secret;
pub mod shown;
mod template;
pub mod uv;
mod web;
mod wildcard;

// The data path.
pub mod build_record;
pub mod check;
pub mod comparison;
pub mod dist;
pub mod engine;
pub mod image;
pub mod local;
pub mod neighbours;
pub mod oci;
pub mod package;
pub mod project;
pub mod push;
pub mod record;
pub mod registry;
pub mod requirements;
pub mod serving;
pub mod training;

// The pipeline around it, in AWS.
pub mod deployment;
pub mod lineage;
pub mod report;
pub mod stack;

// What uses it.
pub mod cli;
pub mod commands;
pub mod error;
pub mod interruption;
pub mod lambda;
pub mod settings;
pub mod ui;
