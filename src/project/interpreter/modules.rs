//! Imports: the library's modules are known by name, those of the project are followed, others are unknown.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ruff_python_ast::{Stmt, StmtImportFrom};
use ruff_text_size::Ranged;

use super::super::source_file::SourceFile;
use super::super::{mentions, python_source};
use super::frame::Frame;
use super::object::{Form, Namespace, Object};
use super::{Flow, Halt, Machine, Outcome, library};

impl Machine {
    pub(super) fn import(&mut self, statement: &Stmt) -> Result<(), Halt> {
        match statement {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let module = alias.name.as_str();
                    if module == "__main__" {
                        self.wild(statement);
                    }
                    let top = module.split('.').next().unwrap_or(module);
                    let (name, bound) = alias.asname.as_ref().map_or((top, top), |name| (name.as_str(), module));
                    let object = self.module(module, bound, statement)?;
                    self.set(name, object);
                }
                Ok(())
            }
            Stmt::ImportFrom(import) => self.import_from(import, statement),
            _ => Ok(()),
        }
    }

    fn import_from(&mut self, import: &StmtImportFrom, statement: &Stmt) -> Result<(), Halt> {
        let Some(module) = self.absolute(import) else {
            return Err(Halt::Raised("ImportError".into(), "attempted relative import".into()));
        };
        for alias in &import.names {
            let name = alias.name.as_str();
            if name == "*" {
                self.import_all(&module, statement)?;
                continue;
            }
            if mentions::reaches_namespaces(name) {
                self.wild(statement);
            }
            let object = self.member(&module, name, statement)?;
            self.set(alias.asname.as_ref().unwrap_or(&alias.name).as_str(), object);
        }
        Ok(())
    }

    /// The module's dotted name, relative ones by the package that imports them.
    fn absolute(&self, import: &StmtImportFrom) -> Option<String> {
        let named = import.module.as_ref().map_or("", |module| module.as_str());
        if import.level == 0 {
            return Some(named.to_owned());
        }
        let mut parts: Vec<&str> = self.frame.package.as_deref()?.split('.').collect();
        for _ in 1..import.level {
            parts.pop();
        }
        parts.extend(named.split('.').filter(|part| !part.is_empty()));
        (!parts.is_empty()).then(|| parts.join("."))
    }

    fn import_all(&mut self, module: &str, statement: &Stmt) -> Result<(), Halt> {
        let imported = self.module(module, module, statement)?;
        let Form::Module(names) = &imported.form else {
            self.forget_statement(statement, "imports whatever a module holds");
            if library::is_module(module.split('.').next().unwrap_or(module)) {
                // It may bind any name that the module has.
                self.wild(statement);
            }
            return Ok(());
        };
        let all: Vec<_> = names
            .borrow()
            .iter()
            .map(|(name, object)| (name.clone(), object.clone()))
            .collect();
        if all.iter().any(|(name, _)| name == "__all__") {
            self.wild(statement);
        }
        for (name, object) in all.into_iter().filter(|(name, _)| !name.starts_with('_')) {
            self.set(&name, object);
        }
        Ok(())
    }

    /// The module `module`, bound as `bound`: itself, or the package at its beginning.
    pub(super) fn module(&mut self, module: &str, bound: &str, statement: &impl Ranged) -> Outcome {
        let top = module.split('.').next().unwrap_or(module);
        if self.is_of_library(top) {
            self.doubts += usize::from(!library::has_module(module));
            return Ok(Object::new(Form::Library(bound.into()), self.place(statement)));
        }
        match self.local(module, statement)? {
            Some(_) => Ok(self
                .modules
                .get(bound)
                .cloned()
                .unwrap_or_else(|| self.unknown(statement, "is imported"))),
            None => self.foreign(top, statement),
        }
    }

    /// Whether a top-level module is the library's. The project's own modules come before it.
    fn is_of_library(&self, top: &str) -> bool {
        library::is_module(top) && self.located_module(top).is_none()
    }

    /// What `from module import name` binds.
    fn member(&mut self, module: &str, name: &str, statement: &Stmt) -> Outcome {
        let top = module.split('.').next().unwrap_or(module);
        let place = self.place(statement);
        if self.is_of_library(top) {
            let full = format!("{module}.{name}");
            let known = self.constant(&full, statement);
            // What is not everywhere may raise, which `except ImportError` expects.
            self.doubts += usize::from(known.is_none() && !library::exists(&full));
            return Ok(known.unwrap_or_else(|| Object::new(Form::Library(full.into()), place)));
        }
        let Some(names) = self.local(module, statement)? else {
            return self.foreign(top, statement);
        };
        if let Some(found) = names.borrow().get(name) {
            return Ok(found.clone());
        }
        let below = format!("{module}.{name}");
        if self.local(&below, statement)?.is_some()
            && let Some(found) = self.modules.get(&below)
        {
            return Ok(found.clone());
        }
        Err(Halt::Raised(
            "ImportError".into(),
            format!("cannot import name '{name}'").into(),
        ))
    }

    /// The names of a module of the project, run if this is its first import; `None` where it is none of the project's.
    fn local(&mut self, module: &str, statement: &impl Ranged) -> Result<Option<Namespace>, Halt> {
        let mut found = None;
        let mut parent: Option<Namespace> = None;
        let parts: Vec<&str> = module.split('.').collect();
        for length in 1..=parts.len() {
            let dotted = parts[..length].join(".");
            let names = if let Some(Form::Module(names)) = self.modules.get(&dotted).map(|object| &object.form) {
                Rc::clone(names)
            } else {
                let Some((file, is_package)) = self.located_module(&dotted) else {
                    return Ok(None);
                };
                self.run_module(&dotted, file, is_package, statement)?
            };
            if let (Some(parent), Some(object)) = (&parent, self.modules.get(&dotted)) {
                parent.borrow_mut().insert(parts[length - 1].to_owned(), object.clone());
            }
            parent = Some(Rc::clone(&names));
            found = Some(names);
        }
        Ok(found)
    }

    /// The file of a module of the project, and whether it is a package; a package without `__init__.py` has no file.
    fn located_module(&self, dotted: &str) -> Option<(Option<PathBuf>, bool)> {
        let relative: PathBuf = dotted.split('.').collect();
        let is_there = |file: &Path| self.is_part(file) && file.is_file();
        self.search.iter().find_map(|directory| {
            let base = directory.join(&relative);
            let init = base.join("__init__.py");
            let file = base.with_extension("py");
            if is_there(&init) {
                Some((Some(init), true))
            } else if is_there(&file) {
                Some((Some(file), false))
            } else {
                let is_namespace =
                    base.is_dir() && self.is_part(&base) && (dotted.contains('.') || !library::is_module(dotted));
                is_namespace.then_some((None, true))
            }
        })
    }

    fn run_module(
        &mut self,
        dotted: &str,
        file: Option<PathBuf>,
        is_package: bool,
        statement: &impl Ranged,
    ) -> Result<Namespace, Halt> {
        let place = self.place(statement);
        let names: Namespace = Rc::new(RefCell::new(BTreeMap::from([(
            "__name__".to_owned(),
            Object::str(dotted, place),
        )])));
        let object = Object::new(Form::Module(Rc::clone(&names)), place);
        self.modules.insert(dotted.to_owned(), object);
        let Some(path) = file else { return Ok(names) };
        names
            .borrow_mut()
            .insert("__file__".to_owned(), Object::str(path.to_string_lossy(), place));
        let package = if is_package {
            Some(dotted)
        } else {
            dotted.rsplit_once('.').map(|(package, _)| package)
        };
        if let Err(halt) = self.run_file(&names, &path, package, statement) {
            // Python tries again at the next import.
            self.modules.remove(dotted);
            return Err(halt);
        }
        Ok(names)
    }

    /// Follows a file in the namespace of its module, which is in `package`.
    ///
    /// # Errors
    /// What the module raises; [`Halt::End`] where the file cannot be followed.
    pub(super) fn run_file(
        &mut self,
        names: &Namespace,
        path: &Path,
        package: Option<&str>,
        node: &impl Ranged,
    ) -> Result<(), Halt> {
        let Ok(text) = self.text(path, None, false, node)? else {
            return self.not_imported(node);
        };
        let place = self.place(node);
        let frame = Frame {
            package: package.map(Into::into),
            ..Frame::of_module(Rc::clone(names), Rc::clone(&self.frame.file), Some(place))
        };
        match self.run_text(&text, frame, node, Self::document) {
            Some(Err(Halt::Doubt(why))) => {
                let bound: Vec<_> = names.borrow().keys().cloned().collect();
                for name in bound {
                    self.lose(names, &name, &why);
                }
                Ok(())
            }
            Some(ended) => ended.map(drop),
            None => self.not_imported(node),
        }
    }

    /// Follows the statements of a text in `frame`, after `begin`; `None` where it is no Python, or too large.
    pub(super) fn run_text(
        &mut self,
        text: &str,
        frame: Frame,
        node: &impl Ranged,
        begin: impl FnOnce(&mut Self, &[Stmt]),
    ) -> Option<Result<Flow, Halt>> {
        if let Err(over) = self.source_effort(text.len(), true, node) {
            return Some(Err(over));
        }
        let parsed = python_source::parse(text)?;
        let file = Rc::new(SourceFile::from_bytes("setup.py", text.as_bytes().to_vec()).ok()?);
        self.depth += 10;
        let ended = self.within(Frame { file, ..frame }, |machine| {
            begin(machine, parsed.suite());
            machine.block(parsed.suite())
        });
        self.depth -= 10;
        Some(ended)
    }

    fn not_imported(&mut self, statement: &impl Ranged) -> Result<(), Halt> {
        self.give_up(statement, "imports a module of the project that cannot be followed");
        Err(Halt::End)
    }

    /// A module that is not followed. If it may be one of the project, it may do anything, also to setuptools.
    fn foreign(&mut self, top: &str, statement: &impl Ranged) -> Outcome {
        let [module, package] = [format!("{top}.py"), top.to_owned()].map(|name| self.root.join(name));
        let is_there = module.is_file() || package.is_dir();
        let beside = is_there && (self.is_part(&module) || self.is_part(&package));
        if is_there && !beside {
            let message = format!("No module named '{top}'");
            return Err(Halt::Raised("ModuleNotFoundError".into(), message.into()));
        }
        if self.setup.is_none() && (beside || self.searches_elsewhere) {
            self.give_up(statement, "imports a module of the project, which may change anything");
        }
        Ok(self.unknown(statement, "imports a module that is not known"))
    }

    /// `sys.path.insert` and `append`.
    pub(super) fn search_in(&mut self, added: Option<&Object>, first: bool) {
        let Some(path) = added.and_then(Object::as_path) else {
            self.searches_elsewhere = true;
            return;
        };
        let directory = self.located(path);
        if !directory.starts_with(&self.root) {
            self.searches_elsewhere = true;
        } else if first {
            self.search.insert(0, directory);
        } else {
            self.search.push(directory);
        }
    }
}
