//! When to try again, and how long to wait before.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use jiff::Timestamp;

use crate::progress::Notices;

/// How often to try, and how long to wait between: full jitter, each wait is drawn evenly from nothing up to a bound that
/// doubles ([exponential backoff and jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)).
#[derive(Debug, Clone)]
pub struct Retry {
    /// How many tries in all; at least one is made.
    pub tries: u32,
    /// The bound of the first wait.
    pub base: Duration,
    /// The largest bound, which a server's `Retry-After` is cut to as well.
    pub cap: Duration,
    /// Who hears of it.
    pub notices: Notices,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            tries: 5,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(16),
            notices: Notices::default(),
        }
    }
}

impl Retry {
    /// How long to wait after the `failed`th try (counted from one), or `None` if that was the last.
    /// `asked` is the server's own wish, which goes before the draw.
    #[must_use]
    pub fn wait(&self, failed: u32, asked: Option<Duration>) -> Option<Duration> {
        if failed >= self.tries {
            return None;
        }
        if let Some(asked) = asked {
            return Some(asked.min(self.cap));
        }
        let bound = self
            .base
            .saturating_mul(1 << failed.saturating_sub(1).min(16))
            .min(self.cap);
        Some(bound.mul_f64(random_fraction()))
    }
}

/// After so long it is told what is waited for.
const WORTH_TELLING: Duration = Duration::from_secs(1);

impl Retry {
    /// Waits before the next try, and tells `why` where that is more than a moment.
    pub(crate) async fn pause(&self, wait: Duration, why: &str) {
        if let Some(told) = told(wait, why) {
            self.notices.tell(&told);
        }
        tokio::time::sleep(wait).await;
    }
}

/// What is told of waiting for another try, where it is more than a moment.
pub(crate) fn told(wait: Duration, why: &str) -> Option<String> {
    let seconds = wait.as_secs_f64().round();
    (wait >= WORTH_TELLING).then(|| format!("{why}; trying again in {seconds} s"))
}

/// Evenly from zero to one.
fn random_fraction() -> f64 {
    // The first four bytes of a version 4 UUID are random throughout.
    let (random, ..) = uuid::Uuid::new_v4().as_fields();
    f64::from(random) / f64::from(u32::MAX)
}

/// Whether a request answered so may be sent again unchanged.
pub(crate) fn is_temporary(status: StatusCode) -> bool {
    status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// The wait asked for by [`Retry-After`](https://www.rfc-editor.org/rfc/rfc9110#field.retry-after), seconds or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(date.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_end() {
        let retry = Retry::default();
        for failed in 1..5 {
            let bound = Duration::from_secs(1 << (failed - 1));
            let draws: Vec<_> = (0..50).map(|_| retry.wait(failed, None).unwrap()).collect();
            assert!(draws.iter().all(|wait| *wait <= bound), "{draws:?}");
            assert!(draws.iter().any(|wait| *wait != draws[0]), "no jitter: {draws:?}");
        }
        assert_eq!(retry.wait(5, None), None);
        assert!(Retry { tries: 90, ..retry }.wait(80, None).unwrap() <= Duration::from_secs(16));
    }

    #[test]
    fn the_servers_wish_is_honoured_up_to_the_cap() {
        let retry = Retry::default();
        assert_eq!(
            retry.wait(1, Some(Duration::from_secs(7))),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            retry.wait(1, Some(Duration::from_hours(1))),
            Some(Duration::from_secs(16))
        );
        assert_eq!(retry.wait(5, Some(Duration::from_secs(7))), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2015-10-21T07:27:30Z".parse().unwrap();
        let read = |text: &str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]), now);
        assert_eq!(read("120"), Some(Duration::from_mins(2)));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(read("Wed, 21 Oct 2015 07:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let temporary = |status| is_temporary(StatusCode::from_u16(status).unwrap());
        assert!([408, 429, 500, 502, 503, 504].into_iter().all(temporary));
        assert!(![200, 301, 400, 401, 403, 404, 409].into_iter().any(temporary));
    }
}
