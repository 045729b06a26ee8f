//! Which of the three files counts for each field, by setuptools' precedence; and where that is not certain.

use super::build_requirements::{is_passed_over, may_change_metadata};
use super::declarations::Declarations;
use super::descriptive::KEYWORDS;
use super::discovery::{self, Discovered};
use super::error::Error;
use super::project_files::Files;
use super::requirement::{self, Stop};
use super::setup_keywords;
use super::value::{Draft, Dynamic, Kind, Value, string_map};
use crate::secret::without_url_credentials;

/// Keywords of `setup()` that say what is packed and built. Beside `[project]`, which has no such fields, setuptools takes them where
/// `[tool.setuptools]` says nothing of them.
const LAYOUT: [&str; 10] = [
    "data_files",
    "exclude_package_data",
    "ext_modules",
    "include_package_data",
    "package_data",
    "package_dir",
    "packages",
    "py_modules",
    "scripts",
    "zip_safe",
];

impl Files {
    /// The declarations of all files by setuptools' precedence, or why Python must be asked.
    pub(crate) fn declared(&self) -> Result<Declarations, Stop> {
        if !self.pyproject.backend_is_setuptools() {
            let backend = self.pyproject.backend.as_deref().unwrap_or_default();
            if self.pyproject.says_all() {
                let mut draft = self.pyproject.draft.clone();
                draft.backend_sdist = Some(format!(
                    "pyproject.toml: build-backend names {backend}, which knows its files"
                ));
                return Ok(Declarations {
                    draft,
                    main: self.main,
                    include_by_default: false,
                });
            }
            return Err(self.ask(
                self.pyproject.backend_at,
                "build-backend",
                &format!("names {backend}, which knows the metadata"),
            ));
        }
        let none = Draft::default();
        let setup_py = self.setup_py.as_ref().unwrap_or(&none);
        if let Some(outside) = &setup_py.outside {
            return Err(Error::Outside(outside.clone()).into());
        }
        let drafts = [setup_py, &self.setup_cfg, &self.pyproject.draft];
        if let Some(dynamic) = drafts.iter().find_map(|draft| draft.whole.clone()) {
            return Err(dynamic.into());
        }
        self.refuse_two_sources(&drafts)?;
        refuse_unclear_version(setup_py, &self.setup_cfg)?;
        self.refuse_plugins()?;
        let mut draft = self.merged(&drafts);
        refuse_plugins_of_setup(&draft)?;
        // A keyword that nobody knows is passed over where no plugin is there to take it; setuptools-docker's are ours.
        let plugin = setup_py.fields.iter().find(|(key, _)| {
            key.strip_prefix("plugin:")
                .is_some_and(|keyword| !is_passed_over(keyword))
        });
        if let Some((_, Err(dynamic))) = plugin {
            return Err(dynamic.clone().into());
        }
        self.refuse_missing_dynamic(&draft)?;
        self.discover(&mut draft)?;
        setup_keywords::refuse(setup_py, &draft)?;
        Ok(Declarations {
            draft,
            main: self.main,
            include_by_default: self.pyproject.configures_setuptools,
        })
    }

    /// Has Python asked where `[build-system]` has something installed that may take part in reading.
    fn refuse_plugins(&self) -> Result<(), Stop> {
        let requires = self.pyproject.requires.iter().flatten();
        let mut plugins = requires
            .enumerate()
            .filter(|(_, requirement)| may_change_metadata(requirement));
        let Some((index, requirement)) = plugins.next() else {
            return Ok(());
        };
        let reason = "is a plugin, or a certain setuptools, that may read it differently".to_owned();
        Err(Dynamic {
            expression: without_url_credentials(requirement),
            place: self.pyproject.requires_at.get(index).copied().unwrap_or(self.top()),
            reason,
        }
        .into())
    }

    /// Has Python asked where another file gives more than descriptive fields beside `[project]`: setuptools takes parts of both.
    fn refuse_two_sources(&self, drafts: &[&Draft; 3]) -> Result<(), Stop> {
        if !self.pyproject.has_project {
            return Ok(());
        }
        let is_of_setup_py = |key: &str| LAYOUT.contains(&key) && !drafts[2].fields.contains_key(key);
        let mut of_setup_py = drafts[0].fields.keys().filter(|key| !is_of_setup_py(key.as_str()));
        let mut of_setup_cfg = drafts[1].fields.keys();
        let says_more = |key: &String| !KEYWORDS.contains(&key.as_str());
        if of_setup_py.any(says_more) || of_setup_cfg.any(says_more) {
            return Err(self.ask(
                self.pyproject.project_at,
                "[project]",
                "and another file both declare the package, and setuptools takes parts of both",
            ));
        }
        // `attr:` looks for its module where setuptools has found packages by then.
        let says_where = ["package_dir", "packages", "py_modules"];
        if self.pyproject.dynamic.iter().any(|field| field == "version")
            && says_where.iter().any(|key| drafts[0].fields.contains_key(*key))
        {
            return Err(self.ask(
                self.pyproject.project_at,
                "[project]",
                "has a dynamic version, and setup.py says where packages are",
            ));
        }
        // A description that [project] does not know of is an error of setuptools.
        let described = drafts[..2].iter().any(|draft| draft.inhabited("long_description"));
        let is_readme = |field: &String| field == "readme";
        if described && self.pyproject.readme.is_none() && !self.pyproject.dynamic.iter().any(is_readme) {
            return Err(self.ask(
                self.pyproject.project_at,
                "[project]",
                "has no readme, and another file has a description",
            ));
        }
        Ok(())
    }

