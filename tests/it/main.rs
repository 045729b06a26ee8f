//! Integration tests.

mod sdist;
