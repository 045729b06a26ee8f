//! Statements, followed in order.

use std::collections::BTreeMap;
use std::rc::Rc;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtFor, StmtIf, StmtWhile, StmtWith};

use super::generator::does_yield;
use super::object::{Form, Object, Position};
use super::shared::Sequence;
use super::{Flow, Halt, Machine, depends};

impl Machine {
    /// Follows one statement.
    pub(super) fn statement(&mut self, statement: &Stmt) -> Result<Flow, Halt> {
        self.step(statement)?;
        if self.given_up.is_some() && self.setup.is_none() {
            return Err(Halt::End);
        }
        match statement {
            Stmt::Expr(expression) => self.evaluate(&expression.value).map(drop)?,
            Stmt::Assign(assign) => {
                let value = self.evaluate(&assign.value)?;
                for target in &assign.targets {
                    self.assign(target, value.clone())?;
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.evaluate(value)?;
                    self.assign(&assign.target, value)?;
                }
            }
            Stmt::AugAssign(assign) => self.augment(assign)?,
            Stmt::If(branch) => return self.branch(branch, statement),
            Stmt::For(each) if !each.is_async => return self.each(each, statement),
            Stmt::While(repeat) => return self.repeat(repeat, statement),
            Stmt::With(with) if !with.is_async => return self.with(with, statement),
            Stmt::Try(attempt) => return self.attempt(attempt, statement),
            Stmt::FunctionDef(function) => self.define(function, statement)?,
            Stmt::ClassDef(class) => self.class(class, statement)?,
            Stmt::Return(returned) => {
                let value = match &returned.value {
                    Some(value) => self.evaluate(value)?,
                    None => Object::new(Form::None, self.place(returned)),
                };
                return Ok(Flow::Return(value));
            }
            Stmt::Raise(raise) => return Err(self.raised(raise.exc.as_deref())?),
            Stmt::Assert(assert) => {
                let holds = self.evaluate(&assert.test)?;
                match holds.truthy() {
                    Ok(true) => {}
                    Ok(false) => return Err(Halt::Raised("AssertionError".into(), "".into())),
                    // One that is not known either holds, or ends setup.py.
                    Err(_) => self.doubts += 1,
                }
            }
            Stmt::Import(_) | Stmt::ImportFrom(_) => self.import(statement)?,
            Stmt::Global(global) => {
                let names = global.names.iter().map(|name| name.as_str().to_owned());
                self.frame.global.extend(names);
            }
            Stmt::Nonlocal(nonlocal) => {
                let names = nonlocal.names.iter().map(|name| name.as_str().to_owned());
                self.frame.nonlocal.extend(names);
            }
            Stmt::Pass(_) => {}
            Stmt::Break(_) => return Ok(Flow::Break),
            Stmt::Continue(_) => return Ok(Flow::Continue),
            Stmt::Delete(delete) => {
                for target in &delete.targets {
                    self.delete(target)?;
                }
            }
            _ => return self.not_followed(statement, "is not followed").map(|()| Flow::Next),
        }
        Ok(Flow::Next)
    }

    /// Statements until one leaves the block.
    pub(super) fn block(&mut self, body: &[Stmt]) -> Result<Flow, Halt> {
        for statement in body {
            match self.statement(statement)? {
                Flow::Next => {}
                left => return Ok(left),
            }
        }
        Ok(Flow::Next)
    }

    /// Passes over a statement: what it may change is unknown; and so is the rest of the loop or function that it may leave.
    pub(super) fn not_followed(&mut self, statement: &Stmt, reason: &str) -> Result<(), Halt> {
        self.forget_statement(statement, reason);
        if !leaves(statement) {
            return Ok(());
        }
        Err(Halt::Doubt(self.dynamic(statement, reason)))
    }

    /// Whether a condition holds. Where only Python knows, the statement is passed over, and the answer is `None`.
    fn holds(&mut self, test: &Expr, statement: &Stmt) -> Result<Option<bool>, Halt> {
        let value = self.evaluate(test)?;
        match value.truthy() {
            Ok(holds) => Ok(Some(holds)),
            Err(why) => {
                self.not_followed(statement, &depends(&why))?;
                Ok(None)
            }
        }
    }

    fn branch(&mut self, branch: &StmtIf, statement: &Stmt) -> Result<Flow, Halt> {
        match self.holds(&branch.test, statement)? {
            None => return Ok(Flow::Next),
            Some(true) => return self.block(&branch.body),
            Some(false) => {}
        }
        for clause in &branch.elif_else_clauses {
            let holds = match &clause.test {
                Some(test) => self.holds(test, statement)?,
                None => Some(true),
            };
            match holds {
                None => return Ok(Flow::Next),
                Some(true) => return self.block(&clause.body),
                Some(false) => {}
            }
        }
        Ok(Flow::Next)
    }

