//! What the program `python` is, as Python itself finds out when it starts
//! ([getpath.py](https://github.com/python/cpython/blob/3.13/Modules/getpath.py)).

use super::{Image, join, normal, parent};
use crate::engine::native::base::Error;
use crate::engine::native::base::excerpt::SCRIPT;

/// A program `python`.
pub(super) struct Executable {
    /// As PATH finds it.
    pub(super) path: String,
    /// `(3, 11)`.
    pub(super) version: (u16, u16),
    /// `3.11.2`, where the program or its library says it.
    pub(super) release: Option<String>,
    /// Where its standard library is: `/usr` of `/usr/lib/python3.11`.
    pub(super) base_prefix: String,
    /// The virtual environment that it belongs to.
    pub(super) environment: Option<Environment>,
    /// The loader that it names, which is that of its C library; empty where it is linked statically.
    pub(super) loader: String,
}

/// A virtual environment ([`venv`](https://docs.python.org/3/library/venv.html)).
pub(super) struct Environment {
    pub(super) prefix: String,
    /// Whether what is installed outside of it is seen in it.
    pub(super) sees_system: bool,
    /// The directory of the Python that it was made with.
    home: String,
    /// What made it notes the version.
    version: Option<(u16, u16)>,
}

impl Executable {
    pub(super) fn find(image: &Image<'_>) -> Result<Self, Error> {
        let Some(path) = on_path(image) else {
            return Err(Error::NoPython {
                image: image.name.to_owned(),
                path: image.variables.path().to_owned(),
            });
        };
        let file = image.tree.resolve(&path);
        let unknown = |reason: String| image.unknown(&path, reason);
        let (loader, releases) = match image.kept(&file).and_then(|kept| kept.split_once('\n')) {
            Some((SCRIPT, _)) => return Err(unknown(format!("{file} is a script, which may start any Python"))),
            Some((loader, releases)) => (loader.to_owned(), releases),
            None => {
                return Err(unknown(format!(
                    "{file} is no program of CPython's, by its name or content"
                )));
            }
        };
        let environment = Environment::of(image, &path)?;
        let home = environment
            .as_ref()
            .map_or_else(|| parent(&file), |environment| &environment.home);
        let version = match in_name(&file).map_err(&unknown)? {
            Some(version) => version,
            None => match environment.as_ref().and_then(|environment| environment.version) {
                Some(version) => version,
                None => of_libraries(image, home).map_err(&unknown)?,
            },
        };
        let base_prefix = prefix(image, home, version).map_err(&unknown)?;
        let (major, minor) = version;
        let library = join(&base_prefix, &format!("lib/libpython{major}.{minor}.so.1.0"));
        let mut named = [Some(releases), image.kept(&library)].into_iter().flatten();
        let release = named.find_map(|named| release(named, version));
        Ok(Self {
            path,
            version,
            release,
            base_prefix,
            environment,
            loader,
        })
    }

    /// `sys.prefix`.
    pub(super) fn prefix(&self) -> &str {
        self.environment
            .as_ref()
            .map_or(&self.base_prefix, |environment| &environment.prefix)
    }

    /// The standard library's directory.
    pub(super) fn standard_library(&self) -> String {
        library(&self.base_prefix, self.version)
    }
}

/// Where the shell finds `python`: a file that somebody may execute.
fn on_path(image: &Image<'_>) -> Option<String> {
    let directories = image.variables.directories(image.variables.path());
    let mut candidates = directories.into_iter().map(|directory| join(&directory, "python"));
    candidates.find(|path| {
        let file = image.tree.resolve(path);
        image.tree.is_file(&file) && image.tree.mode(&file).is_some_and(|mode| mode & 0o111 != 0)
    })
}

