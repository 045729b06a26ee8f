//! What the package requires, with the extras that were chosen.

use std::collections::BTreeSet;
use std::str::FromStr;

use pep508_rs::{ExtraName, PackageName, Requirement};

use super::requirements_txt::{self, Wrong};
use super::{Declared, Error, Requirements, pep508};
use crate::project::Project;
use crate::secret::without_url_credentials;

/// The extras that were chosen, by the settings or by a file that names the project itself, with those that they imply.
pub(crate) fn extras(
    project: &Project,
    chosen: &[String],
    file: Option<&Requirements>,
) -> Result<Vec<ExtraName>, Error> {
    let available: Vec<_> = project
        .metadata
        .provides_extra
        .iter()
        .filter_map(|e| ExtraName::from_str(e).ok())
        .collect();
    let known = |extra: &String| ExtraName::from_str(extra).ok().filter(|name| available.contains(name));
    let (name, available) = (&project.metadata.name, &project.metadata.provides_extra);
    let mut names = Vec::new();
    for extra in chosen {
        names.push(known(extra).ok_or_else(|| Error::NoSuchExtra {
            name: name.clone(),
            extra: extra.clone(),
            available: available.clone(),
        })?);
    }
    for (extra, place) in file.iter().flat_map(|file| &file.own_extras) {
        let unknown = || Error::UnknownExtra {
            place: place.clone(),
            name: name.clone(),
            extra: extra.clone(),
        };
        names.push(known(extra).ok_or_else(unknown)?);
    }
    Ok(with_implied(project, names))
}

/// Extras that somebody asks for of `project`, with those that they imply; the first that it does not have, where there is one.
pub(crate) fn asked_extras(project: &Project, asked: &[ExtraName]) -> Result<Vec<ExtraName>, ExtraName> {
    let has = |extra: &ExtraName| {
        let mut own = project.metadata.provides_extra.iter();
        own.any(|own| ExtraName::from_str(own).is_ok_and(|own| own == *extra))
    };
    match asked.iter().find(|extra| !has(extra)) {
        Some(unknown) => Err(unknown.clone()),
        None => Ok(with_implied(project, asked.to_vec())),
    }
}

/// The extras, with those that they ask for in turn: `all = ["pkg[a,b]"]` of the package `pkg` means its extras a and b.
fn with_implied(project: &Project, chosen: Vec<ExtraName>) -> Vec<ExtraName> {
    let own = PackageName::from_str(&project.metadata.name).ok();
    let declared: Vec<Requirement> = project
        .metadata
        .requires_dist
        .iter()
        .filter_map(|text| pep508::requirement(text).ok())
        .filter(|requirement| own.as_ref() == Some(&requirement.name))
        .collect();
    let mut all = chosen;
    loop {
        let implied = declared
            .iter()
            .filter(|requirement| requirement.marker.evaluate_extras(&all));
        let new: Vec<ExtraName> = implied
            .flat_map(|requirement| &requirement.extras)
            .filter(|extra| !all.contains(extra))
            .cloned()
            .collect();
        if new.is_empty() {
            return all;
        }
        all.extend(new);
    }
}

/// The requirements of `package` that apply with `extras`, without their `extra ==` markers, in PEP 508 form. One on the package
/// itself only names extras, which are among `extras`.
pub(crate) fn requirements(package: &str, declared: &[String], extras: &[ExtraName]) -> Result<Vec<Declared>, Error> {
    let own = PackageName::from_str(package).ok();
    let mut chosen: Vec<Declared> = Vec::new();
    let mut known = BTreeSet::new();
    for text in declared {
        let shown = without_url_credentials(text);
        if shown != *text {
            return Err(Error::DeclaredCredentials { requirement: shown });
        }
        // pip would put the value there, of the build's environment, where setuptools and other readers of METADATA leave it.
        if let Some(name) = requirements_txt::variable(text) {
            return Err(Error::Declared {
                requirement: text.clone(),
                reason: Wrong::Variable(name.to_owned()).to_string(),
            });
        }
        // A backend's answer was not looked at before.
        let mut requirement = pep508::requirement(text).map_err(|reason| Error::Declared {
            requirement: text.clone(),
            reason,
        })?;
        if !requirement.marker.evaluate_extras(extras) || own.as_ref() == Some(&requirement.name) {
            continue;
        }
        let by = declared_by(package, &requirement, extras);
        let marker = requirement.marker.clone().simplify_extras(extras);
        // As declared where that is possible: a reader knows it again.
        let is_plain = marker == requirement.marker;
        requirement.marker = marker;
        let text = if is_plain {
            text.trim().to_owned()
        } else {
            requirement.to_string()
        };
        if known.insert(text.clone()) {
            chosen.push(Declared { text, requirement, by });
        }
    }
    Ok(chosen)
}

/// The package, and the extra that brings the requirement in.
fn declared_by(package: &str, requirement: &Requirement, extras: &[ExtraName]) -> String {
    if requirement.marker.evaluate_extras(&[]) {
        return package.to_owned();
    }
    let brings_in = |extra: &&ExtraName| requirement.marker.evaluate_extras(std::slice::from_ref(*extra));
    match extras.iter().find(brings_in) {
        Some(extra) => format!("{package} (extra `{extra}`)"),
        None => package.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_in_a_url_is_refused() {
        let read = |text: &str| requirements("pkg", &[text.to_owned()], &[]).map(|read| read.len());
        let told = read("six @ https://h.example/${HTTPS_PROXY}/six-1-py3-none-any.whl").unwrap_err();
        assert!(
            told.to_string()
                .contains("${HTTPS_PROXY} is a variable of the environment"),
            "{told}"
        );
        assert_eq!(
            read("six @ https://h.example/${not_one}/six-1-py3-none-any.whl").unwrap(),
            1
        );
    }
}
