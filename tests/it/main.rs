//! Integration tests: the binary against real services (`make services`).

mod bad_input;
mod cli;
mod dist;
mod engine;
mod faults;
mod main_path;
mod registry;
mod run_py;
mod sdist;
mod start_training;
mod support;
