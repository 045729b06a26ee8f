//! Calls: functions of the file are followed, those of the library that are known are computed, the rest is unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::Ranged;

use super::super::mentions;
use super::super::value::{Dynamic, Place};
use super::arguments::Arguments;
use super::environ::may_change_environ;
use super::frame::Frame;
use super::generator::Generator;
use super::library::{self, SideEffects, is_setup};
use super::object::{Body, Form, Function, Object};
use super::shared::Shared;
use super::{Flow, Halt, MAX_DEPTH, Machine, Outcome};

impl Machine {
    pub(super) fn call(&mut self, call: &ExprCall, expression: &Expr) -> Outcome {
        let function = self.evaluate(&call.func)?;
        let arguments = self.arguments(call, &function)?;
        if let Form::Library(name) = &function.form
            && is_setup(name)
            && !self.patched.contains(&**name)
        {
            return self.setup_called(call, arguments, expression);
        }
        if let Some(why) = arguments.doubt.clone() {
            return Ok(self.unknown_call(&function, &arguments, &why, expression));
        }
        let mut names = BTreeSet::new();
        if !arguments.named.iter().all(|(name, _)| names.insert(name)) {
            return Err(Halt::Raised("TypeError".into(), "an argument is given twice".into()));
        }
        self.apply(&function, arguments, expression)
    }

    fn arguments(&mut self, call: &ExprCall, function: &Object) -> Result<Arguments, Halt> {
        let mut arguments = Arguments::default();
        for argument in &call.arguments.args {
            let Expr::Starred(starred) = argument else {
                let value = match argument {
                    Expr::Generator(made) if !takes_expression_later(function) => {
                        self.generator(made, takes_all(function), argument)?
                    }
                    _ => self.evaluate(argument)?,
                };
                arguments.positional.push(value);
                continue;
            };
            let unpacked = self.evaluate(&starred.value)?;
            match self.ordered_items(&unpacked, argument)? {
                Ok(items) => arguments.positional.extend(items),
                Err(why) => arguments.doubt = Some(why),
            }
        }
        for keyword in &call.arguments.keywords {
            let value = self.evaluate(&keyword.value)?;
            let Some(name) = &keyword.arg else {
                self.unpack_named(&mut arguments, &value, &keyword.value);
                continue;
            };
            arguments.named.push((name.as_str().to_owned(), value));
        }
        Ok(arguments)
    }

    /// `**value`.
    fn unpack_named(&mut self, arguments: &mut Arguments, value: &Object, node: &Expr) {
        let entries = match &value.form {
            Form::Dict(entries) => entries.get().map(|entries| entries.clone()),
            Form::Unknown(why) => Err(Rc::clone(why)),
            _ => Err(self.dynamic(node, "is unpacked with **")),
        };
        match entries {
            Ok(entries) => {
                for (key, value) in entries {
                    match key.as_str() {
                        Some(name) => arguments.named.push((name.to_owned(), value)),
                        None => arguments.doubt = Some(self.dynamic(node, "is unpacked with **")),
                    }
                }
            }
            Err(why) => arguments.doubt = Some(why),
        }
    }

    /// Calls what is known; otherwise the result is unknown, and so is whatever the call may change.
    pub(super) fn apply(&mut self, function: &Object, arguments: Arguments, node: &impl Ranged) -> Outcome {
        let place = self.place(node);
        let of_method = match &function.form {
            Form::Method(object, _) => object.weight(),
            _ => 0,
        };
        let arguments = if takes_all(function) {
            self.as_lists(arguments, node)?
        } else {
            arguments
        };
        self.effort(of_method + arguments.each().map(Object::weight).sum::<usize>(), node)?;
        let known = match &function.form {
            Form::Function(_)
                if arguments
                    .each()
                    .any(|argument| matches!(argument.form, Form::Iterator(_))) =>
            {
                None
            }
            Form::Function(function) => return self.follow(&Rc::clone(function), arguments, node),
            // Where these would go through it bit by bit, others take turns with it.
            Form::Library(_) | Form::Method(..)
                if !takes_later(function)
                    && arguments
                        .each()
                        .any(|argument| matches!(argument.form, Form::Generator(_))) =>
            {
                None
            }
            Form::Library(name) if !self.patched.contains(&**name) => {
                self.library(&Rc::clone(name), &arguments, node)?
            }
            Form::Method(object, name) => self.method(&Rc::clone(object), &Rc::clone(name), &arguments, node)?,
            _ => None,
        };
        if let Some(form) = known {
            return Ok(match form {
                Form::Unknown(why) => self.unknown_for(&why),
                form => Object::new(form, place),
            });
        }
        let why = match &function.form {
            Form::Unknown(why) => Rc::clone(why),
            other => {
                let of_argument = arguments.each().find_map(|argument| match &argument.form {
                    Form::Unknown(why) => Some(Rc::clone(why)),
                    _ => None,
                });
                of_argument.unwrap_or_else(|| self.dynamic(node, &uncalled(other)))
            }
        };
        Ok(self.unknown_call(function, &arguments, &why, node))
    }

