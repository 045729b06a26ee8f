//! From the three files' declarations to a [`Project`]: statically where that is certain, otherwise by asking Python.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::discovery::{self, Discovered};
use super::entry_points::{self, Declared, Role};
use super::error::Error;
use super::pep517::{self, Answer};
use super::pyproject::{self, Pyproject};
use super::requirement::{self, Stop};
use super::setup_cfg;
use super::setup_py;
use super::source_file::SourceFile;
use super::value::{Draft, Dynamic, Kind, Value};
use super::{Build, Metadata, Project, ProjectSettings, Source, SourceKind};
use crate::progress::Progress;

/// What setuptools needs for a bare `setup.py` ([PEP 517](https://peps.python.org/pep-0517/#source-trees)).
const DEFAULT_REQUIRES: [&str; 2] = ["setuptools", "wheel"];

/// Reads the project in `dir`.
///
/// # Errors
/// No project there; a file that is unreadable or malformed (with its line); a name, version, requirement or entry point that
/// is missing or wrong; several functions that could train; Python needed and failing, or needed and refused.
pub fn load(dir: &Path, settings: &ProjectSettings, progress: &dyn Progress) -> Result<Project, Error> {
    let files = Files::read(dir)?;
    match files.declared().and_then(|declared| declared.project(&files, settings)) {
        Ok(project) => Ok(project),
        Err(Stop::Wrong(error)) => Err(error),
        Err(Stop::Ask(dynamic)) if settings.static_only => Err(Error::StaticOnly {
            reason: dynamic.to_string(),
        }),
        Err(Stop::Ask(dynamic)) => {
            progress.step(&format!("Asking Python for the metadata, because {dynamic}"));
            let build = files.build();
            let answer = pep517::metadata(&files.root, &build, settings, progress)
                .map_err(|error| error.when_asked(&dynamic.to_string()))?;
            files.asked(answer, build, &dynamic, settings)
        }
    }
}

/// What the project's files say.
struct Files {
    root: PathBuf,
    /// The file to name when something is missing.
    main: &'static str,
    setup_py: Option<Draft>,
    setup_cfg: Draft,
    pyproject: Pyproject,
}

impl Files {
    fn read(dir: &Path) -> Result<Self, Error> {
        let root = match dir.canonicalize() {
            Ok(root) if root.is_dir() => root,
            Ok(_) => return Err(Error::NotADirectory { path: dir.to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::DirectoryMissing { path: dir.to_owned() });
            }
            Err(source) => {
                return Err(Error::Unreadable {
                    path: dir.to_owned(),
                    source,
                });
            }
        };
        let file = |name| SourceFile::read(&root, name);
        let (setup_py, setup_cfg, pyproject) = (file("setup.py")?, file("setup.cfg")?, file("pyproject.toml")?);
        let main = match (&setup_py, &setup_cfg, &pyproject) {
            (Some(_), _, _) => "setup.py",
            (None, Some(_), _) => "setup.cfg",
            (None, None, Some(_)) => "pyproject.toml",
            (None, None, None) => return Err(Error::NoProjectFile { path: root }),
        };
        let pyproject = pyproject.map(|file| pyproject::read(&root, &file)).transpose()?;
        let pyproject = pyproject.unwrap_or_default();
        // Only the backend that stands for none lets setup.py import what is beside it.
        let finds_modules = pyproject
            .backend
            .as_deref()
            .is_none_or(|backend| backend.ends_with("__legacy__"));
        let read = |file: SourceFile| setup_py::read(&root, &file, finds_modules);
        Ok(Self {
            main,
            setup_py: setup_py.map(read).transpose()?,
            setup_cfg: setup_cfg
                .map(|file| setup_cfg::read(&root, &file))
                .transpose()?
                .unwrap_or_default(),
            pyproject,
            root,
        })
    }

    fn warnings(&self) -> Vec<String> {
        let setup_py = self.setup_py.iter().flat_map(|draft| &draft.warnings);
        setup_py
            .chain(&self.setup_cfg.warnings)
            .chain(&self.pyproject.draft.warnings)
            .cloned()
            .collect()
    }

