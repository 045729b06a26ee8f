//! A training on this machine, under SageMaker's contract: what `sgbuild train --local` runs.

mod error;
mod run;

pub use error::Error;
pub(crate) use run::Run;
