//! What happens to a stack while it changes.

use aws_sdk_cloudformation::types::StackEvent;

use super::{CloudFormation, Error, FailedResource, POLL};
use crate::aws::{CallError, MOST, Pages};
use crate::progress::{Progress, Waiting};

/// What is asked.
const DESCRIBE: &str = "cloudformation:DescribeStackEvents";

/// The newest event of a stack before a change: what comes after it belongs to the change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark(Option<String>);

/// Remembers where the events of the stack with the ARN `id` stand.
///
/// # Errors
/// The call failed.
pub async fn mark(cloud_formation: &CloudFormation, id: &str) -> Result<Mark, Error> {
    let newest = page(cloud_formation, id, None).await?.0.into_iter().next();
    Ok(Mark(newest.and_then(|event| event.event_id)))
}

/// Shows the events after `mark` as progress, until the change of the stack with the ARN `id` has ended; answers with the stack's status
/// then.
///
/// # Errors
/// [`Error::Failed`] with the resource that failed first; a call that failed.
pub async fn follow(
    cloud_formation: &CloudFormation,
    name: &str,
    id: &str,
    mark: Mark,
    progress: &dyn Progress,
) -> Result<String, Error> {
    let mut mark = mark;
    let mut first = None;
    let _waiting = Waiting::begin(progress, &format!("Waiting for CloudFormation and the stack {name}"));
    loop {
        for event in since(cloud_formation, id, &mark).await? {
            tell(&event, progress);
            first = first.or_else(|| failure(&event));
            let ended = own_end(&event, id).map(ToOwned::to_owned);
            mark = Mark(event.event_id);
            match ended {
                None => {}
                Some(status) if is_success(&status) => return Ok(status),
                Some(status) => {
                    let name = name.to_owned();
                    return Err(Error::Failed { name, status, first });
                }
            }
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The events after `mark`, the oldest first.
async fn since(cloud_formation: &CloudFormation, id: &str, mark: &Mark) -> Result<Vec<StackEvent>, Error> {
    let mut found = Vec::new();
    let mut token = None;
    let mut count = Pages::of("events", MOST);
    loop {
        let counted = count.another();
        counted.map_err(|source| cloud_formation.failed(DESCRIBE, id, source))?;
        let (events, next) = page(cloud_formation, id, token).await?;
        for event in events {
            if event.event_id == mark.0 && mark.0.is_some() {
                found.reverse();
                return Ok(found);
            }
            found.push(event);
        }
        if next.is_none() {
            found.reverse();
            return Ok(found);
        }
        token = next;
    }
}

/// One page of [DescribeStackEvents](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html),
/// the newest first, and the token of the next.
async fn page(
    cloud_formation: &CloudFormation,
    id: &str,
    token: Option<String>,
) -> Result<(Vec<StackEvent>, Option<String>), Error> {
    let request = cloud_formation.client.describe_stack_events().stack_name(id);
    let answer = request
        .set_next_token(token)
        .send()
        .await
        .map_err(|error| cloud_formation.failed(DESCRIBE, id, CallError::from_sdk(&error)))?;
    Ok((
        answer.stack_events.unwrap_or_default(),
        answer.next_token.filter(|token| !token.is_empty()),
    ))
}

fn status(event: &StackEvent) -> &str {
    event.resource_status().map_or("", |status| status.as_str())
}

fn tell(event: &StackEvent, progress: &dyn Progress) {
    let line = format!(
        "{} {} {}",
        status(event),
        event.logical_resource_id().unwrap_or_default(),
        event.resource_type().unwrap_or_default(),
    );
    match event.resource_status_reason().filter(|reason| !reason.is_empty()) {
        Some(reason) => progress.detail(&format!("{line}: {reason}")),
        None => progress.detail(&line),
    }
}

/// The resource that failed by this event. One that was only cancelled because another had failed does not count; its reason says so.
fn failure(event: &StackEvent) -> Option<FailedResource> {
    let reason = event.resource_status_reason().unwrap_or("it gave no reason");
    let is_stack = event.resource_type() == Some("AWS::CloudFormation::Stack");
    let is_cancelled = reason.ends_with("cancelled");
    (status(event).ends_with("_FAILED") && !is_stack && !is_cancelled).then(|| FailedResource {
        logical_id: event.logical_resource_id().unwrap_or_default().to_owned(),
        kind: event.resource_type().unwrap_or_default().to_owned(),
        reason: reason.to_owned(),
    })
}

/// The status that the stack itself has after this event, if its change ended with it.
fn own_end<'a>(event: &'a StackEvent, id: &str) -> Option<&'a str> {
    let is_own = event.physical_resource_id() == Some(id);
    Some(status(event)).filter(|status| is_own && !status.ends_with("_IN_PROGRESS"))
}

fn is_success(status: &str) -> bool {
    matches!(status, "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "DELETE_COMPLETE")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, status: &str, reason: &str) -> StackEvent {
        StackEvent::builder()
            .logical_resource_id("Thing")
            .physical_resource_id("id")
            .resource_type(kind)
            .resource_status(status.into())
            .resource_status_reason(reason)
            .build()
    }

    #[test]
    fn only_what_failed_by_itself_is_a_failure() {
        assert!(failure(&event("AWS::S3::Bucket", "CREATE_FAILED", "taken")).is_some());
        assert!(
            failure(&event(
                "AWS::S3::Bucket",
                "CREATE_FAILED",
                "Resource creation cancelled"
            ))
            .is_none()
        );
        assert!(failure(&event("AWS::CloudFormation::Stack", "CREATE_FAILED", "see below")).is_none());
        assert!(failure(&event("AWS::S3::Bucket", "CREATE_COMPLETE", "")).is_none());
    }

    #[test]
    fn a_stack_rests_when_it_says_so_itself() {
        let stack = "AWS::CloudFormation::Stack";
        assert_eq!(
            own_end(&event(stack, "CREATE_COMPLETE", ""), "id"),
            Some("CREATE_COMPLETE")
        );
        assert_eq!(own_end(&event(stack, "CREATE_COMPLETE", ""), "other"), None);
        assert_eq!(own_end(&event(stack, "ROLLBACK_IN_PROGRESS", ""), "id"), None);
    }
}