    /// What is known of the build whoever answers for the metadata.
    fn build(&self) -> Build {
        let requires = self.pyproject.requires.clone();
        Build {
            requires: requires.unwrap_or_else(|| DEFAULT_REQUIRES.map(ToOwned::to_owned).to_vec()),
            backend: self.pyproject.backend.clone(),
            backend_path: self.pyproject.backend_path.clone(),
            readme: self.pyproject.readme.clone(),
            ..Build::default()
        }
    }

    /// The declarations of all files by setuptools' precedence, or why Python must be asked.
    fn declared(&self) -> Result<Declarations, Stop> {
        if !self.pyproject.backend_is_setuptools() {
            let backend = self.pyproject.backend.as_deref().unwrap_or_default();
            return Err(self.ask("build-backend", &format!("names {backend}, which knows the metadata")));
        }
        let none = Draft::default();
        let setup_py = self.setup_py.as_ref().unwrap_or(&none);
        let drafts = [setup_py, &self.setup_cfg, &self.pyproject.draft];
        if let Some(dynamic) = drafts.iter().find_map(|draft| draft.whole.clone()) {
            return Err(dynamic.into());
        }
        if self.pyproject.has_project && drafts[..2].iter().any(|draft| !draft.fields.is_empty()) {
            return Err(self.ask("[project]", "and another file both declare the package"));
        }
        if let Some(Ok(version)) = setup_py.fields.get("version")
            && version.as_str() == Some("")
        {
            return Err(version.unclear("version = ''", "a version").into());
        }
        let places = ["packages", "py_modules", "package_dir"];
        if let Some(at) = self.setup_cfg.version_attr
            && places.iter().any(|key| setup_py.fields.contains_key(*key))
        {
            let expression = Value::str("", at);
            return Err(expression
                .unclear("version = attr:", "certain where setup.py says where packages are")
                .into());
        }
        let plugin = setup_py.fields.iter().find(|(key, _)| {
            // A keyword that nobody knows may belong to a plugin that changes everything; the original's are ours.
            key.starts_with("plugin:")
        });
        if let Some((_, Err(dynamic))) = plugin {
            return Err(dynamic.clone().into());
        }
        if self.plugins_may_decide() {
            return Err(self.ask(
                "[build-system] requires",
                "names a plugin, or a certain setuptools, that may read it differently",
            ));
        }
        let mut draft = merged(&drafts);
        if draft.inhabited("setup_requires") && !is_only_setuptools(draft.get("setup_requires")?) {
            return Err(self.ask("setup_requires", "may name a plugin that changes the metadata"));
        }
        for field in &self.pyproject.dynamic {
            let key = match field.as_str() {
                "dependencies" => "install_requires",
                "requires-python" => "python_requires",
                "optional-dependencies" => "extras_require",
                "entry-points" => "entry_points",
                other => other,
            };
            if matches!(
                key,
                "version" | "description" | "install_requires" | "extras_require" | "entry_points" | "python_requires"
            ) && !draft.fields.contains_key(key)
            {
                return Err(self.ask(
                    &format!("dynamic = [\"{field}\"]"),
                    "is set by something that only Python knows",
                ));
            }
        }
        self.discover(&mut draft)?;
        Ok(Declarations {
            draft,
            main: self.main,
            include_by_default: self.pyproject.configures_setuptools,
        })
    }

    fn ask(&self, expression: &str, reason: &str) -> Stop {
        let place = super::value::Place {
            file: self.main,
            line: 1,
        };
        Dynamic {
            expression: expression.to_owned(),
            place,
            reason: reason.to_owned(),
        }
        .into()
    }

    /// setuptools' own plugins (`setuptools_scm` and its like) take part without being named in `setup()`.
    fn plugins_may_decide(&self) -> bool {
        let harmless = [
            "build",
            "cmake",
            "cython",
            "jinja2",
            "joblib",
            "ninja",
            "numpy",
            "oldest-supported-numpy",
            "packaging",
            "pandas",
            "pip",
            "pyaml",
            "pybind11",
            "pyyaml",
            "requests",
            "scikit-learn",
            "scipy",
            "setuptools",
            "tomli",
            "torch",
            "typing-extensions",
            "wheel",
        ];
        self.pyproject.requires.iter().flatten().any(|requirement| {
            let name = plain_name(requirement);
            // An older setuptools reads projects in its own way.
            let old = name == "setuptools" && is_limited(requirement);
            old || !harmless.contains(&name.as_str())
        })
    }

