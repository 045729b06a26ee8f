//! A training without a container: in an environment that uv makes of the package and its requirements, with a directory in place of
//! `/opt/ml`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use async_trait::async_trait;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::artifacts;
use super::channels::{Data, Mode};
use super::error::Error;
use super::job::LocalJob;
use super::opt_ml;
use super::outcome::Outcome;
use super::pipe::Feeder;
use super::run::Run;
use super::training::{Host, end_of, follow, outcome};
use super::watch::Watch;
use crate::engine::docker::{Ended, Limits, LogStream};
use crate::interruption::Signals;
use crate::process;
use crate::progress::{Part, Progress};
use crate::uv::{Uv, UvSettings};

/// The longest that installing may take.
const INSTALL_SECONDS: u64 = 3_600;
/// So much of its output is read at once.
const PIECE: usize = 16 * 1024;

/// What is different from a container, as people are told.
pub(crate) const DIFFERENCES: [&str; 6] = [
    "/opt/ml is another directory: what the code writes out itself as /opt/ml/… is not there",
    "the system is this machine's: its libraries, its Python, its user, and no system packages or Dockerfile lines",
    "the platform's wheels are this machine's",
    "nothing limits memory, CPUs or /dev/shm",
    "the network is this machine's, with one host",
    "the process may see files of this machine, and leave some outside of its directory",
];

/// What is installed, and what runs it.
pub(crate) struct Installation<'a> {
    /// The release of Python that the image has, such as `3.11`; any where that is not known.
    pub(crate) python: Option<&'a str>,
    /// A requirements file.
    pub(crate) requirements: &'a Path,
    /// Which versions they may have.
    pub(crate) constraints: Option<PathBuf>,
    /// Whether the file names everything that is to be installed.
    pub(crate) is_locked: bool,
    /// The package, and those beside it.
    pub(crate) packages: Vec<PathBuf>,
    /// The entry point's text, which knows [`prefix`].
    pub(crate) run_py: String,
    pub(crate) uv: &'a UvSettings,
    /// This machine's variables.
    pub(crate) variables: &'a [(String, String)],
}

/// The directory that stands for `/opt/ml`.
pub(crate) fn prefix(run: &Run) -> PathBuf {
    run.directory().join("ml")
}

/// Refuses what only a container can do.
///
/// # Errors
/// [`Error::NeedsContainer`].
pub(crate) fn check(job: &LocalJob) -> Result<(), Error> {
    let Limits {
        memory,
        nano_cpus,
        gpus,
        shm,
    } = job.asked.limits;
    let asked = [
        ("--memory", memory.is_some()),
        ("--cpus", nano_cpus.is_some()),
        ("--gpus", gpus.is_some()),
        ("--shm-size", shm.is_some()),
        ("--instances", job.asked.instances > 1),
        ("network-isolation", job.is_isolated),
        ("ContainerEntrypoint", job.entrypoint.is_some()),
    ];
    match asked.iter().find(|(_, asked)| *asked) {
        Some((what, _)) => Err(Error::NeedsContainer { what }),
        None => Ok(()),
    }
}

/// Installs the package, and trains with it.
///
/// # Errors
/// It could not be installed, begun or followed. A training that fails is an [`Outcome`].
pub(crate) async fn train(
    job: &LocalJob,
    data: &BTreeMap<String, Data>,
    run: &Run,
    installation: &Installation<'_>,
    signals: &mut Signals,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    artifacts::claim(&job.asked.output)?;
    let trained = Box::pin(installed(job, data, run, installation, signals, progress)).await;
    artifacts::release(&job.asked.output.join("checkpoints"));
    artifacts::release(&job.asked.output);
    trained
}

