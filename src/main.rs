//! The process: the Lambda runtime where AWS started it, the command line elsewhere.

use std::io::Write as _;
use std::process::ExitCode;

use sgbuild::aws;
use sgbuild::cli::{Cli, Color};
use sgbuild::commands::{self, Begun, CommandError, Work};
use sgbuild::error::Error;
use sgbuild::explain::Fault;
use sgbuild::interruption;
use sgbuild::lambda::log::JsonLines;
use sgbuild::lambda::{self, Configuration};
use sgbuild::progress::Cancelled;
use sgbuild::settings::Environment;
use sgbuild::shown::Data;
use sgbuild::ui::{Ui, Verbosity};

fn main() -> ExitCode {
    sgbuild::secret::leave_no_core();
    // The Lambda runtime interface: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>.
    if let Ok(runtime_api) = std::env::var("AWS_LAMBDA_RUNTIME_API") {
        return run_lambda(&runtime_api);
    }
    let cli = match Cli::of_process() {
        Ok(cli) => cli,
        Err(said) => return print_of_clap(&said),
    };
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let verbosity = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    let ui = Ui::new(verbosity);
    match run(&cli, &ui) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&ui, &error),
    }
}

fn failed(ui: &Ui, error: &Error) -> ExitCode {
    let report = error.report();
    let fault = report.advice.fault;
    if !matches!(fault, Fault::Unread | Fault::Program(_)) {
        ui.error(&report);
    }
    ExitCode::from(fault.exit_code())
}

/// Prints what clap has to say: help and version, which are data, or what is wrong with the command line.
fn print_of_clap(said: &clap::Error) -> ExitCode {
    let printed = said.print().and_then(|()| std::io::stdout().flush());
    match printed {
        Err(error) if !said.use_stderr() => failed(&Ui::new(Verbosity::Normal), &CommandError::Stdout(error).into()),
        // Nobody is left to tell when stderr is closed.
        _ => ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(2)),
    }
}

fn run(cli: &Cli, ui: &Ui) -> Result<(), Error> {
    // A signal that cannot be caught ends the process.
    let _ = interruption::watch(&ui.cancelled_flag());
    let print = |data: &Data| ui.data(data);
    let outcome = match commands::begin(&cli.command, ui, &print, Environment::of_process())? {
        Begun::Over(outcome) => outcome,
        Begun::Waits(work) => wait_for(work)?,
    };
    Ok(ui.data(&outcome).map_err(CommandError::Stdout)?)
}

/// Runs a command that talks to services, until it is done or the user has enough. The command is polled on this thread and
/// may block it, as the runtime's own threads carry what it spawns.
fn wait_for(work: Work<'_>) -> Result<Data, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(CommandError::Runtime)?;
    let done = runtime.block_on(async {
        tokio::select! {
            // First, so that it listens before the command works without awaiting.
            biased;
            () = asked_to_stop() => Err(Cancelled.into()),
            done = work => done,
        }
    });
    // What a dropped command started on the runtime, such as closing a build's session, is given a moment.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    done
}

/// Ends at Ctrl-C, and at the SIGTERM of a build that is stopped, unless the command takes them itself.
async fn asked_to_stop() {
    next_signal().await;
    while interruption::is_taken_over() {
        next_signal().await;
    }
}

/// Ends at Ctrl-C, and at SIGTERM; never where the system offers neither.
async fn next_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            Ok(()) = tokio::signal::ctrl_c() => {}
            Some(()) = terminate.recv() => {}
            else => std::future::pending().await,
        },
        Err(_) => {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Serves the function whose handler Lambda names, until Lambda stops the process.
fn run_lambda(runtime_api: &str) -> ExitCode {
    match serve_lambda(runtime_api) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Ui::new(Verbosity::Normal).error(&error.report());
            ExitCode::FAILURE
        }
    }
}

fn serve_lambda(runtime_api: &str) -> Result<(), Error> {
    let handler = std::env::var("_HANDLER").unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CommandError::Runtime)?;
    runtime.block_on(async {
        let config = aws::configuration(None).await;
        let configuration = Configuration::read(|name| std::env::var(name).ok());
        let log = JsonLines::new(std::io::stderr());
        Ok(lambda::run(&handler, runtime_api, &config, &configuration, &log).await?)
    })
}
