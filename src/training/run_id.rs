//! The identity of one run: whatever is repeated, one run id gives at most one training job.

use jiff::Timestamp;

/// Makes a run id that sorts by time and can be read aloud, such as `20261124-041205-1a2b3c4d`: the UTC date and time of
/// `now`, and `random` as eight hexadecimal digits.
///
/// Both come from the caller, so that the same inputs give the same id. `random` should come from a good source: it alone
/// separates two runs started within one second.
#[must_use]
pub(crate) fn new_run_id(now: Timestamp, random: u32) -> String {
    format!("{}-{random:08x}", now.strftime("%Y%m%d-%H%M%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_is_the_time_and_eight_digits() {
        let now: Timestamp = "2026-11-24T04:12:05Z".parse().unwrap();
        assert_eq!(new_run_id(now, 0x1a2b_3c4d), "20261124-041205-1a2b3c4d");
        assert_eq!(new_run_id(now, 7), "20261124-041205-00000007");
    }
}
