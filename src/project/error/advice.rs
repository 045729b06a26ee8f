//! What it is called that a project cannot be read, and what to do about it.

use std::io;

use super::Error;
use crate::explain::{Advice, Code, Explain, Fault};
use crate::project::hook_log;
use crate::uv;

impl Error {
    /// How one of several entry points is named.
    fn which_entry_point(&self) -> Advice {
        let hint = match self {
            Self::AmbiguousTrain { verb: "serve", .. } => {
                "Choose one with the setting serve, by its name or as package.module:function."
            }
            Self::AmbiguousTrain { .. } => "Choose one with --train, by its name or as package.module:function.",
            _ => "Name one of them, or the function itself as package.module:function.",
        };
        Fault::User.hint(hint)
    }
}

impl Explain for Error {
    fn code(&self) -> Code {
        match self {
            Self::DirectoryMissing { .. } | Self::NotADirectory { .. } | Self::NoProjectFile { .. } => Code::NoProject,
            Self::AboveOthers { source, .. } | Self::AroundIt { source, .. } | Self::Asked { source, .. } => {
                source.code()
            }
            Self::Unreadable { .. } => Code::FileUnreadable,
            Self::Outside(outside) => outside.code(),
            Self::LinkLoop { .. } | Self::TooFar { .. } => Code::DirectoryWithoutEnd,
            Self::NotUtf8 { .. } | Self::Nul { .. } => Code::FileNotUtf8,
            Self::Syntax { .. } | Self::SetupCfg { .. } => Code::SyntaxError,
            Self::InvalidValue { .. } | Self::InvalidName { .. } | Self::InvalidVersion { .. } => Code::MetadataInvalid,
            Self::InvalidRequiresPython { .. } => Code::PythonVersionInvalid,
            Self::PackageWithoutDirectory { .. } => Code::DeclaredFileMissing,
            Self::NoBuildSystem { .. } => Code::NoBuildSystem,
            Self::NameMissing { .. } | Self::VersionMissing { .. } => Code::NoNameOrVersion,
            Self::InvalidRequirement { .. } => Code::RequirementInvalid,
            Self::InvalidEntryPoint { .. } | Self::FunctionMissing { .. } => Code::TrainingFunctionMissing,
            Self::SeveralTopLevel { .. } => Code::SeveralPackagesFound,
            Self::StaticOnly { .. } | Self::StaticSdist { .. } | Self::StaticWheel { .. } => Code::NeedsProjectCode,
            Self::AmbiguousTrain { .. } | Self::NoSuchEntryPoint { .. } => Code::SeveralTrainingFunctions,
            Self::ModuleNotPacked { .. } => Code::TrainingFunctionNotPacked,
            Self::NoTrainFunction { .. } | Self::NearlyTrains { .. } => Code::NoTrainingFunction,
            Self::NoEnvironment { .. } | Self::BuildRequirements { .. } | Self::Workspace { .. }
                if self.tells_of_full_disk() =>
            {
                Code::DiskFull
            }
            Self::PythonMissing { .. } | Self::NoEnvironment { .. } => Code::PythonUnusable,
            Self::Uv(error) => error.code(),
            Self::BuildRequirements { log, .. } if uv::is_network(log) => Code::PackageIndexUnreachable,
            Self::BuildRequirements { .. } | Self::BuildRequirementElsewhere { .. } => Code::BuildRequirementsFailed,
            Self::HookFailed { .. } | Self::ExitedEarly { .. } => Code::BuildBackendFailed,
            Self::TimedOut { .. } => Code::BuildBackendTooSlow,
            Self::Cancelled(cancelled) => cancelled.code(),
            Self::Workspace { .. } => Code::CacheUnusable,
        }
    }

