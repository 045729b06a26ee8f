//! Integration tests.

mod engine;
