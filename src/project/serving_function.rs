//! What the object is that serves, as far as the project's sources decide it: whether a server has to be installed beside it.

use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtClassDef, StmtFunctionDef, StmtImportFrom};
use serde::Serialize;

use super::package_directory::package_directory;
use super::source_file::SourceFile;
use super::{EntryPoint, Project, python_source};

/// How often a name is followed to the module that it is imported from.
const MOST_IMPORTS: usize = 8;
/// The classes of well-known apps, and what they speak.
const APPS: [(&str, Served); 7] = [
    ("Flask", Served::Wsgi),
    ("Bottle", Served::Wsgi),
    ("FastAPI", Served::Asgi),
    ("Starlette", Served::Asgi),
    ("Litestar", Served::Asgi),
    ("Quart", Served::Asgi),
    ("Sanic", Served::Asgi),
];

/// What the image has to do with the object that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Served {
    /// It is called, and is a server of its own; or nobody knows.
    Own,
    /// It is served, but as what is seen only where it is imported.
    Something,
    /// A function of a request's payload, or a class of such.
    Function,
    /// An app of [PEP 3333](https://peps.python.org/pep-3333/).
    Wsgi,
    /// An app of [ASGI](https://asgi.readthedocs.io/en/latest/specs/main.html).
    Asgi,
}

impl Served {
    /// Whether a server must be installed that it is served by.
    #[must_use]
    pub fn needs_server(self) -> bool {
        self != Self::Own
    }

    /// What the image need not find out; empty where it must.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Own | Self::Something => "",
            Self::Function => "function",
            Self::Wsgi => "wsgi",
            Self::Asgi => "asgi",
        }
    }
}

/// What `entry` is, by the project's sources. What they do not show is taken for a server of its own, as it is called then.
pub(super) fn look_at(project: &Project, entry: &EntryPoint) -> Served {
    if entry.console_script {
        return Served::Own;
    }
    let Some((module, name)) = entry.object.split_once(':') else {
        return Served::Own;
    };
    let (mut module, mut name) = (module.to_owned(), name.to_owned());
    for _ in 0..MOST_IMPORTS {
        let Some(source) = source_of(project, &module) else {
            return Served::Own;
        };
        let is_package = source.name.ends_with("__init__.py");
        let looked = python_source::with_module(&source, |_, body| binding(body, &name));
        match looked.map(Option::flatten) {
            Ok(Some(Bound::To(served))) => return served,
            Ok(Some(Bound::Imported { from, level, original })) => {
                module = absolute(&module, is_package, level, &from);
                name = original;
            }
            _ => return Served::Own,
        }
    }
    Served::Own
}

/// The source of a module, where the project keeps it.
fn source_of(project: &Project, module: &str) -> Option<SourceFile> {
    let place = package_directory(module, &project.build.package_dir);
    let places = [place.clone(), std::path::Path::new("src").join(place)];
    places.iter().find_map(|place| {
        let place = place.to_str()?;
        let names = [format!("{place}.py"), format!("{place}/__init__.py")];
        names
            .iter()
            .find_map(|name| SourceFile::read(&project.root, name).ok().flatten())
    })
}

/// The module that `from … import` names in another one.
fn absolute(module: &str, is_package: bool, level: u32, from: &str) -> String {
    if level == 0 {
        return from.to_owned();
    }
    let above = level as usize - usize::from(is_package);
    let parts: Vec<&str> = module.split('.').collect();
    let kept = parts.len().saturating_sub(above);
    let mut named: Vec<&str> = parts[..kept].to_vec();
    named.extend((!from.is_empty()).then_some(from));
    named.join(".")
}

/// What a module's name stands for.
enum Bound {
    To(Served),
    Imported { from: String, level: u32, original: String },
}

/// The last of a module's own statements that binds `name` decides.
fn binding(body: &[Stmt], name: &str) -> Option<Bound> {
    body.iter().rev().find_map(|statement| match statement {
        Stmt::FunctionDef(function) if function.name.as_str() == name => Some(Bound::To(of_function(function))),
        Stmt::ClassDef(class) if class.name.as_str() == name => Some(Bound::To(of_class(class))),
        Stmt::Assign(assigned) => {
            let is_it = |target: &Expr| matches!(target, Expr::Name(target) if target.id.as_str() == name);
            let is_bound = assigned.targets.iter().any(is_it);
            is_bound.then(|| Bound::To(of_value(&assigned.value)))
        }
        Stmt::AnnAssign(assigned) => {
            let is_bound = matches!(&*assigned.target, Expr::Name(target) if target.id.as_str() == name);
            let value = assigned.value.as_ref().filter(|_| is_bound)?;
            Some(Bound::To(of_value(value)))
        }
        Stmt::ImportFrom(import) => imported(import, name),
        _ => None,
    })
}

