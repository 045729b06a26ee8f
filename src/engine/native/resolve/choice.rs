//! One file of each package that uv chose: pip's choice among a version's wheels, or what a wheel is to be built of.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use pep440_rs::Version;
use pep508_rs::PackageName;

use super::asked::Asked;
use super::{Error, Question, Remote, Resolved, Source, installed};
use crate::engine::native::store::is_wheel;
use crate::oci::Digest;
use crate::package::wheel::Supported;
use crate::requirements::pylock::{File, Package, Pylock, Vcs};
use crate::secret::without_url_credentials;

/// What comes of uv's answer.
pub(super) struct Chosen {
    pub(super) wheels: Vec<Resolved>,
    pub(super) to_build: Vec<ToBuild>,
    pub(super) replaced: Vec<String>,
}

/// A package without a wheel that fits.
pub(super) struct ToBuild {
    pub(super) name: String,
    /// As the index has it; a URL does not say.
    pub(super) version: Option<String>,
    pub(super) requested: bool,
    pub(super) of: Of,
    /// The directory in it that has the project.
    pub(super) subdirectory: Option<String>,
    /// Its `--config-settings`.
    pub(super) settings: Vec<String>,
    /// Why it must be built.
    pub(super) reason: String,
}

/// What a wheel is built of.
pub(super) enum Of {
    /// An archive with the sources.
    Archive {
        remote: Remote,
        file_name: String,
        hashes: Vec<String>,
    },
    /// A commit of a git repository.
    Commit { url: String, commit: String },
}

/// Chooses from `lock`, which is uv's answer.
pub(super) fn choose(lock: &str, question: &Question<'_>, asked: &Asked) -> Result<Chosen, Error> {
    let lock: Pylock = toml::from_str(lock).map_err(|error| Error::Answer(error.to_string()))?;
    let choice = Choice {
        question,
        asked,
        supported: question.target.supported(),
        installed: installed(question),
    };
    let mut chosen = Chosen {
        wheels: Vec::new(),
        to_build: Vec::new(),
        replaced: Vec::new(),
    };
    for package in &lock.packages {
        choice.package(package, &mut chosen)?;
    }
    Ok(chosen)
}

/// By name: version, and the name as it is written there.
fn installed<'a>(question: &Question<'a>) -> BTreeMap<PackageName, (Version, &'a str)> {
    let found = installed::found(question.installed).into_iter();
    found
        .map(|(name, version, package)| (name, (version, package.name.as_str())))
        .collect()
}

struct Choice<'a> {
    question: &'a Question<'a>,
    asked: &'a Asked,
    supported: Supported,
    installed: BTreeMap<PackageName, (Version, &'a str)>,
}

/// A file with its name.
struct Named<'a> {
    file: &'a File,
    name: String,
}

