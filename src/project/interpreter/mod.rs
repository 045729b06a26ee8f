//! Running Python without Python: enough of the language for what people write in `setup.py`.
//!
//! The machine follows statements in order and computes what is certain. What it does not understand becomes
//! [`Form::Unknown`], which carries the expression, its place and why; and whatever a statement it does not follow could change
//! is unknown from there on. So a value that comes out is the one that Python would compute, or it is no value.

mod assignment;
mod builtins;
mod call;
mod code;
mod comparison;
mod container;
mod definition;
mod equality;
mod exception;
mod expression;
mod files;
mod format;
mod function;
mod iteration;
mod library;
mod literal;
mod methods;
mod modules;
mod object;
mod operator;
mod pattern;
mod reach;
mod shared;
mod statement;
mod subscript;
mod text;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ruff_python_ast::visitor::Visitor as _;
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged;

use super::mentions::{Mentions, mentions, mentions_of_all};
use super::source_file::SourceFile;
use super::value::{Dynamic, Place};
use function::{Body, Function};
pub(crate) use literal::literal;
use object::Namespace;
pub(crate) use object::{Form, Object};

/// Steps after which Python is asked: more than any `setup.py` takes, less than anybody waits for.
const MAX_STEPS: usize = 200_000;
/// Calls and nested expressions at one time.
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
    /// An exception: its class and message.
    Raised(Rc<str>, Rc<str>),
    /// Whether the rest of the loop or function runs, only Python knows.
    Doubt(Rc<Dynamic>),
    /// Nothing more is to be learnt.
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

/// `setup()` as it was called: each keyword's object and the place of its expression.
pub(crate) type Setup = Vec<(String, Object)>;

/// The namespaces in which names are looked up, the innermost first; the last is the module's.
#[derive(Clone)]
struct Frame {
    scopes: Vec<Namespace>,
    /// Names declared `global`.
    global: BTreeSet<String>,
    /// Names declared `nonlocal`.
    nonlocal: BTreeSet<String>,
    file: Rc<SourceFile>,
    /// Where setup.py came here from, for code of another file.
    site: Option<Place>,
    /// The innermost namespace is a comprehension's.
    comprehends: bool,
    /// The innermost namespace is a class's, which functions in it do not see.
    is_class: bool,
    /// The package by which relative imports are resolved.
    package: Option<Rc<str>>,
    /// Names that the function binds somewhere, which are not those around it.
    own: Option<Rc<BTreeSet<String>>>,
}

/// The state of the run.
pub(crate) struct Machine {
    root: PathBuf,
    frame: Frame,
    /// What the file's functions may change once code that is not followed can call them.
    escaped: Mentions,
    /// How often something was not understood so far.
    doubts: usize,
    /// How often something was changed so far, other than a name of a function's own.
    effects: usize,
    /// The exceptions that are being handled, the innermost last.
    handling: Vec<(Rc<str>, Rc<str>)>,
    steps: usize,
    depth: usize,
    /// The tree may have changed: what is read from it is not certain any more.
    moved: Option<Rc<Dynamic>>,
    /// Attributes of modules that were set.
    patched: BTreeSet<String>,
    /// Names that were added to the built-in ones.
    builtins: BTreeMap<String, Object>,
    /// Where modules of the project are found.
    search: Vec<PathBuf>,
    /// They may be found elsewhere too.
    searches_elsewhere: bool,
    /// Modules of the project that were imported, by dotted name.
    modules: BTreeMap<String, Object>,
    pub(crate) setup: Option<Setup>,
    /// Why nothing can be trusted without Python.
    pub(crate) given_up: Option<Dynamic>,
}

impl Machine {
    /// Before the first statement of `setup.py` in `root`; `finds_modules` where the build backend lets it import from there.
    pub(crate) fn new(root: &Path, file: Rc<SourceFile>, finds_modules: bool) -> Self {
        let search = finds_modules.then(|| root.to_owned());
        Self {
            search: search.into_iter().collect(),
            ..Self::of_module(root, file, "__main__", &root.join("setup.py"))
        }
    }

