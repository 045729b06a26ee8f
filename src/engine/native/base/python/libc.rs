//! The C library that a Python runs with, of which loader and version are read from the files themselves.

use super::Image;
use super::executable::Executable;
use crate::engine::native::Libc;
use crate::engine::native::base::Error;

/// Where a system's own libraries are; others, as in conda's compilers, are not what Python runs with.
const DIRECTORIES: [&str; 8] = [
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
];

pub(super) fn find(image: &Image<'_>, executable: &Executable) -> Result<Libc, Error> {
    let unknown = |reason: String| Error::NoLibc {
        image: image.name.to_owned(),
        reason,
    };
    let loader = &executable.loader;
    if loader.contains("/ld-musl-") {
        let version = image.kept(loader).and_then(numbers);
        let (major, minor) = version.ok_or_else(|| unknown(format!("{loader} does not say its version")))?;
        return Ok(Libc::Musl(major, minor));
    }
    if !loader.contains("/ld-linux") {
        let program = &executable.path;
        return Err(unknown(if loader.is_empty() {
            format!("{program} has none, as it is linked statically")
        } else {
            format!("{program} runs with {loader}, which is neither glibc's nor musl's")
        }));
    }
    let libraries = DIRECTORIES.iter().map(|directory| format!("{directory}/libc.so.6"));
    let mut found: Vec<(u16, u16)> = Vec::new();
    for library in libraries.filter(|library| image.tree.is_file(library)) {
        let version = image.kept(&library).and_then(numbers);
        found.push(version.ok_or_else(|| unknown(format!("{library} does not say its version")))?);
    }
    found.sort_unstable();
    found.dedup();
    match found[..] {
        [(major, minor)] => Ok(Libc::Glibc(major, minor)),
        [] => Err(unknown(format!("there is no libc.so.6 for {loader}"))),
        _ => Err(unknown("there are several of glibc, of different versions".to_owned())),
    }
}

/// The first two numbers of a version.
fn numbers(version: &str) -> Option<(u16, u16)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
