//! `Project, Sdist ─▶ ImagePlan`: what the training image holds, in the field's terms. An engine or
//! [`crate::dockerfile`] decides how to make it.

mod declared;
mod python;
mod writable;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde::Serialize;

use crate::fault::Fault;
use crate::package::sdist::Sdist;
use crate::project::{EntryPoint, Project};
use crate::registry::{Reference, reference};
use crate::requirements::{self, Declared, Environments, Pinning, Requirements};
use crate::secret::without_url_credentials;

/// The official Python image's repository in the Amazon ECR public gallery, which has no pull limits inside AWS.
/// Source: <https://gallery.ecr.aws/docker/library/python>.
const PYTHON_REPOSITORY: &str = "public.ecr.aws/docker/library/python";

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
    /// The lines of `requirements.txt`: requirements (PEP 508) of the package and its chosen extras, and what the user's file says,
    /// in pip's form and with comments that name it.
    pub requirements: Vec<String>,
    /// The lines of `constraints.txt`, in the same form.
    pub constraints: Vec<String>,
    /// Whether `requirements` are complete, as those of a lock file are: then pip installs these and nothing else.
    pub locked: bool,
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
    /// The user's requirements file and the package do not go together.
    #[error(transparent)]
    Requirements(#[from] Box<requirements::Error>),
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
        /// `environment variable`, `label`, `package name` and the like.
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
            Self::Requirements(error) => return error.hints(),
            Self::Requirement { .. } => {
                "Correct it in install_requires or extras_require; the form is `name[extra]>=1.0; python_version < \"3.12\"`."
            }
            Self::RequirementCredentials { .. } => {
                "Take the credentials out of the URL and put them into ~/.netrc: with --netrc-host, sgbuild hands what it says of a host to pip as a build secret."
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
            Self::Unwritable { what, name, .. } => return vec![writable::hint(what, name)],
        };
        vec![hint.to_owned()]
    }

    /// Whose move it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            // Only settings name these.
            Self::Platform { .. } | Self::BaseImage(_) | Self::UnknownExtra { .. } => Fault::Usage,
            Self::Unwritable { what, .. } if writable::is_setting(what) => Fault::Usage,
            Self::PythonVersion { origin, .. } if *origin == python::SETTING => Fault::Usage,
            Self::Requirements(error) => error.fault(),
            _ => Fault::User,
        }
    }
}

impl ImagePlan {
    /// Plans the training image of `project`, whose sdist is `sdist` and whose training function is `train`. `file` is the user's
    /// requirements file, where there is one.
    ///
    /// # Errors
    /// See [`Error`]: requirements, Python version, platform or names that cannot be right.
    pub fn new(
        project: &Project,
        sdist: &Sdist,
        train: &EntryPoint,
        file: Option<&Requirements>,
        settings: &ImageSettings,
    ) -> Result<Self, Error> {
        if !matches!(settings.platform.as_str(), "linux/amd64" | "linux/arm64") {
            return Err(Error::Platform {
                platform: settings.platform.clone(),
            });
        }
        let base = base_image(project, settings)?;
        let extras = declared::extras(project, &settings.extras, file)?;
        let declared = declared::requirements(&project.metadata.name, &project.metadata.requires_dist, &extras)?;
        if let Some(file) = file {
            let pythons = python::versions(project, settings)?.possible(settings);
            let environments = Environments::new(&settings.platform, &pythons);
            requirements::check(file, &declared, &environments, &base).map_err(Box::new)?;
        }
        let plan = Self {
            name: project.metadata.name.clone(),
            version: project.metadata.version.clone(),
            base,
            platform: settings.platform.clone(),
            system_packages: settings.system_packages.clone(),
            environment: settings.environment.clone(),
            docker_lines: project.build.docker_lines.clone(),
            build_requirements: texts(declared::requirements("", &project.build.requires, &[])?),
            requirements: requirement_lines(project, declared, file),
            constraints: file
                .map(|file| requirements::written(&file.constraints))
                .unwrap_or_default(),
            locked: file.is_some_and(|file| file.pinning() == Pinning::Locked),
            sdist: sdist.file_name.clone(),
            train: train.clone(),
            serve: project.serve.clone(),
            labels: labels(project, settings),
            secrets: settings.secrets.clone(),
            entrypoint: vec!["python".to_owned(), RUN_PY.to_owned()],
            command: vec!["train".to_owned()],
        };
        writable::check(&plan)?;
        Ok(plan)
    }

    /// What to warn of where `file` names a checkout: pip fetches it with a program that the official slim image does not have.
    #[must_use]
    pub fn missing_program(&self, file: Option<&Requirements>, settings: &ImageSettings) -> Option<String> {
        let (line, program) = file?.version_control()?;
        let mut said = self.system_packages.iter().chain(&self.docker_lines);
        let may_be_there = settings.base_image.is_some() || said.any(|text| text.contains(program));
        (!may_be_there).then(|| {
            let place = &line.place;
            format!("{place} needs the program {program}, which the image does not have: add it to `system-packages`")
        })
    }
}

fn texts(declared: Vec<Declared>) -> Vec<String> {
    declared.into_iter().map(|declared| declared.text).collect()
}

/// What is declared, or what the file says: with what is declared, unless pip would install nothing that the file does not name.
fn requirement_lines(project: &Project, declared: Vec<Declared>, file: Option<&Requirements>) -> Vec<String> {
    let Some(file) = file else { return texts(declared) };
    let mut lines = requirements::written(&file.lines);
    if file.pinning() != Pinning::Open {
        return lines;
    }
    let mut more = texts(declared);
    more.retain(|text| !lines.contains(text));
    if !more.is_empty() {
        lines.push(format!("# Declared by {}", project.metadata.name));
    }
    lines.extend(more);
    lines
}

fn base_image(project: &Project, settings: &ImageSettings) -> Result<String, Error> {
    let image = match &settings.base_image {
        Some(image) => image.clone(),
        None => format!(
            "{PYTHON_REPOSITORY}:{}-slim",
            python::versions(project, settings)?.first
        ),
    };
    let reference = Reference::from_str(&image).map_err(Error::BaseImage)?;
    Ok(reference.to_string())
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
            project
                .metadata
                .descriptive
                .summary
                .as_deref()
                .map(|summary| without_url_credentials(&summary.replace(char::is_control, " "))),
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
