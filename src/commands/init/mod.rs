//! `sgbuild init`: the settings' section, and a package where there is none. What is there is never changed.

mod package;
mod section;

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::checkout::Checkout;
use super::{CommandError, job};
use crate::cli;
use crate::error::Error;
use crate::oci::naming;
use crate::project::{Project, SourceFile, ini, require_train, training_functions};
use crate::reading;
use crate::shown::Data;
use package::Names;
use section::{Form, Known};

/// What makes a directory a project.
const PROJECT: [&str; 3] = ["setup.py", "setup.cfg", "pyproject.toml"];
/// Files that pin what is installed.
const LOCKS: [&str; 4] = ["pylock.toml", "uv.lock", "poetry.lock", "requirements.txt"];

/// A file that is written.
struct Written {
    /// Relative to the project.
    path: String,
    /// What stands before, which stays.
    before: Option<String>,
    /// What is added.
    text: String,
}

pub(super) fn run(arguments: &cli::Init, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let root = checkout.settings.root();
    let is_project = PROJECT.iter().any(|name| root.join(name).symlink_metadata().is_ok());
    let files = if is_project {
        of_project(checkout)?
    } else {
        new_package(checkout)?
    };
    if arguments.dry_run.dry_run {
        return Ok(preview(&files));
    }
    let mut names = Vec::<OsString>::new();
    for file in &files {
        let path = root.join(&file.path);
        write(&path, file).map_err(|source| CommandError::Init {
            path: path.clone(),
            source,
        })?;
        names.push(file.path.clone().into());
    }
    if !files.is_empty() {
        checkout
            .progress
            .step("Next: `sgbuild inspect` shows what it understands, `sgbuild push` builds and pushes the image");
    }
    Ok(Data::Names(names))
}

/// The files of a package that trains.
fn new_package(checkout: &Checkout<'_>) -> Result<Vec<Written>, Error> {
    let root = checkout.settings.root();
    let directory = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let names = Names::of(&directory);
    let title = format!(
        "There is no project here: making the package {}, which trains",
        names.name
    );
    checkout.progress.step(&title);
    let known = Known {
        repository: naming::repository_name(&names.name).ok(),
        ..Known::default()
    };
    let mut files: Vec<Written> = package::files(&names)?.into_iter().map(new_file).collect();
    files.push(new_file((
        Form::Cfg.file().to_owned(),
        section::section(Form::Cfg, &known),
    )));
    for file in &files {
        let path = root.join(&file.path);
        if path.symlink_metadata().is_ok() {
            let source = io::ErrorKind::AlreadyExists.into();
            return Err(CommandError::Init { path, source }.into());
        }
    }
    Ok(files)
}

fn new_file((path, text): (String, String)) -> Written {
    Written {
        path,
        before: None,
        text,
    }
}

/// The section of a project's settings; nothing, where it has one.
fn of_project(checkout: &Checkout<'_>) -> Result<Vec<Written>, Error> {
    let progress = checkout.progress;
    let project = job::read_project(checkout)?;
    if let Some(origin) = checkout.settings.section()? {
        progress.step(&format!("The settings are at {origin} already, and left as they are"));
        tell_of_training(&project, None, checkout);
        return Ok(Vec::new());
    }
    let offered = training_functions(&project);
    let train = match offered.as_slice() {
        [one] if declares_no_training(&project) => Some(one.clone()),
        _ => None,
    };
    tell_of_training(&project, train.as_deref(), checkout);
    let root = checkout.settings.root();
    let form = if root.join(Form::Toml.file()).is_file() {
        Form::Toml
    } else {
        Form::Cfg
    };
    let known = Known {
        train,
        repository: naming::repository_name(&project.metadata.name).ok(),
        lock: LOCKS
            .iter()
            .find(|lock| root.join(lock).is_file())
            .map(|lock| (*lock).to_owned()),
    };
    let text = section::section(form, &known);
    let before = SourceFile::read(root, form.file())?.map(|file| file.text);
    // As its editor has it; what was read has plain line ends.
    let raw = reading::text(&root.join(form.file()), reading::SETTINGS_FILE).unwrap_or_default();
    let end = if raw.contains("\r\n") { "\r\n" } else { "\n" };
    Ok(vec![added(form, before, &text.replace('\n', end), end)?])
}

/// Whether nothing that the project declares trains, or may be meant to.
fn declares_no_training(project: &Project) -> bool {
    matches!(
        require_train(project),
        Err(crate::project::Error::NoTrainFunction { .. })
    )
}

/// Says which function trains; where none does, what is missing, and where it goes.
fn tell_of_training(project: &Project, found: Option<&str>, checkout: &Checkout<'_>) {
    let progress = checkout.progress;
    if let Some(found) = found {
        progress.step(&format!(
            "The training is {found}: nothing declares it, so the settings say it"
        ));
        return;
    }
    match require_train(project) {
        Ok(train) => progress.step(&format!("The training is {}, of {}", train.object, train.declared_in)),
        Err(crate::project::Error::NoTrainFunction { .. }) => {
            let offered = training_functions(project);
            let which = match offered.as_slice() {
                [] => "package.module:function".to_owned(),
                several => several.join(" or "),
            };
            progress.warn(&format!(
                "nothing says which function trains: set `train` to {which}, or declare it in setup.py: entry_points={{\"sgbuild.train\": [\"train = package.module:function\"]}}"
            ));
        }
        Err(error) => progress.warn(&error.to_string()),
    }
}

/// The section at the end of a file, with its line ends, if the file can be read with it.
fn added(form: Form, before: Option<String>, text: &str, end: &str) -> Result<Written, Error> {
    let old = before.as_deref().unwrap_or_default();
    let mut more = String::new();
    if !old.is_empty() {
        more.push_str(if old.ends_with('\n') { "" } else { end });
        more.push_str(end);
    }
    more.push_str(text);
    let whole = format!("{old}{more}");
    let refused = |reason: String| CommandError::Section {
        file: form.file(),
        section: form.section(),
        reason,
    };
    match form {
        Form::Toml => {
            DeTable::parse(&whole).map_err(|error| refused(error.message().to_owned()))?;
        }
        Form::Cfg => {
            ini::parse(&whole).map_err(|error| refused(error.to_string()))?;
        }
    }
    Ok(Written {
        path: form.file().to_owned(),
        before,
        text: more,
    })
}

/// Writes a file that was not there, or adds to one that is as it was read.
fn write(path: &Path, file: &Written) -> io::Result<()> {
    if file.before.is_none() {
        let directory = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        let mut new = OpenOptions::new().write(true).create_new(true).open(path)?;
        return new.write_all(file.text.as_bytes());
    }
    // A link stays one: what it leads to, in the project, is added to.
    let place = path.canonicalize()?;
    let metadata = fs::metadata(&place)?;
    if metadata.permissions().readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let directory = place.parent().map_or_else(PathBuf::new, Path::to_owned);
    let mut next = tempfile::Builder::new()
        .permissions(metadata.permissions())
        .tempfile_in(directory)?;
    next.write_all(&fs::read(&place)?)?;
    next.write_all(file.text.as_bytes())?;
    next.persist(&place).map(drop).map_err(|error| error.error)
}

/// `--dry-run`: what would be written, each file below its name.
fn preview(files: &[Written]) -> Data {
    let shown = files.iter().map(|file| {
        let verb = if file.before.is_some() { "added to" } else { "new file" };
        format!("# ==> {verb} {}\n{}", file.path, file.text.trim_start())
    });
    let text = shown.collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        Data::Nothing
    } else {
        Data::File(text)
    }
}
