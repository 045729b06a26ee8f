//! `sgbuild lineage`: from a model back to what it was made of, and from that forward to the models.

use super::{Checkout, json, runs};
use crate::cli;
use crate::error::Error;
use crate::lineage;
use crate::shown::{Data, Page};

pub(super) async fn run(arguments: &cli::Lineage, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let recorded = runs::newest_first(checkout).await?;
    let lineage = lineage::find(&recorded, &arguments.what)?;
    if arguments.json.json {
        return Ok(json(&lineage));
    }
    let tree = lineage.tree(arguments.all);
    let mut page = Page::new();
    for (before, text) in tree.lines() {
        match before.as_str() {
            "" => page.text(text),
            before => page.entry(before, text),
        }
    }
    Ok(Data::Page(page))
}
