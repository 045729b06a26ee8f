//! Whether the user's file satisfies what the package declares; checked before anything is built.

use std::collections::{BTreeMap, BTreeSet};

use pep508_rs::{PackageName, Requirement};

use super::environment::Environment;
use super::pin::Pin;
use super::{Environments, Error, Line, Pinning, Requirements, What, requirements_txt};

/// A requirement of the package that applies with the chosen extras.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    /// Its form in the image's requirements.
    pub(crate) text: String,
    /// The same, read.
    pub(crate) requirement: Requirement,
    /// Who declares it, such as ``iris-classifier (extra `train`)``.
    pub(crate) by: String,
}

/// Checks `file` against what the package declares, in each of the `environments` that the image, built on `base`, may be.
///
/// A lock, or a file with hashes, must pin every requirement that applies there, in a version that satisfies it: nothing else will be
/// installed. Of another file only what certainly contradicts is told, as pip decides the rest.
///
/// # Errors
/// The first requirement or line that is not right, with where it stands.
pub(crate) fn check(
    file: &Requirements,
    declared: &[Declared],
    environments: &Environments,
    base: &str,
) -> Result<(), Error> {
    let mut right = 0;
    let mut wrong = Vec::new();
    for environment in environments.iter() {
        match check_in(environment, file, declared) {
            Ok(()) => right += 1,
            Err(error) => wrong.push((environment.python.clone(), error)),
        }
    }
    let Some((python, source)) = wrong.into_iter().next() else {
        return Ok(());
    };
    if right == 0 {
        return Err(source);
    }
    Err(Error::PythonUnknown {
        file: file.file.clone(),
        base: base.to_owned(),
        python,
        source: Box::new(source),
    })
}

fn check_in(environment: &Environment, file: &Requirements, declared: &[Declared]) -> Result<(), Error> {
    check_environment(environment, file)?;
    let applies = |line: &&Line| {
        let package = line.package();
        package.is_none_or(|requirement| environment.meets(&requirement.marker, &[]))
    };
    let installed: Vec<&Line> = file.lines.iter().filter(applies).collect();
    if file.has_hashes() {
        installed.iter().try_for_each(|line| check_hashed(line))?;
    }
    let mut pins: BTreeMap<PackageName, Vec<Pin<'_>>> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for line in installed.iter().copied().chain(file.constraints.iter().filter(applies)) {
        let Some((name, pin)) = Pin::of(line) else { continue };
        let others = pins.entry(name.clone()).or_default();
        if !known.insert((name.clone(), pin.exactly.to_string())) {
            continue;
        }
        if let Some(other) = others.iter().find(|other| other.contradicts(&pin)) {
            return Err(Error::Conflict {
                first: other.line.text.clone(),
                first_place: other.line.place.clone(),
                second: pin.line.text.clone(),
                second_place: pin.line.place.clone(),
            });
        }
        others.push(pin);
    }
    let pinning = file.pinning();
    let pinned = installed.iter().filter_map(|line| Pin::of(line));
    let pinned: BTreeSet<_> = pinned.map(|(name, _)| name).collect();
    let applying = declared
        .iter()
        .filter(|declared| environment.meets(&declared.requirement.marker, &[]));
    for declared in applying {
        let name = &declared.requirement.name;
        let pins = pins.get(name).map(Vec::as_slice).unwrap_or_default();
        if pinning != Pinning::Open && !pinned.contains(name) {
            return Err(Error::NotPinned {
                requirement: declared.text.clone(),
                declared_by: declared.by.clone(),
                file: file.file.clone(),
            });
        }
        if let Some(pin) = pins.iter().find(|pin| !pin.satisfies(&declared.requirement, pinning)) {
            return Err(Error::Unsatisfied {
                requirement: declared.text.clone(),
                declared_by: declared.by.clone(),
                pin: pin.line.text.clone(),
                place: pin.line.place.clone(),
                is_lock: pinning != Pinning::Open,
            });
        }
    }
    Ok(())
}

fn check_environment(environment: &Environment, file: &Requirements) -> Result<(), Error> {
    let other = |locked: String, image: String| {
        Err(Error::OtherEnvironment {
            file: file.file.clone(),
            locked,
            image,
        })
    };
    let python = format!("Python {}", environment.python);
    if let Some(allowed) = file
        .requires_python
        .as_ref()
        .filter(|allowed| !environment.is_python(allowed))
    {
        return other(format!("Python {allowed}"), python);
    }
    let is_met = |marker| environment.meets(marker, &[]);
    if !file.environments.is_empty() && !file.environments.iter().any(is_met) {
        let markers = file
            .environments
            .iter()
            .filter_map(pep508_rs::MarkerTree::try_to_string);
        let locked = markers
            .map(|marker| format!("`{marker}`"))
            .collect::<Vec<_>>()
            .join(" or ");
        return other(locked, format!("Linux and {python}"));
    }
    Ok(())
}

/// What pip asks of every requirement once there are hashes.
/// Source: <https://pip.pypa.io/en/stable/topics/secure-installs/#hash-checking-mode>.
fn check_hashed(line: &Line) -> Result<(), Error> {
    let hash_in = |url: &str| url.contains("#sha") || url.contains("&sha");
    let lacks = match &line.what {
        What::Options(_) => return Ok(()),
        _ if line.urls().iter().any(|url| requirements_txt::is_version_control(url)) => {
            "is a checkout, which has no hash"
        }
        _ if line.hashes.is_empty() && !line.urls().iter().any(|url| hash_in(url)) => "has no hash",
        What::Package(_) if Pin::of(line).is_none() => "is not pinned with `==`",
        _ => return Ok(()),
    };
    Err(Error::Unhashed {
        place: line.place.clone(),
        requirement: line.text.clone(),
        lacks,
    })
}

#[cfg(test)]
mod tests;
