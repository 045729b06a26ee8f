//! The verbs, one file each: settings, then the library, then what is printed.

mod archives;
mod base;
mod build;
mod cache;
mod check;
mod checked;
mod checkout;
mod completions;
mod destroy;
mod diff;
mod dist;
mod error;
mod execute;
mod explain;
mod explained;
mod github;
mod image_here;
mod init;
mod inspect;
mod job;
mod launch;
mod lineage;
mod logs;
mod man;
mod neighbours;
mod pipeline;
mod pipeline_engine;
mod prepared;
mod program;
mod push;
mod report;
mod runs;
mod sbom;
mod serve;
mod settings;
mod status;
mod target;
mod train;
mod train_here;

use std::io;
use std::pin::Pin;

use serde::Serialize;

use crate::cli::Command;
use crate::error::Error;
use crate::progress::Progress;
use crate::settings::Environment;
use crate::shown::Data;
use checkout::Checkout;
pub use error::CommandError;

/// Prints on stdout at once: for a command whose data comes over hours.
pub type Print<'a> = dyn Fn(&Data) -> io::Result<()> + Send + Sync + 'a;

/// What a command does while services answer; its output is what it prints on stdout at its end.
pub type Work<'a> = Pin<Box<dyn Future<Output = Result<Data, Error>> + 'a>>;

/// A command that was begun.
pub enum Begun<'a> {
    /// It only reads and writes files, and is over, with what it prints: it needs no runtime, which takes longer to make
    /// than a project takes to be read.
    Over(Data),
    /// It talks to services, on a runtime of several threads.
    Waits(Work<'a>),
}

/// Begins a command.
///
/// # Errors
/// Whatever stage failed; see [`Error`].
pub fn begin<'a>(
    command: &'a Command,
    progress: &'a dyn Progress,
    print: &'a Print<'a>,
    environment: Environment,
) -> Result<Begun<'a>, Error> {
    let open = move || Checkout::open(command.directory(), command.settings(), environment, progress);
    let work: Work<'a> = match command {
        Command::Init(arguments) => return init::run(arguments, &open()?).map(Begun::Over),
        Command::Inspect(arguments) => return inspect::run(arguments, &open()?).map(Begun::Over),
        Command::Check(arguments) if arguments.is_offline() => {
            return check::run(arguments, &open()?, print).map(Begun::Over);
        }
        Command::Check(arguments) => Box::pin(async move { Box::pin(check::ask(arguments, &open()?, print)).await }),
        Command::Dist(arguments) => return dist::run(arguments, &open()?).map(Begun::Over),
        Command::Cache(arguments) => return cache::run(arguments, &open()?).map(Begun::Over),
        Command::Settings(arguments) if arguments.schema => return Ok(Begun::Over(settings::schema())),
        Command::Settings(arguments) => return settings::run(arguments, &open()?).map(Begun::Over),
        Command::Explain(arguments) => return explain::run(arguments).map(Begun::Over),
        Command::Completions(arguments) => return Ok(Begun::Over(completions::script(arguments.shell))),
        Command::Man(arguments) => return man::run(arguments).map(Begun::Over),
        Command::Build(arguments) => Box::pin(async move { build::run(arguments, &open()?).await }),
        // The longest path keeps the most between its steps.
        Command::Push(arguments) => Box::pin(async move { Box::pin(push::run(arguments, &open()?)).await }),
        Command::Base(arguments) => Box::pin(async move { Box::pin(base::run(arguments, &open()?)).await }),
        Command::Train(arguments) => Box::pin(async move { train::run(arguments, &open()?).await }),
        Command::Serve(arguments) => Box::pin(async move { Box::pin(serve::run(arguments, &open()?, print)).await }),
        Command::Execute(arguments) => {
            Box::pin(async move { Box::pin(execute::run(arguments, &open()?, print)).await })
        }
        Command::Runs(arguments) => Box::pin(async move { runs::run(arguments, &open()?).await }),
        Command::Report(arguments) => Box::pin(async move { report::run(arguments, &open()?).await }),
        Command::Lineage(arguments) => Box::pin(async move { lineage::run(arguments, &open()?).await }),
        Command::Logs(arguments) => Box::pin(async move { logs::run(arguments, &open()?, print).await }),
        Command::Diff(arguments) => Box::pin(async move { diff::run(arguments, &open()?, print).await }),
        Command::Launch(arguments) => Box::pin(async move { launch::run(arguments, &open()?).await }),
        Command::Status(arguments) => Box::pin(async move { status::run(arguments, &open()?).await }),
        Command::Destroy(arguments) => Box::pin(async move { destroy::run(arguments, &open()?).await }),
    };
    Ok(Begun::Waits(work))
}

/// JSON in lines.
pub(crate) fn json(value: &impl Serialize) -> Data {
    // Plain structs with string keys always serialise.
    Data::Json(serde_json::to_string_pretty(value).unwrap_or_default())
}
