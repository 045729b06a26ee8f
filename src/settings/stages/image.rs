//! What the image holds: `dist/`, and the secrets that its build gets.

use std::collections::BTreeMap;

use crate::dist::DIST;
use crate::image::{ARCHIVE, ImagePlan, ImageSettings, LAYOUT, Template};
use crate::neighbours::Neighbours;
use crate::package::sdist::SdistSettings;
use crate::package::wheel::{Target, WheelSettings};
use crate::project::Project;
use crate::reading::{self, PROJECT_FILE};
use crate::requirements::Requirements;
use crate::revision::{Commit, Revision};
use crate::secret::Secret;
use crate::settings::key::{Key, Text};
use crate::settings::{Error, Settings, pip, table};

/// What a build gets of this machine's pip settings, and what it does not get.
#[derive(Debug, Default)]
pub struct BuildSecrets {
    /// The build secrets by id: `pip.conf`, `netrc`, `ca.pem`.
    pub by_id: BTreeMap<String, Secret>,
    /// What to warn of: netrc entries that stay here.
    pub kept_back: Vec<String>,
}

/// The file that says what is installed.
#[derive(Debug)]
pub struct RequirementsFile<'a> {
    /// As it was named, relative to the project.
    pub file: &'a str,
    /// The line of the project's file that names it; `None` where whoever runs sgbuild does.
    pub by_project_at: Option<String>,
    /// The extras of the package to install.
    pub extras: &'a [String],
}

