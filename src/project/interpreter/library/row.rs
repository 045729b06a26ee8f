//! A row of the table.

use ruff_text_size::TextRange;

use super::super::super::value::Place;
use super::super::arguments::Arguments;
use super::super::object::Form;
use super::super::{Known, Machine};
use SideEffects::{Escapes, Pure};

/// A name of the library, and what it stands for.
pub(super) struct Row {
    /// Dotted, as it is after `import`; what is built in is in the module `builtins`.
    pub(super) name: &'static str,
    /// Whether every Python and setuptools of today has it.
    pub(super) exists: bool,
    pub(super) what: What,
}

/// What a name stands for.
pub(super) enum What {
    /// Its import has no side effect that matters. The side effects are those of its functions that have no row.
    Module(SideEffects),
    /// A function, or a class, which is called in the same way.
    Function {
        side_effects: SideEffects,
        evaluator: Evaluator,
        /// Whether a generator that it is given is gone through at once and to its end.
        exhausts: bool,
    },
    /// A class of exceptions.
    Exception,
    /// A constant.
    Value(fn() -> Form),
    /// A flag of `re`: a number where flags are combined, but it is not printed as one.
    Flag(i64),
}

/// What a call may do, beside what it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum SideEffects {
    /// Nothing: no argument is changed, kept or given back.
    Pure,
    /// Nothing by itself, but it calls what it is given, or reads on in it.
    CallsBack,
    /// As [`CallsBack`](Self::CallsBack), and it runs a program.
    RunsProgram,
    /// Its arguments escape: they may be changed, kept, called and given back.
    Escapes,
    /// As [`Escapes`](Self::Escapes), and where it is not evaluated, it may change any name.
    AnyName,
}

/// How a call is evaluated.
#[derive(Clone, Copy)]
pub(super) enum Evaluator {
    /// Only Python knows what it gives.
    Unevaluated,
    /// It gives `None`, whatever its arguments, and nothing else happens that matters.
    Silent,
    /// From its arguments alone, which are all known.
    Computed(fn(&Arguments, Place) -> Option<Form>),
    /// From its arguments, which are all known, and the state of the run.
    Evaluated(Evaluate),
    /// The same, also where an argument is not known.
    Always(Evaluate),
}

pub(super) type Evaluate = fn(&mut Machine, &Arguments, TextRange) -> Known;

pub(super) const fn module(name: &'static str) -> Row {
    Row {
        name,
        exists: true,
        what: What::Module(Escapes),
    }
}

/// A module that Python or setuptools gave up, or has not long had.
pub(super) const fn passing(name: &'static str) -> Row {
    Row {
        exists: false,
        ..module(name)
    }
}

pub(super) const fn function(name: &'static str, side_effects: SideEffects, evaluator: Evaluator) -> Row {
    Row {
        name,
        exists: true,
        what: What::Function {
            side_effects,
            evaluator,
            exhausts: false,
        },
    }
}

pub(super) const fn silent(name: &'static str) -> Row {
    function(name, Pure, Evaluator::Silent)
}

pub(super) const fn exception(name: &'static str) -> Row {
    Row {
        name,
        exists: true,
        what: What::Exception,
    }
}

pub(super) const fn value(name: &'static str, value: fn() -> Form) -> Row {
    Row {
        name,
        exists: true,
        what: What::Value(value),
    }
}

pub(super) const fn flag(name: &'static str, number: i64) -> Row {
    Row {
        name,
        exists: true,
        what: What::Flag(number),
    }
}

impl Row {
    /// A module whose functions that have no row have these side effects.
    pub(super) const fn whose_functions_are(self, side_effects: SideEffects) -> Self {
        Self {
            what: What::Module(side_effects),
            ..self
        }
    }

    /// A function that goes through a generator at once and to its end.
    pub(super) const fn that_exhausts(self) -> Self {
        let What::Function {
            side_effects,
            evaluator,
            ..
        } = self.what
        else {
            return self;
        };
        Self {
            what: What::Function {
                side_effects,
                evaluator,
                exhausts: true,
            },
            ..self
        }
    }
}
