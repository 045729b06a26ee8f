//! The engines, as far as they read what others wrote.

pub mod docker;
pub mod native;
