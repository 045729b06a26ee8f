//! [Credential helpers](https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol): programs that Docker's
//! configuration names.
//!
//! They see the process's environment, credentials included: those for ECR work with them. But the directory that sgbuild is started
//! in does not decide which program runs.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::Credentials;
use crate::process;
use crate::secret::{Secret, without_url_credentials};

/// How long one may take: it may ask the user to unlock a keychain.
const PATIENCE: Duration = Duration::from_mins(2);
/// An answer is a few lines, a token among them.
const MOST: u64 = 1024 * 1024;

/// Asks `program` for the credentials of `host`; `None` where it has none, else why it did not do its work.
/// It is ended when nobody waits any more.
pub(super) async fn ask(program: &str, host: &str, path: Option<&str>) -> Result<Option<Credentials>, String> {
    let not_run = || "could not be run: is it installed and on PATH?".to_owned();
    let environment = [("PATH".to_owned(), path.unwrap_or_default().to_owned())];
    let (file, path) = found(program, &environment).ok_or_else(not_run)?;
    let mut command = Command::new(file);
    command
        .arg("get")
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|_| not_run())?;
    let (mut stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let talk = async {
        if let Some(stdin) = &mut stdin {
            // One that does not read says why, or that it has none.
            let _ = stdin.write_all(host.as_bytes()).await;
        }
        drop(stdin);
        let (stdout, stderr) = tokio::join!(all_of(stdout), all_of(stderr));
        (child.wait().await, stdout, stderr)
    };
    match tokio::time::timeout(PATIENCE, talk).await {
        Ok((Ok(status), stdout, stderr)) => understand(status.success(), &stdout, &stderr),
        Ok((Err(error), ..)) => Err(format!("could not be waited for: {error}")),
        Err(_) => Err(format!("did not answer within {} seconds", PATIENCE.as_secs())),
    }
}

/// The file, which is looked for by the absolute entries of `PATH` alone, and these.
fn found(program: &str, environment: &[(String, String)]) -> Option<(PathBuf, String)> {
    // A path in the name would lead elsewhere.
    let name = Some(program).filter(|name| !name.contains('/'))?;
    let file = process::find(Path::new(name), environment)?;
    Some((file, process::absolute_path(environment)?))
}

async fn all_of(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What came before an error counts.
        let _ = stream.take(MOST).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// What a helper's end means.
pub(super) fn understand(success: bool, stdout: &str, stderr: &str) -> Result<Option<Credentials>, String> {
    if success {
        let malformed = |_| "answered something that is not its protocol".to_owned();
        let answer: Answer = serde_json::from_str(stdout).map_err(malformed)?;
        return Ok(Some(credentials(answer)));
    }
    // The words of the protocol for "I have none".
    if stdout.contains("credentials not found") || stderr.contains("credentials not found") {
        return Ok(None);
    }
    // Helpers explain themselves on either stream; a failing one has printed no credentials.
    let said = [stderr, stdout].into_iter().find(|text| !text.trim().is_empty());
    let said = said.and_then(|text| text.trim().lines().next()).unwrap_or("nothing");
    Err(format!("failed: {}", without_url_credentials(said)))
}

fn credentials(answer: Answer) -> Credentials {
    match answer.username.as_str() {
        "<token>" => Credentials::IdentityToken(Secret::new(answer.secret)),
        "" if answer.secret.is_empty() => Credentials::Anonymous,
        _ => Credentials::Basic {
            username: answer.username,
            password: Secret::new(answer.secret),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    #[tokio::test]
    async fn it_is_found_by_absolute_entries_alone() {
        let directory = tempfile::tempdir_in(".").unwrap();
        let helper = directory.path().join("docker-credential-here");
        fs::write(
            &helper,
            "#!/bin/sh\necho '{\"Username\": \"'$PATH'\", \"Secret\": \"pw\"}'\n",
        )
        .unwrap();
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
        let absolute = directory.path().canonicalize().unwrap();
        let relative = directory.path().file_name().unwrap().display().to_string();
        let absolute = absolute.display().to_string();
        let ask = async |path: &str| ask("docker-credential-here", "a.example", Some(path)).await;
        let refused = ask(&format!("{relative}:.::/nonexistent")).await.unwrap_err();
        assert_eq!(refused, "could not be run: is it installed and on PATH?");
        let expected = Credentials::Basic {
            username: absolute.clone(),
            password: Secret::new("pw"),
        };
        assert_eq!(ask(&format!(".:{absolute}:")).await.unwrap(), Some(expected));
        let elsewhere = super::ask("../docker-credential-here", "a.example", Some(&absolute)).await;
        assert!(elsewhere.is_err());
    }
}
