//! `for` loops over what is in no certain order, such as the files that `os.walk` lists.
//!
//! They are followed in some order. What they append to lists is right in any order, and the lists are in no certain order after;
//! what they bind is unknown after each round. A loop that does anything else is passed over: what it did may depend on the order.

use std::collections::BTreeSet;
use std::rc::Rc;

use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{Expr, ExprContext, Stmt, StmtFor};

use super::super::value::Dynamic;
use super::object::{Form, Namespace, Object};
use super::shared::{Sequence, Shared, births};
use super::{Flow, Halt, Machine};

/// A loop over what is in no certain order, while it runs.
pub(super) struct Disorder {
    why: Rc<Dynamic>,
    /// The names that its rounds bind, each for itself.
    names: BTreeSet<String>,
    /// Those that they only add to.
    added_to: BTreeSet<String>,
    /// Where they are bound.
    scope: Namespace,
    /// How many objects there were when the round began: lists that are older are those of all rounds.
    since: usize,
    /// Lists of all rounds that were appended to.
    changed: Vec<Shared<Vec<Object>>>,
    /// Side effects that are the same in any order.
    excused: usize,
}

impl Machine {
    /// A `for` statement over what is in no certain order.
    pub(super) fn each_in_disorder(
        &mut self,
        iterated: &Object,
        each: &StmtFor,
        statement: &Stmt,
    ) -> Result<Flow, Halt> {
        let why = self.dynamic(&*each.iter, "is in no certain order");
        let (items, Some(scope)) = (
            self.any_items(iterated, &*each.iter)?,
            self.frame.scopes.first().cloned(),
        ) else {
            return Err(Halt::End);
        };
        let items = match items {
            Ok(items) => items,
            Err(why) => return self.passed_over(iterated, &why, statement),
        };
        let version = iterated.version();
        let (names, added_to) = bound_by(statement);
        self.disorder.push(Disorder {
            why: Rc::clone(&why),
            names,
            added_to,
            scope,
            since: births(),
            changed: Vec::new(),
            excused: 0,
        });
        let mut ended = Ok(Flow::Next);
        let effects = self.effects;
        // Any order will do; this one is rarely Python's.
        for item in items.into_iter().rev() {
            ended = self.round_in_disorder(each, item, &why);
            if !matches!(ended, Ok(Flow::Next | Flow::Continue)) {
                break;
            }
        }
        self.forget_names_of_round(&why);
        let Some(disorder) = self.disorder.pop() else {
            return Err(Halt::End);
        };
        let is_right = self.effects - effects == disorder.excused && iterated.version() == version;
        for list in &disorder.changed {
            list.set_sequence(Sequence::Unknown);
            if !self.disorder.iter().any(|around| list.born() < around.since) {
                list.show();
            }
        }
        if let Some(around) = self.disorder.last_mut() {
            around.excused += disorder.excused;
        }
        match ended {
            Ok(Flow::Next | Flow::Continue) if is_right => return self.block(&each.orelse),
            Err(halt @ (Halt::End | Halt::Left)) => return Err(halt),
            _ => {}
        }
        for list in disorder.changed {
            self.taint(&Object::new(Form::List(list), why.place), &why);
        }
        self.passed_over(iterated, &why, statement)?;
        match ended {
            Err(Halt::Raised(..)) => Err(Halt::Doubt(why)),
            _ => Ok(Flow::Next),
        }
    }

    fn round_in_disorder(&mut self, each: &StmtFor, item: Object, why: &Rc<Dynamic>) -> Result<Flow, Halt> {
        self.step(&*each.iter)?;
        if let Some(disorder) = self.disorder.last_mut() {
            disorder.since = births();
        }
        self.forget_names_of_round(why);
        self.assign(&each.target, item)?;
        self.block(&each.body)
    }

    /// What one round has bound tells the next one nothing.
    fn forget_names_of_round(&mut self, why: &Rc<Dynamic>) {
        let names = self.disorder.last().map(|disorder| disorder.names.clone());
        for name in names.into_iter().flatten() {
            self.set(&name, Object::unknown(why));
        }
    }

    fn passed_over(&mut self, iterated: &Object, why: &Rc<Dynamic>, statement: &Stmt) -> Result<Flow, Halt> {
        self.taint(iterated, why);
        self.not_followed(statement, &super::depends(why))?;
        Ok(Flow::Next)
    }

    /// A name is bound, which is a side effect or none: that of a name of the loop's own is the same in any order.
    pub(super) fn bound_in_disorder(&mut self, name: &str, effects: usize) {
        let scope = self.frame.scopes.first();
        let Some(disorder) = self.disorder.last_mut() else {
            return;
        };
        let is_here = scope.is_some_and(|scope| Rc::ptr_eq(scope, &disorder.scope));
        if is_here && (disorder.names.contains(name) || disorder.added_to.contains(name)) {
            disorder.excused += effects;
        }
    }

    /// Something was put at the end of a list, which is a side effect. Until the loop is over, nobody may look at what other rounds have
    /// put there.
    pub(super) fn appended_in_disorder(&mut self, list: &Shared<Vec<Object>>) {
        if let Some(disorder) = self.disorder.last_mut() {
            disorder.excused += 1;
        }
        for disorder in &mut self.disorder {
            if list.born() < disorder.since {
                list.hide(&disorder.why);
                disorder.changed.push(list.clone());
            }
        }
    }

    /// Why what is added to a name, and is no list, depends on the order, if so.
    pub(super) fn adds_in_disorder(&self, target: &Expr) -> Option<Rc<Dynamic>> {
        let Expr::Name(name) = target else { return None };
        let mut around = self.disorder.iter();
        let found = around.find(|disorder| disorder.added_to.contains(name.id.as_str()));
        found.map(|disorder| Rc::clone(&disorder.why))
    }
}

/// The names that a loop binds, and those that it only adds to.
fn bound_by(statement: &Stmt) -> (BTreeSet<String>, BTreeSet<String>) {
    #[derive(Default)]
    struct Bound {
        names: BTreeSet<String>,
        added_to: BTreeSet<String>,
    }
    impl<'a> Visitor<'a> for Bound {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            match statement {
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                Stmt::AugAssign(assign) => {
                    if let Expr::Name(name) = &*assign.target {
                        self.added_to.insert(name.id.as_str().to_owned());
                    }
                    self.visit_expr(&assign.value);
                }
                _ => walk_stmt(self, statement),
            }
        }
        fn visit_expr(&mut self, expression: &'a Expr) {
            match expression {
                Expr::Name(name) if name.ctx == ExprContext::Store => {
                    self.names.insert(name.id.as_str().to_owned());
                }
                // What it binds is its own.
                Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) | Expr::Lambda(_) => {}
                _ => ruff_python_ast::visitor::walk_expr(self, expression),
            }
        }
    }
    let mut bound = Bound::default();
    bound.visit_stmt(statement);
    bound.added_to.retain(|name| !bound.names.contains(name));
    (bound.names, bound.added_to)
}
