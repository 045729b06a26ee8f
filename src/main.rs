//! The process: the Lambda runtime where AWS started it, the command line elsewhere.

use std::process::ExitCode;
use std::sync::Arc;

use aws_config::BehaviorVersion;
use clap::Parser as _;

use sgbuild::cli::{Cli, Color};
use sgbuild::error::Error;
use sgbuild::lambda::Configuration;
use sgbuild::lambda::log::JsonLines;
use sgbuild::settings::Environment;
use sgbuild::ui::{Ui, Verbosity};
use sgbuild::{commands, lambda};

fn main() -> ExitCode {
    // The Lambda runtime interface: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>.
    if let Ok(runtime_api) = std::env::var("AWS_LAMBDA_RUNTIME_API") {
        return run_lambda(&runtime_api);
    }
    let cli = Cli::parse();
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
    let ui = Arc::new(Ui::new(verbosity));
    match run(&cli, &ui) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let report = error.report();
            ui.error(&report);
            ExitCode::from(report.fault.exit_code())
        }
    }
}

fn run(cli: &Cli, ui: &Arc<Ui>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    // A task of its own, so that it is told also while a command works without awaiting.
    let told = Arc::clone(ui);
    let interrupt = runtime.spawn(async move {
        asked_to_stop().await;
        told.cancel();
    });
    let print = |text: &str| ui.data(text);
    let work = commands::run(&cli.command, ui.as_ref(), &print, Environment::of_process());
    let done = runtime.block_on(async {
        tokio::select! {
            done = work => done,
            _ = interrupt => Err(Error::Interrupted),
        }
    });
    // What a dropped command started on the runtime, such as closing a build's session, is given a moment.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    let outcome = done?;
    ui.data(&outcome).map_err(Error::Stdout)
}

/// Ends at Ctrl-C, and at the SIGTERM of a build that is stopped; never where the system offers neither.
async fn asked_to_stop() {
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
    let handler = std::env::var("_HANDLER").unwrap_or_default();
    let served = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)
        .and_then(|runtime| {
            runtime.block_on(async {
                let aws = aws_config::load_defaults(BehaviorVersion::latest()).await;
                let configuration = Configuration::read(|name| std::env::var(name).ok());
                let log = JsonLines::new(std::io::stderr());
                lambda::run(&handler, runtime_api, &aws, &configuration, &log)
                    .await
                    .map_err(Error::Lambda)
            })
        });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Ui::new(Verbosity::Normal).error(&error.report());
            ExitCode::FAILURE
        }
    }
}
