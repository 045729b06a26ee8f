//! Running Python without Python: enough of the language for what people write in `setup.py`.
//!
//! The machine follows statements in order and computes what is certain. What it does not understand becomes
//! [`Form::Unknown`], which carries the expression, its place and why; and whatever a statement it does not follow could change
//! is unknown from there on. So a value that comes out is the one that Python would compute, or it is no value.
//!
//! Objects are shared by reference, as in Python. One that is given to code that is not followed *escapes*: it is *tainted*, which
//! makes every list, dict and set unknown that can be reached from it. A function that escapes may be called at any time, so what it
//! may change is unknown too.
//!
//! ```text
//! statements   statement.rs, disorder.rs, assignment.rs, definition.rs, exception.rs, modules.rs (import)
//! expressions  expression.rs, operator.rs, comparison.rs, subscript.rs, iteration.rs, generator.rs, call.rs, methods/, library/
//! objects      object.rs, shared.rs, equality.rs, order.rs, truth.rs, keys.rs, format.rs, literal.rs, given.rs (to setup())
//! names        frame.rs
//! the unknown  unfollowed.rs, reach.rs
//! limits       effort.rs, weight.rs
//! around it    files.rs, paths.rs, encoding.rs, environ.rs, python.rs
//! ```

mod arguments;
mod assignment;
mod call;
mod comparison;
mod definition;
mod disorder;
mod effort;
mod encoding;
mod environ;
mod equality;
mod exception;
mod expression;
mod files;
mod format;
mod frame;
mod generator;
mod given;
mod iteration;
mod keys;
mod library;
mod literal;
mod methods;
mod modules;
mod object;
mod operator;
mod order;
mod paths;
mod python;
mod reach;
mod shared;
mod statement;
mod subscript;
mod truth;
mod unfollowed;
mod weight;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged;

use super::Outside;
use super::mentions::Mentions;
use super::needs::{Need, Part};
use super::source_file::SourceFile;
use super::surroundings::Surroundings;
use super::value::{Dynamic, Place};
use disorder::Disorder;
use frame::Frame;
use generator::Consumer;
pub(crate) use literal::literal;
pub(crate) use object::{Form, Object};

/// How deep calls and nested expressions may be.
const MAX_DEPTH: usize = 2_000;
/// Characters that one string may have.
const MAX_LENGTH: usize = 16_000_000;
/// Items that one list may have.
const MAX_ITEMS: usize = 100_000;
/// Length at which an expression's source is cut in messages.
const SHOWN: usize = 60;

/// Why a statement or expression did not come to its end.
#[derive(Debug, Clone)]
pub(crate) enum Halt {
    /// It raised an exception of this class, with this message.
    Raised(Rc<str>, Rc<str>),
    /// Only Python knows whether the rest of the loop or function runs.
    Doubt(Rc<Dynamic>),
    /// Whoever went through this generator takes no more of it.
    Left,
    /// The run is over: nothing more is to be learnt.
    End,
}

/// What evaluating an expression gives.
pub(crate) type Outcome = Result<Object, Halt>;

/// How a statement ended.
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
    Return(Object),
}

/// What a function of the library, or a method of a built-in type, gives; `None` where only Python knows.
pub(crate) type Known = Result<Option<Form>, Halt>;

/// `setup()` as it was called: each keyword's object and the place of its expression.
pub(crate) type Setup = Vec<(String, Object)>;

/// The state of the run.
pub(crate) struct Machine {
    root: PathBuf,
    frame: Frame,
    around: Arc<Surroundings>,
    /// `os.environ`, once it was looked at.
    environ: Option<Object>,
    /// What the file's functions may change once code that is not followed can call them.
    escaped: Mentions,
    /// Counts what was not understood so far: around a `try`, more of it means that anything may have been raised.
    doubts: usize,
    /// Counts side effects so far, which are all changes but those of a function's local names.
    effects: usize,
    /// The exceptions that are being handled, the innermost last.
    handling: Vec<(Rc<str>, Rc<str>)>,
    /// Who goes through the generators that run, the innermost last.
    consumers: Vec<Consumer>,
    /// The loops over what is in no certain order that run, the innermost last.
    disorder: Vec<Disorder>,
    depth: usize,
    /// The tree may have changed: what is read from it is not certain any more.
    moved: Option<Rc<Dynamic>>,
    /// The first link out of the project that was read through.
    pub(crate) outside: Option<Outside>,
    /// What was read of the project so far, in order.
    pub(crate) needs: Vec<Need>,
    /// All that is taken to be there of the project, where that is not all of it.
    part: Option<Part>,
    /// Attributes of modules that were set.
    patched: BTreeSet<String>,
    /// Names that were added to the built-in ones.
    builtins: BTreeMap<String, Object>,
    /// Where modules of the project are found.
    search: Vec<PathBuf>,
    /// They may be found in other directories too.
    searches_elsewhere: bool,
    /// Modules of the project that were imported, by dotted name.
    modules: BTreeMap<String, Object>,
    pub(crate) setup: Option<Setup>,
    /// The version of the Python that runs it was looked at.
    pub(crate) looked_at_python: bool,
    /// Why nothing can be trusted without Python.
    pub(crate) given_up: Option<Dynamic>,
}

