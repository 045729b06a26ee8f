//! What binds and unbinds names, items and attributes.

use ruff_python_ast::Expr;
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_text_size::Ranged;

use super::keys::{insert, is_key};
use super::object::{Form, Object};
use super::shared::Sequence;
use super::{Halt, MAX_ITEMS, Machine, format};

impl Machine {
    pub(super) fn delete(&mut self, target: &Expr) -> Result<(), Halt> {
        match target {
            Expr::Name(name) => {
                // Code that is not followed may have bound it.
                if !self.unbind(name.id.as_str()) {
                    self.doubts += 1;
                }
                Ok(())
            }
            Expr::Subscript(subscript) => {
                let object = self.evaluate(&subscript.value)?;
                let key = self.evaluate(&subscript.slice)?;
                if let Form::Dict(entries) = &object.form
                    && is_key(&key)
                    && let Ok(mut entries) = entries.get_mut()
                {
                    self.effects += 1;
                    let Some(at) = entries.iter().position(|(known, _)| known.equals(&key) == Some(true)) else {
                        let shown = format::repr(&key).unwrap_or_default();
                        return Err(Halt::Raised("KeyError".into(), shown.into()));
                    };
                    entries.remove(at);
                    return Ok(());
                }
                let why = self.dynamic(target, "is deleted in a way that only Python follows");
                self.doubts += 1;
                self.taint(&object, &why);
                Ok(())
            }
            _ => {
                self.forget_expression(target, "is deleted in a way that only Python follows");
                Ok(())
            }
        }
    }

    /// Forgets a name; answers whether it was bound.
    pub(super) fn unbind(&mut self, name: &str) -> bool {
        let scope = if self.frame.global.contains(name) {
            self.frame.scopes.last()
        } else {
            self.frame.scopes.first()
        };
        self.effects += 1;
        scope.is_some_and(|scope| scope.borrow_mut().remove(name).is_some())
    }

    pub(super) fn augment(&mut self, assign: &ruff_python_ast::StmtAugAssign) -> Result<(), Halt> {
        // Python evaluates the target once, and this would do it twice.
        if calls(&assign.target) {
            self.forget_expression(&assign.target, "is changed in a way that is not followed");
            self.evaluate(&assign.value)?;
            return Ok(());
        }
        let before = self.evaluate(&assign.target)?;
        let added = self.evaluate(&assign.value)?;
        // A list is changed in place, whatever else is bound to it.
        if let (Form::List(items), ruff_python_ast::Operator::Add) = (&before.form, assign.op) {
            let extended = match self.any_items(&added, &*assign.value)? {
                Ok(more) if more.len() + items.behind().map_or(0, |items| items.len()) > MAX_ITEMS => {
                    Err(self.dynamic(assign, "makes a long list"))
                }
                extended => extended,
            };
            let result = match extended {
                Ok(more) => {
                    self.effects += 1;
                    self.appended_in_disorder(items);
                    items.set_sequence(added.sequence().max(items.sequence()));
                    items.get_mut().map(|mut items| items.extend(more))
                }
                Err(why) => {
                    self.doubts += 1;
                    self.taint(&before, &why);
                    self.taint(&added, &why);
                    Ok(())
                }
            };
            if result.is_err() {
                self.doubts += 1;
            }
            return self.assign(&assign.target, before);
        }
        // Python changes these in place too.
        if matches!(before.form, Form::List(_) | Form::Dict(_) | Form::Set(_)) {
            let why = self.dynamic(assign, "is changed in a way that is not followed");
            self.taint(&before, &why);
            self.taint(&added, &why);
            let unknown = self.unknown_for(&why);
            return self.assign(&assign.target, unknown);
        }
        let value = match self.adds_in_disorder(&assign.target) {
            Some(why) => self.unknown_for(&why),
            None => self.operate(assign.op, &before, &added, assign),
        };
        self.assign(&assign.target, value)
    }

