//! What goes into a wheel.

use std::collections::BTreeMap;

use super::archive::Archive;
use super::{Error, OwnFile, Quiet, Wheel, dist_info, order, package_data, scripts};
use crate::package::build_py::{self, Module};
use crate::package::files::Pruned;
use crate::package::listing::{self, EggInfo, Listing};
use crate::package::names::Names;
use crate::package::paths::{inside, join, pure};
use crate::package::tree::{Kind, Tree};
use crate::progress::Progress;
use crate::project::{Build, Project};

/// What a member is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// A file of the project; a module's mode is always the same, as setuptools has it.
    File { path: String, keeps_mode: bool },
    /// The same with its first line turned to the interpreter that it will have.
    Script { path: String },
    /// Something that setuptools writes.
    Generated(String),
}

/// See above.
pub(super) struct Contents {
    tree: Tree,
    members: BTreeMap<String, Source>,
}

impl Contents {
    /// Gathers what the wheel of the project in `tree` holds.
    pub(super) fn gather(
        project: &Project,
        names: &Names,
        tags: &[&str],
        tree: Tree,
        egg_info: EggInfo,
        pruned: &Pruned,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let dist_info = dist_info::files(&egg_info, tags);
        let license_files = egg_info.license_files.clone();
        let build = &project.build;
        let list = || {
            Listing::of(
                project,
                listing::tree(project, pruned),
                egg_info,
                pruned,
                &Quiet(progress),
            )
        };
        let listing = build.include_package_data.then(list).transpose()?;
        let mut gathering = Gathering {
            project,
            tree: &tree,
            listing,
            members: BTreeMap::new(),
            progress,
        };
        gathering.modules()?;
        gathering.package_data()?;
        let data = format!("{}.data", names.top);
        gathering.data_files(&data)?;
        gathering.scripts(&join(&data, "scripts"))?;
        let dir = names.dist_info();
        for path in license_files {
            gathering.file(&join(&dir, &format!("licenses/{path}")), path, true)?;
        }
        let mut members = gathering.members;
        let own = dist_info.into_iter();
        members.extend(own.map(|(name, text)| (join(&dir, name), Source::Generated(text))));
        Ok(Self { tree, members })
    }

    /// Those of the members that are files of the project.
    pub(super) fn own_files(&self) -> Result<Vec<OwnFile>, Error> {
        let own = self.members.iter().filter_map(|(member, source)| match source {
            Source::File { path, .. } | Source::Script { path } => Some((member, path)),
            Source::Generated(_) => None,
        });
        own.map(|(member, path)| {
            Ok(OwnFile {
                member: member.clone(),
                path: path.clone(),
                real: self.tree.real(path)?,
            })
        })
        .collect()
    }

    /// Writes all of it, and last the `RECORD` of it under the path `record`.
    pub(super) fn write(self, mut archive: Archive, record: &str, progress: &dyn Progress) -> Result<Wheel, Error> {
        let mut members: Vec<(String, Source)> = self.members.into_iter().collect();
        members.sort_by(|(a, _), (b, _)| order::order(a, b));
        let task = progress.task("Building the wheel", None);
        let mut done = 0;
        for (path, source) in &members {
            progress.check()?;
            match source {
                Source::Generated(text) => archive.add_bytes(path, text.as_bytes(), false)?,
                Source::Script { path: script } => {
                    let bytes = scripts::installed(self.tree.read(script)?, &self.tree.absolute(script))?;
                    archive.add_bytes(path, &bytes, true)?;
                }
                Source::File { path: file, keeps_mode } => {
                    archive.add_file(path, &self.tree.real(file)?, *keeps_mode, &mut |moved| {
                        done += moved;
                        task.set(done, None);
                        Ok(progress.check()?)
                    })?;
                }
            }
        }
        archive.add_record(record)?;
        archive.finish()
    }
}

struct Gathering<'a> {
    project: &'a Project,
    tree: &'a Tree,
    /// Where `include_package_data` looks.
    listing: Option<Listing>,
    members: BTreeMap<String, Source>,
    progress: &'a dyn Progress,
}