impl Machine {
    /// Before the first statement of `setup.py` in `root`; `finds_modules` where the build backend lets it import from there.
    pub(crate) fn new(root: &Path, file: Rc<SourceFile>, finds_modules: bool, around: &Arc<Surroundings>) -> Self {
        let search = finds_modules.then(|| root.to_owned());
        Self {
            search: search.into_iter().collect(),
            ..Self::of_module(root, file, "__main__", &root.join("setup.py"), around)
        }
    }

    /// The same where no more than the `part` of the project is there, if one is given.
    pub(crate) fn where_there_is(self, part: Option<Part>) -> Self {
        Self { part, ..self }
    }

    /// Before the first statement of a module of the project, which is alone: it imports none of the others.
    pub(crate) fn of_module(
        root: &Path,
        file: Rc<SourceFile>,
        name: &str,
        path: &Path,
        around: &Arc<Surroundings>,
    ) -> Self {
        effort::begin();
        let place = Place {
            file: "setup.py",
            line: 1,
        };
        let names = BTreeMap::from([
            ("__name__".to_owned(), Object::str(name, place)),
            ("__file__".to_owned(), Object::str(path.to_string_lossy(), place)),
        ]);
        Self {
            root: root.to_owned(),
            frame: Frame::of_module(Rc::new(RefCell::new(names)), file, None),
            around: Arc::clone(around),
            environ: None,
            escaped: Mentions::default(),
            doubts: 0,
            effects: 0,
            handling: Vec::new(),
            consumers: Vec::new(),
            disorder: Vec::new(),
            depth: 0,
            moved: None,
            outside: None,
            needs: Vec::new(),
            part: None,
            patched: BTreeSet::new(),
            builtins: BTreeMap::new(),
            search: Vec::new(),
            searches_elsewhere: false,
            modules: BTreeMap::new(),
            setup: None,
            looked_at_python: false,
            given_up: None,
        }
    }

    /// Runs the module to its end, or to where nothing more is to be learnt.
    pub(crate) fn run(&mut self, body: &[Stmt]) {
        self.document(body);
        for statement in body {
            match self.statement(statement) {
                Ok(_) => {}
                Err(_) if self.setup.is_some() => return,
                Err(Halt::Raised(class, message)) => {
                    let reason = if &*class == "SystemExit" {
                        "stops setup.py before setup()".to_owned()
                    } else {
                        let message: String = message.chars().take(SHOWN).collect();
                        format!("raises {class}: {message}")
                    };
                    return self.give_up(statement, &reason);
                }
                Err(Halt::Doubt(why)) => return self.give_up_for(&why),
                Err(Halt::Left | Halt::End) => return,
            }
        }
        if let Some(last) = body.last() {
            // The cost of the last assignment is checked by no statement after it.
            let _ = self.check(last);
        }
    }

    /// Binds `__doc__`.
    fn document(&mut self, body: &[Stmt]) {
        if let Some(Stmt::Expr(first)) = body.first()
            && let Expr::StringLiteral(text) = &*first.value
        {
            let doc = Object::str(text.value.to_str(), self.place(first));
            self.set("__doc__", doc);
        }
    }

    /// The file that is run.
    pub(crate) fn file(&self) -> &SourceFile {
        &self.frame.file
    }

    /// What a module's name stands for after the run.
    pub(crate) fn named(&self, name: &str) -> Option<Object> {
        self.frame.scopes.last()?.borrow().get(name).cloned()
    }

    pub(crate) fn give_up(&mut self, node: &impl Ranged, reason: &str) {
        let why = self.dynamic(node, reason);
        self.give_up_for(&why);
    }

    fn give_up_for(&mut self, why: &Dynamic) {
        self.given_up.get_or_insert_with(|| why.clone());
    }

    fn place(&self, node: &impl Ranged) -> Place {
        self.frame.site.unwrap_or(Place {
            file: "setup.py",
            line: self.frame.file.line(node.start().to_usize()),
        })
    }

