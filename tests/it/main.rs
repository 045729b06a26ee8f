//! Integration tests.
mod run_py;
mod start_training;
