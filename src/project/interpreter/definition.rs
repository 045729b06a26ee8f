//! Functions and classes where they are defined.

use std::collections::BTreeSet;
use std::rc::Rc;

use ruff_python_ast::{Parameters, Stmt, StmtClassDef, StmtFunctionDef};
use ruff_text_size::Ranged;

use super::super::mentions::{mentions, mentions_of_all};
use super::arguments::Arguments;
use super::frame::Frame;
use super::generator::{Yields, yields};
use super::object::{Body, Class, Form, Function, Namespace, Object};
use super::{Halt, Machine};

impl Machine {
    pub(super) fn define(&mut self, function: &StmtFunctionDef, statement: &Stmt) -> Result<(), Halt> {
        let name = function.name.as_str();
        let length = usize::from(function.range().len());
        self.source_effort(length, true, function)?;
        let body = Body::Statements(function.body.to_vec());
        let form = self.function((*function.parameters).clone(), body, length)?;
        let mut object = Object::new(form, self.place(function));
        if function.is_async || yields(&function.body) == Yields::Otherwise {
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
    pub(super) fn function(&mut self, parameters: Parameters, body: Body, length: usize) -> Result<Form, Halt> {
        let defaults = parameters.iter_non_variadic_params().map(|parameter| {
            let default = parameter.default.as_ref();
            default.map(|default| self.evaluate(default)).transpose()
        });
        let defaults = defaults.collect::<Result<_, _>>()?;
        let (local_names, yields) = match &body {
            Body::Statements(body) => (mentions_of_all(body).stores, yields(body) != Yields::Never),
            Body::Lambda(_) => (BTreeSet::new(), false),
        };
        Ok(Form::Function(Rc::new(Function {
            parameters,
            local_names: Rc::new(local_names),
            body,
            defaults,
            scopes: self.frame.of_functions(),
            file: Rc::clone(&self.frame.file),
            length,
            yields,
        })))
    }

    pub(super) fn class(&mut self, class: &StmtClassDef, statement: &Stmt) -> Result<(), Halt> {
        self.source_effort(usize::from(class.range().len()), false, class)?;
        let names = Namespace::default();
        let mut scopes = vec![Rc::clone(&names)];
        scopes.extend(self.frame.scopes.iter().cloned());
        let frame = Frame {
            scopes,
            is_class: true,
            // A class has its own declarations.
            global: BTreeSet::new(),
            nonlocal: BTreeSet::new(),
            local_names: None,
            ..self.frame.clone()
        };
        let is_plain = class.decorator_list.is_empty()
            && class
                .arguments
                .as_ref()
                .is_none_or(|arguments| arguments.keywords.is_empty());
        // Other bases, such as `enum.Enum`, turn a class's attributes into something else.
        let mut has_plain_bases = true;
        for base in class.arguments.iter().flat_map(|arguments| &arguments.args) {
            let base = self.evaluate(base)?;
            has_plain_bases &= match &base.form {
                Form::Class(class) => class.is_plain,
                Form::Library(name) => {
                    &**name == "builtins.object" || name.starts_with("setuptools.") || name.starts_with("distutils.")
                }
                _ => false,
            };
        }
        self.within(frame, |machine| machine.block(&class.body))?;
        let mentions = mentions(statement);
        let object = Object::new(
            Form::Class(Rc::new(Class {
                names,
                is_plain: has_plain_bases,
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
}
