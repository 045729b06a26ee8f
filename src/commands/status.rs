//! `sgbuild status`: the pipeline's stack, and where its parts are.

use super::launch::outputs;
use super::pipeline::stack_name;
use super::{Checkout, json};
use crate::cli;
use crate::error::Error;
use crate::shown::{Data, Page};
use crate::stack::{self, CloudFormation};

pub(super) async fn run(arguments: &cli::Status, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let aws = checkout.aws().await;
    let name = stack_name(checkout)?;
    let stack = CloudFormation::new(&aws)?.describe(&name).await?;
    let stack = stack.ok_or_else(|| stack::Error::Missing {
        name,
        region: aws.region().map(ToString::to_string).unwrap_or_default(),
    })?;
    if arguments.json.json {
        return Ok(json(&stack));
    }
    let reason = stack.reason.as_ref().map(|reason| format!(": {reason}"));
    let since = stack.changed_at.as_ref().map(|time| format!(", since {time}"));
    let head = format!(
        "{} is {}{}{}",
        stack.name,
        stack.status,
        since.unwrap_or_default(),
        reason.unwrap_or_default()
    );
    let mut page = Page::new();
    page.text(&head);
    outputs(&mut page, &stack);
    Ok(Data::Page(page))
}
