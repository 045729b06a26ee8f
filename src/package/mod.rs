//! What is made of a project for others to install: its distributions. Today that is the sdist; the wheel is next.

pub mod sdist;
