//! The tags at the end of a wheel's name: which Pythons on which platforms can install it
//! (<https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/>).

use crate::oci::Platform;

/// Where a wheel is to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The image's platform.
    pub platform: Platform,
    /// The image's Python, such as `3.11`, where it is known.
    pub python: Option<String>,
}

/// See above; each may stand for several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tags<'a> {
    /// Which build of the version it is, where that is said: digits, and what follows them.
    build: Option<&'a str>,
    python: &'a str,
    abi: &'a str,
    platform: &'a str,
}

impl<'a> Tags<'a> {
    /// Of a wheel's file name; `None` where it is no wheel's.
    pub(super) fn of(file_name: &'a str) -> Option<Self> {
        let mut parts = file_name.strip_suffix(".whl")?.rsplit('-');
        let platform = parts.next()?;
        let abi = parts.next()?;
        let python = parts.next()?;
        let (last, before) = (parts.next()?, parts.next()?);
        // Name, version and build, or name and version.
        let build = parts.next().map(|_| last);
        (!before.is_empty()).then_some(Self {
            build,
            python,
            abi,
            platform,
        })
    }

    /// Which build it is, so that the later one is greater.
    pub(super) fn build(&self) -> (u64, String) {
        let build = self.build.unwrap_or_default();
        let digits = build.len() - build.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = build.split_at(digits);
        (number.parse().unwrap_or(0), rest.to_owned())
    }

    /// Each combination of one Python, one ABI and one platform.
    pub(super) fn each(&self) -> impl Iterator<Item = (String, String, String)> {
        let Self { abi, platform, .. } = *self;
        self.python.split('.').flat_map(move |python| {
            abi.split('.').flat_map(move |abi| {
                let one = move |platform: &str| (python.to_owned(), abi.to_owned(), platform.to_owned());
                platform.split('.').map(one)
            })
        })
    }

    /// Why the wheel cannot be installed in `target`, as the end of a sentence. Without one, nothing is known against it.
    pub(super) fn unfit(&self, target: Option<&Target>) -> Option<String> {
        let target = target?;
        let Target { platform, python } = target;
        if !self.platform.split('.').any(|tag| is_of(tag, platform)) {
            return Some(format!(
                "it is for {}, and the image for {}/{}",
                self.platform, platform.os, platform.architecture
            ));
        }
        let has_stable_abi = self.abi.split('.').any(|abi| abi == "abi3");
        let runs_on = |python: &str| self.python.split('.').any(|tag| runs_on(tag, python, has_stable_abi));
        if let Some(python) = python.as_deref().filter(|python| !runs_on(python)) {
            return Some(format!("it is for {}, and the image has Python {python}", self.python));
        }
        // Such a tag says nothing of the C library, and the image's may be older than this machine's.
        let is_of_here = self.platform.split('.').all(|tag| tag.starts_with("linux_"));
        is_of_here.then(|| format!("it is for {}, with the C library of this machine", self.platform))
    }
}

/// Whether `tag` is one of `platform`'s.
fn is_of(tag: &str, platform: &Platform) -> bool {
    if tag == "any" {
        return true;
    }
    platform.os == "linux" && tag.contains("linux") && tag.ends_with(&format!("_{}", machine(platform)))
}

/// What Python calls the processor that images call `amd64`.
pub(crate) fn machine(platform: &Platform) -> &str {
    match platform.architecture.as_str() {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "386" => "i686",
        "arm" => "armv7l",
        other => other,
    }
}

/// Whether what is for the Python `tag` runs on `python`.
fn runs_on(tag: &str, python: &str, has_stable_abi: bool) -> bool {
    let numbers = |text: &str| -> Option<(u32, u32)> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
    };
    let Some(ours) = numbers(python) else {
        return true;
    };
    let version = tag.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let implementation = &tag[..tag.len() - version.len()];
    let (major, minor) = version.split_at(version.len().min(1));
    let Ok(major) = major.parse::<u32>() else {
        return false;
    };
    let minor = minor.parse::<u32>().ok();
    match implementation {
        "py" => major == ours.0 && minor.is_none_or(|minor| minor <= ours.1),
        "cp" if has_stable_abi => major == ours.0 && minor.is_none_or(|minor| minor <= ours.1),
        "cp" => major == ours.0 && minor.is_none_or(|minor| minor == ours.1),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfit(file_name: &str, architecture: &str, python: Option<&str>) -> Option<String> {
        let target = Target {
            platform: Platform::new("linux", architecture),
            python: python.map(ToOwned::to_owned),
        };
        Tags::of(file_name).unwrap().unfit(Some(&target))
    }

    #[test]
    fn what_fits() {
        for name in [
            "a-1-py3-none-any.whl",
            "a-1-py2.py3-none-any.whl",
            "a-1-1build-py3-none-any.whl",
            "a-1-cp311-cp311-manylinux_2_28_x86_64.whl",
            "a-1-cp38-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "a-1-py3-none-manylinux1_x86_64.whl",
        ] {
            assert_eq!(unfit(name, "amd64", Some("3.11")), None, "{name}");
        }
        assert_eq!(unfit("a-1-cp311-cp311-manylinux_2_28_x86_64.whl", "amd64", None), None);
        assert_eq!(Tags::of("a-1-cp311-cp311-linux_x86_64.whl").unwrap().unfit(None), None);
    }

    #[test]
    fn what_does_not() {
        for (name, reason) in [
            (
                "a-1-cp311-cp311-linux_x86_64.whl",
                "it is for linux_x86_64, and the image for linux/arm64",
            ),
            (
                "a-1-cp311-cp311-macosx_11_0_arm64.whl",
                "it is for macosx_11_0_arm64, and the image for linux/arm64",
            ),
            (
                "a-1-cp312-cp312-linux_aarch64.whl",
                "it is for cp312, and the image has Python 3.11",
            ),
            (
                "a-1-cp312-abi3-linux_aarch64.whl",
                "it is for cp312, and the image has Python 3.11",
            ),
            (
                "a-1-cp311-cp311-linux_aarch64.whl",
                "it is for linux_aarch64, with the C library of this machine",
            ),
            ("a-1-py2-none-any.whl", "it is for py2, and the image has Python 3.11"),
        ] {
            assert_eq!(unfit(name, "arm64", Some("3.11")).as_deref(), Some(reason), "{name}");
        }
    }

    #[test]
    fn what_is_no_wheel() {
        for name in ["a-1.tar.gz", "a.whl", "a-py3-none-any.whl"] {
            assert_eq!(Tags::of(name), None, "{name}");
        }
    }
}
