//! Dockerfiles that the user wrote, held against what SageMaker runs: `docker run IMAGE train`, with directories of its own below /opt/ml.
//!
//! Sources: [your own training container](https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-dockerfile.html),
//! [what is mounted](https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html).

mod parsed;
mod train;

use std::path::PathBuf;

use self::parsed::{Form, Instruction, Parsed, is_computed};
use super::exceptions;
use super::finding::{Finding, Fix, Place};
use super::package::Looked;
use super::rule::Rule;

/// Where SageMaker puts its own in every training: nothing of the image is seen there. `/opt/ml/checkpoints` is mounted only where a job keeps
/// checkpoints.
const MOUNTED: [&str; 2] = ["/opt/ml/input", "/opt/ml/output"];
/// Where images have scripts, and nothing is mounted in a training: of the
/// [training toolkit](https://github.com/aws/sagemaker-training-toolkit), and of
/// [processing jobs](https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html).
const LEFT_ALONE: [&str; 2] = ["/opt/ml/code", PROCESSING];
const PROCESSING: &str = "/opt/ml/processing";
/// What is written for a training, or for an endpoint of the same image; the word `sagemaker` alone is also in what only calls SageMaker.
const OF_TRAINING: [&str; 6] = [
    "/opt/ml",
    "/opt/program",
    "sagemaker_program",
    "sagemaker_submit_directory",
    "sagemaker-training",
    "sagemaker-containers",
];
const DRIVERS: [&str; 6] = [
    "nvidia-driver-",
    "libnvidia-compute-",
    "nvidia-dkms-",
    "cuda-drivers",
    "nvidia-headless-",
    "NVIDIA-Linux-x86_64-",
];
/// tini, by the names that it has.
const INITS: [&str; 4] = ["tini", "tini-static", "docker-init", "tini-amd64"];

/// A Dockerfile to look at.
#[derive(Debug)]
pub struct Dockerfile {
    /// As it is named to people.
    pub name: String,
    /// What it holds, or why it cannot be read.
    pub text: Result<String, String>,
    /// What its `COPY` lines are relative to.
    pub context: PathBuf,
    /// Whether it is certainly for SageMaker: the setting or the flag names it, or it says so itself. What is found in another is a
    /// warning, as it may be for something else.
    pub is_meant: bool,
    /// Whether the project installs a program `train`.
    pub brings_train: bool,
}

impl Dockerfile {
    /// Whether a text says, outside its comments, that it is for a training in SageMaker. One for a processing job is not.
    #[must_use]
    pub fn is_for_training(text: &str) -> bool {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        lines
            .map(|line| line.to_lowercase().replace(PROCESSING, ""))
            .any(|line| OF_TRAINING.iter().any(|word| line.contains(word)))
    }
}

/// Looks at one Dockerfile.
pub(super) fn look(dockerfile: &Dockerfile) -> Looked {
    let name = &dockerfile.name;
    let unreadable = |why: &str| Looked {
        findings: vec![
            Finding::new(
                Rule::DockerfileUnreadable,
                why,
                "Give it as UTF-8 text with a FROM line.",
            )
            .at(Place::file(name.clone()))
            .certain(dockerfile.is_meant),
        ],
        ..Looked::default()
    };
    let text = match &dockerfile.text {
        Ok(text) => text,
        Err(why) => return unreadable(why),
    };
    let Some(parsed) = Parsed::of(text) else {
        return unreadable("it has no FROM line");
    };
    let seen = Seen {
        dockerfile,
        text,
        parsed: &parsed,
    };
    let mut findings = Vec::new();
    findings.extend(seen.entry_point());
    findings.extend(seen.content());
    findings.extend(train::missing(&seen));
    findings.extend(seen.user());
    findings.extend(seen.drivers());
    Looked {
        findings,
        exceptions: exceptions::in_text(name, text),
    }
}

/// A Dockerfile that was read.
struct Seen<'a> {
    dockerfile: &'a Dockerfile,
    text: &'a str,
    parsed: &'a Parsed,
}

