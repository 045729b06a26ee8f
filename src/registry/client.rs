//! A small registry client.
