//! All processes that come of one: its group, and on Linux also what left the group.
//!
//! A process leaves the group with `setsid` or `setpgid`, and its tree when its parent ends before it. Linux hands such an
//! orphan to the nearest ancestor that asked for orphans
//! ([`PR_SET_CHILD_SUBREAPER`](https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html)): while a program runs
//! that is this process, so everything that comes of the program stays below us and is found in `/proc`. What else sgbuild
//! starts stays in sgbuild's own group, and is told apart by that.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// The leaders of the groups that run now. Held while one starts and while processes are told apart.
static LEADERS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn leaders() -> MutexGuard<'static, BTreeSet<i32>> {
    LEADERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often a family that is just starting or ending is looked at, and how far apart.
const LOOKS: usize = 20;
const PAUSE: Duration = Duration::from_millis(5);

/// Ends every program that runs, and what came of it, from whichever thread: the process is about to end.
pub(crate) fn end_all() {
    for _ in 0..LOOKS {
        let leaders = match LEADERS.try_lock() {
            Ok(leaders) => leaders,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(PAUSE);
                continue;
            }
        };
        for group in leaders.iter().filter_map(|leader| Pid::from_raw(*leader)) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        #[cfg(target_os = "linux")]
        if !leaders.is_empty() {
            linux::end_below_us(0, &BTreeSet::new());
        }
        return;
    }
}

/// A program and what comes of it.
pub(super) struct Family {
    leader: i32,
}

impl Family {
    /// Starts `command`, which must lead a process group.
    pub(super) fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        let mut leaders = leaders();
        #[cfg(target_os = "linux")]
        linux::adopt_orphans(true);
        let child = command.spawn();
        if let Ok(child) = &child
            && let Ok(leader) = i32::try_from(child.id())
        {
            leaders.insert(leader);
        }
        #[cfg(target_os = "linux")]
        linux::adopt_orphans(!leaders.is_empty());
        let child = child?;
        let leader = i32::try_from(child.id()).unwrap_or_default();
        Ok((child, Self { leader }))
    }

    /// The leader has ended by itself, and is known to leave nothing behind.
    pub(super) fn ended(self) {
        let mut leaders = leaders();
        leaders.remove(&self.leader);
        #[cfg(target_os = "linux")]
        linux::adopt_orphans(!leaders.is_empty());
    }

    /// Ends what is left of it, the leader too.
    pub(super) fn end(self, child: &mut Child) {
        if let Some(group) = Pid::from_raw(self.leader) {
            // An error means that nothing of it is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait();
        let mut leaders = leaders();
        #[cfg(target_os = "linux")]
        linux::end_below_us(self.leader, &leaders);
        leaders.remove(&self.leader);
        #[cfg(target_os = "linux")]
        linux::adopt_orphans(!leaders.is_empty());
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeSet;
    use std::fs;
    use std::time::Duration;

    use rustix::process::{Pid, Signal, WaitOptions, getpgrp, getpid, kill_process, set_child_subreaper, waitpid};

    /// A family that forks faster than it is killed needs several; one that cannot be killed is left after so many.
    const ROUNDS: usize = 200;
    const PAUSE: Duration = Duration::from_millis(5);

    /// A line of `/proc/<pid>/stat`: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>.
    struct Process {
        pid: i32,
        parent: i32,
        group: i32,
        dead: bool,
    }

    pub(super) fn adopt_orphans(adopt: bool) {
        // Where the kernel refuses, the group still ends.
        let _ = set_child_subreaper(adopt.then(getpid));
    }

    /// Ends what came of `leader`, which has ended, and of programs that ended before it.
    pub(super) fn end_below_us(leader: i32, leaders: &BTreeSet<i32>) {
        for _ in 0..ROUNDS {
            let ours = orphans(leader, leaders);
            let (dead, alive): (Vec<_>, Vec<_>) = ours.into_iter().partition(|process| process.dead);
            for pid in dead.iter().filter_map(|process| Pid::from_raw(process.pid)) {
                // Only the dead among our own children can be waited for; others are their parents' business.
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            }
            if alive.is_empty() {
                return;
            }
            for pid in alive.iter().filter_map(|process| Pid::from_raw(process.pid)) {
                let _ = kill_process(pid, Signal::KILL);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Those below us that are in no group of ours, nor below another program that runs.
    fn orphans(leader: i32, leaders: &BTreeSet<i32>) -> Vec<Process> {
        let (us, group) = (getpid().as_raw_pid(), getpgrp().as_raw_pid());
        let runs = |process: &Process| process.group != leader && leaders.contains(&process.group);
        let mut left = processes();
        let mut found: Vec<Process> = left
            .extract_if(.., |process| {
                process.parent == us && process.group != group && !runs(process)
            })
            .collect();
        let mut next = 0;
        while next < found.len() {
            let parent = found[next].pid;
            found.extend(left.extract_if(.., |process| process.parent == parent));
            next += 1;
        }
        found
    }

    fn processes() -> Vec<Process> {
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        let stats = entries
            .flatten()
            .filter(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit))
            .filter_map(|entry| fs::read(entry.path().join("stat")).ok());
        stats
            .filter_map(|stat| parse(&String::from_utf8_lossy(&stat)))
            .collect()
    }

    fn parse(stat: &str) -> Option<Process> {
        let (pid, _) = stat.split_once(' ')?;
        // The name stands in parentheses and may hold anything.
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let state = fields.next()?;
        Some(Process {
            pid: pid.parse().ok()?,
            dead: ["Z", "X"].contains(&state),
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_name_may_hold_parentheses_and_spaces() {
            let process = parse("42 (a) S 1 (b)) Z 7 9 9 0 -1 4194560").unwrap();
            assert_eq!((process.pid, process.parent, process.group), (42, 7, 9));
            assert!(process.dead);
        }
    }
}
