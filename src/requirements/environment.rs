//! The environments that a requirement's marker is judged in: those that the image may turn out to be.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerEnvironment, MarkerEnvironmentBuilder, MarkerTree};

/// The image's environment for each Python that it may have; one where the Python is known.
#[derive(Debug, Clone)]
pub(crate) struct Environments(Vec<Environment>);

/// Whether something is installed in the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applies {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// With some of the Pythons that the image may have.
    DependsOnPython,
}

/// An environment that the image may have.
#[derive(Debug, Clone)]
pub(super) struct Environment {
    /// `3.11`.
    pub(super) python: String,
    version: Version,
    markers: MarkerEnvironment,
}

impl Environments {
    /// The environments of an image for `platform` (`linux/amd64`) with one of `pythons` (`3.11` or `3.11.4`). `X.Y` stands for its
    /// latest patch release, as an image's tag does.
    pub(crate) fn new(platform: &str, pythons: &[String]) -> Self {
        let machine = if platform.ends_with("/arm64") {
            "aarch64"
        } else {
            "x86_64"
        };
        Self(
            pythons
                .iter()
                .filter_map(|python| environment(machine, python))
                .collect(),
        )
    }

    /// Whether something with `marker` is installed in the image.
    pub(crate) fn applies(&self, marker: &MarkerTree, extras: &[ExtraName]) -> Applies {
        let met: Vec<bool> = self
            .iter()
            .map(|environment| environment.meets(marker, extras))
            .collect();
        match (met.contains(&true), met.contains(&false)) {
            (true, true) => Applies::DependsOnPython,
            (true, false) => Applies::Yes,
            (false, _) => Applies::No,
        }
    }

    /// A Python that the image may have, where none of them is `allowed`.
    pub(crate) fn excluded_by(&self, allowed: &VersionSpecifiers) -> Option<&str> {
        let none_is = !self.iter().any(|environment| environment.is_python(allowed));
        self.iter()
            .next()
            .filter(|_| none_is)
            .map(|environment| environment.python.as_str())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Environment> {
        self.0.iter()
    }
}

/// Source: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers>.
fn environment(machine: &str, python: &str) -> Option<Environment> {
    let mut parts = python.split('.');
    let minor = format!("{}.{}", parts.next()?, parts.next()?);
    let full = match parts.next() {
        Some(_) => python.to_owned(),
        None => format!("{minor}.99"),
    };
    let markers = MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: &full,
        os_name: "posix",
        platform_machine: machine,
        platform_python_implementation: "CPython",
        // Of the kernel that the image will run on, which nobody knows.
        platform_release: "",
        platform_system: "Linux",
        platform_version: "",
        python_full_version: &full,
        python_version: &minor,
        sys_platform: "linux",
    };
    Some(Environment {
        python: python.to_owned(),
        version: Version::from_str(&full).ok()?,
        markers: MarkerEnvironment::try_from(markers).ok()?,
    })
}

impl Environment {
    /// Whether `marker` applies here, with the extras that were chosen of the package that has it.
    pub(super) fn meets(&self, marker: &MarkerTree, extras: &[ExtraName]) -> bool {
        marker.evaluate(&self.markers, extras)
    }

    pub(super) fn is_python(&self, allowed: &VersionSpecifiers) -> bool {
        allowed.contains(&self.version)
    }
}
