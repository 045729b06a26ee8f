//! What the daemon says, and why it says nothing, in as many words as people read.

/// A message, and an error's body, are read up to this many bytes.
pub(crate) const LONGEST_MESSAGE: usize = 64 * 1024;

/// The beginning of `text`, of at most so many bytes.
pub(crate) fn shortened(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = text + ": " + &said;
        }
        cause = inner.source();
    }
    text
}
