//! Time, as the functions read it and wait for it.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use jiff::Timestamp;

/// A clock.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;
    /// Waits.
    async fn sleep(&self, time: Duration);
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// What `work` comes to, if it does within `time`; it is given up otherwise.
pub(super) async fn within<T>(clock: &dyn Clock, time: Duration, work: impl Future<Output = T> + Send) -> Option<T> {
    let work = std::pin::pin!(work);
    match select(work, clock.sleep(time)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
