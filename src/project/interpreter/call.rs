//! Calls: functions of the file are followed, those of the library that are known are computed, the rest is unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::Ranged;

use super::super::mentions;
use super::super::value::Dynamic;
use super::frame::Frame;
use super::function::{Body, Function};
use super::object::{Form, Object};
use super::shared::Shared;
use super::unfollowed::is_setup;
use super::{Flow, Halt, MAX_DEPTH, Machine, Outcome};

/// The arguments of a call.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) positional: Vec<Object>,
    pub(super) named: Vec<(String, Object)>,
    /// Why not all of them are known.
    pub(super) doubt: Option<Rc<Dynamic>>,
}

impl Arguments {
    pub(super) fn of(positional: Vec<Object>) -> Self {
        Self {
            positional,
            ..Self::default()
        }
    }

    /// The argument at `index`, or of the name `name`.
    pub(super) fn get(&self, index: usize, name: &str) -> Option<&Object> {
        let named = || self.named.iter().find(|(known, _)| known == name);
        self.positional.get(index).or_else(|| named().map(|(_, value)| value))
    }

    pub(super) fn text(&self, index: usize, name: &str) -> Option<&str> {
        self.get(index, name)?.as_str()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.positional.is_empty() && self.named.is_empty()
    }

    /// All of them.
    pub(super) fn each(&self) -> impl Iterator<Item = &Object> {
        self.positional.iter().chain(self.named.iter().map(|(_, value)| value))
    }
}

impl Machine {
    pub(super) fn call(&mut self, call: &ExprCall, expression: &Expr) -> Outcome {
        let function = self.evaluate(&call.func)?;
        let arguments = self.arguments(call, takes_all(&function))?;
        if let Form::Library(name) = &function.form
            && is_setup(name)
            && !self.patched.contains(&**name)
        {
            return self.setup_called(call, arguments, expression);
        }
        if let Some(why) = arguments.doubt.clone() {
            return Ok(self.unknown_call(&function, &arguments, &why));
        }
        let mut names = BTreeSet::new();
        if !arguments.named.iter().all(|(name, _)| names.insert(name)) {
            return Err(Halt::Raised("TypeError".into(), "an argument is given twice".into()));
        }
        self.apply(&function, arguments, expression)
    }

