//! What of the project gets into the image, and what that needs there.

mod contents;
mod distributions;
mod files;
mod imports;
mod pins;
mod secrets;

use std::collections::BTreeMap;

use self::files::{Files, Reader};
use self::imports::{Installed, Module};
use super::exceptions::{self, Exception};
use super::finding::Finding;
use crate::package;
use crate::progress::Progress;
use crate::project::{Project, normalized};
use crate::requirements::{Pinning, Requirements, What, pep508};

/// What was found, and the exceptions that were read on the way.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) findings: Vec<Finding>,
    pub(super) exceptions: Vec<Exception>,
}

/// Looks at the files that are packed, what they import, and what is required. `holds_more` says that the image's base may hold
/// modules that nobody requires.
///
/// # Errors
/// The package cannot be made.
pub(super) fn look(
    project: &Project,
    requirements: Option<&Requirements>,
    holds_more: bool,
    progress: &dyn Progress,
) -> Result<Looked, package::Error> {
    let Files { files, is_certain } = Files::of(project, progress)?;
    let mut looked = Looked::default();
    let mut modules = BTreeMap::new();
    let mut reader = Reader::default();
    for file in &files {
        let Some(content) = reader.read(&file.real) else {
            continue;
        };
        contents::look_at(&file.path, &content, is_certain, &mut looked.findings);
        let Some(text) = content.text else { continue };
        looked.exceptions.extend(exceptions::in_text(&file.path, &text));
        if let Some(name) = dotted(&file.member) {
            let path = file.path.clone();
            modules.insert(name, Module { path, text });
        }
    }
    let train = project.train.as_ref().and_then(|train| train.object.split_once(':'));
    let start = train
        .map(|(module, _)| module)
        .filter(|module| modules.contains_key(*module));
    let installed = installed(project, requirements, holds_more);
    looked.findings.extend(imports::look(&modules, start, &installed));
    looked
        .findings
        .extend(pins::look(&project.root, &project.metadata.requires_dist, requirements));
    Ok(looked)
}

/// The module that a member of a wheel is.
fn dotted(member: &str) -> Option<String> {
    let module = member.strip_suffix(".py")?;
    let module = module.strip_suffix("/__init__").unwrap_or(module);
    (!module.contains(['.', '-'])).then(|| module.replace('/', "."))
}

fn installed(project: &Project, requirements: Option<&Requirements>, holds_more: bool) -> Installed {
    let declared = project.metadata.requires_dist.iter();
    let mut required: std::collections::BTreeSet<String> = declared
        .filter_map(|text| pep508::requirement(text).ok())
        .map(|parsed| normalized(parsed.name.as_ref()))
        .collect();
    let lines = || requirements.iter().flat_map(|file| &file.lines);
    required.extend(
        lines()
            .filter_map(crate::requirements::Line::name)
            .map(|name| normalized(name.as_ref())),
    );
    let names_nothing = |line: &crate::requirements::Line| matches!(line.what, What::Url(_)) && line.name().is_none();
    let is_locked = requirements.is_some_and(|file| file.pinning() != Pinning::Open);
    let has_locals = requirements.is_some_and(|file| !file.locals.is_empty());
    Installed {
        required,
        is_complete: is_locked,
        may_be_more: holds_more || has_locals || !project.build.docker_lines.is_empty() || lines().any(names_nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_modules_by_their_names() {
        assert_eq!(dotted("a/b.py").as_deref(), Some("a.b"));
        assert_eq!(dotted("a/__init__.py").as_deref(), Some("a"));
        assert_eq!(dotted("a-1.0.data/scripts/x.py"), None);
        assert_eq!(dotted("a/b.txt"), None);
    }
}
