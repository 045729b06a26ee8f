//! A training job's log: what its containers write to stdout and stderr, as SageMaker keeps it in CloudWatch Logs.
//!
//! Group [`GROUP`], one stream an instance, named `<job>/algo-<n>-<time>`:
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html>.

use std::collections::BTreeMap;
use std::io;

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::operation::describe_log_streams::DescribeLogStreamsError;
use aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsError;
use jiff::Timestamp;
use serde::Serialize;

use crate::aws::{CallError, MOST, Pages};

/// Where SageMaker writes the logs of training jobs.
pub(crate) const GROUP: &str = "/aws/sagemaker/TrainingJobs";

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LogLine {
    /// When the container wrote it.
    pub(crate) time: Timestamp,
    /// The instance, such as `algo-1`.
    pub(crate) instance: String,
    /// Without its line break.
    pub(crate) text: String,
}

/// Receives the lines of a log; an error of it ends the reading.
pub(crate) type Each<'a> = dyn FnMut(LogLine) -> io::Result<()> + Send + 'a;

/// Why a log could not be read to its present end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// CloudWatch Logs refuses, or cannot be reached.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Whoever receives the lines takes no more.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Reads a job's log piece by piece: every [`read`](Self::read) answers with what is new.
#[derive(Debug)]
pub(crate) struct JobLog {
    client: aws_sdk_cloudwatchlogs::Client,
    job: String,
    /// How far each stream has been read: the token of its next page.
    read_to: BTreeMap<String, Option<String>>,
}

impl JobLog {
    /// The log of the job named `job`, from its first line.
    #[must_use]
    pub(crate) fn new(job: &str, sdk_config: &SdkConfig) -> Self {
        Self {
            client: aws_sdk_cloudwatchlogs::Client::new(sdk_config),
            job: job.to_owned(),
            read_to: BTreeMap::new(),
        }
    }

    /// Hands every line that was not yet read to `each`, a page at a time; lines of several instances follow each other in
    /// the order of time within one page of each. A log that does not exist yet has no lines.
    ///
    /// # Errors
    /// See [`Error`]; what was handed out stays read.
    pub(crate) async fn read(&mut self, each: &mut Each<'_>) -> Result<(), Error> {
        self.find_streams().await?;
        loop {
            let mut page = Vec::new();
            for stream in self.read_to.keys().cloned().collect::<Vec<_>>() {
                page.extend(self.next_page(&stream).await?);
            }
            if page.is_empty() {
                return Ok(());
            }
            page.sort_by_key(|line: &LogLine| line.time);
            page.into_iter().try_for_each(&mut *each)?;
        }
    }

    /// How many instances have written so far.
    #[must_use]
    pub(crate) fn instances(&self) -> usize {
        self.read_to.len()
    }

    /// Finds the streams of instances that have begun to write since the last time.
    async fn find_streams(&mut self) -> Result<(), CallError> {
        let prefix = format!("{}/", self.job);
        let mut pages = self
            .client
            .describe_log_streams()
            .log_group_name(GROUP)
            .log_stream_name_prefix(prefix)
            .into_paginator()
            .send();
        let mut count = Pages::of("log streams", MOST);
        while let Some(page) = pages.next().await {
            count.another()?;
            let page = match page {
                Ok(page) => page,
                Err(error) if is_no_group(&error) => return Ok(()),
                Err(error) => return Err(CallError::from_sdk(&error)),
            };
            for name in page.log_streams().iter().filter_map(|stream| stream.log_stream_name()) {
                self.read_to.entry(name.to_owned()).or_default();
            }
        }
        Ok(())
    }

    /// The next page of one stream; empty at its present end, where CloudWatch answers with the token that it was given.
    /// A page in between may be empty too: then the one after it is asked for.
    async fn next_page(&mut self, stream: &str) -> Result<Vec<LogLine>, CallError> {
        let mut empty = Pages::of("events without an event", MOST);
        loop {
            empty.another()?;
            let token = self.read_to.get(stream).cloned().flatten();
            let answer = self
                .client
                .get_log_events()
                .log_group_name(GROUP)
                .log_stream_name(stream)
                .start_from_head(true)
                .set_next_token(token.clone())
                .send()
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(GetLogEventsError::is_resource_not_found_exception) =>
                {
                    return Ok(Vec::new());
                }
                Err(error) => return Err(CallError::from_sdk(&error)),
            };
            let next = answer.next_forward_token().map(ToOwned::to_owned);
            let at_end = next.is_none() || next == token;
            if next.is_some() {
                self.read_to.insert(stream.to_owned(), next);
            }
            let instance = instance(stream);
            let lines: Vec<LogLine> = answer
                .events()
                .iter()
                .map(|event| LogLine {
                    time: event
                        .timestamp()
                        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
                        .unwrap_or_default(),
                    instance: instance.to_owned(),
                    text: event
                        .message()
                        .unwrap_or_default()
                        .trim_end_matches(['\r', '\n'])
                        .to_owned(),
                })
                .collect();
            if !lines.is_empty() || at_end {
                return Ok(lines);
            }
        }
    }
}

type StreamsError = aws_sdk_cloudwatchlogs::error::SdkError<DescribeLogStreamsError>;

/// Whether there is no log group: SageMaker makes it with the account's first training job.
fn is_no_group(error: &StreamsError) -> bool {
    error
        .as_service_error()
        .is_some_and(DescribeLogStreamsError::is_resource_not_found_exception)
}

/// `algo-1` of `<job>/algo-1-1700000000`.
fn instance(stream: &str) -> &str {
    let name = stream.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('-').map_or(name, |(instance, _)| instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_named_as_sagemaker_numbers_it() {
        assert_eq!(instance("iris-1/algo-2-1700000000"), "algo-2");
        assert_eq!(instance("odd"), "odd");
    }
}
