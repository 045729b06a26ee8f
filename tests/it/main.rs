//! Integration tests: the binary against real services (`make services`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

mod bad_input;
mod cli;
mod dist;
mod engine;
mod faults;
mod interrupted;
mod job_log;
mod main_path;
mod pipeline;
mod project;
mod record_result;
mod registry;
mod requirements;
mod run_py;
mod sdist;
mod stack;
mod start_training;
mod support;
