//! `Project, Sdist ─▶ ImagePlan`: what the training image holds, in the field's terms. An engine or
//! [`crate::dockerfile`] decides how to make it.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, PackageName, Requirement, VerbatimUrl};
use serde::Serialize;

use crate::fault::Fault;
use crate::project::{EntryPoint, Project};
use crate::registry::{Reference, reference};
use crate::sdist::Sdist;
use crate::secret::without_url_credentials;

/// The official Python image's repository in the Amazon ECR public gallery, which has no pull limits inside AWS.
/// Source: <https://gallery.ecr.aws/docker/library/python>.
const PYTHON_REPOSITORY: &str = "public.ecr.aws/docker/library/python";

/// Python releases with an official slim image, in the order in which they are tried: first the one that most wheels are
/// published for, then its neighbours.
const PYTHON_RELEASES: [&str; 6] = ["3.12", "3.11", "3.10", "3.13", "3.9", "3.14"];

/// Where a Python version comes from that was not the package's choice.
const SETTING: &str = "setting python-version";

/// Where the image keeps `run.py`: outside `/opt/ml`, which belongs to SageMaker.
pub const RUN_PY: &str = "/usr/local/lib/sgbuild/run.py";

/// The content of a training image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImagePlan {
    /// The package's name and version, for comments and labels.
    pub name: String,
    /// See `name`.
    pub version: String,
    /// The base image.
    pub base: String,
    /// `linux/amd64` or `linux/arm64`.
    pub platform: String,
    /// Debian packages to install.
    pub system_packages: Vec<String>,
    /// Environment variables of the image.
    pub environment: BTreeMap<String, String>,
    /// Dockerfile lines of the project (`dockerlines`), put before the pip installs.
    pub docker_lines: Vec<String>,
    /// Requirements (PEP 508) that the package's build backend needs; they do not reach the image.
    pub build_requirements: Vec<String>,
    /// Requirements (PEP 508) of the package and its chosen extras.
    pub requirements: Vec<String>,
    /// File name of the sdist.
    pub sdist: String,
    /// What `train` calls.
    pub train: EntryPoint,
    /// What `serve` calls.
    pub serve: Option<EntryPoint>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Ids of the build secrets that pip needs: `pip.conf`, `netrc`, `ca.pem`.
    pub secrets: BTreeSet<String>,
    /// The command that the container runs, in exec form.
    pub entrypoint: Vec<String>,
    /// Its default argument.
    pub command: Vec<String>,
}

/// What the settings say about the image.
#[derive(Debug, Clone, Default)]
pub struct ImageSettings {
    /// Replaces the official Python image.
    pub base_image: Option<String>,
    /// Replaces the project's `python_version`.
    pub python_version: Option<String>,
    /// `linux/amd64` or `linux/arm64`.
    pub platform: String,
    /// Debian packages to install.
    pub system_packages: Vec<String>,
    /// Environment variables of the image.
    pub environment: BTreeMap<String, String>,
    /// Labels besides the standard ones.
    pub labels: BTreeMap<String, String>,
    /// Extras of the package to install.
    pub extras: Vec<String>,
    /// The commit, for the label `org.opencontainers.image.revision`.
    pub revision: Option<String>,
    /// The source's URL, for the label `org.opencontainers.image.source`.
    pub source: Option<String>,
    /// Seconds since 1970 of `SOURCE_DATE_EPOCH`, for the label `org.opencontainers.image.created`.
    pub source_date_epoch: Option<i64>,
    /// Ids of the build secrets there are.
    pub secrets: BTreeSet<String>,
}

