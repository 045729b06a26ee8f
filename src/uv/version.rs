//! Which uv is new enough.

use std::path::Path;

use super::{Error, UvSettings};
use crate::process::{Run, without_credentials};
use crate::progress::Progress;

/// The oldest that is tested: it knows every option and variable that sgbuild uses.
pub(super) const OLDEST: (u64, u64) = (0, 7);
/// The longest it may take to say its version.
const SECONDS: u64 = 30;

/// Whether `program` runs and is new enough.
pub(super) fn check(program: &Path, settings: &UvSettings, progress: &dyn Progress) -> Result<(), Error> {
    let run = Run {
        what: "asking uv for its version",
        program: program.to_owned(),
        arguments: vec!["--version".into()],
        environment: without_credentials(&settings.environment),
        directory: Path::new("/"),
        seconds: SECONDS,
    };
    let ended = run.wait(progress).map_err(Error::of_process)?;
    let version = ended.log.lines().find_map(parse).filter(|_| ended.success);
    match version {
        Some(version) if version < OLDEST => Err(Error::TooOld {
            program: program.to_owned(),
            version: format!("{}.{}", version.0, version.1),
            oldest: format!("{}.{}", OLDEST.0, OLDEST.1),
        }),
        Some(_) => Ok(()),
        None => Err(Error::NotRun {
            program: program.to_owned(),
            reason: ended.reason(),
        }),
    }
}

/// `uv 0.13.9 (…)`.
fn parse(line: &str) -> Option<(u64, u64)> {
    let mut numbers = line.strip_prefix("uv ")?.split(' ').next()?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_line() {
        assert_eq!(parse("uv 0.13.9 (x86_64-unknown-linux-gnu)"), Some((0, 13)));
        assert_eq!(parse("uv 1.0.0"), Some((1, 0)));
        assert_eq!(parse("uv: command not found"), None);
        assert!((0, 4) < OLDEST && (0, 13) > OLDEST && (1, 0) > OLDEST);
    }
}
