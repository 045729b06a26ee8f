//! What following a project's code may cost altogether: work, memory and time.
//!
//! One line can ask for more than any machine has, in a loop as well as in a comparison of two long texts. So whatever goes through
//! something takes the work from an account first, and stops where nothing is left in it. Values that are computed after that are
//! not right; the machine looks at the account before it uses any.
//!
//! There is one account a thread, not a machine: objects are compared and written out where no machine is at hand, and a machine
//! stays in its thread.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Work that one run may take, a unit for each item that is looked at: more than any `setup.py` takes, less than anybody waits
/// for.
const MOST_WORK: u64 = 20_000_000;
/// What a step of the program counts for.
pub(super) const STEP: usize = 96;
/// Bytes of a text that are looked at for one unit.
const BYTES_AT_ONCE: usize = 16;
/// Bytes that one run may make, those that are dropped again included.
const MOST_BYTES: u64 = 128_000_000;
/// How long a run may take, if the work of something is estimated too low. As a rule the other limits end a run long before.
const MOST_TIME: Duration = Duration::from_secs(5);
/// How often the clock is looked at, in units of work.
const CLOCK: u64 = 50_000;

/// What is left.
#[derive(Clone, Copy)]
struct Account {
    work: u64,
    bytes: u64,
    /// When the run began.
    since: Option<Instant>,
    /// Work that was left when the clock was looked at.
    looked_at: u64,
}

thread_local! {
    static ACCOUNT: Cell<Account> = const {
        Cell::new(Account { work: 0, bytes: 0, since: None, looked_at: 0 })
    };
}

/// Opens the account of a run that begins.
pub(super) fn begin() {
    ACCOUNT.set(Account {
        work: MOST_WORK,
        bytes: MOST_BYTES,
        since: Some(Instant::now()),
        looked_at: MOST_WORK,
    });
}

/// Takes so much work from the account; `None` where that is more than is left, and for everything after.
pub(super) fn work(amount: usize) -> Option<()> {
    let mut account = ACCOUNT.get();
    account.work = account.work.saturating_sub(amount as u64);
    if account.looked_at - account.work > CLOCK {
        account.looked_at = account.work;
        if account.since.is_some_and(|since| since.elapsed() > MOST_TIME) {
            account.work = 0;
            account.looked_at = 0;
        }
    }
    ACCOUNT.set(account);
    (account.work > 0).then_some(())
}

/// The same for bytes that are made.
pub(super) fn bytes(amount: usize) -> Option<()> {
    let mut account = ACCOUNT.get();
    account.bytes = account.bytes.saturating_sub(amount as u64);
    ACCOUNT.set(account);
    (account.bytes > 0).then_some(())
}

/// Takes the work of going through a text.
pub(super) fn reading(text: &str) -> Option<()> {
    work(of_bytes(text.len()))
}

/// The work of going through so many bytes.
pub(super) fn of_bytes(length: usize) -> usize {
    1 + length / BYTES_AT_ONCE
}

/// Whether nothing is left.
pub(super) fn is_over() -> bool {
    let account = ACCOUNT.get();
    account.work == 0 || account.bytes == 0
}