/// Why no image can be planned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A requirement is not PEP 508.
    #[error("requirement `{requirement}` is not valid: {reason}")]
    Requirement {
        /// The requirement as declared.
        requirement: String,
        /// The parser's words.
        reason: String,
    },
    /// A requirement's URL carries a user name or password, which would end up in the image.
    #[error("requirement `{requirement}` carries credentials in its URL, and they would be stored in the image")]
    RequirementCredentials {
        /// The requirement, masked.
        requirement: String,
    },
    /// An extra was asked for that the package does not have.
    #[error("{name} has no extra `{extra}`{}", known(.available))]
    UnknownExtra {
        /// The package.
        name: String,
        /// The extra asked for.
        extra: String,
        /// What it has.
        available: Vec<String>,
    },
    /// `requires_python` is not a PEP 440 specifier.
    #[error("requires_python `{specifier}` is not valid: {reason}")]
    RequiresPython {
        /// As declared.
        specifier: String,
        /// The parser's words.
        reason: String,
    },
    /// The chosen Python does not satisfy `requires_python`.
    #[error("Python {version} ({origin}) does not satisfy the package's requires_python `{specifier}`")]
    PythonExcluded {
        /// The version chosen.
        version: String,
        /// Where it was chosen.
        origin: &'static str,
        /// As declared.
        specifier: String,
    },
    /// No official image satisfies `requires_python`.
    #[error("no official Python image satisfies the package's requires_python `{specifier}`")]
    NoPython {
        /// As declared.
        specifier: String,
    },
    /// `python_version` is not `X.Y` or `X.Y.Z`.
    #[error("python_version `{version}` ({origin}) is not a Python version such as 3.11")]
    PythonVersion {
        /// As given.
        version: String,
        /// Where it was given.
        origin: &'static str,
    },
    /// The platform is not one that SageMaker has instances for.
    #[error(
        "platform `{platform}` is not supported: SageMaker trains on linux/amd64 (and linux/arm64 on Graviton instances)"
    )]
    Platform {
        /// As given.
        platform: String,
    },
    /// The base image is not an image reference.
    #[error("base image {0}")]
    BaseImage(#[source] reference::Error),
    /// A name or value that a Dockerfile cannot hold.
    #[error("{what} `{name}` cannot be written to a Dockerfile: {reason}")]
    Unwritable {
        /// `environment variable`, `label` or `system package`.
        what: &'static str,
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

fn known(available: &[String]) -> String {
    if available.is_empty() {
        String::new()
    } else {
        format!(" (it has {})", available.join(", "))
    }
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Requirement { .. } => {
                "Correct it in install_requires or extras_require; the form is `name[extra]>=1.0; python_version < \"3.12\"`."
            }
            Self::RequirementCredentials { .. } => {
                "Take the credentials out of the URL and put them into ~/.netrc: sgbuild hands what it says of that host to pip as a build secret."
            }
            Self::UnknownExtra { .. } => "Correct the setting `extras`, or declare the extra in extras_require.",
            Self::RequiresPython { .. } => "Correct python_requires; the form is `>=3.9,<3.13`.",
            Self::PythonExcluded { .. } => {
                "Change python_version (setting `python-version`, or the setup() keyword), or widen python_requires."
            }
            Self::NoPython { .. } => "Name an image that has the right Python with the setting `base-image`.",
            Self::PythonVersion { .. } => "Write it as X.Y, such as 3.11.",
            Self::Platform { .. } => "Set `platform` to linux/amd64.",
            Self::BaseImage(_) => "Set `base-image` to something like public.ecr.aws/docker/library/python:3.11-slim.",
            Self::Unwritable { .. } => "Correct the setting; `sgbuild settings` shows where it comes from.",
        };
        vec![hint.to_owned()]
    }

    /// Whose move it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            // Only settings name these.
            Self::Platform { .. } | Self::BaseImage(_) | Self::UnknownExtra { .. } | Self::Unwritable { .. } => {
                Fault::Usage
            }
            Self::PythonVersion { origin, .. } if *origin == SETTING => Fault::Usage,
            _ => Fault::User,
        }
    }
}

