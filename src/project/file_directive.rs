//! `file: README.md, CHANGES.md`: the texts of files of the project, which setup.cfg and pyproject.toml may give in a value's place.

use std::path::Path;

use super::error::Error;
use super::source_file::SourceFile;
use super::value::Place;

/// The files' texts joined by newlines, and those that exist; setuptools passes over missing ones.
pub(crate) fn read_files(root: &Path, names: &[&str], at: Place) -> Result<(String, Vec<String>), Error> {
    let mut texts = Vec::new();
    let mut read = Vec::new();
    for name in names {
        if Path::new(name).is_absolute() || name.split('/').any(|part| part == "..") {
            let message = format!("file: {name} is outside the project");
            return Err(Error::InvalidValue {
                at: at.to_string(),
                message,
            });
        }
        if !root.join(name).is_file() {
            continue;
        }
        if let Some(file) = SourceFile::read(root, name)? {
            // Here setuptools reads the mark as a character.
            let mark = if file.marked { "\u{feff}" } else { "" };
            texts.push(format!("{mark}{}", file.text));
            read.push((*name).to_owned());
        }
    }
    Ok((texts.join("\n"), read))
}