    /// Before the first statement of a module of the project, which is alone: it imports none of the others.
    pub(crate) fn of_module(root: &Path, file: Rc<SourceFile>, name: &str, path: &Path) -> Self {
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
            escaped: Mentions::default(),
            doubts: 0,
            effects: 0,
            handling: Vec::new(),
            steps: 0,
            depth: 0,
            moved: None,
            patched: BTreeSet::new(),
            builtins: BTreeMap::new(),
            search: Vec::new(),
            searches_elsewhere: false,
            modules: BTreeMap::new(),
            setup: None,
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
                        format!("raises {class}: {message}")
                    };
                    return self.give_up(statement, &reason);
                }
                Err(Halt::Doubt(why)) => return self.give_up_for(&why),
                Err(Halt::End) => return,
            }
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
        let one_line = source
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
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

    /// Counts the work that goes with so many characters or items.
    fn effort(&mut self, amount: usize) {
        self.steps += amount / 64;
    }

    fn step(&mut self, node: &impl Ranged) -> Result<(), Halt> {
        self.steps += 1;
        if self.steps < MAX_STEPS {
            return Ok(());
        }
        self.give_up(node, "takes too long to follow");
        Err(Halt::End)
    }

    // ---- Names ----

    /// What a name stands for, built-in functions included; `None` where nothing is bound to it.
    fn get(&self, name: &str) -> Option<Object> {
        let mut scopes = self.frame.scopes.iter();
        let is_own = self.frame.own.as_ref().is_some_and(|own| own.contains(name))
            && !self.frame.global.contains(name)
            && !self.frame.nonlocal.contains(name);
        if is_own {
            return scopes.next()?.borrow().get(name).cloned();
        }
        let bound = scopes.find_map(|scope| scope.borrow().get(name).cloned());
        bound
            .or_else(|| self.builtins.get(name).cloned())
            .or_else(|| library::builtin(name))
    }

    fn set(&mut self, name: &str, object: Object) {
        let is_module = self.frame.global.contains(name) || self.frame.scopes.len() == 1;
        self.effects += usize::from(is_module || self.frame.nonlocal.contains(name));
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

    /// The object, or an unknown one where a function that may run at any time changes this name or what is bound to it.
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

    // ---- What is not followed ----

    /// Lists and dicts that can be reached from `object` are unknown from here on, and functions may be called at any time.
    fn taint(&mut self, object: &Object, why: &Rc<Dynamic>) {
        let mut escaped = Vec::new();
        object.taint(why, &mut |function| escaped.push(function.clone()));
        for function in escaped {
            self.escape(&function, why);
        }
    }

    /// Code that is not followed may call this function, or the methods of this class, now and later.
    fn escape(&mut self, function: &Object, why: &Rc<Dynamic>) {
        let mut own = Mentions::default();
        let (mentions, scopes) = match &function.form {
            Form::Function(function) => {
                match &function.body {
                    Body::Statements(body) => own = mentions_of_all(body),
                    Body::Lambda(body) => own.visit_expr(body),
                }
                (&own, &function.scopes)
            }
            Form::Class(class) => (&class.mentions, &class.scopes),
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

    /// Forgets whatever code with these mentions may have changed; `stores` are its own names too, if it is no function.
    fn forget(&mut self, mentions: &Mentions, why: &Rc<Dynamic>, stores: bool) {
        let scopes = self.frame.scopes.clone();
        self.forget_in(&scopes, mentions, why, stores);
    }

    /// The same for code in these namespaces.
    fn forget_in(&mut self, scopes: &[Namespace], mentions: &Mentions, why: &Rc<Dynamic>, stores: bool) {
        self.doubts += 1;
        self.effects += 1;
        if self.setup.is_some() {
            return;
        }
        self.searches_elsewhere |= mentions.attributes.contains("path") && mentions.loads.contains("sys");
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

    /// Code that may change any name, now and later.
    fn wild(&mut self, node: &impl Ranged) {
        let why = self.dynamic(node, "may change any name");
        let mut mentions = Mentions::default();
        mentions.wild = true;
        self.escaped.wild = true;
        self.forget(&mentions, &why, true);
    }

    fn lose(&mut self, scope: &Namespace, name: &str, why: &Rc<Dynamic>) {
        let before = scope.borrow_mut().insert(name.to_owned(), Object::unknown(why));
        if let Some(object) = before {
            self.taint(&object, why);
        }
    }

    /// Forgets what an expression may have changed.
    fn forget_expression(&mut self, expression: &Expr, reason: &str) {
        let why = self.dynamic(expression, reason);
        let mut mentions = Mentions::default();
        mentions.visit_expr(expression);
        self.forget(&mentions, &why, true);
    }

    /// Forgets what a statement may have changed.
    fn forget_statement(&mut self, statement: &Stmt, reason: &str) {
        let why = self.dynamic(statement, reason);
        self.forget(&mentions(statement), &why, true);
    }

    /// Runs `body` in another frame.
    fn within<T>(&mut self, frame: Frame, body: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.frame, frame);
        let result = body(self);
        self.frame = before;
        result
    }
}

/// `setuptools.setup`, or the `distutils` function that it stands in for.
fn is_setup(name: &str) -> bool {
    matches!(name, "setuptools.setup" | "distutils.core.setup")
}

impl Frame {
    fn of_module(names: Namespace, file: Rc<SourceFile>, site: Option<Place>) -> Self {
        Self {
            scopes: vec![names],
            global: BTreeSet::new(),
            nonlocal: BTreeSet::new(),
            file,
            site,
            comprehends: false,
            is_class: false,
            package: None,
            own: None,
        }
    }

    /// The namespaces that a function defined here sees.
    fn of_functions(&self) -> Vec<Namespace> {
        self.scopes.iter().skip(usize::from(self.is_class)).cloned().collect()
    }

    /// A namespace inside this one, of a comprehension.
    fn inner(&self, names: BTreeMap<String, Object>) -> Self {
        let mut scopes = vec![Rc::new(RefCell::new(names))];
        scopes.extend(self.scopes.iter().cloned());
        Self {
            scopes,
            comprehends: true,
            // Its names are its own.
            global: BTreeSet::new(),
            nonlocal: BTreeSet::new(),
            own: None,
            ..self.clone()
        }
    }

    /// The frame of a call of `function`, with its arguments.
    fn of_call(function: &Function, arguments: BTreeMap<String, Object>, site: Option<Place>) -> Self {
        let mut scopes = vec![Rc::new(RefCell::new(arguments))];
        scopes.extend(function.scopes.iter().cloned());
        Self {
            scopes,
            global: BTreeSet::new(),
            nonlocal: BTreeSet::new(),
            file: Rc::clone(&function.file),
            site,
            comprehends: false,
            is_class: false,
            package: None,
            own: Some(Rc::clone(&function.own)),
        }
    }
}
