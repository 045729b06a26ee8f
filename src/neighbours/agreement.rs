//! Whether each neighbour is what everybody wants of it.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{Requirement, VersionOrUrl};

use super::Error;
use super::finder::Finder;
use super::origin::{Origin, url};
use crate::requirements::{Applies, Line};

impl Finder<'_> {
    /// Whether each neighbour is what everybody wants.
    pub(super) fn check(&self) -> Result<(), Error> {
        for neighbour in self.known.iter().skip(1) {
            let Some(specifier) = &neighbour.project.metadata.requires_python else {
                continue;
            };
            let allowed = VersionSpecifiers::from_str(specifier).ok();
            if let Some(python) = allowed.and_then(|allowed| self.asked.environments.excluded_by(&allowed)) {
                return Err(Error::Python {
                    directory: neighbour.directory.clone(),
                    declared_at: neighbour.declared_at.clone(),
                    specifier: specifier.clone(),
                    python: python.to_owned(),
                });
            }
        }
        for known in &self.known {
            for declared in self.applying(known) {
                let is_elsewhere = matches!(self.origins.of(known, declared)?, Origin::Url(_))
                    || url(&declared.requirement).is_some_and(|url| !url.to_ascii_lowercase().starts_with("file:"));
                self.check_requirement(&declared.requirement, &declared.text, &declared.by, is_elsewhere)?;
            }
        }
        let lines = self
            .asked
            .file
            .iter()
            .flat_map(|file| file.lines.iter().chain(&file.constraints));
        lines.into_iter().try_for_each(|line| self.check_line(line))
    }

    fn check_line(&self, line: &Line) -> Result<(), Error> {
        let at = line.place.to_string();
        if let Some(requirement) = line.package() {
            return self.check_requirement(requirement, &line.text, &at, url(requirement).is_some());
        }
        match line.name().and_then(|name| self.named(&name)) {
            Some(neighbour) => Err(neighbour.two_origins(&line.text, &at)),
            None => Ok(()),
        }
    }

    fn check_requirement(
        &self,
        requirement: &Requirement,
        text: &str,
        by: &str,
        is_elsewhere: bool,
    ) -> Result<(), Error> {
        let Some(neighbour) = self.named(&requirement.name) else {
            return Ok(());
        };
        if self.asked.environments.applies(&requirement.marker, &[]) == Applies::No {
            return Ok(());
        }
        if is_elsewhere {
            return Err(neighbour.two_origins(text, by));
        }
        let Some(VersionOrUrl::VersionSpecifier(wanted)) = &requirement.version_or_url else {
            return Ok(());
        };
        let version = &neighbour.project.metadata.version;
        if Version::from_str(version).is_ok_and(|version| wanted.contains(&version)) {
            return Ok(());
        }
        Err(Error::Version {
            requirement: text.to_owned(),
            by: by.to_owned(),
            directory: neighbour.directory.clone(),
            declared_at: neighbour.declared_at.clone(),
            version: version.clone(),
        })
    }
}
