//! Generators: calls of functions that yield, and generator expressions that are not gone through at once.
//!
//! A generator's body runs when somebody goes through it, and whoever does so takes what it yields there and then: both take turns,
//! as in Python. So the body is followed like that of any function, and at each `yield` its consumer goes on in its own frame.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{
    AtomicNodeIndex, Expr, ExprContext, ExprGenerator, ExprName, ExprYield, Parameters, Stmt, StmtExpr, StmtFor,
    StmtIf, Suite,
};
use ruff_text_size::{Ranged, TextRange};

use super::super::mentions::mentions_of_all;
use super::super::value::Dynamic;
use super::frame::Frame;
use super::object::{Body, Form, Function, Object};
use super::{Flow, Halt, MAX_DEPTH, MAX_ITEMS, Machine, Outcome, depends};

/// What Python calls the iterable that a generator expression begins with; no name in a program is spelt like that.
const FIRST: &str = ".0";

/// A generator.
#[derive(Debug)]
pub(crate) struct Generator {
    function: Rc<Function>,
    state: RefCell<State>,
}

#[derive(Debug)]
enum State {
    /// Nothing of it has run. Where it will run.
    Fresh(Frame),
    /// It runs, or was left at a `yield`, or code that is not followed may have gone on in it.
    Begun,
    /// It has run to its end.
    Over,
}

/// Who goes through a generator, and where that stands.
pub(super) struct Consumer {
    frame: Frame,
    taking: Taking,
}

/// What a consumer does with each item.
pub(super) enum Taking {
    /// It keeps all.
    All(Vec<Object>),
    /// It takes the first one.
    First(Option<Object>),
    /// It stops at the first one of this truth value; whether there was one.
    Until { wanted: bool, is_met: bool },
    /// A `for` statement, and how it was left, if it was.
    Loop(Box<Stmt>, Option<Result<Flow, Halt>>),
    /// `yield from`, and how that was left, if it was.
    Pass(Option<Halt>),
}

/// What came of going through a generator, or why that is not known.
type Taken = Result<Result<Taking, Rc<Dynamic>>, Halt>;

impl Generator {
    pub(super) fn begun(function: &Rc<Function>, frame: Frame) -> Form {
        Form::Generator(Rc::new(Self {
            function: Rc::clone(function),
            state: RefCell::new(State::Fresh(frame)),
        }))
    }

    fn body(&self) -> &[Stmt] {
        match &self.function.body {
            Body::Statements(body) => body,
            Body::Lambda(_) => &[],
        }
    }
}

impl Machine {
    /// Goes through a generator.
    ///
    /// # Errors
    /// What the generator raises. How a consumer's own code ended is in what is taken.
    pub(super) fn go_through(&mut self, generator: &Generator, taking: Taking, node: &impl Ranged) -> Taken {
        if !self.disorder.is_empty() {
            // In another order, it may be another round that goes through it.
            self.effects += 1;
        }
        let frame = match generator.state.replace(State::Begun) {
            State::Fresh(frame) if self.depth <= MAX_DEPTH => frame,
            State::Over => {
                generator.state.replace(State::Over);
                return Ok(Ok(taking));
            }
            State::Begun | State::Fresh(_) => {
                return Ok(Err(self.dynamic(node, "goes on in a generator that is not followed")));
            }
        };
        let frame = std::mem::replace(&mut self.frame, frame);
        self.consumers.push(Consumer { frame, taking });
        self.depth += 10;
        let ended = self.block(generator.body());
        self.depth -= 10;
        if let Err(Halt::Doubt(why)) = &ended {
            self.forget(&mentions_of_all(generator.body()), why, true);
        }
        let Some(Consumer { frame, taking }) = self.consumers.pop() else {
            return Err(Halt::End);
        };
        self.frame = frame;
        match ended {
            Ok(_) => {
                generator.state.replace(State::Over);
                Ok(Ok(taking))
            }
            Err(Halt::Left) => Ok(Ok(taking)),
            Err(Halt::Doubt(why)) => Ok(Err(why)),
            Err(halt) => {
                generator.state.replace(State::Over);
                // https://peps.python.org/pep-0479/
                Err(match halt {
                    Halt::Raised(class, message) if &*class == "StopIteration" => {
                        Halt::Raised("RuntimeError".into(), message)
                    }
                    halt => halt,
                })
            }
        }
    }

    /// `yield` in a function; what it gives where nothing is sent to the generator.
    pub(super) fn yields(&mut self, expression: &Expr) -> Outcome {
        let none = Object::new(Form::None, self.place(expression));
        match expression {
            Expr::Yield(yielded) => {
                let value = match &yielded.value {
                    Some(value) => self.evaluate(value)?,
                    None => none.clone(),
                };
                self.yielded(value, expression)?;
                Ok(none)
            }
            Expr::YieldFrom(yielded) => {
                let iterable = self.evaluate(&yielded.value)?;
                self.yield_from(&iterable, expression)?;
                Ok(self.unknown(expression, "is what another generator returns"))
            }
            _ => Ok(self.unknown(expression, "yields nothing")),
        }
    }

