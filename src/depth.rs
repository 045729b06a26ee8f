//! Work on trees that are as deep as a text makes them: parsers, and what goes through their trees, call themselves for each level.

/// The longest text whose tree [`on_large_stack`] has room for, be it one level a character or two (`-` or `not` repeated).
pub(crate) const MAX_BYTES: usize = 128 * 1024;
/// The memory is only reserved.
const STACK_BYTES: usize = 512 * 1024 * 1024;

/// Does `work` on a stack of its own that is large enough; `None` where the system has no room for one.
pub(crate) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let started = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work);
        started.ok()?.join().ok()
    })
}
