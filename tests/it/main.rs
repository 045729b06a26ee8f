//! Integration tests: the binary against real services (`make services`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

mod architecture;
mod bad_input;
mod base_images;
mod build_record;
mod bytecode;
mod cases;
mod check;
mod cli;
mod daemons;
mod data_trigger;
mod diff;
mod dist;
mod engine;
mod explain;
mod faults;
mod foreign_files;
mod init;
mod interrupted;
mod job_log;
mod last_image;
mod limits;
mod links;
mod local;
mod lying_servers;
mod main_path;
mod native;
mod native_base;
mod native_faults;
mod native_local_bases;
mod native_output;
mod native_overlap;
mod native_prepared;
mod native_wheels;
mod neighbours;
mod output;
mod pipeline;
mod project;
mod record_result;
mod records;
mod registry;
mod requirements;
mod revision;
mod run_py;
mod runs;
mod runtime_api;
mod sbom;
mod sdist;
mod serving;
mod stack;
mod start_training;
mod support;
mod terminal;
mod training_request;
mod trust;
mod wheel;
mod words;