    fn arguments(&mut self, call: &ExprCall, takes_all: bool) -> Result<Arguments, Halt> {
        let mut arguments = Arguments::default();
        for argument in &call.arguments.args {
            let Expr::Starred(starred) = argument else {
                let value = match argument {
                    Expr::Generator(made) => self.generator(made, takes_all, argument)?,
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
            _ => self.dynamic(node, "is computed"),
        };
        Ok(self.unknown_call(function, &arguments, &why))
    }

    fn unknown_call(&mut self, function: &Object, arguments: &Arguments, why: &Rc<Dynamic>) -> Object {
        let name = match &function.form {
            Form::Library(name) => name.rsplit('.').next().map(ToOwned::to_owned),
            Form::Method(object, name) => {
                self.taint(&Object::clone(object), why);
                Some(name.to_string())
            }
            _ => None,
        };
        let runs = matches!(&function.form, Form::Library(name) if runs_a_program(name, arguments));
        if runs || name.is_some_and(|name| mentions::moves(&name)) {
            self.moved.get_or_insert_with(|| Rc::clone(why));
        }
        let calls_back = |argument: &Object| {
            matches!(
                argument.form,
                Form::Function(_) | Form::Method(..) | Form::Class(_) | Form::Unknown(_) | Form::Library(_)
            )
        };
        // `open` is given away too, and what reads from a file moves on in it.
        let is_harmless = |argument: &Object| !calls_back(argument) && !matches!(argument.form, Form::File(_));
        if is_pure(function) && (!may_call_back(function) || arguments.each().all(is_harmless)) {
            return self.unknown_for(why);
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
            ));
        }
        let bound = self.bind(function, arguments, node)?;
        let is_elsewhere = !Rc::ptr_eq(&function.file, &self.frame.file);
        let site = if is_elsewhere {
            Some(self.place(node))
        } else {
            self.frame.site
        };
        let frame = Frame::of_call(function, bound, site);
        self.depth += 10;
        let outcome = self.within(frame, |machine| match &function.body {
            Body::Lambda(body) => machine.evaluate(body),
            Body::Statements(body) => match machine.block(body) {
                Ok(Flow::Return(value)) => Ok(value),
                Ok(_) => Ok(Object::new(Form::None, machine.place(node))),
                // How it went on is not known: nor, then, what the rest of it did.
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
        // What happens to them afterwards is too late for setup().
        let given = arguments.named.into_iter();
        self.setup = Some(given.map(|(name, object)| (name, object.frozen())).collect());
        Ok(self.unknown(expression, "is what setup() gives"))
    }
}

/// Whether a generator given to this function is gone through at once and to its end.
fn takes_all(function: &Object) -> bool {
    match &function.form {
        Form::Method(_, name) => matches!(&**name, "join" | "extend" | "update"),
        Form::Library(name) => matches!(
            &**name,
            "builtins.list"
                | "builtins.tuple"
                | "builtins.set"
                | "builtins.frozenset"
                | "builtins.sorted"
                | "builtins.sum"
                | "builtins.dict"
                | "collections.OrderedDict"
        ),
        _ => false,
    }
}

/// Whether a function runs a program that may change the tree: all do that are not known to ask only.
fn runs_a_program(name: &str, arguments: &Arguments) -> bool {
    let functions = ["call", "run", "check_output", "getoutput", "getstatusoutput"];
    if !name
        .strip_prefix("subprocess.")
        .is_some_and(|name| functions.contains(&name))
    {
        return false;
    }
    let words: Option<Vec<String>> = arguments.positional.first().and_then(|command| match &command.form {
        Form::Str(line) => Some(line.split_whitespace().map(ToOwned::to_owned).collect()),
        Form::List(words) => {
            let known = words.get().ok()?;
            Some(
                known
                    .iter()
                    .map(|word| word.as_str().unwrap_or_default().to_owned())
                    .collect(),
            )
        }
        _ => None,
    });
    let asks = words.is_some_and(|words| {
        let mut words = words.iter().map(String::as_str).filter(|word| !word.starts_with('-'));
        match words.next() {
            Some("git") => words.next().is_some_and(|word| GIT_QUESTIONS.contains(&word)),
            Some(program) => PROGRAMS_THAT_ASK.contains(&program),
            None => false,
        }
    });
    !asks
}

/// Commands of git that change no file.
const GIT_QUESTIONS: [&str; 11] = [
    "describe",
    "diff",
    "diff-index",
    "log",
    "ls-files",
    "rev-list",
    "rev-parse",
    "show",
    "status",
    "symbolic-ref",
    "tag",
];

/// Programs that answer and change no file.
const PROGRAMS_THAT_ASK: [&str; 9] = [
    "ldconfig",
    "llvm-config",
    "lsb_release",
    "nvcc",
    "nvidia-smi",
    "pkg-config",
    "sw_vers",
    "uname",
    "which",
];

/// Whether a function that changes nothing itself may call what it is given, or read from it.
fn may_call_back(function: &Object) -> bool {
    matches!(&function.form, Form::Library(name) if name.starts_with("re.") || name.starts_with("json.") || name.starts_with("subprocess."))
}

/// Whether a function changes none of its arguments, and gives none of them back.
fn is_pure(function: &Object) -> bool {
    match &function.form {
        Form::Method(object, _) => matches!(
            object.form,
            Form::Str(_) | Form::Bytes(_) | Form::Match(_) | Form::Path(_)
        ),
        Form::Library(name) => {
            let functions = [
                "bool",
                "float",
                "hasattr",
                "int",
                "isinstance",
                "len",
                "open",
                "print",
                "range",
                "repr",
                "str",
                "type",
            ];
            let is_builtin = name
                .strip_prefix("builtins.")
                .is_some_and(|name| functions.contains(&name));
            let modules = [
                "datetime.",
                "json.",
                "os.path.",
                "platform.",
                "re.",
                "subprocess.",
                "time.",
            ];
            is_builtin || modules.iter().any(|module| name.starts_with(module))
        }
        _ => false,
    }
}
