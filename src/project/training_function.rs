//! Whether the function that trains is in the package: looked for before anything is built, where the sources decide it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ruff_python_ast::Stmt;

use super::error::Error;
use super::mentions::mentions_of_all;
use super::package_directory::package_directory;
use super::source_file::SourceFile;
use super::{EntryPoint, Project, SourceKind, python_source};

/// Functions that are named in a message.
const SHOWN: usize = 10;
/// By these a package has modules, or a module names, that its source does not show.
const REPLACING: [&str; 4] = ["__path__", "sys.modules", "extend_path", "declare_namespace"];

/// Refuses a function that is certainly not in the package. What a build makes, what data files bring and what another package
/// has is not looked at.
pub(super) fn look_for(project: &Project, entry: &EntryPoint) -> Result<(), Error> {
    let is_plain = project.source.kind == SourceKind::Static && project.build.backend_sdist.is_none();
    let Some((module, attribute)) = entry.object.split_once(':').filter(|_| is_plain) else {
        return Ok(());
    };
    let packed = Packed(project);
    let Some(file) = packed.file(module) else {
        return packed.refuse_missing(module, entry);
    };
    let name = attribute.split('.').next().unwrap_or(attribute);
    // What cannot be read or parsed here is Python's to complain about.
    let Ok(Some(source)) = SourceFile::read(&project.root, &file.to_string_lossy()) else {
        return Ok(());
    };
    let looked = python_source::with_module(&source, Names::of);
    match looked {
        Ok(Some(names)) if !names.may_hold(name) => Err(Error::FunctionMissing {
            object: entry.object.clone(),
            declared_in: entry.declared_in.clone(),
            file: source.name,
            has: names.functions,
        }),
        _ => Ok(()),
    }
}

/// Refuses a function whose module is certainly not among `members`, the files of the wheel `file_name`: what a backend packs is known
/// only then. Another package may bring the module, unless it is in one of this project's that takes in none from elsewhere.
pub(crate) fn look_for_in_wheel(project: &Project, file_name: &str, members: &[String]) -> Result<(), Error> {
    let Some(entry) = &project.train else { return Ok(()) };
    let Some((module, _)) = entry.object.split_once(':') else {
        return Ok(());
    };
    let wheel = Members::of(members);
    let (top, _) = module.split_once('.').unwrap_or((module, ""));
    let is_ours = wheel.has(&format!("{top}.__init__")) && is_closed_package(project, top);
    if wheel.has(module) || wheel.extends_the_path || !is_ours {
        return Ok(());
    }
    let package = module.rsplit_once('.').map_or(top, |(package, _)| package);
    Err(Error::ModuleNotPacked {
        object: entry.object.clone(),
        declared_in: entry.declared_in.clone(),
        reason: format!("{file_name} has no module {module}"),
        hint: format!("Name one that is there: {}.", wheel.modules_of(package).join(", ")),
    })
}

/// Whether the project's own source of a package says nothing of modules from elsewhere.
fn is_closed_package(project: &Project, package: &str) -> bool {
    let init = [format!("{package}/__init__.py"), format!("src/{package}/__init__.py")];
    let sources = init.iter().map(|init| SourceFile::read(&project.root, init));
    let mut found = sources.filter_map(Result::ok).flatten().peekable();
    found.peek().is_some() && found.all(|file| !REPLACING.iter().any(|each| file.text.contains(each)))
}

/// The modules of a wheel, by their dotted names.
struct Members {
    modules: BTreeSet<String>,
    /// Whether a `.pth` file adds directories where modules are looked for.
    extends_the_path: bool,
}

impl Members {
    fn of(members: &[String]) -> Self {
        let below = |member: &String| {
            // <https://packaging.python.org/en/latest/specifications/binary-distribution-format/#the-data-directory>
            let data = member.split_once(".data/").map(|(_, below)| below);
            let library =
                data.and_then(|below| ["purelib/", "platlib/"].iter().find_map(|dir| below.strip_prefix(dir)));
            library.unwrap_or(member).to_owned()
        };
        let dotted = |path: String| {
            let (directory, file) = path.rsplit_once('/').unwrap_or(("", &path));
            // An extension module's name goes on: `fast.cpython-312-x86_64-linux-gnu.so`.
            let (name, suffix) = file.split_once('.')?;
            let is_module = suffix == "py" || suffix == "pyc" || suffix.ends_with("so");
            is_module.then(|| format!("{directory}/{name}").trim_start_matches('/').replace('/', "."))
        };
        Self {
            modules: members.iter().map(below).filter_map(dotted).collect(),
            extends_the_path: members
                .iter()
                .any(|member| Path::new(member).extension().is_some_and(|suffix| suffix == "pth")),
        }
    }

    fn has(&self, module: &str) -> bool {
        self.modules.contains(module) || self.modules.contains(&format!("{module}.__init__"))
    }

    /// For messages.
    fn modules_of(&self, package: &str) -> Vec<String> {
        let inside = |module: &&String| module.rsplit_once('.').is_some_and(|(parent, _)| parent == package);
        let found = self
            .modules
            .iter()
            .filter(inside)
            .map(|module| module.replace(".__init__", ""));
        found.take(SHOWN).collect()
    }
}

/// The modules that setuptools packs.
struct Packed<'a>(&'a Project);

