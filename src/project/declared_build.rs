//! From the merged declarations of all files to [`Build`].

use std::collections::BTreeMap;

use super::declarations::{Declarations, names, number_or_text, text};
use super::descriptive::marked_dynamic;
use super::requirement::Stop;
use super::value::{Kind, Value, string_map};
use super::{Build, DataFiles};

impl Declarations {
    pub(super) fn build(&self, known: Build) -> Result<Build, Stop> {
        let data_files = self
            .draft
            .get("data_files")?
            .map(data_files)
            .transpose()?
            .unwrap_or_default();
        let include = match self.draft.get("include_package_data")? {
            Some(value) => value.truthy(),
            None => self.include_by_default,
        };
        let python_version = self.draft.get("python_version")?.map(number_or_text).transpose()?;
        let listed = self.draft.get("dockerlines")?;
        let docker_lines_at = listed.map(|value| value.place.to_string()).unwrap_or_default();
        let docker_lines = match listed {
            Some(Value {
                kind: Kind::Str(lines), ..
            }) => lines.lines().map(ToOwned::to_owned).collect(),
            Some(listed) => names(listed, "dockerlines")?,
            None => Vec::new(),
        };
        Ok(Build {
            package_dir: string_map(self.draft.fields.get("package_dir")),
            package_data: self.globs("package_data")?,
            exclude_package_data: self.globs("exclude_package_data")?,
            include_package_data: include,
            zip_safe: self.draft.get("zip_safe")?.map(Value::truthy),
            data_files,
            scripts: self.names("scripts")?,
            referenced_files: self.draft.referenced.clone(),
            license_files: self.license_files()?,
            dynamic_fields: marked_dynamic(&self.draft),
            backend_sdist: self.draft.backend_sdist.clone(),
            backend_wheel: self.draft.backend_wheel.clone(),
            extension_modules: self.extension_modules(),
            universal: self.draft.universal,
            python_version,
            docker_lines,
            docker_lines_at,
            ..known
        })
    }

    fn extension_modules(&self) -> Option<String> {
        let listed = self.draft.fields.get("ext_modules")?.as_ref().ok()?;
        (listed.kind == Kind::Bool(true)).then(|| listed.place.to_string())
    }

    /// `license_files`, and the one of `license_file`; setuptools' own patterns only where neither is given.
    fn license_files(&self) -> Result<Option<Vec<String>>, Stop> {
        let listed = self.draft.get("license_files")?;
        let Some(one) = self.draft.get("license_file")? else {
            return listed.map(|listed| names(listed, "license_files")).transpose();
        };
        if let Some(Value {
            kind: Kind::Tuple(_), ..
        }) = listed
        {
            return Err(one
                .unclear("license_file", "to stand beside a tuple of license_files")
                .into());
        }
        let mut patterns = listed.map_or_else(|| Ok(Vec::new()), |listed| names(listed, "license_files"))?;
        let one = text(one)?;
        if !one.is_empty() && !patterns.iter().any(|pattern| pattern == one) {
            patterns.push(one.to_owned());
        }
        Ok(Some(patterns))
    }

    /// `{package: [glob, …]}`.
    fn globs(&self, key: &str) -> Result<BTreeMap<String, Vec<String>>, Stop> {
        let Some(value) = self.draft.get(key)? else {
            return Ok(BTreeMap::new());
        };
        let entries = value.entries().ok_or_else(|| value.unclear(key, "a dict of lists"))?;
        entries
            .iter()
            .map(|(package, globs)| Ok((text(package)?.to_owned(), names(globs, key)?)))
            .collect()
    }
}

/// `data_files` as `{directory: [file, …]}` or `[(directory, [file, …]), …]`. setuptools expands patterns only in its
/// declarative files.
fn data_files(value: &Value) -> Result<Vec<DataFiles>, Stop> {
    let unclear = || value.unclear("data_files", "a list of directories and their files");
    let listed = |directory: &Value, files: &Value| {
        Ok(DataFiles {
            directory: directory.as_str().ok_or_else(unclear)?.to_owned(),
            files: names(files, "data_files")?,
        })
    };
    if let Some(entries) = value.entries() {
        return entries
            .iter()
            .map(|(directory, files)| listed(directory, files))
            .collect();
    }
    let items = value.items().ok_or_else(unclear)?.iter();
    items
        .map(|item| match (item.as_str(), item.items()) {
            (Some(file), _) => Ok(DataFiles {
                directory: String::new(),
                files: vec![file.to_owned()],
            }),
            (None, Some([directory, files])) => listed(directory, files),
            _ => Err(unclear().into()),
        })
        .collect()
}