impl Seen<'_> {
    fn found(&self, rule: Rule, at: &Instruction, message: impl Into<String>, advice: &str) -> Finding {
        Finding::new(rule, message, advice)
            .at(Place::line(self.dockerfile.name.clone(), at.line))
            .certain(self.dockerfile.is_meant)
    }

    fn entry_point(&self) -> Option<Finding> {
        let entry = self.parsed.last("ENTRYPOINT")?;
        let first = match entry.form() {
            Form::Exec(words) => words.first().cloned()?,
            Form::Shell(line) => {
                let first = line.split_whitespace().next()?.to_owned();
                if !is_init(&first) {
                    return Some(self.shell_form(entry, &line));
                }
                first
            }
            Form::Unknown => return None,
        };
        is_init(&first).then(|| {
            self.found(
                Rule::InitEntryPoint,
                entry,
                format!("the entry point is {first}, which AWS says is confused by the arguments train and serve"),
                "Name the program itself: ENTRYPOINT [\"python\", \"train.py\"]. SageMaker's SIGTERM then reaches it; it must handle it, as \
                 the first process of a container ignores it otherwise.",
            )
        })
    }

    fn shell_form(&self, entry: &Instruction, line: &str) -> Finding {
        // After `exec` there is no shell any more: the program is the first process, and may need no argument.
        let is_replaced = line.starts_with("exec ") && !line.contains(['&', ';', '|']);
        let message = if line.starts_with('[') {
            "the entry point is no list, as that is JSON with double quotes and nothing behind it: a shell is given the brackets"
        } else if is_replaced {
            "the entry point is in shell form, which does not hand on the argument train"
        } else {
            "the entry point is in shell form: a shell is the first process, which hands on neither the argument train nor SIGTERM"
        };
        let finding = self
            .found(
                Rule::ShellEntryPoint,
                entry,
                message,
                "Write it as a list: ENTRYPOINT [\"python\", \"train.py\"].",
            )
            .certain(self.dockerfile.is_meant && !is_replaced);
        let is_plain = line
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " ./_-=:,@%+".contains(c));
        let words = shlex::split(line.strip_prefix("exec ").unwrap_or(line));
        let Some((words, was)) = words.zip(entry.whole.clone()).filter(|_| is_plain) else {
            return finding;
        };
        let list = serde_json::to_string(&words)
            .unwrap_or_default()
            .replace("\",\"", "\", \"");
        let before = was.len() - was.trim_start().len();
        let becomes = format!("{}ENTRYPOINT {list}", &was[..before]);
        Finding {
            fix: Some(Fix::Line {
                was,
                becomes: Some(becomes),
            }),
            ..finding
        }
    }

    fn content(&self) -> Vec<Finding> {
        let mut directory = String::from("/");
        let mut found = Vec::new();
        for instruction in &self.parsed.instructions {
            match instruction.word.as_str() {
                "WORKDIR" => directory = joined(&directory, instruction.rest.trim_matches('"')),
                "COPY" | "ADD" => {
                    let (_, paths) = instruction.copied();
                    let target = paths.last().filter(|target| !is_computed(target));
                    found.extend(target.and_then(|target| self.below_opt_ml(instruction, &joined(&directory, target))));
                }
                _ => {}
            }
        }
        found
    }

    fn below_opt_ml(&self, instruction: &Instruction, target: &str) -> Option<Finding> {
        if !is_below(target, "/opt/ml") || is_left_alone(target) {
            return None;
        }
        let is_mounted = is_mounted(target);
        let message = if is_mounted {
            format!("files go to {target}, where SageMaker mounts its own: they are not seen")
        } else {
            format!("files go to {target}, and /opt/ml is SageMaker's")
        };
        Some(
            self.found(
                Rule::ContentBelowOptMl,
                instruction,
                message,
                "Put them elsewhere, such as /opt/program; data comes by a channel, and a model goes to /opt/ml/model when it is trained.",
            )
            .certain(is_mounted && self.dockerfile.is_meant),
        )
    }

    fn user(&self) -> Option<Finding> {
        let user = self.parsed.last("USER")?;
        let name = user.rest.split(':').next().unwrap_or_default().trim();
        let is_handed_over =
            |one: &Instruction| one.word == "RUN" && (one.rest.contains("chown") || one.rest.contains("chmod"));
        if matches!(name, "" | "root" | "0") || is_computed(name) || self.parsed.instructions.iter().any(is_handed_over)
        {
            return None;
        }
        let copied = self
            .parsed
            .instructions
            .iter()
            .filter(|one| matches!(one.word.as_str(), "COPY" | "ADD"));
        let of_root = |one: &&Instruction| !one.copied().0.iter().any(|option| option.starts_with("chown="));
        let first = copied.into_iter().find(of_root)?;
        Some(self.found(
            Rule::UserCannotWrite,
            user,
            format!(
                "the training runs as {name}, and what line {} copies is root's",
                first.line
            ),
            "Copy with --chown, or stay root, as SageMaker's own images do: /opt/ml, too, may be root's.",
        ))
    }

    fn drivers(&self) -> Option<Finding> {
        let is_driver =
            |one: &&Instruction| one.word == "RUN" && DRIVERS.iter().any(|driver| one.rest.contains(driver));
        let run = self.parsed.instructions.iter().find(is_driver)?;
        Some(self.found(
            Rule::DriverInstalled,
            run,
            "an NVIDIA driver is installed, and hides the one of the instance's host, which alone fits its kernel",
            "Leave it out; the CUDA toolkit is all that an image needs.",
        ))
    }
}

fn is_init(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    INITS.contains(&name)
}

/// Whether SageMaker mounts its own over the path in a training.
pub(super) fn is_mounted(path: &str) -> bool {
    MOUNTED.iter().any(|directory| is_below(path, directory))
}

/// Whether the path is where images have scripts below `/opt/ml`, and nothing is mounted.
pub(super) fn is_left_alone(path: &str) -> bool {
    LEFT_ALONE.iter().any(|directory| is_below(path, directory))
}

/// Whether `path` is `directory` or in it.
fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether an entry point's program is tini.
pub(super) fn is_tini(program: &str) -> bool {
    is_init(program)
}

fn joined(directory: &str, path: &str) -> String {
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{directory}/{path}")
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