    /// The result of a call that is not followed: unknown for the reason `why`, as is whatever the call may change.
    fn unknown_call(
        &mut self,
        function: &Object,
        arguments: &Arguments,
        why: &Rc<Dynamic>,
        node: &impl Ranged,
    ) -> Object {
        let name = match &function.form {
            Form::Library(name) => name.rsplit('.').next().map(ToOwned::to_owned),
            Form::Method(object, name) => {
                self.taint(&Object::clone(object), why);
                Some(name.to_string())
            }
            _ => None,
        };
        let effects = side_effects(function);
        let changes_files = effects == SideEffects::RunsProgram && library::may_change_files(arguments);
        if changes_files || name.is_some_and(|name| mentions::moves(&name)) {
            self.moved.get_or_insert_with(|| Rc::clone(why));
        }
        let calls_back = |argument: &Object| {
            matches!(
                argument.form,
                Form::Function(_)
                    | Form::Generator(_)
                    | Form::Method(..)
                    | Form::Class(_)
                    | Form::Unknown(_)
                    | Form::Library(_)
            )
        };
        // A function of the library counts as well, such as `open`; and a file, as reading from it moves on in it.
        let is_harmless = |argument: &Object| !calls_back(argument) && !matches!(argument.form, Form::File(_));
        if effects == SideEffects::AnyName {
            self.wild(node);
        }
        let escape = match effects {
            SideEffects::Pure => false,
            SideEffects::CallsBack | SideEffects::RunsProgram => !arguments.each().all(is_harmless),
            SideEffects::Escapes | SideEffects::AnyName => true,
        };
        if !escape {
            return self.unknown_for(why);
        }
        if may_change_environ(&function.form) {
            self.forget_environ(why);
        }
        self.taint(function, why);
        for argument in arguments.each() {
            self.taint(argument, why);
        }
        self.unknown_for(why)
    }

    /// Runs a function of the file.
    fn follow(&mut self, function: &Rc<Function>, arguments: Arguments, node: &impl Ranged) -> Outcome {
        if self.depth > MAX_DEPTH {
            return Ok(self.unknown_call(
                &Object::new(Form::Function(Rc::clone(function)), self.place(node)),
                &arguments,
                &self.dynamic(node, "calls too deeply"),
                node,
            ));
        }
        let bound = self.bind(function, arguments, node)?;
        if function.yields {
            let frame = Frame::of_call(function, bound, self.site_of(function, node));
            return Ok(Object::new(Generator::begun(function, frame), self.place(node)));
        }
        let frame = Frame::of_call(function, bound, self.site_of(function, node));
        self.depth += 10;
        let outcome = self.within(frame, |machine| match &function.body {
            Body::Lambda(body) => machine.evaluate(body),
            Body::Statements(body) => match machine.block(body) {
                Ok(Flow::Return(value)) => Ok(value),
                Ok(_) => Ok(Object::new(Form::None, machine.place(node))),
                // Whether the rest of the function ran is not known, so nor is what it changed.
                Err(Halt::Doubt(why)) => {
                    let all = mentions::mentions_of_all(body);
                    machine.forget(&all, &why, true);
                    Ok(Object::unknown(&why))
                }
                Err(halt) => Err(halt),
            },
        });
        self.depth -= 10;
        outcome
    }

    /// Generators as lists of what they yield, for who goes through them at once and to their end.
    fn as_lists(&mut self, mut arguments: Arguments, node: &impl Ranged) -> Result<Arguments, Halt> {
        for argument in &mut arguments.positional {
            if let Form::Generator(generator) = &argument.form {
                let items = self.all_yielded(&Rc::clone(generator), node)?;
                argument.form = items.map_or_else(Form::Unknown, |items| Form::List(Shared::new(items)));
            }
        }
        Ok(arguments)
    }

    /// The place in setup.py that leads into a function of another file.
    fn site_of(&self, function: &Function, node: &impl Ranged) -> Option<Place> {
        let is_elsewhere = !Rc::ptr_eq(&function.file, &self.frame.file);
        if is_elsewhere {
            Some(self.place(node))
        } else {
            self.frame.site
        }
    }