    /// Binds `value` to a target.
    pub(super) fn assign(&mut self, target: &Expr, value: Object) -> Result<(), Halt> {
        // Bound to a name it is gone through later, when its sources may have changed.
        let value = if let Form::Iterator(_) = value.form {
            self.unknown(target, "is bound to an iterator, whose items may change until they are taken; list(…) around it takes them at once")
        } else {
            value
        };
        match target {
            Expr::Name(name) => self.set(name.id.as_str(), value),
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, &value, target)?,
            Expr::List(list) => self.unpack(&list.elts, &value, target)?,
            Expr::Subscript(subscript) => {
                let object = self.evaluate(&subscript.value)?;
                let key = self.evaluate(&subscript.slice)?;
                self.set_item(&object, key, value, target)?;
            }
            Expr::Attribute(attribute) => {
                let object = self.evaluate(&attribute.value)?;
                self.set_attribute(&object, attribute.attr.as_str(), value, target);
            }
            Expr::Starred(_) => {
                let why = self.dynamic(target, "is unpacked in a way that only Python follows");
                self.taint(&value, &why);
            }
            _ => {}
        }
        Ok(())
    }

    fn unpack(&mut self, targets: &[Expr], value: &Object, node: &Expr) -> Result<(), Halt> {
        let items = self.ordered_items(value, node)?;
        let starred = targets.iter().any(|target| matches!(target, Expr::Starred(_)));
        match items {
            Ok(items) if items.len() == targets.len() && !starred => {
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item)?;
                }
                Ok(())
            }
            Ok(_) if !starred => Err(Halt::Raised("ValueError".into(), "cannot unpack".into())),
            unknown => {
                let why = unknown
                    .err()
                    .unwrap_or_else(|| self.dynamic(node, "is unpacked in a way that only Python follows"));
                self.taint(value, &why);
                for target in targets {
                    let target = match target {
                        Expr::Starred(starred) => &starred.value,
                        target => target,
                    };
                    let unknown = self.unknown_for(&why);
                    self.assign(target, unknown)?;
                }
                Ok(())
            }
        }
    }

    fn set_item(&mut self, object: &Object, key: Object, value: Object, node: &Expr) -> Result<(), Halt> {
        self.effects += 1;
        if let Form::Dict(_) = &object.form {
            self.effort(object.weight(), node)?;
        }
        let set = match &object.form {
            Form::Dict(entries) if matches!(key.form, Form::Str(_) | Form::Int(_) | Form::Bool(_) | Form::None) => {
                entries
                    .get_mut()
                    .map(|mut entries| insert(&mut entries, key, value))
                    .is_ok()
            }
            Form::List(items) if object.sequence() == Sequence::Known => match (items.get_mut(), key.as_int()) {
                (Ok(mut items), Some(index)) => {
                    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                    let at = if index < 0 { index + length } else { index };
                    let Some(slot) = usize::try_from(at).ok().and_then(|at| items.get_mut(at)) else {
                        return Err(Halt::Raised(
                            "IndexError".into(),
                            "list assignment index out of range".into(),
                        ));
                    };
                    *slot = value;
                    true
                }
                _ => false,
            },
            Form::Arguments => {
                self.give_up(node, "changes the command that setuptools runs");
                return Err(Halt::End);
            }
            _ => false,
        };
        if !set {
            let why = self.dynamic(node, "is set in a way that is not followed");
            self.doubts += 1;
            self.taint(object, &why);
        }
        Ok(())
    }

    pub(super) fn set_attribute(&mut self, object: &Object, name: &str, value: Object, node: &impl Ranged) {
        self.effects += 1;
        match &object.form {
            // A flag that the project's own modules look for.
            Form::Library(module) if &**module == "builtins" && is_free_dunder(name) => {
                self.builtins.insert(name.to_owned(), value);
            }
            Form::Library(module) => {
                let top = module.split('.').next().unwrap_or(module);
                if matches!(top, "setuptools" | "distutils" | "builtins") || (&**module == "sys" && name == "argv") {
                    self.give_up(node, "changes how setuptools works");
                }
                self.searches_elsewhere |= &**module == "sys" && name == "path";
                self.patched.insert(format!("{module}.{name}"));
                let why = self.dynamic(node, "is set to something else");
                self.taint(&value, &why);
            }
            Form::Class(class) => {
                class.names.borrow_mut().insert(name.to_owned(), value);
            }
            Form::Module(names) => {
                let value = self.guarded(name, value);
                names.borrow_mut().insert(name.to_owned(), value);
            }
            _ => {
                let why = self.dynamic(node, "is set to something else");
                self.doubts += 1;
                self.taint(object, &why);
                self.taint(&value, &why);
            }
        }
    }
}

/// Whether an expression calls something or binds a name: evaluating it twice may make a difference.
fn calls(expression: &Expr) -> bool {
    struct Calls(bool);
    impl<'a> Visitor<'a> for Calls {
        fn visit_expr(&mut self, expression: &'a Expr) {
            self.0 |= matches!(expression, Expr::Call(_) | Expr::Named(_));
            walk_expr(self, expression);
        }
    }
    let mut calls = Calls(false);
    calls.visit_expr(expression);
    calls.0
}

/// Whether a name is like `__PROJECT_SETUP__`, which means nothing to Python.
fn is_free_dunder(name: &str) -> bool {
    let inner = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    inner.is_some_and(|inner| inner.contains(|c: char| c.is_ascii_uppercase()))
}
