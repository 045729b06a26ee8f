//! Exceptions: what raises them, and which handler takes them.

use std::rc::Rc;

use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtTry};

use super::object::{Form, Object};
use super::{Flow, Halt, Machine};

impl Machine {
    pub(super) fn attempt(&mut self, attempt: &StmtTry, statement: &Stmt) -> Result<Flow, Halt> {
        let doubts = self.doubts;
        let tried = self.block(&attempt.body);
        if let Err(Halt::Left) = tried {
            return self.left(attempt, statement);
        }
        if self.doubts > doubts && self.setup.is_none() && !attempt.handlers.is_empty() {
            // Code that is not understood may have raised any exception.
            let leaves = match tried {
                Ok(Flow::Next) | Err(Halt::Raised(..)) => false,
                Ok(_) | Err(Halt::Doubt(_)) => true,
                Err(Halt::Left | Halt::End) => return Err(Halt::End),
            };
            self.not_followed(statement, "may fail")?;
            if leaves {
                return Err(Halt::Doubt(self.dynamic(statement, "may fail")));
            }
            return Ok(Flow::Next);
        }
        let flow = match tried {
            Err(Halt::Raised(class, message)) => self.handled(attempt, &class, &message),
            Ok(Flow::Next) => self.block(&attempt.orelse),
            other => other,
        };
        match self.block(&attempt.finalbody)? {
            Flow::Next => flow,
            left => Ok(left),
        }
    }

    /// Python raises `GeneratorExit` where a generator is left.
    fn left(&mut self, attempt: &StmtTry, statement: &Stmt) -> Result<Flow, Halt> {
        let is_handled = attempt.handlers.iter().any(|handler| {
            let ExceptHandler::ExceptHandler(handler) = handler;
            let class = handler.type_.as_deref();
            class.is_none_or(|class| self.takes(class, "GeneratorExit") != Some(false))
        });
        if is_handled {
            return Err(Halt::Doubt(self.dynamic(statement, "may handle GeneratorExit")));
        }
        match self.block(&attempt.finalbody)? {
            Flow::Next => Err(Halt::Left),
            left => Ok(left),
        }
    }

    /// The first handler that takes the exception.
    fn handled(&mut self, attempt: &StmtTry, class: &Rc<str>, message: &Rc<str>) -> Result<Flow, Halt> {
        for handler in &attempt.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            let takes = match handler.type_.as_deref() {
                None => Some(true),
                Some(Expr::Tuple(classes)) => {
                    let taken: Vec<_> = classes.elts.iter().map(|one| self.takes(one, class)).collect();
                    if taken.contains(&Some(true)) {
                        Some(true)
                    } else if taken.contains(&None) {
                        None
                    } else {
                        Some(false)
                    }
                }
                Some(one) => self.takes(one, class),
            };
            match takes {
                Some(true) => {
                    if let Some(name) = &handler.name {
                        let caught = Form::Exception(Rc::clone(class), Rc::clone(message));
                        let caught = Object::new(caught, self.place(handler));
                        self.set(name.as_str(), caught);
                    }
                    self.handling.push((Rc::clone(class), Rc::clone(message)));
                    let left = self.block(&handler.body);
                    self.handling.pop();
                    if let Some(name) = &handler.name {
                        self.unbind(name.as_str());
                    }
                    return left;
                }
                Some(false) => {}
                None => return Err(Halt::Doubt(self.dynamic(handler, "may handle an exception"))),
            }
        }
        Err(Halt::Raised(Rc::clone(class), Rc::clone(message)))
    }

    pub(super) fn raised(&mut self, exception: Option<&Expr>) -> Result<Halt, Halt> {
        let Some(exception) = exception else {
            let handled = self.handling.last().cloned();
            let (class, message) = handled.unwrap_or_else(|| ("RuntimeError".into(), "".into()));
            return Ok(Halt::Raised(class, message));
        };
        let raised = self.evaluate(exception)?;
        Ok(match &raised.form {
            Form::Exception(class, message) => Halt::Raised(Rc::clone(class), Rc::clone(message)),
            Form::Library(name) if name.starts_with("builtins.") => {
                let class = name.rsplit('.').next().unwrap_or(name);
                Halt::Raised(class.into(), "".into())
            }
            // An exception of a class of the file's own, or of an unknown one: which handler takes it is not known.
            _ => Halt::Doubt(self.dynamic(exception, "is raised")),
        })
    }

    /// Whether the handler of the class `handler` takes an exception of `class`; `None` where that is not known.
    fn takes(&self, handler: &Expr, class: &str) -> Option<bool> {
        let Expr::Name(name) = handler else { return None };
        let Form::Library(builtin) = self.get(name.id.as_str())?.form else {
            return None;
        };
        Some(takes(builtin.strip_prefix("builtins.")?, class))
    }
}

/// Whether the built-in exception `name` is `class` or above it.
fn takes(name: &str, class: &str) -> bool {
    // These are other names of `OSError`.
    let own = |name| {
        if matches!(name, "IOError" | "EnvironmentError") {
            "OSError"
        } else {
            name
        }
    };
    let (name, class) = (own(name), own(class));
    let parents: &[&str] = match class {
        "SystemExit" | "KeyboardInterrupt" | "GeneratorExit" => return name == "BaseException" || name == class,
        "FileNotFoundError" | "IsADirectoryError" => &["OSError"],
        "ModuleNotFoundError" => &["ImportError"],
        "KeyError" | "IndexError" => &["LookupError"],
        "UnicodeDecodeError" => &["UnicodeError", "ValueError"],
        "NotImplementedError" => &["RuntimeError"],
        _ => &[],
    };
    name == class || parents.contains(&name) || matches!(name, "Exception" | "BaseException")
}
