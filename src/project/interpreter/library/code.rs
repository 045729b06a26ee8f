//! Code that setup.py runs: `exec`, `runpy`, and literals in texts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use ruff_python_ast::Expr;
use ruff_text_size::TextRange;

use super::super::super::value::Place;
use super::super::arguments::Arguments;
use super::super::frame::Frame;
use super::super::keys::unique;
use super::super::object::{Form, Namespace, Object};
use super::super::shared::{Sequence, Shared};
use super::super::{Halt, Known, Machine};
use crate::project::{SourceFile, python_source};

/// `ast.literal_eval(node_or_string)`.
pub(super) fn literal_eval(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    Ok(arguments
        .text(0, "node_or_string")
        .and_then(|text| literal(machine, text, node)))
}

fn literal(machine: &mut Machine, text: &str, node: TextRange) -> Option<Form> {
    let text = text.trim_start_matches([' ', '\t']).to_owned();
    machine.source_effort(text.len(), true, &node).ok()?;
    let parsed = python_source::parse_expression(&text)?;
    let file = Rc::new(SourceFile::from_bytes("setup.py", text.into_bytes()).ok()?);
    let expression = &parsed.syntax().body;
    if !is_literal(expression) {
        return None;
    }
    let frame = Frame {
        file,
        site: Some(machine.place(&node)),
        ..machine.frame.clone()
    };
    machine
        .within(frame, |machine| machine.evaluate(expression))
        .ok()
        .map(|object| object.form)
}

/// `compile(source, filename, "exec")`: what it gives is run by `exec` alone, which takes the source too.
pub(super) fn compile(arguments: &Arguments, _: Place) -> Option<Form> {
    match arguments.positional.as_slice() {
        [code, _, mode] if mode.as_str() == Some("exec") => Some(code.form.clone()),
        _ => None,
    }
}

/// `exec(code, globals, locals)`. Where it is not followed and has namespaces of its own, they are unknown, and nothing else is.
pub(super) fn exec(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let code = arguments.positional.first().and_then(|code| match &code.form {
        Form::Str(text) => Some(text.to_string()),
        Form::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        _ => None,
    });
    let namespaces = arguments.positional.get(1..).unwrap_or_default();
    let are_own = matches!(namespaces.first().map(|globals| &globals.form), Some(Form::Dict(_)));
    if !are_own {
        // In a function, what it binds is lost again.
        let scopes = Some(machine.frame.scopes.clone()).filter(|scopes| scopes.len() == 1);
        let is_here = namespaces.is_empty() && arguments.named.is_empty();
        let (Some(code), Some(scopes), true) = (code, scopes, is_here) else {
            return Ok(None);
        };
        let done = run_code(machine, &code, scopes, node)?;
        return Ok(done.map(|()| Form::None));
    }
    let dicts: Option<Vec<_>> = namespaces
        .iter()
        .take(2)
        .map(|names| match &names.form {
            Form::Dict(names) => Some(names.clone()),
            _ => None,
        })
        .collect();
    if let (Some(code), Some(mut dicts)) = (code, dicts) {
        // What is bound is bound in the second one.
        dicts.reverse();
        if let Some(done) = exec_in(machine, &code, &dicts, node)? {
            return Ok(Some(done));
        }
    }
    let why = machine.dynamic(&node, "runs code that cannot be followed");
    for argument in &arguments.positional {
        machine.taint(argument, &why);
    }
    Ok(Some(Form::Unknown(why)))
}

/// `exec` with namespaces of its own, the one that it binds names in first.
fn exec_in(machine: &mut Machine, code: &str, dicts: &[Shared<Vec<(Object, Object)>>], node: TextRange) -> Known {
    let place = machine.place(&node);
    let mut scopes = Vec::new();
    for dict in dicts {
        let Ok(entries) = dict.get() else { return Ok(None) };
        let named = entries
            .iter()
            .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.clone())));
        scopes.push(Rc::new(RefCell::new(named.collect::<BTreeMap<_, _>>())));
    }
    let builtins = machine.unknown(&node, "adds the built-in functions");
    if let Some(globals) = scopes.last() {
        let mut globals = globals.borrow_mut();
        globals.entry("__builtins__".to_owned()).or_insert(builtins);
    }
    if run_code(machine, code, scopes.clone(), node)?.is_none() {
        return Ok(None);
    }
    machine.effects += 1;
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

/// `runpy.run_path(path_name)`.
pub(super) fn run_path(machine: &mut Machine, arguments: &Arguments, node: TextRange) -> Known {
    let path = match arguments.positional.as_slice() {
        [path] if arguments.named.is_empty() => path.as_path(),
        _ => None,
    };
    let Some(path) = path else { return Ok(None) };
    let code = match machine.text(path, None, false, &node)? {
        Ok(code) => code,
        Err(unknown) => return Ok(Some(unknown)),
    };
    let place = machine.place(&node);
    let names = BTreeMap::from([("__name__".to_owned(), Object::str("<run_path>", place))]);
    let namespace = Rc::new(RefCell::new(names));
    if run_code(machine, &code, vec![Rc::clone(&namespace)], node)?.is_none() {
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
fn run_code(machine: &mut Machine, code: &str, scopes: Vec<Namespace>, node: TextRange) -> Result<Option<()>, Halt> {
    let around = Frame {
        scopes,
        site: Some(machine.place(&node)),
        ..machine.frame.clone()
    };
    match machine.run_text(code, around, &node, |_, _| {}) {
        Some(Ok(_)) => Ok(Some(())),
        Some(Err(Halt::Doubt(_))) | None => Ok(None),
        Some(Err(halt)) => Err(halt),
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
