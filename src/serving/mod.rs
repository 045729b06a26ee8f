//! The image on this machine as SageMaker runs an endpoint's container: what `sgbuild serve --local` runs, and `sgbuild execute` for any other
//! command in it.

mod container;
mod error;
mod model;

pub(crate) use container::{Served, execute, serve};
pub use error::Error;
pub(crate) use model::{Model, placed};