impl Choice<'_> {
    fn package(&self, package: &Package, chosen: &mut Chosen) -> Result<(), Error> {
        let written = package.name.get_ref();
        let name = PackageName::from_str(written).map_err(|error| Error::Answer(error.to_string()))?;
        let version = package.version.as_deref().and_then(|text| Version::from_str(text).ok());
        let there = self.installed.get(&name);
        let is_of_index = package.archive.is_none() && package.vcs.is_none() && package.directory.is_none();
        if is_of_index && there.is_some_and(|(there, _)| Some(there) == version.as_ref()) {
            return Ok(());
        }
        if let Some((_, as_written)) = there {
            chosen.replaced.push((*as_written).to_owned());
        }
        match self.file(package, &name)? {
            Found::Wheel(wheel) => chosen.wheels.push(Resolved {
                is_of_index,
                index: package.index.as_deref().filter(|_| is_of_index).map(without_user_info),
                ..wheel
            }),
            Found::Sources(sources) => chosen.to_build.push(sources),
        }
        Ok(())
    }

    fn file(&self, package: &Package, name: &PackageName) -> Result<Found, Error> {
        if let Some(directory) = &package.directory {
            return Err(Error::Unsupported {
                what: format!("{name}, which is the directory `{}`", directory.place()),
                reason: "a directory of this machine may change at any time",
                instead: "Name a release on an index or a URL",
            });
        }
        if let Some(vcs) = &package.vcs {
            return self.checkout(package, vcs, name);
        }
        if let Some(archive) = &package.archive {
            return self.archive(package, archive, name);
        }
        let allowed = self.allowed(name)?;
        let wheels = named(&package.wheels).filter(|wheel| is_allowed(wheel.file, allowed));
        let version = package.version.clone().unwrap_or_default();
        if let Some(best) = self.supported.best(wheels, |wheel| wheel.name.clone()) {
            return Ok(Found::Wheel(self.resolved(name, version, &best, allowed)?));
        }
        let sdist = named(package.sdist.as_slice()).find(|sdist| is_allowed(sdist.file, allowed));
        let Some(sdist) = sdist else {
            return Err(self.nothing_fits(package, name, &version, allowed));
        };
        Ok(Found::Sources(self.archive_to_build(
            name,
            Some(version),
            &sdist,
            allowed,
        )?))
    }

    /// A commit of a repository.
    fn checkout(&self, package: &Package, vcs: &Vcs, name: &PackageName) -> Result<Found, Error> {
        // pip takes no commit for a hash.
        self.allowed(name)?;
        let Some(url) = vcs.url.as_deref().filter(|_| vcs.kind == "git") else {
            return Err(Error::Unsupported {
                what: format!("{name}, which is a {} checkout", vcs.kind),
                reason: "only git's can be had from elsewhere",
                instead: "Name a release on an index, or the URL of an archive of that commit",
            });
        };
        let of = Of::Commit {
            url: url.strip_prefix("git+").unwrap_or(url).to_owned(),
            commit: vcs.commit_id.clone(),
        };
        Ok(Found::Sources(ToBuild {
            subdirectory: vcs.subdirectory.clone(),
            requested: self.asked.requested.contains(name) || self.asked.urls.iter().any(|asked| asked.contains(url)),
            ..self.to_build(name, package.version.clone(), of, "it is a checkout".to_owned())
        }))
    }

    /// A wheel or an sdist that a requirement names by its URL.
    fn archive(&self, package: &Package, archive: &File, name: &PackageName) -> Result<Found, Error> {
        let allowed = self.allowed(name)?;
        let named = Named {
            file: archive,
            name: file_name(archive).unwrap_or_default(),
        };
        if !is_allowed(archive, allowed) {
            return Err(Error::OtherHash {
                package: name.to_string(),
                of: named.name,
            });
        }
        if !is_wheel(Path::new(&named.name)) {
            let sources = self.archive_to_build(name, package.version.clone(), &named, allowed)?;
            return Ok(Found::Sources(sources));
        }
        if !self.supported.fits(&named.name) {
            return Err(Error::Unfit {
                wheel: named.name,
                target: self.question.target.to_string(),
            });
        }
        let version = package.version.clone();
        let version = version.or_else(|| named.name.split('-').nth(1).map(ToOwned::to_owned));
        let resolved = self.resolved(name, version.unwrap_or_default(), &named, allowed)?;
        Ok(Found::Wheel(resolved))
    }

    /// The hashes that the requirements allow of a package; all where they name none.
    fn allowed(&self, name: &PackageName) -> Result<&[String], Error> {
        let hashes = self.asked.hashes.get(name).map(Vec::as_slice).unwrap_or_default();
        if hashes.is_empty() && self.asked.requires_hashes {
            return Err(Error::NoHash {
                package: name.to_string(),
            });
        }
        Ok(hashes)
    }

    fn resolved(
        &self,
        name: &PackageName,
        version: String,
        wheel: &Named<'_>,
        allowed: &[String],
    ) -> Result<Resolved, Error> {
        let remote = remote(wheel)?;
        Ok(Resolved {
            name: name.to_string(),
            version,
            file_name: wheel.name.clone(),
            requested: self.is_requested(name, &remote.url),
            source: Source::File(remote),
            hashes: allowed.to_vec(),
            is_of_index: false,
            index: None,
        })
    }

    fn archive_to_build(
        &self,
        name: &PackageName,
        version: Option<String>,
        sdist: &Named<'_>,
        allowed: &[String],
    ) -> Result<ToBuild, Error> {
        let remote = remote(sdist)?;
        let requested = self.is_requested(name, &remote.url);
        let of = Of::Archive {
            remote,
            file_name: sdist.name.clone(),
            hashes: allowed.to_vec(),
        };
        let reason = format!("no wheel of it fits {}", self.question.target);
        Ok(ToBuild {
            requested,
            subdirectory: sdist.file.subdirectory.clone(),
            ..self.to_build(name, version, of, reason)
        })
    }

    fn to_build(&self, name: &PackageName, version: Option<String>, of: Of, reason: String) -> ToBuild {
        ToBuild {
            name: name.to_string(),
            version,
            requested: false,
            of,
            subdirectory: None,
            settings: self.asked.build_settings.get(name).cloned().unwrap_or_default(),
            reason,
        }
    }

    fn is_requested(&self, name: &PackageName, url: &str) -> bool {
        self.asked.requested.contains(name) || self.asked.urls.contains(url)
    }

    fn nothing_fits(&self, package: &Package, name: &PackageName, version: &str, allowed: &[String]) -> Error {
        let files = named(&package.wheels).chain(named(package.sdist.as_slice()));
        let files: Vec<String> = files.map(|file| file.name).collect();
        if !allowed.is_empty() && !files.is_empty() {
            return Error::OtherHash {
                package: name.to_string(),
                of: files.join(", "),
            };
        }
        Error::NothingFits {
            package: format!("{name} {version}"),
            target: self.question.target.to_string(),
        }
    }
}

