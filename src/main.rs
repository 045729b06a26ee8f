//! The process: the Lambda runtime where AWS started it, the command line elsewhere.

use std::process::ExitCode;

use clap::Parser as _;

use sgbuild::cli::{Cli, Color};
use sgbuild::error::Error;
use sgbuild::settings::Environment;
use sgbuild::ui::{Ui, Verbosity};
use sgbuild::{commands, lambda};

fn main() -> ExitCode {
    // The Lambda runtime interface: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>.
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        return run_lambda();
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
    let ui = Ui::new(verbosity);
    match run(&cli, &ui) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let report = error.report();
            ui.error(&report);
            ExitCode::from(report.fault.exit_code())
        }
    }
}

fn run(cli: &Cli, ui: &Ui) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(Error::Runtime)?;
    let work = commands::run(&cli.command, ui, Environment::of_process());
    let done = runtime.block_on(async {
        tokio::select! {
            done = work => done,
            Ok(()) = tokio::signal::ctrl_c() => Err(Error::Interrupted),
        }
    });
    // What a dropped command started on the runtime, such as closing a build's session, is given a moment.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    let outcome = done?;
    ui.data(&outcome).map_err(Error::Stdout)
}

fn run_lambda() -> ExitCode {
    let handler = std::env::var("_HANDLER").unwrap_or_default();
    let ran = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(lambda::run(&handler)));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error: lambda_runtime::Error = error;
            // Lambda puts the function's stderr into its log.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{error}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}
