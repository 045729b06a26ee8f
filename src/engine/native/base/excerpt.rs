//! What is kept of a layer's files: the few that say which Python there is, what is installed for it, and for which C library.

use std::io::{self, Read};

/// The longest file that is kept as it is: RECORD of the largest wheels has some 3 MB.
const LONGEST: u64 = 32 << 20;
/// The longest program or library that is looked into; a Python that is linked statically has some 30 MB.
const LONGEST_PROGRAM: u64 = 64 << 20;

/// The most texts that look like a release, or like musl's version: those that do exist have one, and a few of what is linked into them.
const MOST_TEXTS: usize = 1_000;

/// What of a file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excerpt {
    /// All of it.
    Text,
    /// Its first fields, without the description that follows them: METADATA and PKG-INFO.
    Fields,
    /// The loader that a program names, or [`SCRIPT`], and what release it may be of, on a line each.
    Program,
    /// What release the library of a Python may be of.
    Library,
    /// The version of glibc that the library is of.
    Glibc,
    /// The version of musl that the loader is of.
    Musl,
}

/// What is kept of a `python` that is a script.
pub(super) const SCRIPT: &str = "#!";

impl Excerpt {
    /// What is kept of the file at `path`, if anything is.
    pub(super) fn of(path: &str) -> Option<Self> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent_name = parent.rsplit('/').next().unwrap_or_default();
        let is_info = parent_name.ends_with(".dist-info") || parent_name.ends_with(".egg-info");
        match name {
            "METADATA" | "PKG-INFO" if is_info || parent_name == "EGG-INFO" => Some(Self::Fields),
            "RECORD" | "INSTALLER" | "installed-files.txt" if is_info => Some(Self::Text),
            "pyvenv.cfg" | "pip.conf" | "orig-prefix.txt" => Some(Self::Text),
            // The parts of the standard library that distributions change to have packages installed elsewhere.
            "sysconfig.py" | "site.py" if is_versioned_python(parent_name) => Some(Self::Text),
            "__init__.py" if parent_name == "sysconfig" && parent.contains("/python") => Some(Self::Text),
            "libc.so.6" => Some(Self::Glibc),
            _ if name.starts_with("libc-2.") && is_library(name) => Some(Self::Glibc),
            _ if name.starts_with("ld-musl-") => Some(Self::Musl),
            _ if ends_with(name, ".egg-info") => Some(Self::Fields),
            _ if ends_with(name, ".pth") && parent_name.ends_with("-packages") => Some(Self::Text),
            _ if name.starts_with("libpython3.") && name.contains(".so") => Some(Self::Library),
            _ if name == "python" || is_versioned_python(name) => Some(Self::Program),
            _ => None,
        }
    }
}

fn ends_with(name: &str, suffix: &str) -> bool {
    name.len() > suffix.len() && name.ends_with(suffix)
}

fn is_library(name: &str) -> bool {
    ends_with(name, ".so")
}

/// `python3`, `python3.11` and what else begins so.
fn is_versioned_python(name: &str) -> bool {
    let version = name.strip_prefix("python").unwrap_or_default();
    version.starts_with(|c: char| c.is_ascii_digit())
}

