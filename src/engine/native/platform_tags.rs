//! The platform tags that a base image's C library stands for, from the newest.
//!
//! Sources: [PEP 600](https://peps.python.org/pep-0600/) (manylinux), [PEP 656](https://peps.python.org/pep-0656/) (musllinux), and
//! `packaging`'s `_manylinux.py`, by which pip looks.

use super::{Libc, Target};
use crate::package::wheel::{Supported, machine};

/// The oldest glibc that wheels are made for: on processors that had none before 2.17, and on Intel's.
const OLDEST_GLIBC: u16 = 17;
const OLDEST_GLIBC_INTEL: u16 = 5;
/// The names that some had before they were numbers.
const LEGACY: [(u16, &str); 3] = [(17, "manylinux2014"), (12, "manylinux2010"), (5, "manylinux1")];

impl Target {
    /// The wheels that fit, and which of them is best.
    pub(crate) fn supported(&self) -> Supported {
        Supported::of(self.python, &self.platform_tags())
    }

    /// See the module. The last says nothing of the C library: some indexes have wheels that rely on it.
    pub(in crate::engine::native) fn platform_tags(&self) -> Vec<String> {
        let machine = machine(&self.platform);
        let mut tags = match self.libc {
            Libc::Glibc(2, minor) => manylinux(minor, machine),
            // There is no other so far.
            Libc::Glibc(..) => Vec::new(),
            Libc::Musl(major, minor) => (0..=minor)
                .rev()
                .map(|minor| format!("musllinux_{major}_{minor}_{machine}"))
                .collect(),
        };
        tags.push(format!("linux_{machine}"));
        tags
    }
}

fn manylinux(minor: u16, machine: &str) -> Vec<String> {
    let is_intel = ["x86_64", "i686"].contains(&machine);
    let oldest = if is_intel { OLDEST_GLIBC_INTEL } else { OLDEST_GLIBC };
    let mut tags = Vec::new();
    for minor in (oldest..=minor).rev() {
        tags.push(format!("manylinux_2_{minor}_{machine}"));
        let legacy = LEGACY.iter().find(|(number, _)| *number == minor);
        tags.extend(legacy.map(|(_, name)| format!("{name}_{machine}")));
    }
    tags
}