    /// Automatic discovery, where neither packages nor modules are listed.
    fn discover(&self, draft: &mut Draft) -> Result<(), Stop> {
        let says = |key: &&str| {
            let field = draft.fields.get(*key);
            field.is_some_and(|field| !matches!(field, Ok(Value { kind: Kind::None, .. })))
        };
        if ["packages", "py_modules", "ext_modules"].iter().any(says) {
            return Ok(());
        }
        let place = super::value::Place {
            file: self.main,
            line: 1,
        };
        let package_dir = setup_cfg::string_map(draft.fields.get("package_dir"));
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

    /// The project as Python answered.
    fn asked(&self, answer: Answer, build: Build, why: &Dynamic, settings: &ProjectSettings) -> Result<Project, Error> {
        let at = format!("the answer of {}", build.backend.as_deref().unwrap_or("setuptools"));
        let name = answer
            .name
            .filter(|name| name != "UNKNOWN")
            .ok_or_else(|| Error::NameMissing {
                file: self.main.to_owned(),
            })?;
        // setuptools' word for a version that nobody gave.
        let version = answer.version.filter(|version| version != "0.0.0");
        let version = version.ok_or_else(|| Error::VersionMissing {
            file: self.main.to_owned(),
        })?;
        let declared: Vec<Declared> = answer
            .entry_points
            .iter()
            .flat_map(|(group, entries)| entries.iter().map(move |(name, object)| (group, name, object)))
            .map(|(group, name, object)| Declared {
                group: group.clone(),
                name: name.clone(),
                object: object.clone(),
                at: self.main.to_owned(),
            })
            .collect();
        let keyword: Vec<Declared> = answer
            .entry_point
            .iter()
            .map(|(module, function)| Declared {
                group: String::new(),
                name: module.clone(),
                object: format!("{module}:{function}"),
                at: self.main.to_owned(),
            })
            .collect();
        Ok(Project {
            root: self.root.clone(),
            train: entry_points::select(Role::Train, settings.train.as_ref(), &declared, &keyword)?,
            serve: entry_points::select(Role::Serve, settings.serve.as_ref(), &declared, &keyword)?,
            metadata: Metadata {
                name: requirement::name(&name, &at)?,
                version: requirement::version(&version, &at)?,
                summary: answer.summary,
                requires_python: answer.requires_python,
                requires_dist: answer.requires_dist,
                provides_extra: answer.provides_extra,
                entry_points: answer.entry_points,
                packages: answer.packages,
                py_modules: answer.py_modules,
            },
            build: Build {
                backend_sdist: Some(why.to_string()),
                python_version: answer.python_version,
                docker_lines: answer.docker_lines,
                ..build
            },
            source: Source {
                kind: SourceKind::Pep517,
                reason: why.to_string(),
            },
            warnings: self.warnings(),
        })
    }
}

/// Whether `setup_requires` names nothing but what is there already, in any version.
fn is_only_setuptools(listed: Option<&Value>) -> bool {
    let names = listed.and_then(|value| {
        value
            .as_str()
            .map(|one| vec![one.to_owned()])
            .or_else(|| value.strings())
    });
    let is_setuptools = |requirement: &String| {
        matches!(plain_name(requirement).as_str(), "setuptools" | "wheel") && !is_limited(requirement)
    };
    names.is_some_and(|names| names.iter().all(is_setuptools))
}

/// The name that a requirement begins with, in its usual spelling.
fn plain_name(requirement: &str) -> String {
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    requirement[..end.unwrap_or(requirement.len())]
        .to_lowercase()
        .replace(['_', '.'], "-")
}

/// Whether a requirement may be for an older version than the newest.
fn is_limited(requirement: &str) -> bool {
    requirement.contains(['<', '~', '@']) || requirement.contains("==")
}

/// `setup()`'s arguments, what setup.cfg adds where they say nothing, and `[project]` over both.
fn merged(drafts: &[&Draft; 3]) -> Draft {
    let [setup_py, setup_cfg, pyproject] = drafts;
    let mut draft = Draft {
        fields: setup_cfg.fields.clone(),
        ..Draft::default()
    };
    for (key, field) in &setup_py.fields {
        if setup_py.inhabited(key) || !draft.inhabited(key) {
            draft.fields.insert(key.clone(), field.clone());
        }
    }
    draft.fields.extend(pyproject.fields.clone());
    draft.referenced = drafts.iter().flat_map(|each| each.referenced.clone()).collect();
    draft.backend_sdist = drafts.iter().find_map(|each| each.backend_sdist.clone());
    draft
}

/// Everything declared, all of it known.
struct Declarations {
    draft: Draft,
    main: &'static str,
    include_by_default: bool,
}

impl Declarations {
    fn project(&self, files: &Files, settings: &ProjectSettings) -> Result<Project, Stop> {
        let (metadata, declared) = self.metadata(&files.root)?;
        let keyword = match self.draft.get("entry_point")? {
            Some(value) => entry_points::keyword(value)?,
            None => Vec::new(),
        };
        Ok(Project {
            root: files.root.clone(),
            train: entry_points::select(Role::Train, settings.train.as_ref(), &declared, &keyword)?,
            serve: entry_points::select(Role::Serve, settings.serve.as_ref(), &declared, &keyword)?,
            metadata,
            build: self.build(files.build())?,
            source: Source {
                kind: SourceKind::Static,
                reason: String::new(),
            },
            warnings: files.warnings(),
        })
    }

