//! `sgbuild status`: the pipeline's stack, where its parts are, and which of them cost something while nothing runs.

use serde::Serialize;

use super::launch::outputs;
use super::pipeline::stack_name;
use super::{Checkout, json};
use crate::cli;
use crate::error::Error;
use crate::shown::{Data, Page};
use crate::stack::{self, CloudFormation, Idle, Stack};

/// What is printed as JSON.
#[derive(Serialize)]
struct Status<'a> {
    #[serde(flatten)]
    stack: &'a Stack,
    /// Absent where CloudFormation does not list the stack's resources.
    idle: Option<&'a Idle>,
}

pub(super) async fn run(arguments: &cli::Status, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let aws = checkout.aws().await;
    let name = stack_name(checkout)?;
    let cloud_formation = CloudFormation::new(&aws)?;
    let stack = cloud_formation.describe(&name).await?;
    let stack = stack.ok_or_else(|| stack::Error::Missing {
        name,
        region: aws.region().map(ToString::to_string).unwrap_or_default(),
    })?;
    let idle = match cloud_formation.idle(&stack).await {
        Ok(idle) => Some(idle),
        Err(failure) => {
            checkout
                .progress
                .warn(&format!("what it costs at rest is unknown: {failure}"));
            None
        }
    };
    if arguments.json.json {
        return Ok(json(&Status {
            stack: &stack,
            idle: idle.as_ref(),
        }));
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
    if let Some(idle) = &idle {
        costs(&mut page, idle);
    }
    Ok(Data::Page(page))
}

/// Adds what is paid for at rest, a part a line.
fn costs(page: &mut Page, idle: &Idle) {
    page.text("While nothing runs, these cost:");
    let costs = idle.costs.iter();
    let rows: Vec<_> = costs
        .map(|cost| [cost.logical_id.as_str(), cost.paid_for, cost.prices])
        .collect();
    let [name, paid_for, _] = Page::widths(&rows, usize::MAX);
    for row in rows {
        page.row(&row, &[name, paid_for]);
    }
    for part in &idle.unknown {
        page.row(&[part.as_str(), "unknown: sgbuild knows nothing of this type"], &[name]);
    }
}