async fn installed(
    job: &LocalJob,
    data: &BTreeMap<String, Data>,
    run: &Run,
    installation: &Installation<'_>,
    signals: &mut Signals,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    let python = install(installation, &run.directory().join("environment"), progress)?;
    let prefix = prefix(run);
    let host = job.hosts().into_iter().next().unwrap_or_default();
    let checkpoints = job.asked.output.join("checkpoints");
    let feeders = fill(job, data, &host, &prefix, &checkpoints)?;
    let entry = run.directory().join("run.py");
    fs::write(&entry, &installation.run_py).map_err(Error::Directory)?;
    let trainer = Trainer::begin(&python, &entry, job, installation.variables, run, host)?;
    let (followed, metrics) = follow(job, std::slice::from_ref(&trainer), signals, progress).await?;
    let fed = feeders.iter().try_for_each(Feeder::check);
    drop(feeders);
    let mut ends = Vec::new();
    for ended in &followed.ends {
        let path = prefix.join("output/failure");
        let failure = artifacts::failure_at(&path).map_err(|source| Error::Left {
            what: path.display().to_string(),
            source,
        })?;
        ends.push(end_of(&trainer.name, *ended, failure));
    }
    let mut outcome = outcome(&ends, &followed, metrics);
    let output = &job.asked.output;
    if outcome.keeps_model() {
        outcome.model = pack(&prefix.join("model"), &output.join("model.tar.gz"))?;
    }
    outcome.output = pack(&prefix.join("output/data"), &output.join("output.tar.gz"))?;
    let mut kept = fs::read_dir(&checkpoints).into_iter().flatten();
    outcome.checkpoints = kept.next().is_some().then(|| checkpoints.clone());
    // What it made of less than all the data is there, and no success.
    fed?;
    Ok(outcome)
}

fn pack(directory: &Path, path: &Path) -> Result<Option<PathBuf>, Error> {
    let packed = || {
        let mut packing = artifacts::Packing::begin(path)?;
        if let Some(archive) = artifacts::of_directory(directory)? {
            packing.add(archive)?;
        }
        packing.finish()
    };
    packed().map_err(|source| Error::Output {
        path: path.to_owned(),
        source,
    })
}

/// Makes the environment, and answers with its interpreter.
fn install(installation: &Installation<'_>, directory: &Path, progress: &dyn Progress) -> Result<PathBuf, Error> {
    let uv = Uv::find(installation.uv, progress)?;
    let run = |what: &str, arguments: Vec<OsString>| {
        let ended = uv.run_apart(what, arguments, INSTALL_SECONDS, progress)?;
        if ended.success {
            return Ok(());
        }
        Err(Error::Environment {
            what: what.to_owned(),
            log: ended.log_after_colon(),
            status: ended.status,
        })
    };
    let mut make: Vec<OsString> = ["venv", "--quiet", "--no-project"].map(Into::into).to_vec();
    if let Some(release) = installation.python {
        let found = uv.installed_python(release, progress).ok_or_else(|| Error::NoPython {
            release: release.to_owned(),
        })?;
        make.extend(["--python".into(), found.into_os_string()]);
    }
    make.push(directory.into());
    run("making the environment", make)?;
    let python = directory.join("bin/python");
    let begin = || -> Vec<OsString> {
        let first = ["pip", "install", "--quiet", "--python"].map(Into::into);
        first.into_iter().chain([python.clone().into_os_string()]).collect()
    };
    let part = Part::begin(progress, "Installing the requirements");
    let mut requirements = begin();
    requirements.extend(["--requirement".into(), installation.requirements.as_os_str().to_owned()]);
    if installation.is_locked {
        requirements.push("--no-deps".into());
    }
    if let Some(constraints) = &installation.constraints {
        requirements.extend(["--constraint".into(), constraints.as_os_str().to_owned()]);
    }
    requirements.extend(uv.index_arguments().iter().map(Into::into));
    run("installing the requirements", requirements)?;
    let mut packages = begin();
    packages.extend(["--no-deps".into()]);
    packages.extend(installation.packages.iter().map(|path| path.as_os_str().to_owned()));
    packages.extend(uv.index_arguments().iter().map(Into::into));
    run("installing the package", packages)?;
    part.end(false);
    Ok(python)
}

