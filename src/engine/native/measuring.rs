//! What layers come to: as it is known, as the last image tells, or measured, several at once and as soon as their wheels are here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::runtime::Handle;

use super::Error;
use super::build::LAYERS;
use super::carrier::Carrier;
use super::last::Last;
use super::layers::{Ground, Recipe};
use super::resolve::Resolved;
use super::splice::{self, Entry, Measured, Tools};
use super::store::{Sites, Wheel};
use crate::explain::{Explain as _, Fault};
use crate::oci::Digest;
use crate::progress::{Abandonable, Cancelled, Progress};

/// How often it is looked whether the work is to end, where something else is waited for.
const LOOKS: Duration = Duration::from_millis(50);

/// What measuring takes.
#[derive(Clone, Copy)]
pub(super) struct Measuring<'a> {
    pub(super) ground: &'a Ground<'a>,
    /// Takes away what is measured, where it is known where to.
    pub(super) carrier: Option<&'a Carrier>,
    pub(super) progress: &'a dyn Progress,
    /// Is set where something was fetched or made that was not there.
    pub(super) made: &'a AtomicBool,
}

impl Measuring<'_> {
    /// What each layer comes to, in the order of `recipes`, all of whose wheels are here but of those that the `last` image tells of.
    ///
    /// # Errors
    /// A damaged wheel, or one that no installer takes; the user interrupted.
    pub(super) fn all(&self, recipes: &[Recipe], last: Option<&Last>) -> Result<Vec<Measured>, Error> {
        let ground = self.ground;
        let known = |recipe| {
            let key = ground.key(recipe);
            let told = || last?.layer(&key).cloned();
            ground.store.note(LAYERS, &key).or_else(told)
        };
        let mut known: Vec<Option<Measured>> = recipes.iter().map(known).collect();
        let is_to_be_done = |at: &usize| {
            let recipe = &recipes[*at];
            let is_wanted = |known: &Measured| self.carrier.is_some_and(|carrier| carrier.wants(&known.digest));
            let is_told = || last.is_some_and(|last| last.layer(&ground.key(recipe)).is_some());
            known[*at].as_ref().is_none_or(|known| is_wanted(known) && !is_told())
        };
        let waiting: Vec<usize> = (0..recipes.len()).filter(is_to_be_done).collect();
        if waiting.is_empty() {
            return Ok(known.into_iter().flatten().collect());
        }
        let (send, coming) = mpsc::channel();
        for at in waiting {
            // The receiver is here.
            let _ = send.send(at);
        }
        drop(send);
        let progress = &Abandonable::new(self.progress);
        for (at, measured) in (Measuring { progress, ..*self }).as_they_come(recipes, coming, progress)? {
            known[at] = Some(measured);
        }
        Ok(known.into_iter().flatten().collect())
    }

    /// What those of `recipes` come to whose numbers are `coming`, measured on all processors; one that fails ends what is done beside it.
    ///
    /// # Errors
    /// As [`Self::all`].
    fn as_they_come(
        &self,
        recipes: &[Recipe],
        coming: Receiver<usize>,
        beside: &Abandonable<'_>,
    ) -> Result<Vec<(usize, Measured)>, Error> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let coming = Mutex::new(coming);
        let next = || coming.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
        let work = || {
            let (mut measured, mut tools) = (Vec::new(), Tools::default());
            while let Some(at) = next() {
                measured.push((at, ended(self.one(&recipes[at], &mut tools), beside)?));
            }
            Ok::<_, Error>(measured)
        };
        let done = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads.min(recipes.len())).map(|_| scope.spawn(work)).collect();
            together(running.into_iter().map(joined))
        })?;
        Ok(done.into_iter().flatten().collect())
    }

    /// Fetches `wheels`, in their order, and has each of `recipes` measured, and sent, when the last of its wheels is here: it is found again
    /// where it is asked for.
    ///
    /// # Errors
    /// A wheel cannot be had; and as [`Self::all`].
    pub(super) fn while_fetching(
        &self,
        recipes: &[Recipe],
        wheels: &[&Resolved],
        sites: &Sites,
    ) -> Result<Vec<Wheel>, Error> {
        if wheels.is_empty() {
            return Ok(Vec::new());
        }
        self.made.store(true, Ordering::Relaxed);
        let progress = &Abandonable::new(self.progress);
        let measuring = Measuring { progress, ..*self };
        let (ready, coming) = mpsc::channel();
        let runtime = Handle::current();
        let (fetched, measured) = std::thread::scope(|scope| {
            let fetching = scope.spawn(move || {
                let fetched = runtime.block_on(async {
                    tokio::select! {
                        biased;
                        fetched = measuring.fetched(recipes, wheels, sites, &ready) => fetched,
                        () = cancelled(progress) => Err(Cancelled.into()),
                    }
                });
                ended(fetched, progress)
            });
            let measured = measuring.as_they_come(recipes, coming, progress);
            (joined(fetching), measured)
        });
        together([fetched.map(Some), measured.map(|_| None)]).map(|done| done.into_iter().flatten().flatten().collect())
    }

    /// Fetches `wheels`; `ready` hears of each of `recipes` all of whose wheels are here.
    async fn fetched(
        &self,
        recipes: &[Recipe],
        wheels: &[&Resolved],
        sites: &Sites,
        ready: &Sender<usize>,
    ) -> Result<Vec<Wheel>, Error> {
        let place = |wheel: &Resolved| {
            let digest = wheel.digest()?;
            let is_in = |recipe: &Recipe| recipe.wheels.iter().any(|it| it.digest == *digest);
            recipes.iter().position(is_in)
        };
        let mut groups: BTreeMap<Option<usize>, Vec<usize>> = (0..recipes.len()).map(|at| (Some(at), vec![])).collect();
        for (at, wheel) in wheels.iter().enumerate() {
            groups.entry(place(wheel)).or_default().push(at);
        }
        let one = |at: usize| async move {
            let fetched = self.ground.store.fetch_one(wheels[at], sites, self.progress).await?;
            Ok::<_, Error>((at, fetched))
        };
        let group = |(recipe, members): (Option<usize>, Vec<usize>)| async move {
            let fetched = try_join_all(members.into_iter().map(one)).await?;
            if let Some(recipe) = recipe {
                // Nobody measures any more where that failed.
                let _ = ready.send(recipe);
            }
            Ok::<_, Error>(fetched)
        };
        let fetched = try_join_all(groups.into_iter().map(group)).await?;
        let fetched: BTreeMap<usize, Wheel> = fetched.into_iter().flatten().collect();
        Ok(fetched.into_values().collect())
    }

    fn one(&self, recipe: &Recipe, tools: &mut Tools) -> Result<Measured, Error> {
        let ground = self.ground;
        let entries: Arc<[Entry]> = ground.entries(recipe)?;
        let by_paths = ground.key_by_paths(recipe, &entries);
        let key = ground.key(recipe);
        let known = ground.store.note(LAYERS, &key);
        let measured = if let Some(measured) = known.or_else(|| ground.store.note(LAYERS, &by_paths)) {
            measured
        } else {
            self.made.store(true, Ordering::Relaxed);
            self.progress.raw(&format!("making the layer of {}", recipe.title));
            splice::measure_with(tools, &entries, self.progress).inspect_err(|error| discard(error, ground, recipe))?
        };
        for key in [by_paths, key] {
            ground.store.keep_note(LAYERS, &key, &measured);
        }
        if let Some(carrier) = self.carrier {
            carrier.layer(&entries, &measured);
        }
        Ok(measured)
    }
}