    /// setuptools refuses a package whose directory is not there.
    fn packages(&self, root: &Path) -> Result<Vec<String>, Stop> {
        let packages = self.names("packages")?;
        let package_dir = setup_cfg::string_map(self.draft.fields.get("package_dir"));
        for package in &packages {
            let directory = package_directory(package, &package_dir);
            if root.join(&directory).is_dir() {
                continue;
            }
            let Some(listed) = self.draft.get("packages")? else {
                continue;
            };
            if self.draft.backend_sdist.is_some() {
                return Err(listed
                    .unclear("packages", "all there: a custom command may make some")
                    .into());
            }
            return Err(Error::InvalidValue {
                at: listed.place.to_string(),
                message: format!("the package {package} has no directory {}", directory.display()),
            }
            .into());
        }
        Ok(packages)
    }

    fn metadata(&self, root: &Path) -> Result<(Metadata, Vec<Declared>), Stop> {
        let name = self.text("name")?.ok_or_else(|| Error::NameMissing {
            file: self.main.to_owned(),
        })?;
        let version = self.text("version")?.ok_or_else(|| Error::VersionMissing {
            file: self.main.to_owned(),
        })?;
        let mut requires_dist = match self.draft.get("install_requires")? {
            Some(value) => requirement::requirements(value)?,
            None => Vec::new(),
        };
        let mut provides_extra = Vec::new();
        if let Some(value) = self.draft.get("extras_require")? {
            let (requires, extras) = requirement::extras(value)?;
            requires_dist.extend(requires);
            provides_extra = extras;
        }
        let declared = match self.draft.get("entry_points")? {
            Some(value) => entry_points::declared(value)?,
            None => Vec::new(),
        };
        let mut entry_points = BTreeMap::<String, BTreeMap<String, String>>::new();
        for entry in &declared {
            entry_points
                .entry(entry.group.clone())
                .or_default()
                .insert(entry.name.clone(), entry.object.clone());
        }
        let requires_python = match self.text("python_requires")? {
            Some(value) => Some(requirement::requires_python(text(value)?, &value.place.to_string())?),
            None => None,
        };
        let metadata = Metadata {
            name: requirement::name(text(name)?, &name.place.to_string())?,
            version: requirement::version(&number_or_text(version)?, &version.place.to_string())?,
            summary: self.summary()?,
            requires_python,
            requires_dist,
            provides_extra,
            entry_points,
            packages: self.packages(root)?,
            py_modules: self.names("py_modules")?,
        };
        Ok((metadata, declared))
    }

    fn summary(&self) -> Result<Option<String>, Stop> {
        let Some(description) = self.text("description")? else {
            return Ok(None);
        };
        let words = text(description)?;
        if words.contains('\r') {
            return Err(description.unclear("description", "a single line").into());
        }
        Ok(summary(words))
    }

