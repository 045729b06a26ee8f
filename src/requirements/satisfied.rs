//! Whether the user's file gives the package what it declares, before anything is built.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use pep440_rs::{Operator, Version, VersionSpecifier, VersionSpecifiers};
use pep508_rs::{PackageName, Requirement, VersionOrUrl};

use super::environment::Environment;
use super::{Environments, Error, Line, Requirements, What, direct_reference, requirements_txt};

/// A requirement of the package that applies with the chosen extras.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Its form in the image's requirements.
    pub text: String,
    /// The same, read.
    pub requirement: Requirement,
    /// Who declares it, such as ``iris-classifier (extra `train`)``.
    pub by: String,
}

/// Checks `file` against what the package declares, in each of the `environments` that the image, built on `base`, may be.
///
/// A lock, or a file with hashes, must pin every requirement that applies there, in a version that satisfies it: nothing else will be
/// installed. Of another file only what certainly contradicts is told, as pip decides the rest.
///
/// # Errors
/// The first requirement or line that is not right, with where it stands.
pub fn check(file: &Requirements, declared: &[Declared], environments: &Environments, base: &str) -> Result<(), Error> {
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
    let must_be_pinned = file.is_complete() || file.has_hashes();
    let pinned = installed.iter().filter_map(|line| Pin::of(line));
    let pinned: BTreeSet<_> = pinned.map(|(name, _)| name).collect();
    let applying = declared
        .iter()
        .filter(|declared| environment.meets(&declared.requirement.marker, &[]));
    for declared in applying {
        let name = &declared.requirement.name;
        let pins = pins.get(name).map(Vec::as_slice).unwrap_or_default();
        if must_be_pinned && !pinned.contains(name) {
            return Err(Error::NotPinned {
                requirement: declared.text.clone(),
                declared_by: declared.by.clone(),
                file: file.file.clone(),
            });
        }
        if let Some(pin) = pins
            .iter()
            .find(|pin| !pin.satisfies(&declared.requirement, must_be_pinned))
        {
            return Err(Error::Unsatisfied {
                requirement: declared.text.clone(),
                declared_by: declared.by.clone(),
                pin: pin.line.text.clone(),
                place: pin.line.place.clone(),
                is_lock: must_be_pinned,
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

/// A line that leaves no choice.
struct Pin<'a> {
    line: &'a Line,
    exactly: Exactly<'a>,
}

enum Exactly<'a> {
    Version(&'a VersionSpecifier),
    Url(&'a str, Option<Version>),
}

impl fmt::Display for Exactly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => version.fmt(f),
            Self::Url(url, _) => url.fmt(f),
        }
    }
}

impl<'a> Pin<'a> {
    fn of(line: &'a Line) -> Option<(PackageName, Self)> {
        let (name, exactly) = match &line.what {
            What::Options(_) => return None,
            What::Url(url) => {
                let (name, version) = direct_reference::package(url)?;
                (name, Exactly::Url(url, version))
            }
            What::Package(requirement) => {
                let exactly = match requirement.version_or_url.as_ref()? {
                    VersionOrUrl::Url(url) => {
                        let url = url.given()?;
                        Exactly::Url(url, direct_reference::package(url).and_then(|(_, version)| version))
                    }
                    VersionOrUrl::VersionSpecifier(specifiers) => Exactly::Version(exact(specifiers)?),
                };
                (requirement.name.clone(), exactly)
            }
        };
        Some((name, Self { line, exactly }))
    }

    /// Whether nothing can be both.
    fn contradicts(&self, other: &Self) -> bool {
        match (&self.exactly, &other.exactly) {
            (Exactly::Version(one), Exactly::Version(two)) => {
                !admits(one, two.version()) && !admits(two, one.version())
            }
            (Exactly::Url(one, _), Exactly::Url(two, _)) => !direct_reference::is_same(one, two),
            (Exactly::Version(version), Exactly::Url(_, found))
            | (Exactly::Url(_, found), Exactly::Version(version)) => {
                found.as_ref().is_some_and(|found| !admits(version, found))
            }
        }
    }

    /// Whether what is pinned is what `requirement` asks for. Where pip still decides, only a certain no counts.
    fn satisfies(&self, requirement: &Requirement, must_be_pinned: bool) -> bool {
        match (requirement.version_or_url.as_ref(), &self.exactly) {
            (None, _) | (Some(VersionOrUrl::VersionSpecifier(_)), Exactly::Url(_, None)) => true,
            (Some(VersionOrUrl::VersionSpecifier(wanted)), Exactly::Version(pinned)) => {
                admits_all(wanted, pinned.version())
            }
            (Some(VersionOrUrl::VersionSpecifier(wanted)), Exactly::Url(_, Some(version))) => {
                admits_all(wanted, version)
            }
            (Some(VersionOrUrl::Url(wanted)), Exactly::Url(pinned, _)) => wanted
                .given()
                .is_none_or(|wanted| direct_reference::is_same(wanted, pinned)),
            (Some(VersionOrUrl::Url(_)), Exactly::Version(_)) => !must_be_pinned,
        }
    }
}

/// The specifier that leaves one version: `==1.0` or `===1.0`.
fn exact(specifiers: &VersionSpecifiers) -> Option<&VersionSpecifier> {
    let leaves_one =
        |specifier: &&VersionSpecifier| matches!(specifier.operator(), Operator::Equal | Operator::ExactEqual);
    specifiers.iter().find(leaves_one)
}

fn admits_all(wanted: &VersionSpecifiers, version: &Version) -> bool {
    wanted.iter().all(|specifier| admits(specifier, version))
}

/// Whether `specifier` admits `version`. A pin without a local version (`2.1.0`) stands for all of them (`2.1.0+cpu`).
/// Source: <https://packaging.python.org/en/latest/specifications/version-specifiers/#version-matching>.
fn admits(specifier: &VersionSpecifier, version: &Version) -> bool {
    let wanted = specifier.version();
    let may_be_local = wanted.is_local() && !version.is_local() && wanted.clone().without_local() == *version;
    specifier.contains(version) || may_be_local
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;
    use crate::requirements::{Format, Place};

    const HASH: &str = "sha256:00";

    fn line(number: usize, text: &str, hashes: &[&str]) -> Line {
        let what = What::Package(Box::new(Requirement::from_str(text).unwrap()));
        Line {
            place: Place {
                file: "r.txt".to_owned(),
                line: number,
            },
            text: text.to_owned(),
            what,
            hashes: hashes.iter().map(|hash| (*hash).to_owned()).collect(),
            options: Vec::new(),
        }
    }

    fn file(format: Format, lines: &[&str], hashes: &[&str]) -> Requirements {
        Requirements {
            file: "r.txt".to_owned(),
            format,
            lines: (1..)
                .zip(lines)
                .map(|(number, text)| line(number, text, hashes))
                .collect(),
            constraints: Vec::new(),
            own_extras: Vec::new(),
            environments: Vec::new(),
            requires_python: None,
        }
    }

    fn declared(text: &str) -> Declared {
        Declared {
            text: text.to_owned(),
            requirement: Requirement::from_str(text).unwrap(),
            by: "tiny".to_owned(),
        }
    }

    fn told(file: &Requirements, wanted: &str) -> String {
        let pythons = ["3.11".to_owned()];
        let environments = Environments::new("linux/amd64", &pythons);
        match check(file, &[declared(wanted)], &environments, "base") {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_lock_must_pin_what_is_declared() {
        for (pin, wanted, is_right) in [
            ("numpy==1.26.4", "numpy>=1.26", true),
            ("numpy==1.26.4", "NumPy", true),
            ("numpy==1.24.0", "numpy>=1.26", false),
            ("torch==2.1.0+cpu", "torch==2.1.0", true),
            ("torch==2.1.0+cpu", "torch>=2.1,<2.2", true),
            ("torch==2.1.0", "torch==2.1.0+cpu", true),
            ("torch==2.1.0+cu118", "torch==2.1.0+cpu", false),
            ("a==1.1rc1", "a>=1.0", true),
            ("a===1.0", "a==1.0", true),
            ("a===1.0", "a===1.0", true),
            ("a==1.0", "a==1.*", true),
            ("a @ https://h/a-1.0-py3-none-any.whl", "a>=2", false),
            ("a @ https://h/a-1.0-py3-none-any.whl", "a>=1", true),
            ("a @ https://h/archive/main.zip", "a>=2", true),
            ("a @ git+https://h/a@0123", "a @ git+https://h/a.git@main", true),
            ("a==1.0", "a @ git+https://h/a.git@main", false),
            ("b==1", "a", false),
            ("b==1", "a; sys_platform == 'win32'", true),
            ("b==1", "a; python_version < '3.11'", true),
            ("b==1", "a; platform_machine == 'x86_64'", false),
            ("a==1; sys_platform == 'win32'", "a", false),
            ("a==1; python_full_version >= '3.11.3'", "a", true),
        ] {
            for format in [Format::Pylock, Format::UvLock, Format::PoetryLock] {
                let told = told(&file(format, &[pin], &[]), wanted);
                assert_eq!(told.is_empty(), is_right, "{pin} for {wanted}: {told}");
            }
        }
    }

    #[test]
    fn a_loose_file_is_only_told_of_certain_contradictions() {
        let loose = |lines: &[&str]| file(Format::RequirementsTxt, lines, &[]);
        assert_eq!(told(&loose(&["numpy>=1.20"]), "numpy>=1.26"), "");
        assert_eq!(told(&loose(&["other==1"]), "numpy>=1.26"), "");
        assert_eq!(
            told(&loose(&["x", "numpy==1.24"]), "numpy>=1.26"),
            "tiny asks for `numpy>=1.26`, and r.txt:2 pins `numpy==1.24`"
        );
        assert_eq!(
            told(&loose(&["a==1.0", "a==2.0"]), "b"),
            "r.txt:2 pins `a==2.0`, and r.txt:1 pins `a==1.0`"
        );
        assert_eq!(told(&loose(&["a==1.0", "a===1.0.0", "a==1.0+x"]), "b"), "");
        assert_eq!(told(&loose(&["a==1; python_version<'3'", "a==2"]), "b"), "");
        let constrained = Requirements {
            constraints: vec![line(9, "a==3", &[])],
            ..loose(&[])
        };
        assert!(told(&constrained, "a<3").contains("r.txt:9"));
    }

    #[test]
    fn hashes_are_asked_of_everything() {
        let hashed = |lines: &[&str]| file(Format::RequirementsTxt, lines, &[HASH]);
        assert_eq!(told(&hashed(&["a==1"]), "a"), "");
        assert!(told(&hashed(&["a>=1"]), "a").contains("r.txt:1: `a>=1` is not pinned"));
        assert!(told(&hashed(&["a @ git+https://h/a@0"]), "a").contains("is a checkout"));
        let mut mixed = hashed(&["a==1", "b==1", "c @ https://h/c-1.zip#sha256=00"]);
        mixed.lines[2].hashes.clear();
        assert_eq!(told(&mixed, "a"), "");
        mixed.lines[1].hashes.clear();
        assert!(told(&mixed, "a").contains("r.txt:2: `b==1` has no hash"));
        // Nothing but the file is installed, so a constraint is no pin.
        let constrained = Requirements {
            constraints: vec![line(9, "b==1", &[])],
            ..hashed(&["a==1"])
        };
        assert!(told(&constrained, "b").contains("does not pin it"));
    }

    #[test]
    fn an_unknown_python_is_asked_for_only_where_it_matters() {
        let pythons = ["3.10", "3.12"].map(ToOwned::to_owned);
        let environments = Environments::new("linux/arm64", &pythons);
        let lock = file(Format::Pylock, &["a==1"], &[]);
        assert!(check(&lock, &[declared("a")], &environments, "base").is_ok());
        let error = check(&lock, &[declared("b; python_version < '3.11'")], &environments, "base").unwrap_err();
        assert!(matches!(error, Error::PythonUnknown { .. }), "{error}");
        let error = check(&lock, &[declared("b")], &environments, "base").unwrap_err();
        assert!(matches!(error, Error::NotPinned { .. }), "{error}");
    }

    #[test]
    fn a_lock_for_another_environment() {
        let lock = Requirements {
            requires_python: Some(VersionSpecifiers::from_str(">=3.12").unwrap()),
            ..file(Format::Pylock, &["a==1"], &[])
        };
        assert_eq!(
            told(&lock, "a"),
            "r.txt is locked for Python >=3.12, and the image has Python 3.11"
        );
        let lock = Requirements {
            environments: vec![pep508_rs::MarkerTree::from_str("sys_platform == 'win32'").unwrap()],
            ..file(Format::Pylock, &["a==1"], &[])
        };
        assert_eq!(
            told(&lock, "a"),
            "r.txt is locked for `sys_platform == 'win32'`, and the image has Linux and Python 3.11"
        );
    }
}
