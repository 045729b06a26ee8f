//! Asking a program for something small: its exact answer, bounded in length and time.
//!
//! For programs that are fast and leave nothing running, such as git: what they say comes at once, and `/proc` is searched for what
//! they started only where they had to be stopped.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::Error;
use super::descendants::Family;
use crate::progress::Progress;

/// How often the time limit and Ctrl-C are looked at while a program is silent.
const WATCH: Duration = Duration::from_millis(50);
/// A program that closed its streams ends at once.
const END: Duration = Duration::from_micros(200);
/// How much of its complaint is kept.
const COMPLAINT: usize = 64 * 1024;

/// When something must be over, however many programs it takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    seconds: u64,
}

impl Deadline {
    /// So many seconds from now.
    pub(crate) fn after(seconds: u64) -> Self {
        let at = Instant::now() + Duration::from_secs(seconds);
        Self { at, seconds }
    }

    /// Whether `what` may go on: there is time, and the user has not interrupted.
    pub(crate) fn still_wanted(&self, what: &str, progress: &dyn Progress) -> Result<(), Error> {
        progress.check()?;
        if Instant::now() >= self.at {
            return Err(Error::TimedOut {
                what: what.to_owned(),
                seconds: self.seconds,
            });
        }
        Ok(())
    }
}

/// A program and what it is asked.
pub(crate) struct Question<'a> {
    /// What is being done, for messages.
    pub(crate) what: &'a str,
    /// A path; names are not looked up.
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<OsString>,
    /// All that it sees.
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) directory: &'a Path,
    /// The most bytes of an answer; a program that says more is stopped.
    pub(crate) most: usize,
    pub(crate) deadline: Deadline,
}

/// What it said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) success: bool,
    pub(crate) stdout: Vec<u8>,
    /// There was more than wanted, and the program was stopped there.
    pub(crate) cut: bool,
    pub(crate) stderr: String,
}

impl Question<'_> {
    /// Starts the program, which is given the file `input` to read, or nothing; several may run at once.
    pub(crate) fn start(&self, input: Option<File>) -> Result<Asked, Error> {
        self.start_into(input, None)
    }

    /// Starts it as [`Question::start`] does. What it says goes into the file `output`, where there is one, and not into the answer.
    pub(crate) fn start_into(&self, input: Option<File>, output: Option<File>) -> Result<Asked, Error> {
        let not_started = |error: io::Error| Error::NotStarted {
            program: self.program.to_owned(),
            reason: error.to_string(),
        };
        if let Some(mut input) = input.as_ref() {
            input.rewind().map_err(not_started)?;
        }
        let mut command = Command::new(self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.directory)
            .stdin(input.map_or_else(Stdio::null, Stdio::from))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let (mut child, family) = Family::start(&mut command).map_err(not_started)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // From here on, dropping this stops the program.
        let mut asked = Asked {
            what: self.what.to_owned(),
            child,
            family: Some(family),
            stdout: None,
            stderr: None,
            deadline: self.deadline,
        };
        let unread = || io::Error::other("its output cannot be read");
        let stdout = stdout.ok_or_else(unread).map_err(not_started)?;
        asked.stdout = Some(read(stdout, self.most, output).map_err(not_started)?);
        let stderr = stderr.ok_or_else(unread).map_err(not_started)?;
        asked.stderr = Some(read(stderr, COMPLAINT, None).map_err(not_started)?);
        Ok(asked)
    }
}

/// Bytes of a stream, and whether there were more.
struct Said {
    bytes: Vec<u8>,
    cut: bool,
}

/// Reads the stream in a thread of its own, to its end or until there is too much; into the file `output` where there is one.
fn read(stream: impl Read + Send + 'static, most: usize, output: Option<File>) -> io::Result<Receiver<Said>> {
    let (send, receive) = channel();
    let reading = move || {
        let mut stream = stream.take(most as u64 + 1);
        let mut bytes = Vec::new();
        // What came before an error counts; the program's end says whether it did its work.
        let _ = match output {
            Some(mut output) => io::copy(&mut stream, &mut output),
            None => stream.read_to_end(&mut bytes).map(|length| length as u64),
        };
        let cut = stream.limit() == 0;
        bytes.truncate(most);
        // Nobody listens where the program was stopped.
        let _ = send.send(Said { bytes, cut });
    };
    thread::Builder::new().spawn(reading)?;
    Ok(receive)
}