    /// `yield value`: the consumer takes it.
    ///
    /// # Errors
    /// [`Halt::Left`] where it takes no more.
    pub(super) fn yielded(&mut self, value: Object, node: &impl Ranged) -> Result<(), Halt> {
        let Some(mut consumer) = self.consumers.pop() else {
            return Err(Halt::Doubt(self.dynamic(node, "yields where that is not followed")));
        };
        std::mem::swap(&mut self.frame, &mut consumer.frame);
        self.depth += 10;
        let goes_on = self.take(&mut consumer.taking, value, node);
        self.depth -= 10;
        std::mem::swap(&mut self.frame, &mut consumer.frame);
        self.consumers.push(consumer);
        if goes_on? { Ok(()) } else { Err(Halt::Left) }
    }

    /// Whether the consumer takes more.
    fn take(&mut self, taking: &mut Taking, item: Object, node: &impl Ranged) -> Result<bool, Halt> {
        self.step(node)?;
        match taking {
            Taking::All(items) if items.len() < MAX_ITEMS => items.push(item),
            Taking::All(_) => return Err(Halt::Doubt(self.dynamic(node, "is too long"))),
            Taking::First(first) => {
                *first = Some(item);
                return Ok(false);
            }
            Taking::Until { wanted, is_met } => {
                *is_met = item.truthy().map_err(Halt::Doubt)? == *wanted;
                return Ok(!*is_met);
            }
            Taking::Loop(statement, left) => {
                let Stmt::For(each) = &**statement else {
                    return Ok(false);
                };
                let ended = match self.assign(&each.target, item) {
                    Ok(()) => self.round(&each.body, statement),
                    Err(halt) => Err(halt),
                };
                match ended {
                    Ok(None) => {}
                    Ok(Some(flow)) => *left = Some(Ok(flow)),
                    Err(Halt::End) => return Err(Halt::End),
                    Err(halt) => *left = Some(Err(halt)),
                }
                return Ok(left.is_none());
            }
            Taking::Pass(left) => match self.yielded(item, node) {
                Ok(()) => {}
                Err(Halt::End) => return Err(Halt::End),
                Err(halt) => {
                    *left = Some(halt);
                    return Ok(false);
                }
            },
        }
        Ok(true)
    }

    /// All that a generator yields.
    pub(super) fn all_yielded(
        &mut self,
        generator: &Generator,
        node: &impl Ranged,
    ) -> Result<Result<Vec<Object>, Rc<Dynamic>>, Halt> {
        let taken = self.go_through(generator, Taking::All(Vec::new()), node)?;
        Ok(taken.map(|taking| match taking {
            Taking::All(items) => items,
            _ => Vec::new(),
        }))
    }

    /// A `for` statement over a generator.
    pub(super) fn each_yielded(
        &mut self,
        generator: &Generator,
        each: &StmtFor,
        statement: &Stmt,
    ) -> Result<Flow, Halt> {
        self.source_effort(usize::from(statement.range().len()), true, statement)?;
        let taking = Taking::Loop(Box::new(statement.clone()), None);
        match self.go_through(generator, taking, &*each.iter)? {
            Ok(Taking::Loop(_, Some(left))) => left,
            Ok(_) => self.block(&each.orelse),
            Err(why) => {
                self.not_followed(statement, &depends(&why))?;
                Ok(Flow::Next)
            }
        }
    }

    /// `yield from iterable`.
    fn yield_from(&mut self, iterable: &Object, node: &impl Ranged) -> Result<(), Halt> {
        if let Form::Generator(generator) = &iterable.form {
            return match self.go_through(generator, Taking::Pass(None), node)? {
                Ok(Taking::Pass(Some(halt))) => Err(halt),
                Ok(_) => Ok(()),
                Err(why) => Err(Halt::Doubt(why)),
            };
        }
        let items = self.items(iterable, node)?.map_err(Halt::Doubt)?;
        let version = iterable.version();
        for item in items {
            self.yielded(item, node)?;
            if iterable.version() != version {
                return Err(Halt::Doubt(self.dynamic(node, "changes while it is gone through")));
            }
        }
        Ok(())
    }

