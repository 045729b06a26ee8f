//! Functions that a package has and does not declare: those of which one is probably meant to train.

use std::fs;

use ruff_python_ast::{Parameters, Stmt};

use super::{Project, SourceFile, package_directory, python_source};

/// What a function is called that trains.
const NAME: &str = "train";
/// So many files of a package are looked at.
const MOST_FILES: usize = 1_000;

/// The functions called `train` of the package's modules that can be called without arguments, as `package.module:train`. A module that
/// cannot be read has none.
pub(crate) fn training_functions(project: &Project) -> Vec<String> {
    let mut found = Vec::new();
    let modules = project
        .metadata
        .py_modules
        .iter()
        .map(|module| (module.clone(), format!("{module}.py")));
    for (module, file) in modules.chain(packed_modules(project)) {
        let Ok(Some(source)) = SourceFile::read(&project.root, &file) else {
            continue;
        };
        if let Ok(Some(true)) = python_source::with_module(&source, |_, statements| statements.iter().any(trains)) {
            found.push(format!("{module}:{NAME}"));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Every module of the packages, with its file.
fn packed_modules(project: &Project) -> Vec<(String, String)> {
    let mut modules = Vec::new();
    for package in &project.metadata.packages {
        let directory = package_directory(package, &project.build.package_dir);
        let entries = fs::read_dir(project.root.join(&directory)).into_iter().flatten();
        for entry in entries.flatten().take(MOST_FILES) {
            let name = entry.file_name();
            let Some(module) = name.to_str().and_then(|name| name.strip_suffix(".py")) else {
                continue;
            };
            let dotted = match module {
                "__init__" => package.clone(),
                _ => format!("{package}.{module}"),
            };
            modules.push((dotted, directory.join(&name).to_string_lossy().into_owned()));
        }
    }
    modules
}

fn trains(statement: &Stmt) -> bool {
    match statement {
        Stmt::FunctionDef(function) => {
            function.name.as_str() == NAME && !function.is_async && needs_nothing(&function.parameters)
        }
        _ => false,
    }
}

fn needs_nothing(parameters: &Parameters) -> bool {
    parameters
        .iter_non_variadic_params()
        .all(|parameter| parameter.default.is_some())
}
