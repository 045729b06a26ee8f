//! Byte code of the requirements, which pip compiles as it installs: without it an image compiles whatever it imports at every start.
//!
//! ```text
//! who compiles         interpreter.rs: a Python of this machine that writes what the image's reads
//! what is compiled     batch.rs, compile.py: some modules of a wheel, in a process that has done nothing before
//! what comes of it     mod.rs: archives in the store, and layers of them beside the wheels' own
//! ```
//!
//! Nothing of a wheel is imported or run. The same wheel, interpreter and places come to the same bytes. They say which time and size
//! their module has (<https://peps.python.org/pep-0552/>), as pip's do, and in a layer all modules have one time: who edits one in a
//! container is not shown what it was before. Where nothing can be compiled, there is no byte code, and an image all the same.

mod batch;
mod interpreter;

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::Error;
use super::layers::{Compiled, Ground, Ingredient, Recipe};
use crate::oci::Digest;
use crate::process::{Deadline, Question};
use crate::progress::{Cancelled, Progress};
use crate::uv::UvSettings;
use batch::Batch;
use interpreter::Interpreter;

/// Changes with what is compiled of the same modules, and with the bytes of the archives.
pub(super) const FORMAT: u32 = 2;
/// Of the notes: the archives of a wheel's byte code.
const BYTECODE: &str = "bytecode";
/// The longest that all of it may take; what is not done then is tried again in another run.
const SECONDS: u64 = 600;

/// The byte code of a layer of wheels.
pub(super) struct ByteCode {
    /// A layer beside it, if there is any.
    pub(super) recipe: Option<Recipe>,
    /// Whether it would be the same another time: nothing was cut short.
    pub(super) is_final: bool,
}

/// What the layer is called of the byte code of one that is called `title`.
pub(super) fn title(title: &str) -> String {
    format!("byte code of {title}")
}

/// Whether this machine can compile for the base.
///
/// # Errors
/// The user interrupted.
pub(super) fn is_possible(ground: &Ground<'_>, uv: &UvSettings, progress: &dyn Progress) -> Result<bool, Error> {
    let found = interpreter::find(&ground.base.python, uv, ground.store, progress)?;
    Ok(found.is_some())
}

/// The byte code of the wheels in each of `recipes`; `None` where nothing can be compiled.
///
/// # Errors
/// The user interrupted. All else that fails is a line of detail.
pub(super) fn layers(
    ground: &Ground<'_>,
    recipes: &[&Recipe],
    uv: &UvSettings,
    anew: bool,
    progress: &dyn Progress,
) -> Result<Option<Vec<ByteCode>>, Error> {
    let wheels: Vec<&Ingredient> = recipes.iter().flat_map(|recipe| &recipe.wheels).collect();
    if wheels.is_empty() {
        return Ok(None);
    }
    let python = &ground.base.python;
    let Some(interpreter) = interpreter::find(python, uv, ground.store, progress)? else {
        let (major, minor) = python.target.python;
        progress.detail(&format!(
            "No byte code is compiled: there is no released Python {major}.{minor} on this machine"
        ));
        return Ok(None);
    };
    let compiler = Compiler {
        ground,
        interpreter: &interpreter,
        progress,
    };
    let mut known = BTreeMap::new();
    let mut unknown = Vec::new();
    for wheel in wheels {
        match compiler.known(wheel).filter(|_| !anew) {
            Some(archives) => {
                known.insert(wheel.digest.as_str(), (archives, true));
            }
            None => unknown.push(wheel),
        }
    }
    known.extend(compiler.compile(&unknown)?);
    let layer = |recipe: &&Recipe| {
        let of_wheels = || {
            recipe
                .wheels
                .iter()
                .filter_map(|wheel| known.get(wheel.digest.as_str()))
        };
        let archives: Vec<_> = of_wheels().flat_map(|(archives, _)| archives.clone()).collect();
        ByteCode {
            is_final: of_wheels().all(|(_, is_final)| *is_final),
            recipe: (!archives.is_empty()).then(|| Recipe {
                title: title(&recipe.title),
                compiled: archives,
                ..Recipe::default()
            }),
        }
    };
    Ok(Some(recipes.iter().map(layer).collect()))
}

struct Compiler<'a> {
    ground: &'a Ground<'a>,
    interpreter: &'a Interpreter,
    progress: &'a dyn Progress,
}

/// A wheel that is being compiled.
#[derive(Default)]
struct Unfinished {
    archives: Vec<(usize, Digest)>,
    /// Why something of it has no byte code: the first reason, and whether all of them would come again.
    failure: Option<Failure>,
}

impl Unfinished {
    fn fail(&mut self, failure: Failure) {
        match &mut self.failure {
            Some(first) => first.is_certain &= failure.is_certain,
            first => *first = Some(failure),
        }
    }
}

