//! Code that setup.py runs: `exec`, `runpy`, and literals in texts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged;

use super::super::python_source;
use super::super::source_file::SourceFile;
use super::assignment::unique;
use super::call::Arguments;
use super::frame::Frame;
use super::methods::Known;
use super::object::{Form, Namespace, Object};
use super::shared::{Sequence, Shared};
use super::{Flow, Halt, Machine};

impl Machine {
    pub(super) fn literal(&mut self, arguments: &Arguments, node: &impl Ranged) -> Option<Form> {
        let text = arguments
            .text(0, "node_or_string")?
            .trim_start_matches([' ', '\t'])
            .to_owned();
        self.source_effort(text.len(), true, node).ok()?;
        let parsed = python_source::parse_expression(&text)?;
        let file = Rc::new(SourceFile::from_bytes("setup.py", text.into_bytes()).ok()?);
        let expression = &parsed.syntax().body;
        if !is_literal(expression) {
            return None;
        }
        let frame = Frame {
            file,
            site: Some(self.place(node)),
            ..self.frame.clone()
        };
        self.within(frame, |machine| machine.evaluate(expression))
            .ok()
            .map(|object| object.form)
    }

    pub(super) fn exec(&mut self, arguments: &Arguments, node: &impl Ranged) -> Known {
        let Some(code) = arguments.positional.first().and_then(|code| match &code.form {
            Form::Str(text) => Some(text.to_string()),
            Form::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok(),
            _ => None,
        }) else {
            if arguments.positional.len() < 2 {
                self.wild(node);
            }
            return Ok(None);
        };
        match arguments.positional.get(1).map(|names| &names.form) {
            // In a function, what it binds is lost again.
            None if self.frame.scopes.len() > 1 => {
                self.wild(node);
                Ok(None)
            }
            None => {
                let scopes = self.frame.scopes.clone();
                let done = self.run_code(&code, scopes, node)?;
                if done.is_none() {
                    self.wild(node);
                }
                Ok(done.map(|()| Form::None))
            }
            Some(Form::Dict(globals)) => {
                let names: Vec<_> = match arguments.positional.get(2).map(|locals| &locals.form) {
                    None => vec![globals.clone()],
                    // What is bound is bound in the second one.
                    Some(Form::Dict(locals)) => vec![locals.clone(), globals.clone()],
                    Some(_) => return Ok(None),
                };
                self.exec_in(&code, &names, node)
            }
            Some(_) => Ok(None),
        }
    }

    /// `exec` with namespaces of its own, the one that it binds names in first.
    fn exec_in(&mut self, code: &str, dicts: &[Shared<Vec<(Object, Object)>>], node: &impl Ranged) -> Known {
        let place = self.place(node);
        let mut scopes = Vec::new();
        for dict in dicts {
            let Ok(entries) = dict.get() else { return Ok(None) };
            let named = entries
                .iter()
                .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.clone())));
            scopes.push(Rc::new(RefCell::new(named.collect::<BTreeMap<_, _>>())));
        }
        let builtins = self.unknown(node, "adds the built-in functions");
        if let Some(globals) = scopes.last() {
            let mut globals = globals.borrow_mut();
            globals.entry("__builtins__".to_owned()).or_insert(builtins);
        }
        if self.run_code(code, scopes.clone(), node)?.is_none() {
            return Ok(None);
        }
        self.effects += 1;
        for (dict, scope) in dicts.iter().zip(&scopes) {
            if let Ok(mut entries) = dict.get_mut() {
                let bound = scope.borrow();
                entries.extend(
                    bound
                        .iter()
                        .map(|(name, value)| (Object::str(name, place), value.clone())),
                );
                *entries = unique(std::mem::take(&mut *entries));
                // In which order names were bound is not kept.
                dict.set_sequence(Sequence::Unknown);
            }
        }
        Ok(Some(Form::None))
    }

    pub(super) fn run_path(&mut self, arguments: &Arguments, node: &impl Ranged) -> Known {
        let path = match arguments.positional.as_slice() {
            [path] if arguments.named.is_empty() => path.as_path(),
            _ => None,
        };
        let Some(path) = path else { return Ok(None) };
        let code = match self.text(path, None, false, node)? {
            Ok(code) => code,
            Err(unknown) => return Ok(Some(unknown)),
        };
        let place = self.place(node);
        let names = BTreeMap::from([("__name__".to_owned(), Object::str("<run_path>", place))]);
        let namespace = Rc::new(RefCell::new(names));
        if self.run_code(&code, vec![Rc::clone(&namespace)], node)?.is_none() {
            return Ok(None);
        }
        let entries = namespace
            .borrow()
            .iter()
            .map(|(name, value)| (Object::str(name, place), value.clone()))
            .collect();
        Ok(Some(Form::Dict(Shared::in_sequence(entries, Sequence::Unknown))))
    }

    /// Follows other code in these namespaces; `None` where it cannot be followed to its end.
    fn run_code(&mut self, code: &str, scopes: Vec<Namespace>, node: &impl Ranged) -> Result<Option<()>, Halt> {
        let around = Frame {
            scopes,
            site: Some(self.place(node)),
            ..self.frame.clone()
        };
        match self.run_text(code, around, node, |_, _| {}) {
            Some(Ok(_)) => Ok(Some(())),
            Some(Err(Halt::Doubt(_))) | None => Ok(None),
            Some(Err(halt)) => Err(halt),
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
}

fn is_literal(expression: &Expr) -> bool {
    match expression {
        Expr::StringLiteral(_) | Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) | Expr::NoneLiteral(_) => true,
        Expr::List(list) => list.elts.iter().all(is_literal),
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_literal),
        Expr::Dict(dict) => dict
            .items
            .iter()
            .all(|item| item.key.as_ref().is_some_and(is_literal) && is_literal(&item.value)),
        _ => false,
    }
}
