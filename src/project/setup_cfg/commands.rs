//! Options of setuptools' commands, as far as they change the wheel.
//! <https://setuptools.pypa.io/en/latest/deprecated/distutils/configfile.html>

use super::option::key;
use crate::project::ini::{IniOption, Section};

/// Commands that have a part in a wheel: `bdist_wheel` runs them, or asks them for their options.
const OF_A_WHEEL: [&str; 11] = [
    "bdist",
    "bdist_wheel",
    "build",
    "build_py",
    "build_scripts",
    "global",
    "install",
    "install_data",
    "install_egg_info",
    "install_lib",
    "install_scripts",
];

/// What an option means for the wheel.
pub(super) enum Effect {
    None,
    /// The wheel is for Python 2 as well.
    Universal,
    /// Something that only setuptools knows.
    Other,
}

/// What `option`, which stands in `section`, means for the wheel.
pub(super) fn effect(section: &Section, option: &IniOption) -> Effect {
    let value = option.text().to_lowercase();
    match (section.name.as_str(), key(option).as_str()) {
        ("bdist_wheel", "universal") => match value.as_str() {
            "1" | "y" | "yes" | "t" | "true" | "on" => Effect::Universal,
            "0" | "n" | "no" | "f" | "false" | "off" => Effect::None,
            _ => Effect::Other,
        },
        // The section's old name.
        ("wheel", "universal") if matches!(value.as_str(), "1" | "true" | "yes") => Effect::Universal,
        ("bdist_wheel", "python_tag") if value == "py3" => Effect::None,
        ("aliases", "bdist_wheel") => Effect::Other,
        (section, _) if OF_A_WHEEL.contains(&section) => Effect::Other,
        _ => Effect::None,
    }
}
