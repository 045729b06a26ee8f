//! `sgbuild logs`: what a training job wrote.

use std::io;

use serde_json::json;

use super::{Checkout, CommandError, Print};
use crate::cli;
use crate::error::Error;
use crate::shown::{Data, Page, log_line};
use crate::training::call::CallError;
use crate::training::job::{self, Job, JobStatus};
use crate::training::job_log::{self, JobLog, LogLine};
use crate::training::{TrainingAnswer, follow};

pub(super) async fn run(arguments: &cli::Logs, checkout: &Checkout<'_>, print: &Print<'_>) -> Result<Data, Error> {
    let name = match &arguments.job {
        Some(name) => name.clone(),
        None => super::runs::newest_job(checkout).await?,
    };
    let mut each = |line: LogLine| print(&shown(&line, arguments.json));
    if arguments.follow {
        let aws = checkout.aws().await;
        let ended = follow::follow(&name, &aws, &mut each, checkout.progress).await?;
        return well(ended).map(|_| Data::Nothing);
    }
    print_log(&name, checkout, &mut each).await?;
    Ok(Data::Nothing)
}

/// What there is of the log now.
async fn print_log(name: &str, checkout: &Checkout<'_>, each: &mut job_log::Each<'_>) -> Result<(), Error> {
    let aws = checkout.aws().await;
    let failed = |source: CallError| CommandError::JobLog {
        job: name.to_owned(),
        source,
    };
    let mut log = JobLog::new(name, &aws);
    match log.read(each).await {
        Ok(()) => {}
        Err(job_log::Error::Output(source)) => return Err(CommandError::Stdout(source).into()),
        Err(job_log::Error::Call(source)) => return Err(failed(source).into()),
    }
    if log.instances() == 0 {
        // No log, or no job?
        let described = job::describe(&job::client(&aws), name).await.map_err(failed)?;
        checkout
            .progress
            .step(&format!("{name} has written nothing yet: {}", described.in_words()));
    }
    Ok(())
}

/// Follows the job of `answer` with its log as progress; its end decides.
pub(super) async fn wait(answer: &TrainingAnswer, checkout: &Checkout<'_>) -> Result<Job, Error> {
    let run = answer.run().ok_or_else(|| CommandError::NothingToFollow {
        function: checkout.settings.function().unwrap_or_default().to_owned(),
    })?;
    let mut each = |line: LogLine| -> io::Result<()> {
        checkout.progress.output(&as_a_terminal_leaves(&line.text));
        Ok(())
    };
    let aws = checkout.aws().await;
    well(follow::follow(&run.training_job_name, &aws, &mut each, checkout.progress).await?)
}

/// A job that did not end well is an error.
fn well(ended: Job) -> Result<Job, Error> {
    match ended.status {
        JobStatus::Completed => Ok(ended),
        _ => Err(CommandError::TrainingEnded(Box::new(ended)).into()),
    }
}

fn shown(line: &LogLine, as_json: bool) -> Data {
    if as_json {
        return Data::Json(json!(line).to_string());
    }
    let time = line.time.strftime("%Y-%m-%d %H:%M:%S");
    let mut page = Page::new();
    page.entry(&format!("{time} {}", line.instance), &as_a_terminal_leaves(&line.text));
    Data::Page(page)
}

/// One event of the log can hold several lines.
fn as_a_terminal_leaves(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(log_line).collect();
    lines.join("\n")
}