impl Compiler<'_> {
    /// The archives of a wheel that was compiled before.
    fn known(&self, wheel: &Ingredient) -> Option<Vec<Compiled>> {
        let digests: Vec<Digest> = self.ground.store.note(BYTECODE, &self.key(wheel))?;
        let are_there = digests.iter().all(|digest| self.ground.store.get(digest).is_some());
        are_there.then(|| named(wheel, digests))
    }

    fn key(&self, wheel: &Ingredient) -> String {
        let Interpreter { version, magic, .. } = self.interpreter;
        json!([FORMAT, wheel.digest, version, magic, self.ground.scheme]).to_string()
    }

    /// Compiles `wheels`, on all processors; of each, whether it would be the same another time.
    fn compile<'w>(&self, wheels: &[&'w Ingredient]) -> Result<BTreeMap<&'w str, (Vec<Compiled>, bool)>, Cancelled> {
        if wheels.is_empty() {
            return Ok(BTreeMap::new());
        }
        let Interpreter { release, program, .. } = self.interpreter;
        let (count, program) = (wheels.len(), program.display());
        self.progress.detail(&format!(
            "compiling byte code of {count} packages with Python {release}, {program}"
        ));
        let unfinished: Mutex<Vec<_>> = Mutex::new(wheels.iter().map(|_| Unfinished::default()).collect());
        let waiting = Mutex::new((wheels.iter().enumerate(), VecDeque::new()));
        // A wheel is opened when its turn comes: all of them would be many files and names to hold.
        let next = || -> Result<Option<(usize, Batch)>, Cancelled> {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let (wheels, batches) = &mut *waiting;
            while batches.is_empty() {
                let Some((at, wheel)) = wheels.next() else {
                    return Ok(None);
                };
                self.progress.check()?;
                match batch::of(self.ground, wheel, self.interpreter) {
                    Ok(found) => batches.extend(found.into_iter().map(|batch| (at, batch))),
                    Err(error) => {
                        unfinished.lock().unwrap_or_else(PoisonError::into_inner)[at].fail(Failure::of(error));
                    }
                }
            }
            Ok(batches.pop_front())
        };
        let deadline = Deadline::after(SECONDS);
        let work = || {
            while let Some((at, batch)) = next()? {
                let came = batch.compile(self.interpreter, self.ground.store, deadline, self.progress)?;
                let mut unfinished = unfinished.lock().unwrap_or_else(PoisonError::into_inner);
                let wheel = &mut unfinished[at];
                match came {
                    Ok(Some(archive)) => wheel.archives.push((batch.index, archive)),
                    Ok(None) => {}
                    Err(failure) => wheel.fail(failure),
                }
            }
            Ok::<_, Cancelled>(())
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            running
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })?;
        let finished = unfinished.into_inner().unwrap_or_else(PoisonError::into_inner);
        let finished = wheels.iter().zip(finished).map(|(wheel, finished)| {
            let Unfinished { mut archives, failure } = finished;
            archives.sort_by_key(|(index, _)| *index);
            let digests: Vec<Digest> = archives.into_iter().map(|(_, digest)| digest).collect();
            if let Some(Failure { reason, .. }) = &failure {
                let name = &wheel.name;
                self.progress
                    .detail(&format!("{name} has no byte code, or not all of it: {reason}"));
            }
            let is_final = failure.is_none_or(|failure| failure.is_certain);
            if is_final {
                self.ground.store.keep_note(BYTECODE, &self.key(wheel), &digests);
            }
            (wheel.digest.as_str(), (named(wheel, digests), is_final))
        });
        Ok(finished.collect())
    }
}

fn named(wheel: &Ingredient, digests: Vec<Digest>) -> Vec<Compiled> {
    let name = &wheel.name;
    let named = digests.into_iter().map(|digest| Compiled {
        name: name.clone(),
        digest,
    });
    named.collect()
}

/// Why there is no answer.
struct Failure {
    reason: String,
    /// It would fail again.
    is_certain: bool,
}

impl Failure {
    fn of(error: impl std::fmt::Display) -> Self {
        Self {
            reason: error.to_string(),
            is_certain: false,
        }
    }
}

/// What a Python says to `script`: one that knows nothing of this machine's user, and hashes as it always does. `-I` would have it hash
/// as it likes, as it ignores the variable. `streams`: what it reads, and where its answer goes instead of being answered.
fn ask(
    program: &Path,
    script: &str,
    (input, output): (Option<File>, Option<File>),
    most: usize,
    deadline: Deadline,
    progress: &dyn Progress,
) -> Result<Result<Vec<u8>, Failure>, Cancelled> {
    let question = Question {
        what: "compiling byte code",
        program,
        arguments: ["-S", "-s", "-B", "-W", "ignore", "-c", script]
            .map(Into::into)
            .to_vec(),
        environment: vec![("PYTHONHASHSEED".into(), "0".into())],
        directory: Path::new("/"),
        most,
        deadline,
    };
    let answer = question
        .start_into(input, output)
        .and_then(|asked| asked.answer(progress));
    progress.check()?;
    let certain = |reason: String| Failure {
        reason,
        is_certain: true,
    };
    Ok(match answer {
        Ok(answer) if answer.success => Ok(answer.stdout),
        Ok(answer) if answer.cut => Err(certain("there is too much of it".to_owned())),
        Ok(answer) => {
            let last = answer
                .stderr
                .lines()
                .last()
                .unwrap_or("Python ended in the midst of it");
            Err(certain(last.to_owned()))
        }
        Err(error) => Err(Failure::of(error)),
    })
}
