//! Time that passes when nobody has anything left to do, and the tasks that it passes for. The same tasks run in the same order, always.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use jiff::Timestamp;

/// What is done beside other things.
pub(super) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// When every world begins: 2026-11-24T00:00:00Z.
const BEGIN_MS: i64 = 1_795_478_400_000;

/// The time of a world. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Time(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// Milliseconds since the world began.
    now: u64,
    counted: u64,
    /// Who is to be woken, by when, and in the order of going to sleep.
    asleep: BTreeMap<(u64, u64), Waker>,
}

impl Time {
    pub(super) fn now(&self) -> Timestamp {
        let now = i64::try_from(self.0.lock().unwrap().now).unwrap();
        Timestamp::from_millisecond(BEGIN_MS + now).unwrap()
    }

    /// How long the world has been there.
    pub(super) fn passed(&self) -> Duration {
        Duration::from_millis(self.0.lock().unwrap().now)
    }

    pub(super) fn sleep(&self, time: Duration) -> Sleep {
        let mut inner = self.0.lock().unwrap();
        inner.counted += 1;
        let until = inner.now + u64::try_from(time.as_millis()).unwrap();
        Sleep {
            time: self.clone(),
            place: (until, inner.counted),
        }
    }

    /// Runs all tasks to their ends, those included that `begun` answers with meanwhile.
    pub(super) fn run(&self, mut begun: impl FnMut() -> Vec<Task>) {
        let mut tasks: Vec<(Task, Arc<Flag>)> = Vec::new();
        loop {
            let begun = begun().into_iter();
            tasks.extend(begun.map(|task| (task, Arc::new(Flag(AtomicBool::new(true))))));
            tasks.retain_mut(|(task, flag)| {
                let is_awake = flag.0.swap(false, Ordering::Relaxed);
                let waker = Waker::from(Arc::clone(flag));
                !is_awake || task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
            });
            if tasks.iter().any(|(_, flag)| flag.0.load(Ordering::Relaxed)) {
                continue;
            }
            let mut inner = self.0.lock().unwrap();
            let Some(((until, _), waker)) = inner.asleep.pop_first() else {
                break;
            };
            inner.now = until;
            drop(inner);
            waker.wake();
        }
        assert!(tasks.is_empty(), "a task waits for nothing");
    }
}

/// Whether a task is to be looked at.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) struct Sleep {
    time: Time,
    place: (u64, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.time.0.lock().unwrap();
        if inner.now >= self.place.0 {
            return Poll::Ready(());
        }
        inner.asleep.insert(self.place, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.time.0.lock().unwrap().asleep.remove(&self.place);
    }
}
