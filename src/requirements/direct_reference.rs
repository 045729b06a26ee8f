//! Which package a URL is.

use std::str::FromStr;

use pep440_rs::Version;
use pep508_rs::PackageName;

/// The package that `url` is, and its version where the file's name has it: a wheel, an sdist, or `#egg=name`.
/// Sources: the [binary](https://packaging.python.org/en/latest/specifications/binary-distribution-format/) and
/// [source distribution format](https://packaging.python.org/en/latest/specifications/source-distribution-format/).
pub(super) fn package(url: &str) -> Option<(PackageName, Option<Version>)> {
    let (place, fragment) = url.split_once('#').unwrap_or((url, ""));
    let egg = fragment.split('&').find_map(|pair| pair.strip_prefix("egg="));
    if let Some(egg) = egg {
        let name = egg.split('[').next().unwrap_or(egg);
        return Some((PackageName::from_str(name).ok()?, None));
    }
    let file = place.split('?').next()?.rsplit('/').next()?;
    let file = percent_encoding::percent_decode_str(file).decode_utf8().ok()?;
    let (name, version) = match file.strip_suffix(".whl") {
        Some(wheel) => {
            let mut parts = wheel.split('-');
            (parts.next()?, parts.next()?)
        }
        None => file
            .strip_suffix(".tar.gz")
            .or_else(|| file.strip_suffix(".zip"))?
            .rsplit_once('-')?,
    };
    Some((
        PackageName::from_str(name).ok()?,
        Some(Version::from_str(version).ok()?),
    ))
}

/// Whether two URLs name the same package: the fragment and the commit of a checkout apart, which a lock adds.
pub(super) fn is_same(declared: &str, locked: &str) -> bool {
    let core = |url: &str| {
        let place = url.split('#').next().unwrap_or(url).to_owned();
        let Some((scheme, path)) = place.split_once("://").filter(|(scheme, _)| scheme.contains('+')) else {
            return place;
        };
        let repository = path.split('@').next().unwrap_or(path);
        format!("{scheme}://{}", repository.trim_end_matches(".git"))
    };
    core(declared) == core(locked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_its_package() {
        let of = |url: &str| {
            let (name, version) = package(url)?;
            Some((name.to_string(), version.map(|version| version.to_string())))
        };
        let found = |name: &str, version: &str| Some((name.to_owned(), Some(version.to_owned())));
        assert_eq!(
            of("https://h/torch-2.1.0%2Bcpu-cp311-cp311-linux_x86_64.whl"),
            found("torch", "2.1.0+cpu")
        );
        assert_eq!(of("https://h/my_pkg-1.0.tar.gz?x=1#sha256=ab"), found("my-pkg", "1.0"));
        assert_eq!(
            of("git+https://h/r@main#egg=A_b[c]&x=y"),
            Some(("a-b".to_owned(), None))
        );
        assert_eq!(of("https://h/archive/main.zip"), None);
    }

    #[test]
    fn a_commit_makes_no_difference() {
        assert!(is_same(
            "git+https://h/r.git@main",
            "git+https://h/r@0123#subdirectory=x"
        ));
        assert!(is_same("https://h/a-1.zip", "https://h/a-1.zip#sha256=0"));
        assert!(!is_same("git+https://h/r", "git+https://h/s@1") && !is_same("https://h/a", "https://h/b"));
    }
}