enum Found {
    Wheel(Resolved),
    Sources(ToBuild),
}

/// The files that have a name.
fn named(files: &[File]) -> impl Iterator<Item = Named<'_>> {
    files.iter().filter_map(|file| {
        Some(Named {
            file,
            name: file_name(file)?,
        })
    })
}

fn file_name(file: &File) -> Option<String> {
    if let Some(name) = &file.name {
        return Some(name.clone());
    }
    let place = file.url.as_deref().or(file.path.as_deref())?;
    let last = place.split(['#', '?']).next()?.rsplit('/').next()?;
    let decoded = percent_encoding::percent_decode_str(last).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// Whether the index says that the file is one of the allowed; where it says nothing of an allowed kind of hash, the file itself will.
fn is_allowed(file: &File, allowed: &[String]) -> bool {
    let known = |hash: &String| {
        let (algorithm, digest) = hash.split_once(':')?;
        Some(file.hashes.get(algorithm)?.eq_ignore_ascii_case(digest))
    };
    let mut verdicts = allowed.iter().filter_map(known).peekable();
    verdicts.peek().is_none() || verdicts.any(|is_same| is_same)
}

fn remote(named: &Named<'_>) -> Result<Remote, Error> {
    let Named { file, name } = named;
    let url = match (&file.url, &file.path) {
        (Some(url), _) => url.clone(),
        (None, Some(path)) => format!("file://{path}"),
        (None, None) => return Err(Error::Answer(format!("{name} is nowhere"))),
    };
    let sha256 = file
        .hashes
        .get("sha256")
        .map(|hex| format!("sha256:{}", hex.to_ascii_lowercase()));
    let sha256 = sha256.map(|digest| digest.parse::<Digest>()).transpose();
    Ok(Remote {
        // Who one is to its host is known there.
        url: without_user_info(&url),
        sha256: sha256.map_err(|error| Error::Answer(format!("{name}: {error}")))?,
        size: file.size,
    })
}

/// The URL without a user and password.
fn without_user_info(url: &str) -> String {
    if without_url_credentials(url) == url {
        return url.to_owned();
    }
    let Ok(mut parsed) = url::Url::parse(url) else {
        return without_url_credentials(url);
    };
    // It fails where there can be none.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.to_string()
}