    /// The arguments by the names of the function's parameters.
    fn bind(
        &mut self,
        function: &Function,
        arguments: Arguments,
        node: &impl Ranged,
    ) -> Result<BTreeMap<String, Object>, Halt> {
        let place = self.place(node);
        let wrong = |what: &str| Halt::Raised("TypeError".into(), what.into());
        let parameters = &function.parameters;
        let count = parameters.posonlyargs.len() + parameters.args.len() + parameters.kwonlyargs.len();
        self.effort(arguments.named.len() * count, node)?;
        let mut bound = BTreeMap::new();
        let mut positional = arguments.positional.into_iter();
        let by_position = parameters.posonlyargs.iter().chain(&parameters.args);
        for (parameter, value) in by_position.zip(positional.by_ref()) {
            bound.insert(parameter.parameter.name.as_str().to_owned(), value);
        }
        let rest: Vec<_> = positional.collect();
        match &parameters.vararg {
            Some(name) => {
                bound.insert(
                    name.name.as_str().to_owned(),
                    Object::new(Form::Tuple(rest.into()), place),
                );
            }
            None if rest.is_empty() => {}
            None => return Err(wrong("too many arguments")),
        }
        let mut others = Vec::new();
        for (name, value) in arguments.named {
            let is_parameter = parameters
                .iter_non_variadic_params()
                .any(|each| each.parameter.name.as_str() == name);
            if is_parameter && bound.insert(name.clone(), value.clone()).is_some() {
                return Err(wrong("an argument is given twice"));
            }
            if !is_parameter {
                others.push((Object::str(name, place), value));
            }
        }
        match &parameters.kwarg {
            Some(name) => {
                bound.insert(
                    name.name.as_str().to_owned(),
                    Object::new(Form::Dict(Shared::new(others)), place),
                );
            }
            None if others.is_empty() => {}
            None => return Err(wrong("an argument is not known")),
        }
        for (parameter, default) in parameters.iter_non_variadic_params().zip(&function.defaults) {
            let name = parameter.parameter.name.as_str();
            match default {
                _ if bound.contains_key(name) => {}
                Some(default) => {
                    bound.insert(name.to_owned(), default.clone());
                }
                None => return Err(wrong("an argument is missing")),
            }
        }
        Ok(bound)
    }

    fn setup_called(&mut self, call: &ExprCall, arguments: Arguments, expression: &Expr) -> Outcome {
        if self.setup.is_some() {
            self.give_up(call, "calls setup() a second time");
            return Err(Halt::End);
        }
        if let Some(why) = arguments.doubt {
            self.give_up_for(&Dynamic {
                reason: format!("{}, and is unpacked into setup()", why.reason),
                ..Dynamic::clone(&why)
            });
            return Err(Halt::End);
        }
        if let Some(first) = call.arguments.args.first() {
            self.give_up(first, "is passed to setup() by position");
            return Err(Halt::End);
        }
        let mut names = BTreeSet::new();
        if arguments.named.iter().any(|(name, _)| !names.insert(name.clone())) {
            self.give_up(call, "gives an argument twice");
            return Err(Halt::End);
        }
        // A copy: what changes them afterwards comes too late for setup().
        let given = arguments.named.into_iter();
        self.setup = Some(given.map(|(name, object)| (name, object.frozen())).collect());
        Ok(self.unknown(expression, "is what setup() gives"))
    }
}

/// Whether a generator given to this function is gone through at once and to its end.
fn takes_all(function: &Object) -> bool {
    match &function.form {
        Form::Method(_, name) => matches!(&**name, "join" | "extend" | "update"),
        Form::Library(name) => library::exhausts(name),
        _ => false,
    }
}

/// Whether a generator expression that is given to this function is gone through as far as it likes.
fn takes_expression_later(function: &Object) -> bool {
    match &function.form {
        Form::Function(_) => true,
        Form::Library(name) => &**name == "builtins.next",
        _ => false,
    }
}

/// The same for a generator that is there already.
fn takes_later(function: &Object) -> bool {
    let stops = |name: &str| matches!(name, "builtins.any" | "builtins.all");
    takes_expression_later(function) || matches!(&function.form, Form::Library(name) if stops(name))
}

/// Why the result of calling this is not known, in a message.
fn uncalled(function: &Form) -> String {
    let name = match function {
        Form::Library(name) => name.strip_prefix("builtins.").unwrap_or(name),
        Form::Method(_, name) => name,
        Form::Class(_) => return "makes an object of a class, which only Python does".to_owned(),
        Form::Function(_) => return "calls a function in a way that only Python follows".to_owned(),
        _ => return "calls what only Python can call".to_owned(),
    };
    format!("calls {name}() in a way that only Python follows")
}

fn side_effects(function: &Object) -> SideEffects {
    match &function.form {
        Form::Library(name) => library::side_effects(name),
        Form::Method(object, _) => match object.form {
            Form::Str(_) | Form::Bytes(_) | Form::Match(_) | Form::Path(_) => SideEffects::Pure,
            _ => SideEffects::Escapes,
        },
        _ => SideEffects::Escapes,
    }
}
