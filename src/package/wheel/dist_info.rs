//! The `.dist-info` of a wheel, made of the `egg-info` as setuptools' `egg2dist` makes it.

use std::collections::BTreeMap;

use super::local_urls;
use crate::package::listing::EggInfo;

/// Of no use once the package is installed, or under another name there.
const LEFT_OUT: [&str; 4] = ["PKG-INFO", "dependency_links.txt", "not-zip-safe", "requires.txt"];

/// Its files by name, but for licences and `RECORD`. `tags` are the Pythons that the wheel is for.
pub(super) fn files(egg_info: &EggInfo, tags: &[&str]) -> BTreeMap<&'static str, String> {
    let of_egg_info = egg_info.files.iter();
    let mut files: BTreeMap<&'static str, String> = of_egg_info
        .filter(|(name, _)| !LEFT_OUT.contains(name))
        .map(|(name, text)| (*name, text.clone()))
        .collect();
    let metadata = egg_info.files.get("PKG-INFO");
    files.extend(metadata.map(|text| ("METADATA", local_urls::without(text).into_owned())));
    files.insert("WHEEL", wheel(tags));
    files
}

/// [`WHEEL`](https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-contents).
fn wheel(tags: &[&str]) -> String {
    let tags: Vec<String> = tags.iter().map(|tag| format!("Tag: {tag}-none-any")).collect();
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "Wheel-Version: 1.0\nGenerator: sgbuild ({version})\nRoot-Is-Purelib: true\n{}\n\n",
        tags.join("\n")
    )
}