impl ImagePlan {
    /// Plans the training image of `project`, whose sdist is `sdist` and whose training function is `train`.
    ///
    /// # Errors
    /// See [`Error`]: requirements, Python version, platform or names that cannot be right.
    pub fn new(project: &Project, sdist: &Sdist, train: &EntryPoint, settings: &ImageSettings) -> Result<Self, Error> {
        if !matches!(settings.platform.as_str(), "linux/amd64" | "linux/arm64") {
            return Err(Error::Platform {
                platform: settings.platform.clone(),
            });
        }
        writable_names(settings)?;
        Ok(Self {
            name: project.metadata.name.clone(),
            version: project.metadata.version.clone(),
            base: base_image(project, settings)?,
            platform: settings.platform.clone(),
            system_packages: settings.system_packages.clone(),
            environment: settings.environment.clone(),
            docker_lines: project.build.docker_lines.clone(),
            build_requirements: requirements(None, &project.build.requires, &[])?,
            requirements: requirements(
                Some(&project.metadata.name),
                &project.metadata.requires_dist,
                &with_implied_extras(project, extras(project, &settings.extras)?),
            )?,
            sdist: sdist.file_name.clone(),
            train: train.clone(),
            serve: project.serve.clone(),
            labels: labels(project, settings),
            secrets: settings.secrets.clone(),
            entrypoint: vec!["python".to_owned(), RUN_PY.to_owned()],
            command: vec!["train".to_owned()],
        })
    }
}

fn base_image(project: &Project, settings: &ImageSettings) -> Result<String, Error> {
    let image = match &settings.base_image {
        Some(image) => image.clone(),
        None => format!("{PYTHON_REPOSITORY}:{}-slim", python_version(project, settings)?),
    };
    let reference = Reference::from_str(&image).map_err(Error::BaseImage)?;
    Ok(reference.to_string())
}

/// The Python version of the official image: the one chosen, else the first of [`PYTHON_RELEASES`] that the package allows.
fn python_version(project: &Project, settings: &ImageSettings) -> Result<String, Error> {
    let allowed = match &project.metadata.requires_python {
        Some(specifier) => Some(
            VersionSpecifiers::from_str(specifier).map_err(|e| Error::RequiresPython {
                specifier: specifier.clone(),
                reason: e.to_string(),
            })?,
        ),
        None => None,
    };
    let specifier = || project.metadata.requires_python.clone().unwrap_or_default();
    let chosen = (settings.python_version.as_ref().map(|v| (v, SETTING))).or(project
        .build
        .python_version
        .as_ref()
        .map(|v| (v, "python_version in setup()")));
    let Some((version, origin)) = chosen else {
        return PYTHON_RELEASES
            .iter()
            .find(|release| allowed.as_ref().is_none_or(|allowed| allows(allowed, release)))
            .map(|release| (*release).to_owned())
            .ok_or_else(|| Error::NoPython { specifier: specifier() });
    };
    let parts: Vec<_> = version.split('.').collect();
    if !(2..=3).contains(&parts.len())
        || parts
            .iter()
            .any(|p| p.is_empty() || !p.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(Error::PythonVersion {
            version: version.clone(),
            origin,
        });
    }
    if allowed.is_some_and(|allowed| !allows(&allowed, version)) {
        return Err(Error::PythonExcluded {
            version: version.clone(),
            origin,
            specifier: specifier(),
        });
    }
    Ok(version.clone())
}

/// Whether a Python release such as `3.11` satisfies `allowed`. `X.Y` stands for its latest patch release, so `>=3.11.4` allows it.
fn allows(allowed: &VersionSpecifiers, release: &str) -> bool {
    let full = if release.matches('.').count() == 1 {
        format!("{release}.99")
    } else {
        release.to_owned()
    };
    Version::from_str(&full).is_ok_and(|version| allowed.contains(&version))
}

fn extras(project: &Project, chosen: &[String]) -> Result<Vec<ExtraName>, Error> {
    let available: Vec<_> = project
        .metadata
        .provides_extra
        .iter()
        .filter_map(|e| ExtraName::from_str(e).ok())
        .collect();
    chosen
        .iter()
        .map(|extra| {
            ExtraName::from_str(extra)
                .ok()
                .filter(|name| available.contains(name))
                .ok_or_else(|| Error::UnknownExtra {
                    name: project.metadata.name.clone(),
                    extra: extra.clone(),
                    available: project.metadata.provides_extra.clone(),
                })
        })
        .collect()
}