/// Makes what stands for `/opt/ml`.
fn fill(
    job: &LocalJob,
    data: &BTreeMap<String, Data>,
    host: &str,
    prefix: &Path,
    checkpoints: &Path,
) -> Result<Vec<Feeder>, Error> {
    let begun = || {
        opt_ml::make(job, host, prefix)?;
        // Its own, so that they are kept as they are written.
        fs::create_dir_all(checkpoints)?;
        symlink(fs::canonicalize(checkpoints)?, prefix.join("checkpoints"))
    };
    begun().map_err(Error::Directory)?;
    let inputs = prefix.join("input/data");
    let mut feeders = Vec::new();
    for (name, channel) in &job.channels {
        let Some(data) = data.get(name) else { continue };
        if channel.mode == Mode::Pipe {
            feeders.push(Feeder::begin(&inputs, name, data)?);
            continue;
        }
        let place = PathBuf::from(data.target(&inputs.join(name).to_string_lossy()));
        let placed = fs::create_dir_all(place.parent().unwrap_or(&inputs)).and_then(|()| symlink(data.path(), place));
        placed.map_err(Error::Directory)?;
    }
    Ok(feeders)
}

/// The process that trains, with whatever it starts.
struct Trainer {
    name: String,
    child: Mutex<Child>,
    group: Option<Pid>,
}

impl Trainer {
    fn begin(
        python: &Path,
        entry: &Path,
        job: &LocalJob,
        variables: &[(String, String)],
        run: &Run,
        name: String,
    ) -> Result<Self, Error> {
        let begun = Command::new(python)
            .arg(entry)
            .args(&job.command)
            .current_dir(run.directory())
            .env_clear()
            .envs(process::without_credentials(variables))
            .env("PYTHONUNBUFFERED", "1")
            .envs(&job.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for sgbuild, which asks it to stop.
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let child = begun.map_err(|source| Error::NotStarted {
            program: python.to_owned(),
            source,
        })?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self {
            name,
            child: Mutex::new(child),
            group,
        })
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It may be gone by now.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Trainer {
    fn drop(&mut self) {
        // What it started may have outlived it.
        self.signal(Signal::KILL);
    }
}

#[async_trait]
impl Host for Trainer {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ended(&self, watch: &Watch<'_>) -> Result<Ended, Error> {
        let mut child = self.child.lock().await;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let lost = |source| Error::Left {
            what: "the output".to_owned(),
            source,
        };
        let status = async {
            let status = child.wait().await;
            // Whoever it left behind holds its output open.
            self.signal(Signal::KILL);
            status
        };
        let (status, out, err) = tokio::join!(status, show(stdout, &self.name, watch), show(stderr, &self.name, watch));
        out.and(err).map_err(lost)?;
        Ok(Ended {
            code: code(status.map_err(lost)?),
            out_of_memory: false,
        })
    }

    async fn stop(&self) -> Result<(), Error> {
        if let Some(group) = self.group {
            // As in a container, its first process alone.
            let _ = rustix::process::kill_process(group, Signal::TERM);
        }
        Ok(())
    }

    async fn kill(&self) -> Result<(), Error> {
        self.signal(Signal::KILL);
        Ok(())
    }
}

/// The exit code, as a container would have it.
fn code(status: ExitStatus) -> i64 {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    i64::from(code.unwrap_or(-1))
}

async fn show(stream: Option<impl AsyncRead + Unpin>, host: &str, watch: &Watch<'_>) -> io::Result<()> {
    let Some(mut stream) = stream else { return Ok(()) };
    let mut lines = LogStream::default();
    let mut each = |line: &str| watch.line(host, line);
    let mut piece = vec![0; PIECE];
    loop {
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            break;
        }
        lines.take(&piece[..count], &mut each);
    }
    lines.end(&mut each);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::local::metrics::Metrics;
    use crate::progress::{Silent, Task};

    /// The longest line that was shown.
    #[derive(Default)]
    struct Longest(AtomicUsize);

    impl Progress for Longest {
        fn step(&self, _title: &str) {}
        fn detail(&self, _line: &str) {}
        fn warn(&self, _text: &str) {}
        fn task(&self, _title: &str, _total: Option<u64>) -> Box<dyn Task> {
            Box::new(Silent)
        }
        fn output(&self, text: &str) {
            self.0.fetch_max(text.len(), Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_not_kept_for_ever() {
        let longest = Longest::default();
        let watch = Watch::new(Metrics::default(), false, &longest);
        let endless = tokio::io::repeat(b'x').take(1 << 24);
        show(Some(endless), "algo-1", &watch).await.unwrap();
        let longest = longest.0.into_inner();
        assert!(longest > 0 && longest < 1 << 18, "{longest}");
    }
}