/// The version that a program's name says; `None` for one that says none, such as `python3`.
fn in_name(file: &str) -> Result<Option<(u16, u16)>, String> {
    let name = file.rsplit('/').next().unwrap_or_default();
    match name.strip_prefix("python") {
        Some("" | "3") => Ok(None),
        Some(text) => match version(text) {
            Some(version) => Ok(Some(version)),
            None if text.starts_with('2') => Err(format!("{file} is Python 2")),
            None => Err(format!(
                "{file} is another build of Python than wheels are published for"
            )),
        },
        None => Err(format!("{file} is no program of CPython's, by its name")),
    }
}

/// The release of a version among texts that look like one, where it is the only one: a library that is linked into it may be of a version
/// that looks so too.
fn release(named: &str, (major, minor): (u16, u16)) -> Option<String> {
    let beginning = format!("{major}.{minor}.");
    let mut found = named.split_whitespace().filter(|named| named.starts_with(&beginning));
    found.next().filter(|_| found.next().is_none()).map(str::to_owned)
}

/// `3.11` as numbers; what follows a second dot does not matter.
fn version(text: &str) -> Option<(u16, u16)> {
    let mut parts = text.trim().splitn(3, '.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let version = (major.parse().ok()?, minor.parse().ok()?);
    (version.0 == 3).then_some(version)
}

/// The only version whose library is beside, or above, the directory of a program: where Python would look for it.
fn of_libraries(image: &Image<'_>, home: &str) -> Result<(u16, u16), String> {
    let mut found: Vec<(u16, u16)> = Vec::new();
    for directory in upwards(home) {
        for name in image.tree.names(&join(directory, "lib")) {
            let version = name.strip_prefix("python").and_then(version);
            found.extend(version.filter(|version| is_library(image, directory, *version)));
        }
    }
    found.dedup();
    match found[..] {
        [version] => Ok(version),
        [] => Err(format!("there is no lib/python3.*/os.py beside or above {home}")),
        _ => Err(format!(
            "there are several versions of Python beside or above {home}, and its name says none"
        )),
    }
}

/// Where the standard library is, as seen from the directory of the program.
fn prefix(image: &Image<'_>, home: &str, version: (u16, u16)) -> Result<String, String> {
    let found = upwards(home).find(|directory| is_library(image, directory, version));
    found.map(str::to_owned).ok_or_else(|| {
        let (major, minor) = version;
        format!("there is no lib/python{major}.{minor}/os.py beside or above {home}")
    })
}

/// The directory and those above it.
fn upwards(directory: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(directory), |below| (*below != "/").then(|| parent(below)))
}

fn is_library(image: &Image<'_>, prefix: &str, version: (u16, u16)) -> bool {
    image.tree.is_file(&join(&library(prefix, version), "os.py"))
}

fn library(prefix: &str, (major, minor): (u16, u16)) -> String {
    join(prefix, &format!("lib/python{major}.{minor}"))
}

impl Environment {
    /// The virtual environment of the program at `path`: `pyvenv.cfg` is beside it or one directory above.
    fn of(image: &Image<'_>, path: &str) -> Result<Option<Self>, Error> {
        let directory = parent(path);
        let candidates = [directory, parent(directory)].map(|directory| join(directory, "pyvenv.cfg"));
        let Some(marker) = candidates.into_iter().find(|marker| image.tree.is_file(marker)) else {
            return Ok(None);
        };
        let text = image
            .kept(&marker)
            .ok_or_else(|| image.unknown(path, format!("{marker} cannot be read")))?;
        // Versions of Python do not agree on a file without it.
        let home = value(text, "home").filter(|home| home.starts_with('/'));
        let home = home.ok_or_else(|| image.unknown(path, format!("{marker} names no absolute path as its `home`")))?;
        let noted = value(text, "version_info").or_else(|| value(text, "version"));
        Ok(Some(Self {
            // `site` takes the directory above the program's for the prefix, wherever the file is.
            prefix: normal(parent(directory)),
            sees_system: value(text, "include-system-site-packages")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            home: normal(home),
            version: noted.and_then(version),
        }))
    }
}

/// A value of `pyvenv.cfg`, as [`site`](https://docs.python.org/3/library/site.html) reads it.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let mut found = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case(key));
    found.next().map(|(_, value)| value.trim())
}