/// The extras, with those that they ask for in turn: `all = ["pkg[a,b]"]` of the package `pkg` means its extras a and b.
fn with_implied_extras(project: &Project, chosen: Vec<ExtraName>) -> Vec<ExtraName> {
    let own = PackageName::from_str(&project.metadata.name).ok();
    let declared: Vec<Requirement> = project
        .metadata
        .requires_dist
        .iter()
        .filter_map(|text| Requirement::from_str(text).ok())
        .filter(|requirement| own.as_ref() == Some(&requirement.name))
        .collect();
    let mut all = chosen;
    loop {
        let implied = declared
            .iter()
            .filter(|requirement| requirement.marker.evaluate_extras(&all));
        let new: Vec<ExtraName> = implied
            .flat_map(|requirement| &requirement.extras)
            .filter(|extra| !all.contains(extra))
            .cloned()
            .collect();
        if new.is_empty() {
            return all;
        }
        all.extend(new);
    }
}

/// The requirements that apply with `extras`, without their `extra ==` markers, in PEP 508 form. One on the package `own` itself
/// only names extras, which are among `extras`.
fn requirements(own: Option<&str>, declared: &[String], extras: &[ExtraName]) -> Result<Vec<String>, Error> {
    let own = own.and_then(|name| PackageName::from_str(name).ok());
    let mut chosen = Vec::new();
    for text in declared {
        let shown = without_url_credentials(text);
        if shown != *text {
            return Err(Error::RequirementCredentials { requirement: shown });
        }
        let mut requirement = Requirement::<VerbatimUrl>::from_str(text).map_err(|e| Error::Requirement {
            requirement: text.clone(),
            reason: first_line(&e.to_string()),
        })?;
        if !requirement.marker.evaluate_extras(extras) || own.as_ref() == Some(&requirement.name) {
            continue;
        }
        let marker = requirement.marker.clone().simplify_extras(extras);
        // As declared where that is possible: a reader knows it again.
        let line = if marker == requirement.marker {
            text.trim().to_owned()
        } else {
            requirement.marker = marker;
            requirement.to_string()
        };
        if !chosen.contains(&line) {
            chosen.push(line);
        }
    }
    Ok(chosen)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The [OCI standard labels](https://github.com/opencontainers/image-spec/blob/main/annotations.md) and the user's.
fn labels(project: &Project, settings: &ImageSettings) -> BTreeMap<String, String> {
    let created = settings
        .source_date_epoch
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map(|time| time.to_string());
    let standard = [
        ("title", Some(project.metadata.name.clone())),
        ("version", Some(project.metadata.version.clone())),
        (
            "description",
            project.metadata.summary.clone().map(|s| s.replace(['\r', '\n'], " ")),
        ),
        ("revision", settings.revision.clone()),
        ("source", settings.source.as_deref().map(without_url_credentials)),
        ("created", created),
    ];
    let mut labels: BTreeMap<_, _> = standard
        .into_iter()
        .filter_map(|(key, value)| Some((format!("org.opencontainers.image.{key}"), value?)))
        .collect();
    labels.extend(settings.labels.clone());
    labels
}

/// Refuses names and values that would change the Dockerfile's meaning.
fn writable_names(settings: &ImageSettings) -> Result<(), Error> {
    for (what, pairs) in [
        ("environment variable", &settings.environment),
        ("label", &settings.labels),
    ] {
        for (name, value) in pairs {
            let reason = if name.is_empty() {
                "it has no name"
            } else if name.contains(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\'' | '\\' | '$')) {
                "its name holds a space, quote, `=`, `$` or backslash"
            } else if value.contains(['\n', '\r', '\0']) {
                "its value holds a line break"
            } else if without_url_credentials(value) != *value {
                "its value holds credentials, which everyone who has the image could read"
            } else {
                continue;
            };
            return Err(Error::Unwritable {
                what,
                name: name.clone(),
                reason,
            });
        }
    }
    for package in &settings.system_packages {
        // Debian policy 5.6.1, with an optional `=version` and `:architecture`.
        let valid = package.starts_with(|c: char| c.is_ascii_alphanumeric())
            && package
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.:=~".contains(c));
        if !valid {
            return Err(Error::Unwritable {
                what: "system package",
                name: package.clone(),
                reason: "it is not the name of a Debian package",
            });
        }
    }
    Ok(())
}
