//! Dockerfile.