/// What a thread came to.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Of work beside other work: ends that too where it failed.
fn ended<T>(outcome: Result<T, Error>, progress: &Abandonable<'_>) -> Result<T, Error> {
    outcome.inspect_err(|_| progress.abandon())
}

/// What several came to of which one's failure ends the others: all of it, or that failure.
fn together<T>(outcomes: impl IntoIterator<Item = Result<T, Error>>) -> Result<Vec<T>, Error> {
    let is_end = |error: &Error| error.advice().fault == Fault::Interrupted;
    let (mut done, mut failure) = (Vec::new(), None);
    for outcome in outcomes {
        match outcome {
            Ok(one) => done.push(one),
            Err(error) if failure.as_ref().is_none_or(is_end) => failure = Some(error),
            Err(_) => {}
        }
    }
    failure.map_or(Ok(done), Err)
}

/// Ends when the work is to end.
async fn cancelled(progress: &dyn Progress) {
    while !progress.cancelled() {
        tokio::time::sleep(LOOKS).await;
    }
}

/// Takes a wheel out that turned out to be damaged, so that the next run fetches it anew.
fn discard(error: &Error, ground: &Ground<'_>, recipe: &Recipe) {
    let Error::Wheel { path, .. } = error else { return };
    let is_it = |digest: &Digest| ground.store.get(digest).as_ref() == Some(path);
    if let Some(damaged) = recipe.archives().find(|digest| is_it(digest)) {
        ground.store.discard(damaged);
    }
}