    fn each(&mut self, each: &StmtFor, statement: &Stmt) -> Result<Flow, Halt> {
        let iterated = self.evaluate(&each.iter)?;
        if let Form::Generator(generator) = &iterated.form {
            return self.each_yielded(generator, each, statement);
        }
        if iterated.sequence() == Sequence::Unknown && !leaves(statement) {
            return self.each_in_disorder(&iterated, each, statement);
        }
        let items = match self.items(&iterated, &*each.iter)? {
            Ok(items) => items,
            Err(why) => {
                self.taint(&iterated, &why);
                self.not_followed(statement, &depends(&why))?;
                return Ok(Flow::Next);
            }
        };
        let version = iterated.version();
        for item in items {
            if iterated.version() != version {
                let why = self.dynamic(&*each.iter, "changes while it is gone through");
                self.taint(&iterated, &why);
                self.not_followed(statement, &why.reason)?;
                return Ok(Flow::Next);
            }
            self.step(statement)?;
            self.assign(&each.target, item)?;
            if let Some(left) = self.round(&each.body, statement)? {
                return Ok(left);
            }
        }
        if iterated.version() != version {
            let why = self.dynamic(&*each.iter, "changes while it is gone through");
            self.taint(&iterated, &why);
            self.not_followed(statement, &why.reason)?;
            return Ok(Flow::Next);
        }
        self.block(&each.orelse)
    }

    /// One round of the loop `statement`; how the loop is left, if it is.
    pub(super) fn round(&mut self, body: &[Stmt], statement: &Stmt) -> Result<Option<Flow>, Halt> {
        match self.block(body) {
            Ok(Flow::Next | Flow::Continue) => Ok(None),
            Ok(Flow::Break) => Ok(Some(Flow::Next)),
            Ok(Flow::Return(value)) => Ok(Some(Flow::Return(value))),
            // Whether a later round, or the rest of this one, runs is not known.
            Err(Halt::Doubt(why)) => {
                self.not_followed(statement, &why.reason)?;
                Ok(Some(Flow::Next))
            }
            Err(halt) => Err(halt),
        }
    }

    fn repeat(&mut self, repeat: &StmtWhile, statement: &Stmt) -> Result<Flow, Halt> {
        loop {
            match self.holds(&repeat.test, statement)? {
                Some(true) => {}
                Some(false) => return self.block(&repeat.orelse),
                None => return Ok(Flow::Next),
            }
            self.step(statement)?;
            if let Some(left) = self.round(&repeat.body, statement)? {
                return Ok(left);
            }
        }
    }

    fn with(&mut self, with: &StmtWith, statement: &Stmt) -> Result<Flow, Halt> {
        let mut suppresses = false;
        let mut files = Vec::new();
        for item in &with.items {
            let opened = self.evaluate(&item.context_expr)?;
            // `with` gives an open file itself. What it gives of another object, only Python knows.
            let given = if let Form::File(file) = &opened.form {
                files.push(Rc::clone(file));
                opened
            } else {
                suppresses |= !opens(&item.context_expr);
                let why = self.dynamic(
                    &item.context_expr,
                    "is entered by `with`, which gives what only Python knows",
                );
                self.taint(&opened, &why);
                self.unknown_for(&why)
            };
            if let Some(target) = &item.optional_vars {
                self.assign(target, given)?;
            }
        }
        let doubts = self.doubts;
        let left = self.block(&with.body);
        for file in files {
            file.position.set(Position::Somewhere);
        }
        // A context manager may suppress an exception, as `contextlib.suppress` does.
        let may_fail = self.doubts > doubts || matches!(left, Err(Halt::Raised(..)));
        if suppresses && may_fail && self.setup.is_none() && !matches!(left, Err(Halt::End | Halt::Left)) {
            self.not_followed(statement, "may fail, or not")?;
            return match left {
                Ok(Flow::Next) | Err(Halt::Raised(..)) => Ok(Flow::Next),
                _ => Err(Halt::Doubt(self.dynamic(statement, "may fail, or not"))),
            };
        }
        left
    }

    /// Names of `body` in a namespace of their own, as a comprehension has it.
    pub(super) fn inner<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        let frame = self.frame.inner(BTreeMap::new());
        self.within(frame, body)
    }
}

/// Whether a statement may leave the loop or function that it stands in.
fn leaves(statement: &Stmt) -> bool {
    #[derive(Default)]
    struct Leaves {
        found: bool,
        loops: usize,
    }
    impl<'a> Visitor<'a> for Leaves {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            match statement {
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
                Stmt::Return(_) => self.found = true,
                Stmt::Break(_) | Stmt::Continue(_) => self.found |= self.loops == 0,
                // `break` behind a loop's `else` is the outer loop's.
                Stmt::For(StmtFor { body, orelse, .. }) | Stmt::While(StmtWhile { body, orelse, .. }) => {
                    self.loops += 1;
                    self.visit_body(body);
                    self.loops -= 1;
                    self.visit_body(orelse);
                    return;
                }
                _ => {}
            }
            walk_stmt(self, statement);
        }

        fn visit_expr(&mut self, expression: &'a Expr) {
            // Whoever goes through the generator may leave it there.
            self.found |= does_yield(expression);
            walk_expr(self, expression);
        }
    }
    let mut leaves = Leaves::default();
    leaves.visit_stmt(statement);
    leaves.found
}

/// Whether an expression calls some `open`, which gives a context manager that suppresses no exceptions.
fn opens(expression: &Expr) -> bool {
    let Expr::Call(call) = expression else { return false };
    match &*call.func {
        Expr::Name(name) => name.id.as_str() == "open",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "open",
        _ => false,
    }
}