    /// A generator expression that is gone through later: a function whose loops yield its items.
    pub(super) fn later(&mut self, made: &ExprGenerator, expression: &Expr) -> Outcome {
        let Some(first) = made.generators.first() else {
            return Ok(self.not_understood(expression, "is a generator"));
        };
        if self.frame.is_class || is_unusual(expression) {
            return Ok(self.not_understood(expression, "is a generator of a kind that is not followed"));
        }
        let length = usize::from(made.range.len());
        self.source_effort(length, true, expression)?;
        let iterated = self.evaluate(&first.iter)?;
        // Its items were computed already; they may be others when it is gone through.
        if let Form::Iterator(_) = iterated.form {
            return Ok(self.not_understood(expression, "is a generator over an iterator"));
        }
        let body = vec![as_loops(made)];
        let local_names = mentions_of_all(&body).stores;
        let function = Rc::new(Function {
            parameters: Parameters::default(),
            body: Body::Statements(body),
            local_names: Rc::new(local_names),
            defaults: Vec::new(),
            scopes: self.frame.of_functions(),
            file: Rc::clone(&self.frame.file),
            length,
            yields: true,
        });
        let names = BTreeMap::from([(FIRST.to_owned(), iterated)]);
        let frame = Frame::of_call(&function, names, self.frame.site);
        Ok(Object::new(Generator::begun(&function, frame), self.place(expression)))
    }

    /// Code that is not followed may go on in this generator, now and later.
    pub(super) fn lose_generator(&mut self, generator: &Generator, why: &Rc<Dynamic>) {
        let State::Fresh(frame) = generator.state.replace(State::Begun) else {
            return;
        };
        let mentions = mentions_of_all(generator.body());
        self.escaped.loads.extend(mentions.loads.iter().cloned());
        self.escaped.stores.extend(mentions.later.stores.iter().cloned());
        self.escaped.wild |= mentions.wild;
        self.forget_in(&frame.scopes, &mentions, why, false);
    }
}

/// `(item for target in iterable if condition)` as loops around `yield item`.
fn as_loops(made: &ExprGenerator) -> Stmt {
    let range = made.range;
    let node_index = AtomicNodeIndex::default;
    let value = Expr::Yield(ExprYield {
        node_index: node_index(),
        range,
        value: Some(made.elt.clone()),
    });
    let mut inner = Stmt::Expr(StmtExpr {
        node_index: node_index(),
        range,
        value: Box::new(value),
    });
    for (at, comprehension) in made.generators.iter().enumerate().rev() {
        for test in comprehension.ifs.iter().rev() {
            inner = Stmt::If(StmtIf {
                node_index: node_index(),
                range,
                test: Box::new(test.clone()),
                body: Suite::from_iter([inner]),
                elif_else_clauses: Vec::new(),
            });
        }
        let iter = if at == 0 {
            first_iterable(comprehension.iter.range())
        } else {
            comprehension.iter.clone()
        };
        inner = Stmt::For(StmtFor {
            node_index: node_index(),
            range,
            is_async: false,
            target: Box::new(comprehension.target.clone()),
            iter: Box::new(iter),
            body: Suite::from_iter([inner]),
            orelse: Suite::new(),
        });
    }
    inner
}

fn first_iterable(range: TextRange) -> Expr {
    Expr::Name(ExprName {
        node_index: AtomicNodeIndex::default(),
        range,
        id: FIRST.into(),
        ctx: ExprContext::Load,
    })
}

/// Whether a generator expression binds names around it, or waits.
fn is_unusual(expression: &Expr) -> bool {
    struct Unusual(bool);
    impl<'a> Visitor<'a> for Unusual {
        fn visit_expr(&mut self, expression: &'a Expr) {
            self.0 |= matches!(expression, Expr::Named(_) | Expr::Await(_));
            if let Expr::Generator(made) = expression {
                self.0 |= made.generators.iter().any(|each| each.is_async);
            }
            walk_expr(self, expression);
        }
    }
    let mut unusual = Unusual(false);
    unusual.visit_expr(expression);
    unusual.0
}

/// How a function yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Yields {
    Never,
    /// By statements of their own, or into a name.
    Plainly,
    /// In the middle of an expression too.
    Otherwise,
}

/// How a function with this body yields.
pub(super) fn yields(body: &[Stmt]) -> Yields {
    #[derive(Default)]
    struct Count {
        all: usize,
        plain: usize,
    }
    impl<'a> Visitor<'a> for Count {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            let value = match statement {
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
                Stmt::Expr(expression) => Some(&expression.value),
                Stmt::Assign(assign) => Some(&assign.value),
                _ => None,
            };
            self.plain += usize::from(value.is_some_and(|value| does_yield(value)));
            walk_stmt(self, statement);
        }
        fn visit_expr(&mut self, expression: &'a Expr) {
            self.all += usize::from(does_yield(expression));
            walk_expr(self, expression);
        }
    }
    let mut count = Count::default();
    count.visit_body(body);
    match count.all {
        0 => Yields::Never,
        all if all == count.plain => Yields::Plainly,
        _ => Yields::Otherwise,
    }
}

/// Whether an expression is a `yield`.
pub(super) fn does_yield(expression: &Expr) -> bool {
    matches!(expression, Expr::Yield(_) | Expr::YieldFrom(_))
}