fn imported(import: &StmtImportFrom, name: &str) -> Option<Bound> {
    let alias = import.names.iter().find(|alias| {
        let bound = alias.asname.as_ref().unwrap_or(&alias.name);
        bound.as_str() == name
    })?;
    Some(Bound::Imported {
        from: import.module.as_ref().map_or_else(String::new, ToString::to_string),
        level: import.level,
        original: alias.name.to_string(),
    })
}

/// As templates/serve.py decides it of the function itself (`kind_of`). Decorators may make anything of one.
fn of_function(function: &StmtFunctionDef) -> Served {
    let parameters = &function.parameters;
    let positional = parameters.posonlyargs.iter().chain(&parameters.args);
    let needed: Vec<&str> = positional
        .filter(|parameter| parameter.default.is_none())
        .map(|parameter| parameter.parameter.name.as_str())
        .collect();
    if !function.decorator_list.is_empty() {
        return if needed.is_empty() {
            Served::Own
        } else {
            Served::Something
        };
    }
    match needed.as_slice() {
        [] if may_make_an_app(&function.body) => Served::Something,
        [] => Served::Own,
        [_, "start_response"] if !function.is_async => Served::Wsgi,
        [.., "receive", "send"] => Served::Asgi,
        _ => Served::Function,
    }
}

/// A class makes objects that are called with a payload.
fn of_class(class: &StmtClassDef) -> Served {
    if class.decorator_list.is_empty() {
        Served::Function
    } else {
        Served::Something
    }
}

/// What is assigned is an object: it is no function without parameters, unless somebody went out of their way.
fn of_value(value: &Expr) -> Served {
    let known = APPS.iter().find(|(class, _)| last_word(value) == Some(class));
    known.map_or(Served::Something, |(_, served)| *served)
}

/// The last word of what is called: `Flask` of `flask.Flask(__name__)`.
fn last_word(value: &Expr) -> Option<&str> {
    let Expr::Call(call) = value else { return None };
    match &*call.func {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        _ => None,
    }
}

/// Whether a function returns what it has a name for, or an object that it makes: a server of its own has nothing to return.
fn may_make_an_app(body: &[Stmt]) -> bool {
    struct Returns(bool);
    impl<'a> Visitor<'a> for Returns {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            match statement {
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                Stmt::Return(returned) => {
                    self.0 |= match returned.value.as_deref() {
                        Some(Expr::Name(_)) => true,
                        Some(value) => last_word(value)
                            .is_some_and(|word| word.starts_with(char::is_uppercase) || word.ends_with("_app")),
                        None => false,
                    };
                }
                _ => walk_stmt(self, statement),
            }
        }
    }
    let mut returns = Returns(false);
    returns.visit_body(body);
    returns.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(text: &str, name: &str) -> Option<Served> {
        let parsed = ruff_python_parser::parse_module(text).unwrap();
        match binding(parsed.suite(), name)? {
            Bound::To(served) => Some(served),
            Bound::Imported { .. } => None,
        }
    }

    #[test]
    fn a_servers_own_function_needs_no_other() {
        for (text, expected) in [
            ("def f():\n    run()", Served::Own),
            ("def f(port=8080):\n    return 0", Served::Own),
            ("def f(*args, **more):\n    return server.serve_forever()", Served::Own),
            (
                "def f():\n    def app():\n        return app\n    run(app)",
                Served::Own,
            ),
            ("@click.command()\ndef f():\n    run()", Served::Own),
            ("def f():\n    app = Flask(__name__)\n    return app", Served::Something),
            ("def f():\n    return create_app()", Served::Something),
            ("def f():\n    return web.Application()", Served::Something),
            ("def f(payload):\n    pass", Served::Function),
            ("def f(payload, model):\n    pass", Served::Function),
            ("async def f(payload: dict):\n    pass", Served::Function),
            ("@timed\ndef f(payload):\n    pass", Served::Something),
            ("def f(environ, start_response):\n    pass", Served::Wsgi),
            ("async def f(scope, receive, send):\n    pass", Served::Asgi),
            ("class f:\n    def __call__(self, payload): pass", Served::Function),
            ("f = flask.Flask(__name__)", Served::Wsgi),
            ("f: FastAPI = FastAPI()", Served::Asgi),
            ("f = Falcon()", Served::Something),
            ("def f():\n    pass\nf = Flask('x')", Served::Wsgi),
        ] {
            assert_eq!(served(text, "f"), Some(expected), "{text}");
        }
        assert_eq!(served("from .app import app as f", "f"), None);
        assert_eq!(served("g = 1", "f"), None);
    }

    #[test]
    fn an_import_names_a_module_from_where_it_stands() {
        for (module, is_package, level, from, expected) in [
            ("iris.serve", false, 0, "web.app", "web.app"),
            ("iris.serve", false, 1, "app", "iris.app"),
            ("iris.web", true, 1, "app", "iris.web.app"),
            ("iris.web.serve", false, 2, "app", "iris.app"),
            ("iris.serve", false, 1, "", "iris"),
        ] {
            assert_eq!(
                absolute(module, is_package, level, from),
                expected,
                "{module} {level} {from}"
            );
        }
    }
}