impl Packed<'_> {
    fn place(&self, dotted: &str) -> PathBuf {
        package_directory(dotted, &self.0.build.package_dir)
    }

    fn is_package(&self, dotted: &str) -> bool {
        self.0.metadata.packages.iter().any(|package| package == dotted)
    }

    fn is_file(&self, path: &Path) -> bool {
        self.0.root.join(path).is_file()
    }

    /// The source of a module that is packed.
    fn file(&self, module: &str) -> Option<PathBuf> {
        let init = self.place(module).join("__init__.py");
        if self.is_package(module) && self.is_file(&init) {
            return Some(init);
        }
        let file = self.source(module)?;
        let is_listed = self.0.metadata.py_modules.iter().any(|listed| listed == module);
        let is_in_package = module
            .rsplit_once('.')
            .is_some_and(|(package, _)| self.is_package(package));
        (is_listed || is_in_package).then_some(file)
    }

    /// The source of a module that is no package, packed or not.
    fn source(&self, module: &str) -> Option<PathBuf> {
        let mut file = match module.rsplit_once('.') {
            Some((package, _)) => self.place(package),
            None => self.place(""),
        };
        file.push(format!("{}.py", module.rsplit('.').next().unwrap_or(module)));
        self.is_file(&file).then_some(file)
    }

    /// Refuses a module that is certainly not packed, and certainly of this project.
    fn refuse_missing(&self, module: &str, entry: &EntryPoint) -> Result<(), Error> {
        let build = &self.0.build;
        let brings_data = !build.package_data.is_empty() || !build.data_files.is_empty();
        let has_manifest = self.0.root.join("MANIFEST.in").exists();
        if brings_data || (build.include_package_data && has_manifest) {
            return Ok(());
        }
        let missing = |reason: String, hint: String| {
            Err(Error::ModuleNotPacked {
                object: entry.object.clone(),
                declared_in: entry.declared_in.clone(),
                reason,
                hint,
            })
        };
        let package = module.rsplit_once('.').map_or("", |(package, _)| package);
        let directory = self.place(package);
        if let Some(source) = self.source(module) {
            let init = directory.join("__init__.py");
            return match package {
                "" => missing(
                    format!("{} is not in py_modules", source.display()),
                    format!("Add {module:?} to py_modules in setup()."),
                ),
                _ if self.is_file(&init) => missing(
                    format!("the package {package} is not in packages"),
                    format!("Add {package:?} to packages in setup(), or let find_packages() find it."),
                ),
                _ => missing(
                    format!("{} has no __init__.py, and is not in packages", directory.display()),
                    format!("Add an empty {}.", init.display()),
                ),
            };
        }
        // A package of another project may stand beside ours under one name, unless ours says what is in it.
        if !self.is_closed(module) || self.is_made_of_something_else(module) {
            return Ok(());
        }
        let has = self.modules_beside(module);
        missing(
            format!("there is no module {module} in the project"),
            format!("Name one that is there: {}.", has.join(", ")),
        )
    }

    /// Whether `module` is in a package that is ours, and none of those around it takes in modules from elsewhere.
    fn is_closed(&self, module: &str) -> bool {
        let Some((top, _)) = module.split_once('.') else {
            return false;
        };
        let is_ours = self.is_package(top) && self.is_file(&self.place(top).join("__init__.py"));
        let packages = module.match_indices('.').filter_map(|(end, _)| module.get(..end));
        is_ours && !packages.into_iter().any(|package| self.takes_in_more(package))
    }

    fn takes_in_more(&self, package: &str) -> bool {
        let init = self.place(package).join("__init__.py");
        match SourceFile::read(&self.0.root, &init.to_string_lossy()) {
            Ok(Some(file)) => REPLACING.iter().any(|each| file.text.contains(each)),
            Ok(None) => false,
            Err(_) => true,
        }
    }

    /// Whether there is a file of that name which is no Python source: an extension module, or what one is made of.
    fn is_made_of_something_else(&self, module: &str) -> bool {
        let (package, name) = module.rsplit_once('.').unwrap_or(("", module));
        let entries = std::fs::read_dir(self.0.root.join(self.place(package)));
        entries.into_iter().flatten().flatten().any(|entry| {
            let file = entry.file_name();
            let file = file.to_string_lossy();
            file == *name || file.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
        })
    }

    /// What is packed in the package that `module` should be in, or all packages.
    fn modules_beside(&self, module: &str) -> Vec<String> {
        let package = module.rsplit_once('.').map_or("", |(package, _)| package);
        let entries = std::fs::read_dir(self.0.root.join(self.place(package)));
        let mut found: Vec<String> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().to_str()?.strip_suffix(".py")?.to_owned();
                (name != "__init__").then(|| format!("{package}.{name}"))
            })
            .filter(|_| self.is_package(package))
            .collect();
        if found.is_empty() {
            found.clone_from(&self.0.metadata.packages);
        }
        found.sort();
        found.truncate(SHOWN);
        found
    }
}

/// The names that a module has once it was run.
struct Names {
    /// It may have any name.
    is_open: bool,
    all: Vec<String>,
    /// Its functions and classes, for messages.
    functions: Vec<String>,
}

impl Names {
    fn of(source: &SourceFile, body: &[Stmt]) -> Self {
        let mentions = mentions_of_all(body);
        let sets_others = ["setattr", "__getattr__"]
            .iter()
            .any(|name| mentions.loads.contains(*name) || mentions.stores.contains(*name));
        let functions = body.iter().filter_map(|statement| match statement {
            Stmt::FunctionDef(function) => Some(function.name.as_str()),
            Stmt::ClassDef(class) => Some(class.name.as_str()),
            _ => None,
        });
        Self {
            is_open: mentions.wild || sets_others || source.text.contains("sys.modules"),
            functions: functions
                .filter(|name| !name.starts_with('_'))
                .take(SHOWN)
                .map(ToOwned::to_owned)
                .collect(),
            all: mentions.stores.into_iter().collect(),
        }
    }

    fn may_hold(&self, name: &str) -> bool {
        self.is_open || self.all.iter().any(|each| each == name)
    }
}
