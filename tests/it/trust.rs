//! A checkout may be a stranger's: what its files decide, and what they do not. Each test is an attack.

mod code;
mod files;
mod lines;
mod secrets;