    fn advice(&self) -> Advice {
        match self {
            Self::Cancelled(cancelled) => cancelled.advice(),
            Self::Uv(error) => error.advice(),
            Self::AroundIt { source, .. } => source.advice(),
            Self::AboveOthers { source, below } => above_others(source, below),
            Self::Outside(outside) => outside.advice(),
            Self::Asked { because, source } => source.advice().and(format!("Python was asked because {because}.")),
            Self::DirectoryMissing { .. } | Self::NotADirectory { .. } => {
                Fault::Usage.hint("Give the directory that holds the package's setup.py.")
            }
            Self::NoProjectFile { .. } => Fault::User.hint(
                "Run sgbuild in the directory that holds setup.py, or give that directory as its argument.",
            ),
            Self::NotUtf8 { .. } => Fault::User.hint("Save the file as UTF-8; PowerShell's `>` writes UTF-16."),
            Self::Syntax { python2: true, .. } => Fault::User.hint(
                "This looks like Python 2, which SageMaker images no longer carry; port the file to Python 3.",
            ),
            Self::Syntax { .. } => Fault::User.hint("Correct that line; Python and pip would stop there too."),
            Self::Nul { .. } => {
                Fault::User.hint("Remove it; a file saved as UTF-16 is full of them: save it as UTF-8.")
            }
            Self::SetupCfg { .. } => {
                Fault::User.hint("Correct that line of setup.cfg; setuptools and pip would stop there too.")
            }
            Self::PackageWithoutDirectory { .. } => Fault::User.hint(
                "Create the package's directory, or correct `packages` and `package_dir` (with a `src` layout: `package_dir={\"\": \"src\"}`).",
            ),
            Self::InvalidValue { .. } | Self::InvalidRequiresPython { .. } => {
                Fault::User.hint("Correct the value; setuptools and pip would refuse it too.")
            }
            Self::NoBuildSystem { requires, backend, .. } => Fault::User.hint(format!(
                "Add to pyproject.toml: [build-system], and in it requires = [\"{requires}\"] and build-backend = \"{backend}\"; without \
                 that table, pip takes every project for setuptools'."
            )),
            Self::NameMissing { .. } => {
                Fault::User.hint("Add name=\"…\" to setup(), or name to [metadata] or [project].")
            }
            Self::VersionMissing { .. } => Fault::User.hint(
                "Add version=\"…\" to setup(), or version to [metadata] or [project]; the image is tagged with it.",
            ),
            Self::InvalidName { .. } => Fault::User.hint(
                "Use letters, digits, '.', '-' and '_', starting and ending with a letter or digit.",
            ),
            Self::InvalidVersion { .. } => {
                Fault::User.hint("Write a version such as 1.0.0, 1.2rc1 or 2.0.dev3 (PEP 440).")
            }
            Self::InvalidRequirement { requirement, .. } => Fault::User.hint(requirement_hint(requirement)),
            Self::InvalidEntryPoint { .. } => Fault::User.hint("Write it as package.module:function."),
            Self::SeveralTopLevel { .. } => Fault::User.hint(
                "List packages in setup() (packages=find_packages(include=[…])) or move them below src/.",
            ),
            Self::StaticOnly { .. } => {
                Fault::User.hint("Write the value as a literal, or allow Python to be asked.")
            }
            Self::StaticSdist { .. } | Self::StaticWheel { .. } => Fault::User.hint(
                "Take that out of the project, or run without --static (SGBUILD_STATIC) where its code may run.",
            ),
            Self::ModuleNotPacked { hint, .. } => Fault::User.hint(hint.clone()),
            Self::FunctionMissing { .. } => Fault::User
                .hint("Name a function that is there in the entry point, or with --train package.module:function."),
            Self::AmbiguousTrain { .. } | Self::NoSuchEntryPoint { .. } => self.which_entry_point(),
            Self::NoTrainFunction { .. } => Fault::User
                .hint("Declare it in setup(): entry_points={\"myproject.training\": [\"train = myproject.model:train\"]}.")
                .and("Or name it once with --train package.module:function."),
            Self::NearlyTrains { .. } => Fault::User
                .hint("If one of them trains, call it train (\"train = myproject.model:fit\"), whatever its group, or put it in the group sgbuild.train.")
                .and("Or name it once with --train package.module:function."),
            Self::PythonMissing { .. } => {
                Fault::User.hint("Install Python 3, or name another interpreter with --python or SGBUILD_PYTHON.")
            }
            Self::NoEnvironment { .. } | Self::BuildRequirements { .. } if self.tells_of_full_disk() => Fault::User.hint(
                "Free some space: environments are in the cache directory, downloads in uv's (`uv cache clean`), and what has no room there in TMPDIR.",
            ),
            Self::NoEnvironment { .. } => {
                Fault::User.hint("Name a Python 3 that uv knows to work with, with --python or SGBUILD_PYTHON.")
            }
            Self::BuildRequirements { log, .. } if uv::is_network(log) => Fault::Temporary.hint(
                "Check the network and the package index (uv is told pip's settings, and UV_… variables), and try again.",
            ),
            Self::BuildRequirements { .. } => {
                Fault::User.hint("Check the names and versions in [build-system] requires.")
            }
            Self::BuildRequirementElsewhere { .. } => Fault::User.hint(
                "Name a release of it in [build-system] requires, or keep what it does in the project itself (backend-path): by its name \
                 alone, anybody's package might be run.",
            ),
            Self::HookFailed { log, .. } => Fault::User.hint(hook_log::hint(log)),
            Self::ExitedEarly { .. } => Fault::User.hint(hook_log::EXITED_HINT),
            Self::TimedOut { what, .. } => Fault::User.hint(slow_hint(what)),
            Self::Unreadable { .. } => {
                Fault::User.hint("Check that it is a regular file of a usual size, and that you may read it.")
            }
            Self::LinkLoop { .. } | Self::TooFar { .. } => Fault::User.hint(
                "Take links that lead back out of the project, or name what is looked for more narrowly, such as a directory below which packages are.",
            ),
            Self::Workspace { source, .. } => Fault::User.hint(workspace_hint(source)),
        }
    }
}

/// About what took too long; a backend that compiles is not setup.py.
fn slow_hint(what: &str) -> String {
    let waits = if what.contains("setuptools") {
        "setup.py"
    } else {
        "the build backend, or what it runs,"
    };
    format!(
        "If it needs longer, raise the limit with the setting `python-timeout` (SGBUILD_PYTHON_TIMEOUT), in seconds; \
         otherwise find out whether {waits} waits for input or the network."
    )
}

/// About a directory that stands above packages: what is wrong with itself may be of no interest.
fn above_others(source: &Error, below: &[String]) -> Advice {
    let packages = format!(
        "Packages below it are {}: run sgbuild in the directory of the one that trains, or give that as its argument.",
        below.join(", ")
    );
    let Advice { fault, hints } = source.advice();
    let own = if matches!(source, Error::NoProjectFile { .. }) {
        Vec::new()
    } else {
        hints
    };
    own.into_iter().fold(fault.hint(packages), Advice::and)
}

/// About a requirement: an option of pip's is none.
fn requirement_hint(requirement: &str) -> String {
    if requirement.starts_with('-') {
        return "install_requires takes requirements, and no options of pip. Name the file with the setting `requirements` \
                (requirements = \"requirements.txt\" in [tool.sgbuild] of pyproject.toml), where pip's options are understood, and keep \
                such lines out of install_requires."
            .to_owned();
    }
    "Write requirements such as numpy>=1.26 or six==1.16.0 (PEP 508).".to_owned()
}

/// About a directory for what is not kept.
fn workspace_hint(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::PermissionDenied {
        return "Name a directory for temporary files that you may write in, and nobody else, with TMPDIR.";
    }
    "Check that the directory can be written and has space left."
}
