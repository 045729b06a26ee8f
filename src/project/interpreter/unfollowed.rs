//! Code that is not followed: whatever it could change is unknown from there on.
//!
//! What that costs is counted, and it is done whatever it costs: after a run that cost too much, no value is used.

use std::rc::Rc;

use ruff_python_ast::visitor::Visitor as _;
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged;

use super::super::mentions::{Mentions, mentions, mentions_of_all};
use super::super::value::Dynamic;
use super::environ::reaches_environ;
use super::library::is_setup;
use super::object::{Body, Form, Namespace, Object};
use super::{Machine, effort};

impl Machine {
    /// Lists and dicts that can be reached from `object` are unknown from here on, and functions may be called at any time.
    pub(super) fn taint(&mut self, object: &Object, why: &Rc<Dynamic>) {
        let mut escaped = Vec::new();
        object.taint(why, &mut |function| escaped.push(function.clone()));
        for function in escaped {
            self.escape(&function, why);
        }
    }

    /// Code that is not followed may call this function, or the methods of this class, now and later.
    pub(super) fn escape(&mut self, function: &Object, why: &Rc<Dynamic>) {
        let mut own = Mentions::default();
        let (mentions, scopes) = match &function.form {
            Form::Function(function) => {
                match &function.body {
                    Body::Statements(body) => own = mentions_of_all(body),
                    Body::Lambda(body) => own.visit_expr(body),
                }
                let _ = effort::work(function.length);
                (&own, &function.scopes)
            }
            Form::Class(class) => (&class.mentions, &class.scopes),
            Form::Loader(source) | Form::Spec(source) => {
                return self.give_up_for(&Dynamic {
                    reason: format!("may run {} in a way that is not followed", source.path.display()),
                    ..Dynamic::clone(why)
                });
            }
            Form::Generator(generator) => return self.lose_generator(generator, why),
            Form::Arguments => {
                self.patched.insert("sys.argv".to_owned());
                return;
            }
            Form::Library(name) if name.starts_with("sys.path") => {
                self.searches_elsewhere = true;
                return;
            }
            Form::Library(name) if is_setup(name) => {
                return self.give_up_for(&Dynamic {
                    reason: "hands setup() to something that is not followed".to_owned(),
                    ..Dynamic::clone(why)
                });
            }
            _ => return,
        };
        if mentions.attributes.iter().any(|name| reaches_environ(name)) {
            self.forget_environ(why);
        }
        let known = self.escaped.loads.len() + self.escaped.stores.len();
        self.escaped.loads.extend(mentions.loads.iter().cloned());
        self.escaped.stores.extend(mentions.later.stores.iter().cloned());
        self.escaped.wild |= mentions.wild;
        if let Form::Function(function) = &function.form {
            for default in function.defaults.iter().flatten() {
                self.taint(default, why);
            }
        }
        if self.escaped.loads.len() + self.escaped.stores.len() > known {
            self.forget_in(scopes, mentions, why, false);
        }
    }

    /// Forgets whatever code with these mentions may have changed. If the code runs here and now, that includes the names that it binds
    /// (`stores`).
    pub(super) fn forget(&mut self, mentions: &Mentions, why: &Rc<Dynamic>, stores: bool) {
        let scopes = self.frame.scopes.clone();
        self.forget_in(&scopes, mentions, why, stores);
    }

    /// The same for code in these namespaces.
    pub(super) fn forget_in(&mut self, scopes: &[Namespace], mentions: &Mentions, why: &Rc<Dynamic>, stores: bool) {
        self.doubts += 1;
        self.effects += 1;
        if self.setup.is_some() {
            return;
        }
        let names = if mentions.wild {
            scopes.iter().map(|scope| scope.borrow().len()).sum()
        } else {
            0
        };
        let _ = effort::work(names + mentions.loads.len() + mentions.stores.len());
        self.searches_elsewhere |= mentions.attributes.contains("path") && mentions.loads.contains("sys");
        if mentions.attributes.iter().any(|name| reaches_environ(name)) {
            self.forget_environ(why);
        }
        let is_setup_of = |name: &String| {
            let bound = scopes.iter().find_map(|scope| scope.borrow().get(name).cloned());
            matches!(bound.map(|object| object.form), Some(Form::Library(name)) if is_setup(&name))
        };
        if mentions.attributes.contains("setup") || mentions.loads.iter().any(is_setup_of) {
            self.give_up_for(&Dynamic {
                reason: "calls setup() where it may not be reached, or more than once".to_owned(),
                ..Dynamic::clone(why)
            });
        }
        if mentions.moves {
            self.moved.get_or_insert_with(|| Rc::clone(why));
        }
        for name in &mentions.loads {
            let bound: Vec<_> = scopes
                .iter()
                .filter_map(|scope| scope.borrow().get(name).cloned())
                .collect();
            for object in bound {
                self.taint(&object, why);
            }
        }
        if mentions.wild {
            for scope in scopes {
                let names: Vec<_> = scope.borrow().keys().cloned().collect();
                for name in names {
                    self.lose(scope, &name, why);
                }
            }
        }
        let own = mentions.stores.iter().filter(|_| stores);
        for name in own.chain(&mentions.later.stores) {
            let owner = scopes.iter().find(|scope| scope.borrow().contains_key(name));
            if let Some(scope) = owner.or(scopes.first()) {
                self.lose(scope, name, why);
            }
        }
    }

    /// Forgets all names: there is code that may change any of them, now and later.
    pub(super) fn wild(&mut self, node: &impl Ranged) {
        let why = self.dynamic(node, "may change any name");
        let mut mentions = Mentions::default();
        mentions.wild = true;
        self.escaped.wild = true;
        self.forget(&mentions, &why, true);
    }

    pub(super) fn lose(&mut self, scope: &Namespace, name: &str, why: &Rc<Dynamic>) {
        let before = scope.borrow_mut().insert(name.to_owned(), Object::unknown(why));
        if let Some(object) = before {
            self.taint(&object, why);
        }
    }

    /// Forgets what an expression may have changed.
    pub(super) fn forget_expression(&mut self, expression: &Expr, reason: &str) {
        let _ = effort::work(usize::from(expression.range().len()));
        let why = self.dynamic(expression, reason);
        let mut mentions = Mentions::default();
        mentions.visit_expr(expression);
        self.forget(&mentions, &why, true);
    }

    /// Forgets what a statement may have changed.
    pub(super) fn forget_statement(&mut self, statement: &Stmt, reason: &str) {
        let _ = effort::work(usize::from(statement.range().len()));
        let why = self.dynamic(statement, reason);
        self.forget(&mentions(statement), &why, true);
    }
}
