//! Ctrl-C and SIGTERM: the command is asked to stop, and ended where it does not.
//!
//! The first signal sets the flag that [`Progress::cancelled`](crate::progress::Progress::cancelled) shows, and what looks at it
//! or awaits stops in order. Reading, parsing and following a project look rarely, and a write to a full stderr never comes
//! back: a thread that does nothing else ends the process where that has not happened in time, or at a second signal. It may do
//! so anywhere: dist/ and every kept file are put in place by one rename, and the next run clears what a killed one left.
//!
//! A command that runs somebody else's program, which has its own time to stop, takes the signals itself meanwhile ([`take_over`]). Where it
//! does not hear the first one, since it waits for somebody to read its messages, a second one ends it here.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::explain::Fault;
use crate::process;

/// How long a command that was asked to stop may take: all is over within a second.
const GRACE: Duration = Duration::from_millis(800);
/// How long stderr may take for the last line.
const LAST_WORDS: Duration = Duration::from_millis(50);
/// The threads call little.
const STACK_BYTES: usize = 128 * 1024;

/// A command may hear a signal that much earlier than the thread that watches.
const EARLIER: Duration = Duration::from_millis(100);

/// When a command last heard one that it had taken over.
static HEARD: Mutex<Option<Instant>> = Mutex::new(None);

/// How many commands take the signals themselves.
static TAKEN_OVER: AtomicUsize = AtomicUsize::new(0);

/// Signals that ask to stop, as long as this is there: they end nothing by themselves.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

/// Has Ctrl-C and SIGTERM end nothing until what is returned is dropped: whoever has it sees to that.
///
/// # Errors
/// The system refuses what that takes; signals then do what they did.
pub fn take_over() -> io::Result<Signals> {
    let signals = Signals {
        interrupt: signal(SignalKind::interrupt())?,
        terminate: signal(SignalKind::terminate())?,
    };
    TAKEN_OVER.fetch_add(1, Ordering::SeqCst);
    Ok(signals)
}

/// Whether a command takes the signals itself.
#[must_use]
pub fn is_taken_over() -> bool {
    TAKEN_OVER.load(Ordering::SeqCst) > 0
}

impl Signals {
    /// The next one.
    pub async fn next(&mut self) {
        tokio::select! {
            Some(()) = self.interrupt.recv() => {}
            Some(()) = self.terminate.recv() => {}
            else => std::future::pending().await,
        }
        *HEARD.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        TAKEN_OVER.fetch_sub(1, Ordering::SeqCst);
    }
}

/// From now on Ctrl-C and SIGTERM set `cancelled`, and end the process where that does not.
///
/// # Errors
/// The system refuses what that takes; signals then end the process at once, as they do by default.
pub fn watch(cancelled: &Arc<AtomicBool>) -> io::Result<()> {
    let (mut signals, told) = UnixStream::pair()?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let mut first = None;
            while next(&mut signals, None) {
                if is_taken_over() {
                    match first {
                        Some(first) if !was_heard(first) && first.elapsed() >= GRACE => end(),
                        Some(first) if !was_heard(first) => {}
                        _ => first = Some(Instant::now()),
                    }
                    continue;
                }
                next(&mut signals, Some(GRACE));
                end();
            }
        })?;
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(cancelled))?;
        signal_hook::low_level::pipe::register(signal, told.try_clone()?)?;
    }
    Ok(())
}

/// Whether a command heard the signal of that time, or a later one.
fn was_heard(signal: Instant) -> bool {
    let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    heard.is_some_and(|heard| heard + EARLIER >= signal)
}

/// Waits for a signal, at most for `patience`.
fn next(signals: &mut UnixStream, patience: Option<Duration>) -> bool {
    // A limit that cannot be set is waited for in vain: then only the second signal ends the process.
    let _ = signals.set_read_timeout(patience);
    matches!(signals.read(&mut [0]), Ok(1))
}

/// Ends the programs that were started, and the process, whatever its other threads do and hold.
fn end() -> ! {
    process::end_all();
    tell();
    signal_hook::low_level::exit(i32::from(Fault::Interrupted.exit_code()))
}

/// Says so where stderr takes it: a thread may hold it and wait for somebody to read, and then so does this one.
fn tell() {
    let (say, said) = channel();
    let spoken = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        // Nobody is left to tell of a failure.
        let _ = io::stderr().write_all(b"error: interrupted\n");
        let _ = say.send(());
    });
    if spoken.is_ok() {
        let _ = said.recv_timeout(LAST_WORDS);
    }
}