impl Gathering<'_> {
    fn modules(&mut self) -> Result<(), Error> {
        let Project { metadata, build, .. } = self.project;
        for Module { package, path, .. } in build_py::modules(metadata, build, self.tree)? {
            let name = path.rsplit('/').next().unwrap_or(&path);
            let target =
                inside(join(&package.replace('.', "/"), name)).ok_or_else(|| Error::outside(package, "packages"))?;
            if self.counts(&path)? {
                self.file(&target, path, false)?;
            }
        }
        Ok(())
    }

    fn package_data(&mut self) -> Result<(), Error> {
        let Project { metadata, build, .. } = self.project;
        let listing = self.listing.take();
        let mut included = match &listing {
            Some(listing) => package_data::included(metadata, build, listing),
            None => BTreeMap::new(),
        };
        for package in &metadata.packages {
            let mut found = included.remove(package).unwrap_or_default();
            found.extend(build_py::package_data(build, package, self.tree)?);
            build_py::exclude(build, package, &mut found)?;
            for path in found {
                let Some(target) = data_target(build, package, &path)? else {
                    self.progress.warn(&format!(
                        "`package_data` of {package} names {path}, which lies above all packages: setuptools does not install it"
                    ));
                    continue;
                };
                let generated = listing.as_ref().and_then(|listing| listing.generated.get(&path));
                if let Some(text) = generated {
                    self.members.insert(target, Source::Generated(text.clone()));
                } else if self.counts(&path)? {
                    self.file(&target, path, true)?;
                }
            }
        }
        Ok(())
    }

    /// `data_files`, below the directory `data` of the wheel.
    fn data_files(&mut self, data: &str) -> Result<(), Error> {
        for listed in &self.project.build.data_files {
            let directory = pure(&listed.directory);
            // What is absolute lands beside the packages.
            let directory = match directory.strip_prefix('/') {
                Some(below) => inside(below),
                None => inside(join(&join(data, "data"), &directory)),
            };
            let directory = directory.ok_or_else(|| Error::outside(&listed.directory, "data_files"))?;
            for named in &listed.files {
                let path = self.named(named, "data_files")?;
                let name = path.rsplit('/').next().unwrap_or(&path);
                self.file(&join(&directory, name), path.clone(), true)?;
            }
        }
        Ok(())
    }

    fn scripts(&mut self, directory: &str) -> Result<(), Error> {
        for named in &self.project.build.scripts {
            let path = self.named(named, "scripts")?;
            self.tree.real(&path)?;
            let name = path.rsplit('/').next().unwrap_or(&path);
            self.members
                .insert(join(directory, name), Source::Script { path: path.clone() });
        }
        Ok(())
    }

    /// The path of a file that `keyword` names, which must be there.
    fn named(&self, path: &str, keyword: &'static str) -> Result<String, Error> {
        let path = inside(path).ok_or_else(|| Error::outside(path, keyword))?;
        if self.counts(&path)? {
            return Ok(path);
        }
        Err(Error::MissingFile {
            path: self.tree.absolute(&path),
            keyword,
        })
    }

    /// Whether it is a file.
    fn counts(&self, path: &str) -> Result<bool, Error> {
        if !self.tree.spelled(path) {
            return Err(Error::NonUtf8Name {
                path: self.tree.absolute(path),
            });
        }
        Ok(matches!(self.tree.kind(path)?, Kind::File(_)))
    }

    fn file(&mut self, target: &str, path: String, keeps_mode: bool) -> Result<(), Error> {
        // What lies outside is refused before anything is written.
        self.tree.real(&path)?;
        if let Some(Source::File { path: earlier, .. }) = self.members.get(target) {
            // A module that package_data names as well stays one.
            if *earlier == path || self.tree.read(earlier)? == self.tree.read(&path)? {
                return Ok(());
            }
            return Err(Error::OnePlace {
                earlier: earlier.clone(),
                later: path,
                place: target.to_owned(),
            });
        }
        self.members
            .insert(target.to_owned(), Source::File { path, keeps_mode });
        Ok(())
    }
}

/// Where the data file `path` of a package is installed; `None` if that is above all packages.
fn data_target(build: &Build, package: &str, path: &str) -> Result<Option<String>, Error> {
    let dir = build_py::package_dir(build, package)?;
    Ok(inside(join(&package.replace('.', "/"), &relative(path, &dir))))
}

/// `path` seen from the directory `dir`.
fn relative(path: &str, dir: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let above: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    let shared = parts.iter().zip(&above).take_while(|(a, b)| a == b).count();
    let mut steps = vec![".."; above.len() - shared];
    steps.extend(&parts[shared..]);
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_lies_in_its_package_as_it_did() {
        let mut build = Build::default();
        assert_eq!(
            data_target(&build, "a.b", "a/b/c/x").unwrap().as_deref(),
            Some("a/b/c/x")
        );
        assert_eq!(data_target(&build, "a", "data/x").unwrap().as_deref(), Some("data/x"));
        assert_eq!(data_target(&build, "", "x").unwrap().as_deref(), Some("x"));
        build.package_dir.insert(String::new(), "src".to_owned());
        assert_eq!(data_target(&build, "a", "src/a/x").unwrap().as_deref(), Some("a/x"));
        assert_eq!(data_target(&build, "a", "src/x").unwrap().as_deref(), Some("x"));
        assert_eq!(data_target(&build, "a", "data/x").unwrap(), None);
    }
}