/// Reads what is to be kept; `None` where the file is not what its name says, or larger than any such file.
pub(super) fn read(excerpt: Excerpt, content: &mut dyn Read) -> io::Result<Option<String>> {
    let longest = match excerpt {
        Excerpt::Text | Excerpt::Fields => LONGEST,
        _ => LONGEST_PROGRAM,
    };
    let mut bytes = Vec::new();
    content.take(longest).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == longest {
        return Ok(None);
    }
    Ok(match excerpt {
        Excerpt::Text => Some(text(&bytes)),
        Excerpt::Fields => Some(fields(&text(&bytes)).to_owned()),
        Excerpt::Program => loader(&bytes).map(|loader| format!("{loader}\n{}", releases(&bytes))),
        Excerpt::Library => Some(releases(&bytes)),
        Excerpt::Glibc => after(&bytes, b"stable release version "),
        Excerpt::Musl => musl(&bytes),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What stands before the first empty line.
fn fields(text: &str) -> &str {
    let end = ["\n\n", "\r\n\r\n"]
        .into_iter()
        .filter_map(|empty| text.find(empty))
        .min();
    &text[..end.unwrap_or(text.len())]
}

/// The loader that an ELF program names (`PT_INTERP` of
/// [the format](https://man7.org/linux/man-pages/man5/elf.5.html)); empty for one that is linked statically.
fn loader(program: &[u8]) -> Option<String> {
    if program.starts_with(SCRIPT.as_bytes()) {
        return Some(SCRIPT.to_owned());
    }
    // 64 bits, and the lowest byte first, as all processors of SageMaker's have it.
    if !program.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let number = |at: usize, length: usize| -> Option<usize> {
        let bytes = program.get(at..at.checked_add(length)?)?;
        usize::try_from(
            bytes
                .iter()
                .rev()
                .fold(0_u64, |number, byte| number << 8 | u64::from(*byte)),
        )
        .ok()
    };
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for index in 0..count {
        let header = table.checked_add(index * size)?;
        if number(header, 4)? == 3 {
            let (start, length) = (number(header.checked_add(8)?, 8)?, number(header.checked_add(32)?, 8)?);
            let name = program.get(start..start.checked_add(length)?)?;
            return Some(text(name).trim_end_matches('\0').to_owned());
        }
    }
    Some(String::new())
}

/// The version that stands behind `words`: digits and dots.
fn after(bytes: &[u8], words: &[u8]) -> Option<String> {
    let start = bytes.windows(words.len()).position(|window| window == words)? + words.len();
    let version = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'.');
    let version: Vec<u8> = version.copied().collect();
    Some(text(&version).trim_end_matches('.').to_owned())
}

/// musl's loader prints its version, and holds it as a text of its own, such as `1.2.5`; `None` where several could be it.
fn musl(bytes: &[u8]) -> Option<String> {
    let found = texts(bytes, |text| {
        let mut parts = text.split('.');
        let is_number = |part: Option<&str>| part.is_some_and(|part| part.parse::<u8>().is_ok());
        is_number(parts.next()) && is_number(parts.next()) && is_number(parts.next()) && parts.next().is_none()
    });
    (found.len() == 1).then(|| found.concat())
}

/// What `PY_VERSION` may be, which Python holds as a text of its own, such as `3.11.2` or `3.14.0rc1`.
fn releases(bytes: &[u8]) -> String {
    let found = texts(bytes, |text| {
        let mut parts = text.splitn(3, '.');
        let (major, minor, patch) = (parts.next(), parts.next(), parts.next());
        let is_patch = |patch: &str| {
            patch.starts_with(|c: char| c.is_ascii_digit())
                && patch.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'+')
        };
        major == Some("3") && minor.is_some_and(|minor| minor.parse::<u8>().is_ok()) && patch.is_some_and(is_patch)
    });
    found.join(" ")
}

/// The short texts between zeros that are what is looked for, each once; none where there are so many that none of them can be it.
fn texts(bytes: &[u8], is_it: impl Fn(&str) -> bool) -> Vec<String> {
    let short = bytes
        .split(|byte| *byte == 0)
        .filter(|text| (5..=12).contains(&text.len()));
    let mut found: Vec<String> = Vec::new();
    for text in short.filter_map(|text| std::str::from_utf8(text).ok()) {
        if is_it(text) && !found.iter().any(|known| known == text) {
            if found.len() == MOST_TEXTS {
                return Vec::new();
            }
            found.push(text.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_of_nothing_but_releases_names_none() {
        let begun = std::time::Instant::now();
        let library = |count: u32| {
            let texts: Vec<String> = (0..count).map(|number| format!("3.11.{number}")).collect();
            releases(texts.join("\0").as_bytes())
        };
        assert_eq!(library(2), "3.11.0 3.11.1");
        assert_eq!(library(1_000_000), "");
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }
}