    fn build(&self, known: Build) -> Result<Build, Stop> {
        let data_files = self
            .draft
            .get("data_files")?
            .map(data_files)
            .transpose()?
            .unwrap_or_default();
        let license_files = match (self.draft.get("license_files")?, self.draft.get("license_file")?) {
            (Some(listed), _) => Some(names(listed, "license_files")?),
            (None, Some(one)) => Some(vec![text(one)?.to_owned()]),
            (None, None) => None,
        };
        let include = match self.draft.get("include_package_data")? {
            Some(value) => value.truthy(),
            None => self.include_by_default,
        };
        let python_version = self.draft.get("python_version")?.map(number_or_text).transpose()?;
        let docker_lines = match self.draft.get("dockerlines")? {
            Some(Value {
                kind: Kind::Str(lines), ..
            }) => lines.lines().map(ToOwned::to_owned).collect(),
            Some(listed) => names(listed, "dockerlines")?,
            None => Vec::new(),
        };
        Ok(Build {
            package_dir: setup_cfg::string_map(self.draft.fields.get("package_dir")),
            package_data: self.globs("package_data")?,
            exclude_package_data: self.globs("exclude_package_data")?,
            include_package_data: include,
            zip_safe: self.draft.get("zip_safe")?.map(Value::truthy),
            data_files,
            scripts: self.names("scripts")?,
            referenced_files: self.draft.referenced.clone(),
            license_files,
            backend_sdist: self.draft.backend_sdist.clone(),
            python_version,
            docker_lines,
            ..known
        })
    }

    /// A field that counts only if it says something.
    fn text(&self, key: &str) -> Result<Option<&Value>, Stop> {
        Ok(self.draft.get(key)?.filter(|value| value.truthy()))
    }

    fn names(&self, key: &str) -> Result<Vec<String>, Stop> {
        self.draft
            .get(key)?
            .map_or_else(|| Ok(Vec::new()), |value| names(value, key))
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

fn text(value: &Value) -> Result<&str, Stop> {
    value
        .as_str()
        .ok_or_else(|| value.unclear("the value", "a string").into())
}

/// A version may be written as a number: `python_version=3.11`.
fn number_or_text(value: &Value) -> Result<String, Stop> {
    match &value.kind {
        Kind::Str(text) | Kind::Number(text) => Ok(text.clone()),
        _ => Err(value.unclear("the version", "a string").into()),
    }
}

fn names(value: &Value, key: &str) -> Result<Vec<String>, Stop> {
    value
        .strings()
        .ok_or_else(|| value.unclear(key, "a list of strings").into())
}

/// The directory of a package relative to the root, by the longest package that `package_dir` places.
fn package_directory(package: &str, package_dir: &BTreeMap<String, String>) -> PathBuf {
    let parts: Vec<&str> = package.split('.').collect();
    let placed = (1..=parts.len())
        .rev()
        .find_map(|n| Some((package_dir.get(&parts[..n].join("."))?, n)));
    let (mut path, n) = match placed {
        Some((directory, n)) => (PathBuf::from(directory), n),
        None => (package_dir.get("").map(PathBuf::from).unwrap_or_default(), 0),
    };
    path.extend(&parts[n..]);
    path
}

/// `data_files` as `{directory: [file, …]}` or `[(directory, [file, …]), …]`: the files.
fn data_files(value: &Value) -> Result<Vec<String>, Stop> {
    let unclear = || value.unclear("data_files", "a list of directories and their files");
    if let Some(entries) = value.entries() {
        return entries
            .iter()
            .map(|(_, files)| names(files, "data_files"))
            .collect::<Result<Vec<_>, _>>()
            .map(|all| all.concat());
    }
    let mut found = Vec::new();
    for item in value.items().ok_or_else(unclear)? {
        match (item.as_str(), item.items()) {
            (Some(file), _) => found.push(file.to_owned()),
            (None, Some([_, files])) => found.extend(names(files, "data_files")?),
            _ => return Err(unclear().into()),
        }
    }
    // setuptools expands patterns only in its declarative files.
    Ok(found)
}

/// A summary is one line; setuptools keeps the first of several.
fn summary(description: &str) -> Option<String> {
    let line = match description.trim().split_once('\n') {
        Some((first, _)) => first,
        None if description.contains('\n') => description.trim(),
        None => description,
    };
    // Reading the header takes the blanks before its value off, not those behind.
    let line = line.trim_start();
    (!line.is_empty()).then(|| line.to_owned())
}
