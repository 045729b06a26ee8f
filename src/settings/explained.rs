//! A setting by any of its names, and every place that sets it.

use super::definition::Definition;
use super::table::TABLE;
use super::{Setting, Settings};
use crate::near;

/// No setting has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no setting `{name}`{}", .nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default())]
pub struct NoSetting {
    /// As given.
    pub name: String,
    /// The setting with the most similar name.
    pub nearest: Option<&'static str>,
}

impl Definition {
    /// The setting that people call `name`: by its key with `-` or `_`, also behind `tool.sgbuild.`, by its flag or its variable, by the
    /// variable of the setuptools-docker pipeline, or by the parameter of the stack's template.
    ///
    /// # Errors
    /// There is none, with the one that is called most alike.
    pub fn called(name: &str) -> Result<&'static Self, NoSetting> {
        let given = name.trim();
        let bare = ["--", "tool.sgbuild.", "sgbuild.", "SGBUILD_"]
            .iter()
            .find_map(|beginning| given.strip_prefix(beginning))
            .unwrap_or(given);
        let key = bare.split('=').next().unwrap_or(bare).to_lowercase().replace('_', "-");
        let is_foreign = |definition: &Self| {
            let names = [definition.original, definition.parameter];
            names.into_iter().flatten().any(|name| name == given)
        };
        let found = Self::of(&key)
            .or_else(|| Self::of_flag(&key))
            .or_else(|| TABLE.iter().copied().find(|definition| is_foreign(definition)));
        found.ok_or_else(|| NoSetting {
            name: name.to_owned(),
            nearest: Self::nearest(&key).map(|definition| definition.key),
        })
    }

    /// The setting whose flag is `--<name>`.
    pub(super) fn of_flag(name: &str) -> Option<&'static Self> {
        let is_it = |definition: &&'static Self| definition.flag.is_some() && definition.flag_name() == name;
        TABLE.iter().copied().find(is_it)
    }

    /// The setting whose key or flag is most like `name`.
    pub(super) fn nearest(name: &str) -> Option<&'static Self> {
        let names = |definition: &'static Self| [definition.key, definition.flag_name()];
        let found = near::nearest(name, TABLE.iter().copied().flat_map(names))?;
        TABLE
            .iter()
            .copied()
            .find(|definition| names(definition).contains(&found))
    }
}

impl Settings {
    /// Every place that sets `definition`, the one that decides first.
    #[must_use]
    pub fn places(&self, definition: &Definition) -> Vec<&Setting> {
        let overruled = self.overruled.get(definition.key);
        let overruled = overruled.into_iter().flatten().rev();
        self.values.get(definition.key).into_iter().chain(overruled).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::resolve;
    use super::*;

    #[test]
    fn a_setting_is_known_by_all_its_names() {
        for (name, key) in [
            ("instance-type", "instance-type"),
            ("instance_type", "instance-type"),
            ("SGBUILD_INSTANCE_TYPE", "instance-type"),
            ("tool.sgbuild.instance-type", "instance-type"),
            ("--instance-type", "instance-type"),
            ("--instance-type=ml.m5.large", "instance-type"),
            ("INSTANCE_TYPE", "instance-type"),
            ("InstanceType", "instance-type"),
            ("--no-create", "create-repository"),
            ("no-create", "create-repository"),
            ("--env", "environment"),
            ("SAGE_ROLE_ARN", "role"),
            ("VolInGB", "volume-size"),
        ] {
            assert_eq!(Definition::called(name).map(|found| found.key), Ok(key), "{name}");
        }
        for (name, nearest) in [
            ("instance-typ", Some("instance-type")),
            ("--no-creat", Some("create-repository")),
            ("SGBUILD_REPOSITOY", Some("repository")),
            ("zzz", None),
        ] {
            assert_eq!(Definition::called(name).unwrap_err().nearest, nearest, "{name}");
        }
    }

    #[test]
    fn every_place_that_sets_it_is_told_the_first_deciding() {
        let files = [
            ("pyproject.toml", "[tool.sgbuild]\ninstance-type = 'a'\n"),
            ("setup.cfg", "[sgbuild]\ninstance_type = b\n"),
        ];
        let settings = resolve(&files, vec![], &[("SGBUILD_INSTANCE_TYPE", "c")]).unwrap();
        let places = settings.places(Definition::called("instance-type").unwrap());
        let places: Vec<_> = places.iter().map(|setting| setting.origin.to_string()).collect();
        assert_eq!(
            places,
            ["SGBUILD_INSTANCE_TYPE", "pyproject.toml:2", "setup.cfg:2", "default"]
        );
    }
}
