//! Statements, followed in order.

use std::collections::BTreeMap;
use std::rc::Rc;

use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{
    ExceptHandler, Expr, Parameters, Stmt, StmtClassDef, StmtFor, StmtFunctionDef, StmtIf, StmtTry, StmtWhile, StmtWith,
};
use ruff_text_size::Ranged;

use super::super::mentions::mentions;
use super::call::Arguments;
use super::expression::depends;
use super::object::{Body, Class, Form, Function, Namespace, Object};
use super::{Flow, Frame, Halt, MAX_ITEMS, Machine, library};

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
            Stmt::With(with) if !with.is_async => return self.with(with),
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
                if let Ok(false) = holds.truthy() {
                    return Err(Halt::Raised("AssertionError".into(), "".into()));
                }
                // One that only Python can check either holds or ends setup.py.
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
    fn not_followed(&mut self, statement: &Stmt, reason: &str) -> Result<(), Halt> {
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
        self.block(&each.orelse)
    }

    /// One round of the loop `statement`; how the loop is left, if it is.
    fn round(&mut self, body: &[Stmt], statement: &Stmt) -> Result<Option<Flow>, Halt> {
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

    fn with(&mut self, with: &StmtWith) -> Result<Flow, Halt> {
        for item in &with.items {
            let opened = self.evaluate(&item.context_expr)?;
            // A file gives itself; what another thing gives, only Python knows.
            let given = if let Form::File(_) = &opened.form {
                opened
            } else {
                let why = self.dynamic(&item.context_expr, "is entered");
                self.taint(&opened, &why);
                self.unknown_for(&why)
            };
            if let Some(target) = &item.optional_vars {
                self.assign(target, given)?;
            }
        }
        self.block(&with.body)
    }

    fn attempt(&mut self, attempt: &StmtTry, statement: &Stmt) -> Result<Flow, Halt> {
        let doubts = self.doubts;
        let tried = self.block(&attempt.body);
        if self.doubts > doubts && self.setup.is_none() && !attempt.handlers.is_empty() {
            // Something that is not understood may have raised anything.
            let leaves = match tried {
                Ok(Flow::Next) | Err(Halt::Raised(..)) => false,
                Ok(_) | Err(Halt::Doubt(_)) => true,
                Err(Halt::End) => return Err(Halt::End),
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
                    return self.block(&handler.body);
                }
                Some(false) => {}
                None => return Err(Halt::Doubt(self.dynamic(handler, "may handle an exception"))),
            }
        }
        Err(Halt::Raised(Rc::clone(class), Rc::clone(message)))
    }

    fn raised(&mut self, exception: Option<&Expr>) -> Result<Halt, Halt> {
        let Some(exception) = exception else {
            return Ok(Halt::Raised("RuntimeError".into(), "".into()));
        };
        let raised = self.evaluate(exception)?;
        Ok(match &raised.form {
            Form::Exception(class, message) => Halt::Raised(Rc::clone(class), Rc::clone(message)),
            Form::Library(name) => {
                let class = name.rsplit('.').next().unwrap_or(name);
                Halt::Raised(class.into(), "".into())
            }
            // Of a class of the file's own, or one that is not known: who takes it is not known either.
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

    fn define(&mut self, function: &StmtFunctionDef, statement: &Stmt) -> Result<(), Halt> {
        let name = function.name.as_str();
        let body = Body::Statements(function.body.to_vec());
        let form = self.function((*function.parameters).clone(), body)?;
        let mut object = Object::new(form, self.place(function));
        if function.is_async || yields(&function.body) {
            let why = self.dynamic(statement, "is a function of a kind that is not followed");
            self.taint(&object, &why);
            object = self.unknown_for(&why);
        }
        for decorator in function.decorator_list.iter().rev() {
            let decorate = self.evaluate(&decorator.expression)?;
            object = self.apply(&decorate, Arguments::of(vec![object]), &decorator.expression)?;
        }
        self.set(name, object);
        Ok(())
    }

    /// A function of the file, its defaults evaluated here and now.
    pub(super) fn function(&mut self, parameters: Parameters, body: Body) -> Result<Form, Halt> {
        let defaults = parameters.iter_non_variadic_params().map(|parameter| {
            let default = parameter.default.as_ref();
            default.map(|default| self.evaluate(default)).transpose()
        });
        let defaults = defaults.collect::<Result<_, _>>()?;
        Ok(Form::Function(Rc::new(Function {
            parameters,
            body,
            defaults,
            scopes: self.frame.of_functions(),
            file: Rc::clone(&self.frame.file),
        })))
    }

    fn class(&mut self, class: &StmtClassDef, statement: &Stmt) -> Result<(), Halt> {
        let names = Namespace::default();
        let mut scopes = vec![Rc::clone(&names)];
        scopes.extend(self.frame.scopes.iter().cloned());
        let frame = Frame {
            scopes,
            is_class: true,
            ..self.frame.clone()
        };
        let is_plain = class.decorator_list.is_empty()
            && class
                .arguments
                .as_ref()
                .is_none_or(|arguments| arguments.keywords.is_empty());
        for base in class.arguments.iter().flat_map(|arguments| &arguments.args) {
            self.evaluate(base)?;
        }
        self.within(frame, |machine| machine.block(&class.body))?;
        let mentions = mentions(statement);
        let object = Object::new(
            Form::Class(Rc::new(Class {
                names,
                mentions,
                scopes: self.frame.scopes.clone(),
            })),
            self.place(class),
        );
        if is_plain {
            self.set(class.name.as_str(), object);
            return Ok(());
        }
        let why = self.dynamic(statement, "is a class of a kind that is not followed");
        self.taint(&object, &why);
        let unknown = self.unknown_for(&why);
        self.set(class.name.as_str(), unknown);
        Ok(())
    }

    fn delete(&mut self, target: &Expr) -> Result<(), Halt> {
        match target {
            Expr::Name(name) => {
                let scope = self.frame.scopes.first().map(Rc::clone);
                let removed = scope.and_then(|scope| scope.borrow_mut().remove(name.id.as_str()));
                if removed.is_none() {
                    return Err(Halt::Raised("NameError".into(), name.id.as_str().into()));
                }
                Ok(())
            }
            Expr::Subscript(subscript) => {
                let object = self.evaluate(&subscript.value)?;
                let why = self.dynamic(target, "is deleted");
                self.taint(&object, &why);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn augment(&mut self, assign: &ruff_python_ast::StmtAugAssign) -> Result<(), Halt> {
        let before = self.evaluate(&assign.target)?;
        let added = self.evaluate(&assign.value)?;
        // A list is changed in place, whatever else is bound to it.
        if let (Form::List(items), ruff_python_ast::Operator::Add) = (&before.form, assign.op) {
            let extended = match self.items(&added, &*assign.value)? {
                Ok(more) if more.len() + items.get().map_or(0, |items| items.len()) > MAX_ITEMS => {
                    Err(self.dynamic(assign, "makes a long list"))
                }
                extended => extended,
            };
            let result = match extended {
                Ok(more) => items.get_mut().map(|mut items| items.extend(more)),
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
        let value = self.operate(assign.op, &before, &added, assign);
        self.assign(&assign.target, value)
    }

    /// Binds `value` to a target.
    pub(super) fn assign(&mut self, target: &Expr, value: Object) -> Result<(), Halt> {
        // Kept, it is gone through later, when what it is made of may have changed.
        let value = if let Form::Iterator(_) = value.form {
            self.unknown(target, "is an iterator")
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
                let why = self.dynamic(target, "is unpacked");
                self.taint(&value, &why);
            }
            _ => {}
        }
        Ok(())
    }

    fn unpack(&mut self, targets: &[Expr], value: &Object, node: &Expr) -> Result<(), Halt> {
        let items = self.items(value, node)?;
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
                let why = unknown.err().unwrap_or_else(|| self.dynamic(node, "is unpacked"));
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
        let set = match &object.form {
            Form::Dict(entries) if matches!(key.form, Form::Str(_) | Form::Int(_) | Form::Bool(_) | Form::None) => {
                entries
                    .get_mut()
                    .map(|mut entries| insert(&mut entries, key, value))
                    .is_ok()
            }
            Form::List(items) => match (items.get_mut(), key.as_int()) {
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
            // What a program finds in its environment is never certain.
            Form::Library(name) if &**name == "os.environ" => true,
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
        match &object.form {
            // A flag that the project's own modules look for.
            Form::Library(module) if &**module == "builtins" && library::is_free_dunder(name) => {
                self.builtins.insert(name.to_owned(), value);
            }
            Form::Library(module) => {
                let top = module.split('.').next().unwrap_or(module);
                if matches!(top, "setuptools" | "distutils" | "builtins") || (&**module == "sys" && name == "argv") {
                    self.give_up(node, "changes how setuptools works");
                }
                self.patched.insert(format!("{module}.{name}"));
                let why = self.dynamic(node, "is set");
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
                let why = self.dynamic(node, "is set");
                self.doubts += 1;
                self.taint(object, &why);
                self.taint(&value, &why);
            }
        }
    }

    /// Names of `body` in a namespace of their own, as a comprehension has it.
    pub(super) fn inner<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        let frame = self.frame.inner(BTreeMap::new());
        self.within(frame, body)
    }
}

/// A dict keeps a key's first place and its last value.
pub(super) fn insert(entries: &mut Vec<(Object, Object)>, key: Object, value: Object) {
    match entries.iter_mut().find(|(known, _)| known.equals(&key) == Some(true)) {
        Some(known) => known.1 = value,
        None => entries.push((key, value)),
    }
}

/// Whether the built-in exception `name` is `class` or above it.
fn takes(name: &str, class: &str) -> bool {
    // Other names of the same class.
    let own = |name| {
        if matches!(name, "IOError" | "EnvironmentError") {
            "OSError"
        } else {
            name
        }
    };
    let (name, class) = (own(name), own(class));
    let parents: &[&str] = match class {
        "SystemExit" | "KeyboardInterrupt" => return name == "BaseException" || name == class,
        "FileNotFoundError" | "IsADirectoryError" => &["OSError"],
        "ModuleNotFoundError" => &["ImportError"],
        "KeyError" | "IndexError" => &["LookupError"],
        "UnicodeDecodeError" => &["UnicodeError", "ValueError"],
        "NotImplementedError" => &["RuntimeError"],
        _ => &[],
    };
    name == class || parents.contains(&name) || matches!(name, "Exception" | "BaseException")
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
                Stmt::For(_) | Stmt::While(_) => {
                    self.loops += 1;
                    walk_stmt(self, statement);
                    self.loops -= 1;
                    return;
                }
                _ => {}
            }
            walk_stmt(self, statement);
        }
    }
    let mut leaves = Leaves::default();
    leaves.visit_stmt(statement);
    leaves.found
}

/// Whether a function is a generator.
fn yields(body: &[Stmt]) -> bool {
    struct Yields(bool);
    impl<'a> Visitor<'a> for Yields {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            if !matches!(statement, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
                walk_stmt(self, statement);
            }
        }
        fn visit_expr(&mut self, expression: &'a Expr) {
            self.0 |= matches!(expression, Expr::Yield(_) | Expr::YieldFrom(_));
            ruff_python_ast::visitor::walk_expr(self, expression);
        }
    }
    let mut yields = Yields(false);
    yields.visit_body(body);
    yields.0
}
