//! `sgbuild report`: the runs as a page.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Checkout, CommandError, runs};
use crate::cli;
use crate::error::Error;
use crate::progress::size;
use crate::report::{self, Prices};
use crate::shown::Data;

pub(super) async fn run(arguments: &cli::Report, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let mut recorded = runs::newest_first(checkout).await?;
    recorded.truncate(arguments.limit);
    let prices: Prices = arguments.prices.iter().cloned().collect();
    let page = report::page(&recorded, &prices, Timestamp::now())?;
    if arguments.output == Path::new("-") {
        return Ok(Data::File(page));
    }
    write(&arguments.output, &page).map_err(|source| CommandError::Report {
        path: arguments.output.clone(),
        source,
    })?;
    let told = format!("{} runs, {}", recorded.len(), size(page.len() as u64));
    checkout.done(&told);
    Ok(Data::name(&arguments.output))
}

/// The whole page under its name, or what was there before.
fn write(path: &Path, page: &str) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(page.as_bytes())?;
    #[cfg(unix)]
    fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.persist(path)?;
    Ok(())
}
