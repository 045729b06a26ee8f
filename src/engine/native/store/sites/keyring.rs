//! Passwords that a keyring keeps, asked for as uv and pip do: `keyring get SERVICE USER`
//! (<https://docs.astral.sh/uv/concepts/authentication/http/#keyring>).

use std::path::Path;

use url::Url;

use crate::process::{self, Deadline, Question};
use crate::progress::Progress;
use crate::secret::Secret;

/// Some ask an account in the cloud.
const SECONDS: u64 = 30;
/// Tokens have some thousand bytes.
const LONGEST: usize = 64 << 10;

/// The password of `user` for an index: by its URL, else by its host. `None` where there is no keyring, or it knows none.
pub(super) fn password(
    index: &Url,
    user: &str,
    environment: &[(String, String)],
    progress: &dyn Progress,
) -> Option<Secret> {
    let program = process::find(Path::new("keyring"), environment)?;
    let deadline = Deadline::after(SECONDS);
    let ask = |service: &str| {
        let question = Question {
            what: "asking the keyring",
            program: &program,
            arguments: ["get", service, user].map(Into::into).to_vec(),
            environment: environment
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            directory: Path::new("/"),
            most: LONGEST,
            deadline,
        };
        let answer = question.start(None).ok()?.answer(progress).ok()?;
        let text = String::from_utf8(answer.stdout).ok()?;
        let password = text.trim_end_matches(['\r', '\n']);
        (answer.success && !answer.cut && !password.is_empty()).then(|| Secret::new(password))
    };
    ask(index.as_str()).or_else(|| ask(index.host_str()?))
}
