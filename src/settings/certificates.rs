//! The certificates of a PEM file, and nothing else of it.
//!
//! Source: [RFC 7468](https://www.rfc-editor.org/rfc/rfc7468), and the labels that OpenSSL takes for certificates
//! (<https://docs.openssl.org/master/man3/PEM_read_bio_PrivateKey/>), which Python's `ssl` is told of.

/// How certificates are labelled, from the usual one on.
const LABELS: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];

/// The certificate blocks of `text` as they are, in their order. Keys, requests and whatever stands between stay out: what is
/// returned reaches an image's build.
///
/// # Errors
/// There is no certificate, or one is not whole, with its line.
pub(super) fn only(text: &str) -> Result<String, String> {
    let mut certificates = String::new();
    let mut open: Option<Block> = None;
    let mut has_key = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(label) = label(line, "-----BEGIN ") {
            refuse_open(open.as_ref())?;
            has_key |= label.contains("PRIVATE KEY");
            open = LABELS.contains(&label).then(|| Block::begin(label, at + 1));
            continue;
        }
        let Some(block) = &mut open else { continue };
        if label(line, "-----END ") == Some(&block.label) {
            block.add(line);
            certificates.push_str(&block.text);
            open = None;
        } else if is_base64(line) {
            block.add(line);
        } else {
            return Err(block.broken());
        }
    }
    refuse_open(open.as_ref())?;
    if !certificates.is_empty() {
        return Ok(certificates);
    }
    Err(if has_key {
        "it holds a private key and no certificate".to_owned()
    } else {
        "it holds no certificate in PEM form".to_owned()
    })
}

/// A certificate that has begun.
struct Block {
    label: String,
    line: usize,
    text: String,
}

impl Block {
    fn begin(label: &str, line: usize) -> Self {
        Self {
            label: label.to_owned(),
            line,
            text: format!("-----BEGIN {label}-----\n"),
        }
    }

    fn add(&mut self, line: &str) {
        if !line.is_empty() {
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    fn broken(&self) -> String {
        format!("the certificate that begins on its line {} is not whole", self.line)
    }
}

fn refuse_open(open: Option<&Block>) -> Result<(), String> {
    open.map_or(Ok(()), |block| Err(block.broken()))
}

/// The label of a line such as `-----BEGIN CERTIFICATE-----`.
fn label<'a>(line: &'a str, begin: &str) -> Option<&'a str> {
    line.strip_prefix(begin)?.strip_suffix("-----")
}

fn is_base64(line: &str) -> bool {
    line.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nMIIBone+/==\n-----END CERTIFICATE-----\n";
    const KEY: &str =
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEkey\n-----END RSA PRIVATE KEY-----\n";

    #[test]
    fn only_the_certificates_are_handed_on() {
        let other = ONE.replace("CERTIFICATE", "TRUSTED CERTIFICATE").replace("one", "two");
        let request = ONE.replace("CERTIFICATE", "CERTIFICATE REQUEST");
        let text = format!(
            "# Caf\u{e9}: password=hunter2\r\n{KEY}{ONE}between{request}\n{}{KEY}",
            other.replace('\n', "\r\n")
        );
        assert_eq!(only(&text).unwrap(), format!("{ONE}{other}"));
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert_eq!(only(KEY).unwrap_err(), "it holds a private key and no certificate");
        assert_eq!(only("").unwrap_err(), "it holds no certificate in PEM form");
        let public = ONE.replace("CERTIFICATE", "PUBLIC KEY");
        assert_eq!(only(&public).unwrap_err(), "it holds no certificate in PEM form");
    }

    #[test]
    fn a_certificate_that_is_not_whole_is_named_by_its_line() {
        let open = "-----BEGIN CERTIFICATE-----\nMIIB\n";
        for text in [
            format!("\n{open}"),
            format!("\n{open}{KEY}"),
            format!("\n{open}password: hunter2\n-----END CERTIFICATE-----\n"),
            format!("\n{open}-----END PRIVATE KEY-----\n"),
        ] {
            assert_eq!(
                only(&text).unwrap_err(),
                "the certificate that begins on its line 2 is not whole",
                "{text}"
            );
        }
    }
}
