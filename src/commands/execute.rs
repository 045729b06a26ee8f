//! `sgbuild execute`: one more command in the image.

use super::image_here::{ImageHere, image_here};
use super::{Checkout, CommandError, Print};
use crate::cli;
use crate::error::Error;
use crate::local::Run;
use crate::serving;
use crate::shown::Data;

pub(super) async fn run(arguments: &cli::Execute, checkout: &Checkout<'_>, print: &Print<'_>) -> Result<Data, Error> {
    let ml = arguments.ml.as_ref().map(std::fs::canonicalize).transpose();
    let ml = ml.map_err(|source| CommandError::NoDirectory {
        path: arguments.ml.clone().unwrap_or_default(),
        source,
    })?;
    let ImageHere {
        docker, name: image, ..
    } = Box::pin(image_here(arguments.image.as_ref(), checkout)).await?;
    let run = Run::begin(&checkout.settings.environment().cache_dir(), &docker).await?;
    let line = |line: &str| print(&Data::File(format!("{line}\n")));
    let command = (image.as_str(), arguments.command.as_slice());
    match serving::execute(command, ml, (&docker, &run), &line).await? {
        0 => Ok(Data::Nothing),
        code => Err(CommandError::Executed {
            code: u8::try_from(code).unwrap_or(1),
        }
        .into()),
    }
}