    /// Has Python asked where `dynamic` lists a field that nothing gives.
    fn refuse_missing_dynamic(&self, draft: &Draft) -> Result<(), Stop> {
        for field in &self.pyproject.dynamic {
            let keys: &[&str] = match field.as_str() {
                "version" => &["version"],
                "description" => &["description"],
                "dependencies" => &["install_requires"],
                "requires-python" => &["python_requires"],
                "optional-dependencies" => &["extras_require"],
                "entry-points" => &["entry_points"],
                "readme" => &["long_description"],
                "license" => &["license", "license_expression"],
                "authors" => &["author", "author_email"],
                "maintainers" => &["maintainer", "maintainer_email"],
                "keywords" => &["keywords"],
                "classifiers" => &["classifiers"],
                "urls" | "scripts" | "gui-scripts" => continue,
                _ => &[],
            };
            if !keys.iter().any(|key| draft.fields.contains_key(*key)) {
                return Err(self.ask(
                    self.pyproject.project_at,
                    &format!("dynamic = [\"{field}\"]"),
                    "is set by something that only Python knows",
                ));
            }
        }
        Ok(())
    }

    /// `setup()`'s arguments, what setup.cfg adds where they say nothing, and `[project]` over both.
    fn merged(&self, drafts: &[&Draft; 3]) -> Draft {
        let [setup_py, setup_cfg, pyproject] = drafts;
        let mut draft = Draft {
            fields: setup_cfg.fields.clone(),
            ..Draft::default()
        };
        for (key, field) in &setup_py.fields {
            if setup_py.inhabited(key) || !draft.fields.contains_key(key) {
                draft.fields.insert(key.clone(), field.clone());
            }
        }
        if self.pyproject.has_project {
            let others = draft
                .fields
                .iter_mut()
                .filter(|(key, _)| !LAYOUT.contains(&key.as_str()));
            others.for_each(|(key, field)| doubt(key, field));
        }
        draft.fields.extend(pyproject.fields.clone());
        draft.referenced = drafts.iter().flat_map(|each| each.referenced.clone()).collect();
        draft.backend_sdist = drafts.iter().find_map(|each| each.backend_sdist.clone());
        draft.backend_wheel = drafts.iter().find_map(|each| each.backend_wheel.clone());
        draft.universal = drafts.iter().any(|each| each.universal);
        draft
    }

    /// Automatic discovery, where neither packages nor modules are listed.
    fn discover(&self, draft: &mut Draft) -> Result<(), Stop> {
        let says = |key: &&str| {
            let field = draft.fields.get(*key);
            field.is_some_and(|field| !matches!(field, Ok(Value { kind: Kind::None, .. })))
        };
        // Beside `[project]`, extension modules do not keep setuptools from looking for packages.
        let has_extensions = !self.pyproject.has_project && says(&"ext_modules");
        if has_extensions || ["packages", "py_modules"].iter().any(says) {
            return Ok(());
        }
        let place = self.top();
        let package_dir = string_map(draft.fields.get("package_dir"));
        let Discovered {
            packages,
            py_modules,
            package_dir,
        } = discovery::discover(&self.root, &package_dir)?;
        let list = |names: Vec<String>| {
            Value::new(
                Kind::List(names.into_iter().map(|name| Value::str(name, place)).collect()),
                place,
            )
        };
        draft.set("packages", list(packages));
        draft.set("py_modules", list(py_modules));
        let entries = package_dir
            .into_iter()
            .map(|(k, v)| (Value::str(k, place), Value::str(v, place)))
            .collect();
        draft.set("package_dir", Value::new(Kind::Dict(entries), place));
        Ok(())
    }
}

/// The same of what `setup_requires` has installed.
fn refuse_plugins_of_setup(draft: &Draft) -> Result<(), Stop> {
    let Some(listed) = draft.get("setup_requires")? else {
        return Ok(());
    };
    let requires = requirement::requirements(listed)?;
    let plugin = requires.iter().find(|requirement| may_change_metadata(requirement));
    plugin.map_or(Ok(()), |plugin| {
        let expression = format!("setup_requires = {}", without_url_credentials(plugin));
        let reason = "may be a plugin that changes the metadata".to_owned();
        let place = listed.place;
        Err(Dynamic {
            expression,
            place,
            reason,
        }
        .into())
    })
}

/// Has Python asked about a version that setuptools may take from elsewhere.
fn refuse_unclear_version(setup_py: &Draft, setup_cfg: &Draft) -> Result<(), Stop> {
    if let Some(Ok(version)) = setup_py.fields.get("version")
        && version.as_str() == Some("")
    {
        return Err(version.unclear("version = ''", "a version").into());
    }
    let places = ["packages", "py_modules", "package_dir"];
    if let Some(at) = setup_cfg.version_attr
        && places.iter().any(|key| setup_py.fields.contains_key(*key))
    {
        let wanted = "certain where setup.py says where packages are";
        return Err(Value::str("", at).unclear("version = attr:", wanted).into());
    }
    Ok(())
}

/// Makes a descriptive field unknown that another file gives beside `[project]`: what setuptools keeps of it depends on much.
fn doubt(key: &str, field: &mut Result<Value, Dynamic>) {
    if let Ok(value) = field
        && value.truthy()
    {
        *field = Err(Dynamic {
            expression: key.to_owned(),
            place: value.place,
            reason: "stands beside [project], which has fields of its own".to_owned(),
        });
    }
}
