//! Lines of a container's log, of the pieces in which the daemon sends it.

use bollard::container::LogOutput;

/// A line that is longer is shown in pieces.
const LONGEST_LINE: usize = 64 * 1024;

/// What was begun of each stream's lines.
#[derive(Default)]
pub(super) struct Lines {
    stdout: LogStream,
    stderr: LogStream,
}

impl Lines {
    /// Takes a piece, and gives each line that it ends.
    pub(super) fn take(&mut self, piece: &LogOutput, each: &mut (dyn FnMut(&str) + Send)) {
        let stream = match piece {
            LogOutput::StdErr { .. } => &mut self.stderr,
            LogOutput::StdOut { .. } | LogOutput::StdIn { .. } | LogOutput::Console { .. } => &mut self.stdout,
        };
        stream.take(piece.as_ref(), each);
    }

    /// Gives what has no end.
    pub(super) fn end(&mut self, each: &mut (dyn FnMut(&str) + Send)) {
        self.stdout.end(each);
        self.stderr.end(each);
    }
}

/// The line that was begun of one stream.
#[derive(Default)]
pub(crate) struct LogStream {
    begun: Vec<u8>,
}

impl LogStream {
    /// Takes a piece, and gives each line that it ends.
    pub(crate) fn take(&mut self, piece: &[u8], each: &mut (dyn FnMut(&str) + Send)) {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(&rest[..end]);
            self.give(each);
            rest = &rest[end + 1..];
        }
        self.begun.extend_from_slice(rest);
        if self.begun.len() > LONGEST_LINE {
            self.give(each);
        }
    }

    /// Gives what has no end.
    pub(crate) fn end(&mut self, each: &mut (dyn FnMut(&str) + Send)) {
        if !self.begun.is_empty() {
            self.give(each);
        }
    }

    fn give(&mut self, each: &mut (dyn FnMut(&str) + Send)) {
        let line = String::from_utf8_lossy(&self.begun);
        each(line.strip_suffix('\r').unwrap_or(&line));
        self.begun.clear();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn lines(pieces: &[(bool, &'static [u8])]) -> Vec<String> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for (is_error, bytes) in pieces {
            let message = Bytes::from_static(bytes);
            let piece = if *is_error {
                LogOutput::StdErr { message }
            } else {
                LogOutput::StdOut { message }
            };
            lines.take(&piece, &mut |line| found.push(line.to_owned()));
        }
        lines.end(&mut |line| found.push(line.to_owned()));
        found
    }

    #[test]
    fn lines_are_whole_whatever_the_pieces_are() {
        let pieces: [(bool, &[u8]); 5] = [
            (false, b"loss="),
            (true, b"careful\r\n"),
            (false, b"0.5\n\nac"),
            (true, b"\xffno end"),
            (false, b"curacy=1\n"),
        ];
        assert_eq!(
            lines(&pieces),
            ["careful", "loss=0.5", "", "accuracy=1", "\u{fffd}no end"]
        );
    }

    #[test]
    fn a_line_without_an_end_is_not_kept_for_ever() {
        static LONG: [u8; 50_000] = [b'x'; 50_000];
        let found = lines(&[(false, &LONG), (false, &LONG), (false, b"y\n")]);
        assert_eq!(found.iter().map(String::len).collect::<Vec<_>>(), [100_000, 1]);
    }
}
