//! What pip's configuration files in an image have it do
//! ([configuration](https://pip.pypa.io/en/stable/topics/configuration/)): an index is this machine's matter, another place is not.

use super::variables::is_yes;
use super::{Image, join};
use crate::engine::native::base::Error;

/// What the files set for `pip install`.
pub(super) struct Settings(Vec<Setting>);

struct Setting {
    file: String,
    key: String,
    value: String,
}

/// Settings that have pip install elsewhere.
const REDIRECTING: [(&str, &str); 5] = [
    ("target", "pip install elsewhere"),
    ("prefix", "pip install elsewhere"),
    ("root", "pip install elsewhere"),
    ("user", "pip install for one user"),
    ("python", "pip install for another Python"),
];

impl Settings {
    /// Reads the files that root's pip reads.
    pub(super) fn read(image: &Image<'_>, prefix: &str) -> Self {
        let home = image.variables.get("HOME").unwrap_or("/root");
        let files = [
            "/etc/xdg/pip/pip.conf".to_owned(),
            "/etc/pip.conf".to_owned(),
            join(home, ".pip/pip.conf"),
            join(home, ".config/pip/pip.conf"),
            join(prefix, "pip.conf"),
        ];
        Self(
            files
                .iter()
                .flat_map(|file| image.kept(file).map_or_else(Vec::new, |text| settings(file, text)))
                .collect(),
        )
    }

    /// Refuses those that have pip install elsewhere.
    pub(super) fn refuse_redirection(&self, image: &str) -> Result<(), Error> {
        let found = self.0.iter().find_map(|setting| {
            let (_, effect) = REDIRECTING.into_iter().find(|(key, _)| setting.key == *key)?;
            let is_no = ["", "0", "n", "no", "f", "false", "off"].contains(&&*setting.value.to_ascii_lowercase());
            (!is_no).then_some((setting, effect))
        });
        match found {
            None => Ok(()),
            Some((setting, effect)) => Err(Error::PipSetting {
                image: image.to_owned(),
                file: setting.file.clone(),
                key: setting.key.clone(),
                effect,
            }),
        }
    }

    /// Whether pip installs to a Python that its distribution manages. A variable decides over the files, the last of them over the others.
    pub(super) fn may_break_system(&self, image: &Image<'_>) -> bool {
        const VARIABLE: &str = "PIP_BREAK_SYSTEM_PACKAGES";
        if image.variables.get(VARIABLE).is_some() {
            return image.variables.is_yes(VARIABLE);
        }
        let mut set = self.0.iter().filter(|setting| setting.key == "break-system-packages");
        set.next_back().is_some_and(|setting| is_yes(&setting.value))
    }
}

/// The settings of a file that are for `pip install`.
fn settings(file: &str, text: &str) -> Vec<Setting> {
    let mut is_for_install = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_for_install = ["global", "install"].contains(&section.trim());
        } else if let Some((key, value)) = line.split_once(['=', ':'])
            && is_for_install
            && !line.starts_with(['#', ';'])
        {
            found.push(Setting {
                file: file.to_owned(),
                key: key.trim().to_ascii_lowercase().replace('_', "-"),
                value: value.trim().to_owned(),
            });
        }
    }
    found
}
