//! From settings to what each stage takes.

use std::cell::LazyCell;
use std::collections::BTreeMap;

use super::{Error, Settings, pip, uv};
use crate::dist::{DIST, DistSettings};
use crate::dockerfile::Template;
use crate::image::ImageSettings;
use crate::package::sdist::SdistSettings;
use crate::project::{Project, ProjectSettings};
use crate::reading::{self, PROJECT_FILE};
use crate::requirements::Requirements;
use crate::revision::{Commit, Revision};
use crate::secret::Secret;
use crate::uv::UvSettings;

/// What a build gets of this machine's pip settings, and what it does not get.
#[derive(Debug, Default)]
pub struct BuildSecrets {
    /// The build secrets by id: `pip.conf`, `netrc`, `ca.pem`.
    pub by_id: BTreeMap<String, Secret>,
    /// What to warn of: netrc entries that stay here.
    pub kept_back: Vec<String>,
}

impl Settings {
    /// How to read the project.
    #[must_use]
    pub fn project(&self) -> ProjectSettings<'_> {
        let named = |key| Some((self.text(key)?.to_owned(), self.origin(key).to_owned()));
        ProjectSettings {
            train: named("train"),
            serve: named("serve"),
            static_only: self.flag("static"),
            python: self.program(self.text("python").unwrap_or("python3")),
            python_timeout: self.number("python-timeout"),
            environment: self.environment().all().to_vec(),
            cache_dir: self.environment().cache_dir(),
            uv: LazyCell::new(Box::new(|| self.uv())),
        }
    }

    /// How uv is found, and what it is told on this machine.
    #[must_use]
    pub fn uv(&self) -> UvSettings {
        uv::settings(self)
    }

    /// How to make `dist/`. `requirements` is the user's file, `secrets` are the build secrets there are; `revision` is what git says.
    ///
    /// # Errors
    /// The Dockerfile template cannot be read, or `SOURCE_DATE_EPOCH` is no number.
    pub fn dist(
        &self,
        requirements: Option<&Requirements>,
        secrets: &BTreeMap<String, Secret>,
        revision: Option<&Revision>,
    ) -> Result<DistSettings<'_>, Error> {
        let epoch = self.source_date_epoch()?;
        Ok(DistSettings {
            image: self.image(secrets, revision, epoch),
            requirements: requirements.cloned(),
            sdist: SdistSettings {
                source_date_epoch: epoch,
                output_dirs: vec![DIST.into()],
            },
            project: self.project(),
            template: self.template()?,
        })
    }

    fn image(
        &self,
        secrets: &BTreeMap<String, Secret>,
        revision: Option<&Revision>,
        epoch: Option<i64>,
    ) -> ImageSettings {
        let text = |key| self.text(key).map(ToOwned::to_owned);
        ImageSettings {
            base_image: text("base-image"),
            python_version: text("python-version"),
            platform: text("platform").unwrap_or_default(),
            system_packages: self.list("system-packages"),
            environment: self.map("environment"),
            labels: self.map("labels"),
            extras: self.list("extras"),
            revision: self.commit(revision).map(|commit| commit.to_string()),
            source: text("source-url").or_else(|| revision?.remote.clone()),
            // Without SOURCE_DATE_EPOCH the commit's time stands for it, as it is the same for everyone who builds the commit.
            source_date_epoch: epoch.or_else(|| revision?.time),
            secrets: secrets.keys().cloned().collect(),
        }
    }

    /// The commit: the setting, else CodeBuild's, else git's. A commit that was set by hand is taken at its word; git's is
    /// marked when the tree differs from it. What a file of the project says of its commit comes after CodeBuild, who knows.
    #[must_use]
    pub fn commit(&self, revision: Option<&Revision>) -> Option<Commit> {
        let codebuild = self.environment().get("CODEBUILD_RESOLVED_SOURCE_VERSION");
        let is_outranked = codebuild.is_some() && self.is_the_projects("revision");
        let by_hand = self
            .text("revision")
            .filter(|commit| !commit.is_empty() && !is_outranked);
        let dirty = by_hand.is_none() && revision.is_some_and(|revision| revision.dirty);
        let set = by_hand.or(codebuild);
        let hash = set.or_else(|| Some(revision?.commit.as_str()))?.to_owned();
        Some(Commit { hash, dirty })
    }

    /// The build secrets: what pip is told on this machine and needs for `project` and the user's requirements file.
    ///
    /// # Errors
    /// The certificates' file cannot be read.
    pub fn build_secrets(&self, project: &Project, requirements: Option<&Requirements>) -> Result<BuildSecrets, Error> {
        let declared = project.metadata.requires_dist.iter().chain(&project.build.requires);
        let declared = declared.filter_map(|requirement| Some(requirement.split_once('@')?.1.trim_start()));
        let urls = declared.chain(requirements.iter().flat_map(|file| file.urls()));
        pip::secrets(self, &urls.collect::<Vec<_>>())
    }

    fn template(&self) -> Result<Option<Template>, Error> {
        const KEY: &str = "dockerfile-template";
        let Some(named) = self.text(KEY) else { return Ok(None) };
        let path = self.root().join(named);
        let text = reading::text(&path, PROJECT_FILE).map_err(|source| Error::NamedFile {
            key: KEY,
            origin: self.origin(KEY).to_owned(),
            path,
            source,
        })?;
        Ok(Some(Template {
            path: named.to_owned(),
            text,
        }))
    }

    /// Source: <https://reproducible-builds.org/specs/source-date-epoch/>.
    fn source_date_epoch(&self) -> Result<Option<i64>, Error> {
        const NAME: &str = "SOURCE_DATE_EPOCH";
        let Some(text) = self.environment().get(NAME) else {
            return Ok(None);
        };
        text.trim()
            .parse()
            .ok()
            .filter(|seconds| *seconds >= 0)
            .map(Some)
            .ok_or_else(|| Error::Malformed {
                origin: NAME.to_owned(),
                reason: format!("`{text}` is not a number of seconds since 1970"),
            })
    }
}
