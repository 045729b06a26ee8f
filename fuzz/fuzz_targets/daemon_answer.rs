//! What the Docker daemon answers a build with: its lines, however they come in pieces, and `BuildKit`'s trace in them.
//!
//! The first byte says how many of the next ones are lengths of pieces; what follows is the answer. None of them: it is messages of the
//! trace, each behind its length in two bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::engine::docker;

fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        None => {}
        Some((0, mut rest)) => {
            let messages = std::iter::from_fn(|| {
                let (length, after) = rest.split_first_chunk()?;
                let (message, after) = after.split_at(usize::from(u16::from_be_bytes(*length)).min(after.len()));
                rest = after;
                Some(message)
            });
            docker::traces(messages);
        }
        Some((count, rest)) => {
            let (lengths, answer) = rest.split_at(usize::from(*count).min(rest.len()));
            docker::answer(answer, lengths);
        }
    }
});
