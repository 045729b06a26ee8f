//! `dist/`.