    /// Why `node` is not known.
    pub(crate) fn dynamic(&self, node: &impl Ranged, reason: &str) -> Rc<Dynamic> {
        let range = node.range();
        let source = self
            .frame
            .file
            .text
            .get(range.start().to_usize()..range.end().to_usize());
        let mut one_line = String::new();
        for word in source.unwrap_or_default().split_whitespace() {
            let separator = if one_line.is_empty() { "" } else { " " };
            one_line.extend([separator, word]);
            if one_line.len() > 4 * SHOWN {
                break;
            }
        }
        let mut expression: String = one_line.chars().take(SHOWN).collect();
        if expression.len() < one_line.len() {
            expression.push('…');
        }
        Rc::new(Dynamic {
            expression,
            place: self.place(node),
            reason: reason.to_owned(),
        })
    }

    /// An object that only Python knows.
    fn unknown(&mut self, node: &impl Ranged, reason: &str) -> Object {
        self.doubts += 1;
        Object::unknown(&self.dynamic(node, reason))
    }

    fn unknown_for(&mut self, why: &Rc<Dynamic>) -> Object {
        self.doubts += 1;
        Object::unknown(why)
    }

    /// Counts the work of looking at so many items, before they are looked at.
    fn effort(&mut self, amount: usize, node: &impl Ranged) -> Result<(), Halt> {
        // Whether anything is left is checked next.
        let _ = effort::work(amount);
        self.check(node)
    }

    /// Counts the work of looking at source or parsing it, and the memory of its tree if that is kept.
    fn source_effort(&mut self, length: usize, is_kept: bool, node: &impl Ranged) -> Result<(), Halt> {
        const TREE: usize = 32;
        let _ = effort::bytes(if is_kept { length * TREE } else { 0 });
        self.effort(length, node)
    }

    fn step(&mut self, node: &impl Ranged) -> Result<(), Halt> {
        self.effort(effort::STEP, node)
    }

    /// Ends the run where nothing is left of what it may cost.
    fn check(&mut self, node: &impl Ranged) -> Result<(), Halt> {
        if !effort::is_over() {
            return Ok(());
        }
        self.give_up(node, "takes too long to follow");
        Err(Halt::End)
    }

    /// What a name stands for, built-in functions included; `None` where nothing is bound to it.
    fn get(&self, name: &str) -> Option<Object> {
        let mut scopes = self.frame.scopes.iter();
        let is_local = self
            .frame
            .local_names
            .as_ref()
            .is_some_and(|names| names.contains(name))
            && !self.frame.global.contains(name)
            && !self.frame.nonlocal.contains(name);
        if is_local {
            return scopes.next()?.borrow().get(name).cloned();
        }
        let bound = scopes.find_map(|scope| scope.borrow().get(name).cloned());
        bound
            .or_else(|| self.builtins.get(name).cloned())
            .or_else(|| library::builtin(name))
    }

    fn set(&mut self, name: &str, object: Object) {
        let is_module = self.frame.global.contains(name) || self.frame.scopes.len() == 1;
        let effects = usize::from(is_module || self.frame.nonlocal.contains(name));
        self.effects += effects;
        self.bound_in_disorder(name, effects);
        let object = if is_module { self.guarded(name, object) } else { object };
        let scope = if self.frame.global.contains(name) {
            self.frame.scopes.last()
        } else if self.frame.nonlocal.contains(name) {
            let around = self.frame.scopes.iter().skip(1);
            around.into_iter().find(|scope| scope.borrow().contains_key(name))
        } else {
            self.frame.scopes.first()
        };
        if let Some(scope) = scope {
            scope.borrow_mut().insert(name.to_owned(), object);
        }
    }

    /// The object to bind to the name. A function that has escaped may change the name at any time: then it is an unknown one; or the
    /// object: then it is tainted.
    fn guarded(&mut self, name: &str, object: Object) -> Object {
        if !(self.escaped.wild || self.escaped.stores.contains(name) || self.escaped.loads.contains(name)) {
            return object;
        }
        let why = Rc::new(Dynamic {
            expression: name.to_owned(),
            place: object.place,
            reason: "may be changed by a function".to_owned(),
        });
        self.taint(&object, &why);
        if self.escaped.wild || self.escaped.stores.contains(name) {
            return Object::unknown(&why);
        }
        object
    }

    /// Runs `body` in another frame.
    fn within<T>(&mut self, frame: Frame, body: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.frame, frame);
        let result = body(self);
        self.frame = before;
        result
    }
}

/// Why something is unknown that depends on what is unknown for `why`.
pub(crate) fn depends(why: &Dynamic) -> String {
    format!("depends on `{}`, which {}", why.expression, why.reason)
}
