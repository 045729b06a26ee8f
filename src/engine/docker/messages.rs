//! The JSON lines that the daemon answers a build or a push with.

use std::error::Error as StdError;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use serde::Deserialize;

use super::words::{LONGEST_MESSAGE, chain, shortened};

/// The longest line accepted, in bytes: `BuildKit`'s statuses carry a whole build graph at times.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// One line: [the daemon's `JSONMessage`](https://github.com/moby/moby/blob/master/pkg/jsonmessage/jsonmessage.go).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Message {
    /// Text of a classic build's log.
    pub(crate) stream: Option<String>,
    /// What happens to `id`, such as `Pushing`.
    pub(crate) status: Option<String>,
    /// A layer's short id, or the kind of `aux`.
    pub(crate) id: Option<String>,
    #[serde(rename = "progressDetail", default)]
    pub(crate) progress: Option<Amount>,
    #[serde(rename = "errorDetail", default)]
    error_detail: Option<ErrorDetail>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    pub(crate) aux: Option<serde_json::Value>,
}

/// How much of a layer is done, in bytes.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Amount {
    #[serde(default)]
    pub(crate) current: Option<i64>,
    /// -1 where the daemon does not know it.
    #[serde(default)]
    pub(crate) total: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct ErrorDetail {
    #[serde(default)]
    message: Option<String>,
}

impl Message {
    /// The failure that this line reports.
    pub(crate) fn failure(&self) -> Option<String> {
        let detail = self.error_detail.as_ref().and_then(|detail| detail.message.as_deref());
        let message = detail.or(self.error.as_deref()).filter(|message| !message.is_empty())?;
        Some(shortened(message, LONGEST_MESSAGE).to_owned())
    }
}

/// Splits what comes in pieces, such as an answer's body, into [`Message`]s.
pub(crate) struct Messages<S> {
    pieces: S,
    buffer: BytesMut,
    /// How far `buffer` was searched for a line's end.
    searched: usize,
}

impl<S, E> Messages<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: StdError,
{
    /// Reads `pieces` to their end.
    pub(crate) fn new(pieces: S) -> Self {
        Self {
            pieces,
            buffer: BytesMut::new(),
            searched: 0,
        }
    }

    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// Why the stream broke, or that a line is no message.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>, String> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end);
                self.buffer.advance(1);
                self.searched = 0;
                if let Some(message) = parse(&line)? {
                    return Ok(Some(message));
                }
                continue;
            }
            self.searched = self.buffer.len();
            if self.searched > LONGEST_LINE {
                return Err(format!("a line of its answer is longer than {LONGEST_LINE} bytes"));
            }
            match self.pieces.next().await {
                Some(Ok(piece)) => self.buffer.extend_from_slice(&piece),
                Some(Err(error)) => return Err(chain(&error)),
                None => {
                    self.searched = 0;
                    let rest = std::mem::take(&mut self.buffer);
                    return parse(&rest);
                }
            }
        }
    }
}

fn parse(line: &[u8]) -> Result<Option<Message>, String> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(line)
        .map(Some)
        .map_err(|error| format!("its answer is unreadable: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_found_in_either_field() {
        let message = parse(br#"{"errorDetail":{"code":1,"message":"boom"},"error":"boom"}"#)
            .unwrap()
            .unwrap();
        assert_eq!(message.failure().as_deref(), Some("boom"));
        let message = parse(b"{\"error\":\"old style\"}\r").unwrap().unwrap();
        assert_eq!(message.failure().as_deref(), Some("old style"));
        assert_eq!(parse(b" \r").unwrap().map(|_| ()), None);
        assert!(parse(b"<html>").is_err());
    }

    #[tokio::test]
    async fn lines_are_the_same_however_they_come_in_pieces() {
        let answer = "{\"stream\":\"a\"}\r\n\n{\"stream\":\"é\"}\n{\"stream\":\"no end\"}".as_bytes();
        for length in 1..=answer.len() {
            let pieces = answer
                .chunks(length)
                .map(Bytes::copy_from_slice)
                .flat_map(|piece| [piece, Bytes::new()]);
            let mut messages = Messages::new(futures_util::stream::iter(pieces.map(Ok::<_, std::io::Error>)));
            let mut said = Vec::new();
            while let Some(message) = messages.next().await.unwrap() {
                said.extend(message.stream);
            }
            assert_eq!(said, ["a", "é", "no end"], "in pieces of {length} bytes");
        }
    }
}
