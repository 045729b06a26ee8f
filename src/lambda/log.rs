//! A function's log: one JSON object a line, as CloudWatch Logs Insights reads them.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::explain::Explain;
use crate::shown::bounded;

/// The longest value that is logged, in bytes: texts of events may be large, and CloudWatch is paid by the gigabyte.
const MAX_VALUE: usize = 4096;

/// Writes log lines to a writer; a Lambda's stderr goes to CloudWatch Logs. Clones share the writer.
#[derive(Clone)]
pub struct JsonLines {
    writer: Arc<Mutex<dyn Write + Send>>,
    request_id: Option<String>,
    stack: Option<String>,
}

impl JsonLines {
    /// A log that writes to `writer`.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self {
            writer: Arc::new(Mutex::new(writer)),
            request_id: None,
            stack: None,
        }
    }

    /// The same log of a stack's function, which has metrics among its lines.
    #[must_use]
    pub fn of_stack(&self, stack: Option<&str>) -> Self {
        Self {
            stack: stack.map(ToOwned::to_owned),
            ..self.clone()
        }
    }

    /// The same log with every line carrying this request's id.
    #[must_use]
    pub fn of_request(&self, request_id: &str) -> Self {
        Self {
            request_id: Some(request_id.to_owned()),
            ..self.clone()
        }
    }

    /// Something happened as it should; `fields` are added to the line.
    pub fn info(&self, message: &str, fields: &[(&str, &str)]) {
        self.line("INFO", message, fields);
    }

    /// Something did not happen as it should, and the work goes on.
    pub fn warn(&self, message: &str, fields: &[(&str, &str)]) {
        self.line("WARN", message, fields);
    }

    /// Something failed; what comes of it is the caller's.
    pub fn error(&self, message: &str, fields: &[(&str, &str)]) {
        self.line("ERROR", message, fields);
    }

    /// The end of an invocation: of a failure, also what `sgbuild explain` takes.
    pub fn outcome<T, E: Explain>(&self, outcome: &Result<T, E>) {
        match outcome {
            Ok(_) => self.line("INFO", "done", &[]),
            Err(error) => self.line("ERROR", &error.to_string(), &[("code", error.code().name())]),
        }
    }

    /// The stack whose function this is a log of.
    pub(super) fn stack(&self) -> Option<&str> {
        self.stack.as_deref()
    }

    /// A line with fields of any kind, that somebody has bounded.
    pub(super) fn document(&self, message: &str, fields: Map<String, Value>) {
        let mut line = self.begun("INFO", message);
        line.extend(fields);
        self.write(line);
    }

    fn line(&self, level: &str, message: &str, fields: &[(&str, &str)]) {
        let mut line = self.begun(level, message);
        let fields = fields.iter().copied();
        line.extend(fields.map(|(key, value)| (key.to_owned(), Value::from(bounded(value, MAX_VALUE)))));
        self.write(line);
    }

    fn begun(&self, level: &str, message: &str) -> Map<String, Value> {
        let request_id = self.request_id.as_deref().map(|id| ("requestId", id));
        [("level", level), ("message", message)]
            .into_iter()
            .chain(request_id)
            .map(|(key, value)| (key.to_owned(), Value::from(bounded(value, MAX_VALUE))))
            .collect()
    }

    fn write(&self, line: Map<String, Value>) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written must not fail the training.
        let _ = writeln!(writer, "{}", Value::Object(line));
    }
}

impl std::fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonLines")
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn foreign_text_makes_no_line_and_no_field_of_its_own() {
        let written = Written::default();
        let log = JsonLines::new(written.clone()).of_request("r\n1");
        log.warn(
            "odd",
            &[("key", "a\n{\"level\":\"INFO\"}\r\u{1b}[2K\0\",\"level\":\"INFO")],
        );
        log.error(&"é".repeat(1_000_000), &[]);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        insta::assert_snapshot!(
            lines[0],
            @r#"{"level":"WARN","message":"odd","requestId":"r\n1","key":"a\n{\"level\":\"INFO\"}\r\u001b[2K\u0000\",\"level\":\"INFO"}"#
        );
        assert!(lines[1].len() < 4300 && lines[1].contains("(2000000 bytes in all)"));
    }
}