/// A program that runs. It is stopped when dropped.
pub(crate) struct Asked {
    what: String,
    child: Child,
    family: Option<Family>,
    stdout: Option<Receiver<Said>>,
    stderr: Option<Receiver<Said>>,
    deadline: Deadline,
}

impl Asked {
    /// Waits for the answer; stops the program when it takes too long, says too much or the user interrupts.
    pub(crate) fn answer(mut self, progress: &dyn Progress) -> Result<Answer, Error> {
        let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
        let said = self.hear(stdout, progress)?;
        if said.cut {
            return Ok(Answer {
                success: false,
                stdout: said.bytes,
                cut: true,
                stderr: String::new(),
            });
        }
        let complaint = self.hear(stderr, progress)?;
        let status = self.end(progress)?;
        Ok(Answer {
            success: status.success(),
            stdout: said.bytes,
            cut: false,
            stderr: String::from_utf8_lossy(&complaint.bytes).into_owned(),
        })
    }

    fn hear(&self, stream: Option<Receiver<Said>>, progress: &dyn Progress) -> Result<Said, Error> {
        let nothing = Said {
            bytes: Vec::new(),
            cut: false,
        };
        let Some(stream) = stream else { return Ok(nothing) };
        loop {
            match stream.recv_timeout(WATCH) {
                Ok(said) => return Ok(said),
                Err(RecvTimeoutError::Disconnected) => return Ok(nothing),
                Err(RecvTimeoutError::Timeout) => self.still_wanted(progress)?,
            }
        }
    }

    fn end(&mut self, progress: &dyn Progress) -> Result<ExitStatus, Error> {
        loop {
            let ended = self.child.try_wait().map_err(|error| Error::NotStarted {
                program: self.what.clone().into(),
                reason: error.to_string(),
            })?;
            if let Some(status) = ended {
                if let Some(family) = self.family.take() {
                    family.ended();
                }
                return Ok(status);
            }
            self.still_wanted(progress)?;
            thread::sleep(END);
        }
    }

    fn still_wanted(&self, progress: &dyn Progress) -> Result<(), Error> {
        self.deadline.still_wanted(&self.what, progress)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(family) = self.family.take() {
            family.end(&mut self.child);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn shell(script: &str, seconds: u64) -> Asked {
        shell_into(None, script, seconds)
    }

    fn shell_into(output: Option<File>, script: &str, seconds: u64) -> Asked {
        let question = Question {
            what: "the script",
            program: Path::new("/bin/sh"),
            arguments: vec!["-c".into(), script.into()],
            environment: Vec::new(),
            directory: Path::new("/"),
            most: 1000,
            deadline: Deadline::after(seconds),
        };
        question.start_into(None, output).unwrap()
    }

    #[test]
    fn several_answer_at_once_and_streams_are_told_apart() {
        let (first, second) = (shell("echo one; echo two >&2", 10), shell("echo three; exit 3", 10));
        let (first, second) = (first.answer(&Silent).unwrap(), second.answer(&Silent).unwrap());
        assert!(first.success && first.stdout == b"one\n" && first.stderr == "two\n");
        assert!(!second.success && second.stdout == b"three\n" && !second.cut);
    }

    #[test]
    fn an_answer_may_go_into_a_file() {
        for (script, length, cut) in [
            ("echo one; echo two >&2", 4, false),
            ("printf %1000s x", 1000, false),
            ("printf %1001s x; sleep 60", 1001, true),
        ] {
            let file = tempfile::tempfile().unwrap();
            let answer = shell_into(Some(file.try_clone().unwrap()), script, 10).answer(&Silent);
            let answer = answer.unwrap();
            assert_eq!((answer.success, answer.cut), (!cut, cut), "{script}");
            assert_eq!(
                (answer.stdout.len(), file.metadata().unwrap().len()),
                (0, length),
                "{script}"
            );
        }
    }

    #[test]
    fn one_that_says_too_much_or_takes_too_long_is_stopped() {
        let endless = shell("while :; do echo again; done", 10).answer(&Silent).unwrap();
        assert!(endless.cut && endless.stdout.len() == 1000);
        let started = Instant::now();
        let late = shell("sleep 60", 1).answer(&Silent);
        assert!(matches!(late, Err(Error::TimedOut { seconds: 1, .. })));
        let silent = shell("exec >&- 2>&-; sleep 60", 1).answer(&Silent);
        assert!(matches!(silent, Err(Error::TimedOut { .. })));
        drop(shell("sleep 60", 60));
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}
