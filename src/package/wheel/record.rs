//! `RECORD`: every member with its digest and size
//! (<https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file>).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text of a `RECORD`, line by line.
#[derive(Debug, Default)]
pub(super) struct Record(String);

impl Record {
    /// Adds the member `path`.
    pub(super) fn add(&mut self, path: &str, sha256: &[u8], size: u64) {
        let digest = URL_SAFE_NO_PAD.encode(sha256);
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{},sha256={digest},{size}", quoted(path));
    }

    /// The text, ended by the line of `RECORD` itself, which can name neither of its own.
    pub(super) fn finish(mut self, path: &str) -> String {
        let _ = writeln!(self.0, "{},,", quoted(path));
        self.0
    }
}

/// A field as Python's `csv` writes it.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_csv() {
        let mut record = Record::default();
        record.add("a,\"b\".py", &[0xfb; 3], 3);
        assert_eq!(
            record.finish("x-1.dist-info/RECORD"),
            "\"a,\"\"b\"\".py\",sha256=-_v7,3\nx-1.dist-info/RECORD,,\n"
        );
    }
}