impl Settings {
    /// The file that the setting `requirements` names.
    #[must_use]
    pub fn requirements_file(&self) -> Option<RequirementsFile<'_>> {
        let origin = self.origin_of(&table::REQUIREMENTS);
        Some(RequirementsFile {
            file: self.get(&table::REQUIREMENTS)?,
            by_project_at: origin.is_the_projects().then(|| origin.to_string()),
            extras: self.get(&table::EXTRAS),
        })
    }

    /// How to write the sdist.
    ///
    /// # Errors
    /// `SOURCE_DATE_EPOCH` is no number.
    pub fn sdist(&self) -> Result<SdistSettings, Error> {
        Ok(SdistSettings {
            source_date_epoch: self.source_date_epoch()?,
            output_dirs: vec![DIST.into()],
        })
    }

    /// How to write the wheel that is installed in the image of `plan`.
    ///
    /// # Errors
    /// `SOURCE_DATE_EPOCH` is no number.
    pub fn wheel(&self, plan: &ImagePlan) -> Result<WheelSettings, Error> {
        Ok(WheelSettings {
            source_date_epoch: self.source_date_epoch()?,
            output_dirs: vec![DIST.into()],
            target: Some(Target {
                platform: plan.platform.clone(),
                python: plan.python.clone(),
            }),
        })
    }

    /// What the image is to hold. `secrets` are the build secrets there are; `revision` is what git says.
    ///
    /// # Errors
    /// The Dockerfile template cannot be read, or `SOURCE_DATE_EPOCH` is no number.
    pub fn image(
        &self,
        secrets: &BTreeMap<String, Secret>,
        revision: Option<&Revision>,
    ) -> Result<ImageSettings, Error> {
        let set = self.image_as_set();
        Ok(ImageSettings {
            revision: self.commit(revision).map(|commit| commit.to_string()),
            source: set.source.or_else(|| revision?.remote.clone()),
            // Without SOURCE_DATE_EPOCH the commit's time stands for it, as it is the same for everyone who builds the commit.
            source_date_epoch: self.source_date_epoch()?.or_else(|| revision?.time),
            secrets: secrets.keys().cloned().collect(),
            template: self.template()?,
            ..set
        })
    }

    /// What the settings by themselves say of the image: no file is read, and git not asked.
    #[must_use]
    pub fn image_as_set(&self) -> ImageSettings {
        let text = |key: &Key<Option<Text>>| self.get(key).map(ToOwned::to_owned);
        ImageSettings {
            base_image: self.base_image(),
            python_version: text(&table::PYTHON_VERSION),
            platform: self.get(&table::PLATFORM).to_owned(),
            system_packages: self.get(&table::SYSTEM_PACKAGES).to_vec(),
            environment: self.get(&table::ENVIRONMENT).clone(),
            user: text(&table::USER),
            labels: self.get(&table::LABELS).clone(),
            extras: self.get(&table::EXTRAS).to_vec(),
            source: text(&table::SOURCE_URL),
            classic_builder: self.docker().buildkit == Some(false),
            ..ImageSettings::default()
        }
    }

    /// The base image; a path in it, which is relative to the project, made absolute.
    fn base_image(&self) -> Option<String> {
        let named = self.get(&table::BASE_IMAGE)?;
        let absolute = |beginning: &&str| {
            Some(format!(
                "{beginning}{}",
                self.absolute(named.strip_prefix(*beginning)?).display()
            ))
        };
        let of_file = [LAYOUT, ARCHIVE].iter().find_map(absolute);
        Some(of_file.unwrap_or_else(|| named.to_owned()))
    }

    /// The commit: the setting, else CodeBuild's, else git's. A commit that was set by hand is taken at its word; git's is
    /// marked when the tree differs from it. What a file of the project says of its commit comes after CodeBuild, who knows.
    #[must_use]
    pub fn commit(&self, revision: Option<&Revision>) -> Option<Commit> {
        let codebuild = self.environment().get("CODEBUILD_RESOLVED_SOURCE_VERSION");
        let is_outranked = codebuild.is_some() && self.origin_of(&table::REVISION).is_the_projects();
        let by_hand = self
            .get(&table::REVISION)
            .filter(|commit| !commit.is_empty() && !is_outranked);
        let dirty = by_hand.is_none() && revision.is_some_and(|revision| revision.dirty);
        let set = by_hand.or(codebuild);
        let hash = set.or_else(|| Some(revision?.commit.as_str()))?.to_owned();
        Some(Commit { hash, dirty })
    }

    /// The build secrets: what pip is told on this machine and needs for `project`, its `neighbours` and the user's requirements file.
    ///
    /// # Errors
    /// The certificates' file cannot be read.
    pub fn build_secrets(
        &self,
        project: &Project,
        neighbours: &Neighbours,
        requirements: Option<&Requirements>,
    ) -> Result<BuildSecrets, Error> {
        // Only a wheel that the backend makes may have to be built in the image.
        let build = project.build.wheel_by_backend().map(|_| &project.build.requires);
        let declared = neighbours.declared.iter().map(|declared| &declared.text);
        let declared = declared
            .chain(&project.metadata.requires_dist)
            .chain(build.into_iter().flatten());
        let declared = declared.filter_map(|requirement| Some(requirement.split_once('@')?.1.trim_start()));
        let urls = declared.chain(requirements.iter().flat_map(|file| file.urls()));
        pip::secrets(self, &urls.collect::<Vec<_>>())
    }

    fn template(&self) -> Result<Option<Template>, Error> {
        let Some(named) = self.get(&table::DOCKERFILE_TEMPLATE) else {
            return Ok(None);
        };
        let path = self.root().join(named);
        let text = reading::text(&path, PROJECT_FILE).map_err(|source| Error::NamedFile {
            key: table::DOCKERFILE_TEMPLATE.name(),
            origin: self.origin_of(&table::DOCKERFILE_TEMPLATE).to_string(),
            path,
            source,
        })?;
        Ok(Some(Template {
            path: named.to_owned(),
            text,
        }))
    }

    /// The Dockerfile template's path, as it is named.
    #[must_use]
    pub fn template_path(&self) -> Option<&str> {
        self.get(&table::DOCKERFILE_TEMPLATE)
    }

    /// The findings that are meant, and where that is set.
    #[must_use]
    pub fn allowed(&self) -> (&[String], String) {
        (self.get(&table::ALLOW), self.origin_of(&table::ALLOW).to_string())
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
