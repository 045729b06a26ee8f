//! What only `sgbuild train --local` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::engine::docker::{Gpus, Limits};
use crate::local::Input;

/// What trains on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Trainer {
    /// The image, in Docker or podman
    Container,
    /// A process, in an environment that uv makes: without Docker
    Process,
}

/// `sgbuild train --local`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Local training")]
pub struct Local {
    /// Train on this machine, as SageMaker does: the image in Docker or podman, or a process without either
    #[arg(
        id = "local",
        long = "local",
        value_name = "WHERE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "container",
        conflicts_with = "wait"
    )]
    pub(crate) trainer: Option<Trainer>,
    /// The data of a channel: a directory or file here, or objects in S3 (repeat for more)
    #[arg(long = "input", value_name = "NAME=DIR|s3://…", requires = "local", value_parser = Input::parse)]
    pub(crate) inputs: Vec<Input>,
    /// A JSON file of hyperparameters
    #[arg(long, value_name = "FILE", requires = "local")]
    pub(crate) hyperparameters: Option<PathBuf>,
    /// A hyperparameter, over those of the file (repeat for more)
    #[arg(long = "hyperparameter", value_name = "NAME=VALUE", requires = "local", value_parser = pair)]
    pub(crate) hyperparameter: Vec<(String, String)>,
    /// The image to train, instead of the one that is built here
    #[arg(long, value_name = "IMAGE", requires = "local")]
    pub(crate) image: Option<String>,
    /// Where model.tar.gz, output.tar.gz and checkpoints go; checkpoints that are there are found again [default: dist/local/JOB]
    #[arg(long, value_name = "DIR", requires = "local")]
    pub(crate) output: Option<PathBuf>,
    /// How many containers train together
    #[arg(long, value_name = "N", requires = "local", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) instances: u16,
    /// The memory that each container may use, such as 4g
    #[arg(long, value_name = "SIZE", requires = "local", value_parser = size)]
    pub(crate) memory: Option<u64>,
    /// The CPUs that each container may use, such as 1.5
    #[arg(long, value_name = "N", requires = "local", value_parser = nano_cpus)]
    pub(crate) cpus: Option<u64>,
    /// The GPUs that each container has: a number, or all
    #[arg(long, value_name = "N", requires = "local", value_parser = gpus)]
    pub(crate) gpus: Option<Gpus>,
    /// The size of /dev/shm, such as 1g [default: the daemon's, 64m]
    #[arg(long, value_name = "SIZE", requires = "local", value_parser = size)]
    pub(crate) shm_size: Option<u64>,
    /// How long it may take to stop before it is killed, in seconds
    #[arg(long, value_name = "SECONDS", requires = "local", default_value = "120", value_parser = seconds)]
    pub(crate) stop_timeout: Duration,
}

impl Local {
    /// What each container may use.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            memory: self.memory,
            nano_cpus: self.cpus,
            gpus: self.gpus,
            shm: self.shm_size,
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| "a hyperparameter is NAME=VALUE".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

/// As `docker run` writes sizes: `512m`, `4g`, `4GiB`, or bytes.
fn size(text: &str) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match &lower[number.len()..] {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return Err("a size is a number and k, m or g, such as 512m or 4g".to_owned()),
    };
    let whole = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    whole
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "a size is a whole number and k, m or g, such as 512m or 4g".to_owned())
}

/// In billionths, of which the daemon takes whole ones.
fn nano_cpus(text: &str) -> Result<u64, String> {
    let refused = || "CPUs are a number, such as 2 or 1.5".to_owned();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 9 || !part.chars().all(|c| c.is_ascii_digit()) {
        return Err(refused());
    }
    let nano = format!("{whole}{part:0<9}").parse::<u64>();
    nano.ok().filter(|nano| *nano > 0).ok_or_else(refused)
}

fn gpus(text: &str) -> Result<Gpus, String> {
    if text == "all" {
        return Ok(Gpus::All);
    }
    let count = text.parse().ok().filter(|count| *count > 0).map(Gpus::Count);
    count.ok_or_else(|| "GPUs are a number, or all".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map(Duration::from_secs);
    seconds.map_err(|_| "a whole number of seconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_for_docker() {
        for (text, bytes) in [
            ("512m", 512 << 20),
            ("4G", 4 << 30),
            ("1GiB", 1 << 30),
            ("100", 100),
            ("2kb", 2048),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "g", "1.5g", "4 g", "0", "-1m", "99999999999t", "1x"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cpus_may_be_parts() {
        assert_eq!(nano_cpus("1.5"), Ok(1_500_000_000));
        assert_eq!(nano_cpus("2"), Ok(2_000_000_000));
        assert_eq!(nano_cpus("0.000000001"), Ok(1));
        for text in ["", "0", "0.0", "-1", "1.x", "1.0000000001", "two"] {
            assert!(nano_cpus(text).is_err(), "{text}");
        }
    }

    #[test]
    fn gpus_are_some_or_all() {
        assert_eq!((gpus("all"), gpus("2")), (Ok(Gpus::All), Ok(Gpus::Count(2))));
        assert!(gpus("0").is_err() && gpus("none").is_err());
    }
}
