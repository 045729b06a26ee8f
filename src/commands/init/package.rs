//! A package that trains, for a directory without a project.

use std::path::Path;

use minijinja::context;

use crate::project::identifier;
use crate::template::{self, render};

const SETUP_PY: &str = include_str!("../../../templates/init/setup.py");
const TRAIN_PY: &str = include_str!("../../../templates/init/train.py");
/// What it is called where the directory's name is none for a package.
const UNNAMED: &str = "trainer";

/// What no package can be called, or is not found under.
const TAKEN: [&str; 44] = [
    "and", "as", "assert", "async", "await", "break", "build", "class", "continue", "def", "del", "dist", "elif",
    "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "json", "lambda", "none",
    "nonlocal", "not", "or", "os", "pass", "raise", "return", "setup", "site", "src", "sys", "test", "tests", "try",
    "while", "with", "yield", "docs",
];

/// A package's name, and that of its directory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) name: String,
    pub(super) package: String,
}

impl Names {
    /// After the directory.
    pub(super) fn of(directory: &Path) -> Self {
        let name = directory.file_name().map(|name| name.to_string_lossy().to_lowercase());
        let words = name.unwrap_or_default();
        let words: Vec<&str> = words
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let package = words.join("_");
        if !identifier(&package) || TAKEN.contains(&package.as_str()) {
            return Self {
                name: UNNAMED.to_owned(),
                package: UNNAMED.to_owned(),
            };
        }
        Self {
            name: words.join("-"),
            package,
        }
    }
}

/// Its files, with their paths.
pub(super) fn files(names: &Names) -> Result<Vec<(String, String)>, template::Error> {
    let Names { name, package } = names;
    let variables = context! { name, package };
    Ok(vec![
        ("setup.py".to_owned(), render("setup.py", SETUP_PY, variables, |_| {})?),
        (format!("{package}/__init__.py"), String::new()),
        (format!("{package}/train.py"), TRAIN_PY.to_owned()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_called_as_its_directory_where_python_takes_that() {
        for (directory, name, package) in [
            ("/home/me/iris-classifier", "iris-classifier", "iris_classifier"),
            ("/home/me/My Model.v2", "my-model-v2", "my_model_v2"),
            ("/home/me/2024", "trainer", "trainer"),
            ("/home/me/class", "trainer", "trainer"),
            ("/home/me/日本", "trainer", "trainer"),
            ("/", "trainer", "trainer"),
        ] {
            let names = Names::of(Path::new(directory));
            assert_eq!((names.name.as_str(), names.package.as_str()), (name, package));
        }
    }
}
