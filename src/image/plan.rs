//! The plan: what is in the image, never how it gets there.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde::Serialize;

use super::run_py::RUN_PY;
use super::{BaseImage, Error, python, server};
use crate::neighbours::{Neighbour, Neighbours};
use crate::oci::{Platform, Reference};
use crate::project::{self, EntryPoint, Project, Served};
use crate::requirements::{self, Declared, Environments, Pinning, Requirements};
use crate::secret::without_url_credentials;

/// The official Python image's repository in the Amazon ECR public gallery, which has no pull limits inside AWS.
/// Source: <https://gallery.ecr.aws/docker/library/python>.
const PYTHON_REPOSITORY: &str = "public.ecr.aws/docker/library/python";

/// Where no wheel is: see [`constraint_lines`].
const NOT_FROM_AN_INDEX: &str = "file:///a-neighbour-is-not-taken-from-an-index";

/// The content of a training image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImagePlan {
    /// The package's name and version, for comments and labels.
    pub name: String,
    /// See `name`.
    pub version: String,
    /// The base image.
    pub base: BaseImage,
    /// The Python of the official image, such as `3.12`; absent where another base brings its own.
    pub python: Option<String>,
    /// What machines it runs on.
    pub platform: Platform,
    /// Environment variables of the image.
    pub environment: BTreeMap<String, String>,
    /// The lines of `requirements.txt`: requirements (PEP 508) of the package and its chosen extras, and what the user's file says,
    /// in pip's form and with comments that name it.
    pub requirements: Vec<String>,
    /// The lines of `constraints.txt`, in the same form.
    pub constraints: Vec<String>,
    /// What is built beside the package, because it is required and in the same repository.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub neighbours: Vec<PlannedNeighbour>,
    /// Whether `requirements` are complete, as those of a lock file are: then pip installs these and nothing else.
    pub locked: bool,
    /// What `train` calls.
    pub train: EntryPoint,
    /// What `serve` calls.
    pub serve: Option<EntryPoint>,
    /// What that is, as far as it is known.
    #[serde(skip)]
    pub served: Served,
    /// What makes the model that is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initializer: Option<EntryPoint>,
    /// Who runs it, by name or number, with or without a group; `None` is root, as which SageMaker expects containers to run.
    pub user: Option<String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Ids of the build secrets that pip needs: `pip.conf`, `netrc`, `ca.pem`.
    pub secrets: BTreeSet<String>,
    /// The command that the container runs, in exec form.
    pub entrypoint: Vec<String>,
    /// Its default argument.
    pub command: Vec<String>,
    /// What an engine without a Dockerfile refuses.
    #[serde(flatten)]
    pub only_docker: OnlyDocker,
    /// What the image lacks, to be warned of: the program by which pip fetches a checkout is not in the official slim image, or a
    /// locked file has no server.
    #[serde(skip)]
    pub lacks: Vec<String>,
}

/// A neighbour as it is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedNeighbour {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its directory, relative to the project's.
    pub directory: String,
    /// What asks for it, such as `pyproject.toml:14`.
    pub declared_at: String,
}

impl PlannedNeighbour {
    fn of(neighbour: &Neighbour) -> Self {
        let metadata = &neighbour.project.metadata;
        Self {
            name: metadata.name.clone(),
            version: metadata.version.clone(),
            directory: neighbour.directory.clone(),
            declared_at: neighbour.declared_at.clone(),
        }
    }
}

/// What a build can only do by running commands in the image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OnlyDocker {
    /// Debian packages to install.
    pub system_packages: Vec<String>,
    /// Dockerfile lines of the project (`dockerlines`), put before the pip installs.
    pub docker_lines: Vec<String>,
    /// Whether Docker's classic builder makes it, which cannot mount files of the context and pip's cache into a step.
    pub classic_builder: bool,
    /// The user's own Dockerfile.
    #[serde(skip)]
    pub template: Option<Template>,
    /// An image that has been made of the base image with all of the above, and with the plan's environment: on it nothing of that is
    /// to be done any more.
    #[serde(skip)]
    pub prepared: Option<Reference>,
}

/// A user's own Dockerfile template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Where it was read, for messages.
    pub path: String,
    /// Its text, in the [Jinja syntax of minijinja](https://docs.rs/minijinja/latest/minijinja/syntax/).
    pub text: String,
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
    /// Who runs the image, instead of root.
    pub user: Option<String>,
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
    /// Whether Docker's classic builder is asked for (`DOCKER_BUILDKIT=0`).
    pub classic_builder: bool,
    /// The user's own Dockerfile template.
    pub template: Option<Template>,
}

impl ImagePlan {
    /// Plans the training image of `project` with its `neighbours`. `file` is the user's requirements file, where there is one.
    ///
    /// # Errors
    /// See [`Error`]: no training function; requirements, Python version, platform or names that cannot be right.
    pub fn new(
        project: &Project,
        neighbours: &Neighbours,
        file: Option<&Requirements>,
        settings: &ImageSettings,
    ) -> Result<Self, Error> {
        let train = project::require_train(project).map_err(Box::new)?;
        let platform = platform(&settings.platform)?;
        let (base, python) = base_image(project, settings)?;
        // What a file says of a neighbour's name is none of an index's business.
        let file = file.map(|file| file.without(&neighbours.names()));
        let file = file.as_ref();
        if let Some(file) = file {
            let environments = environments(project, settings)?;
            requirements::check(file, &neighbours.declared, &environments, &base.to_string()).map_err(Box::new)?;
        }
        let only_docker = OnlyDocker {
            system_packages: settings.system_packages.clone(),
            docker_lines: project.build.docker_lines.clone(),
            classic_builder: settings.classic_builder,
            template: settings.template.clone(),
            prepared: None,
        };
        let served = project.served().unwrap_or(Served::Own);
        let mut requirements = requirement_lines(project, neighbours, file);
        let entry = project.serve.as_ref().filter(|_| served.needs_server());
        let no_server = entry.and_then(|entry| server::require(entry, neighbours, file, &mut requirements));
        let no_program = missing_program(file, &only_docker, settings);
        Ok(Self {
            name: project.metadata.name.clone(),
            version: project.metadata.version.clone(),
            base,
            python,
            platform,
            environment: settings.environment.clone(),
            requirements,
            constraints: constraint_lines(neighbours, file),
            neighbours: neighbours.found.iter().map(PlannedNeighbour::of).collect(),
            locked: file.is_some_and(|file| file.pinning() == Pinning::Locked),
            train: train.clone(),
            serve: project.serve.clone(),
            served,
            initializer: project.initializer.clone().filter(|_| served.needs_server()),
            user: settings.user.clone().or_else(|| user_of(&project.build.docker_lines)),
            labels: labels(project, settings),
            secrets: settings.secrets.clone(),
            entrypoint: vec!["python".to_owned(), RUN_PY.to_owned()],
            command: vec!["train".to_owned()],
            lacks: no_program.into_iter().chain(no_server).collect(),
            only_docker,
        })
    }
}

impl ImagePlan {
    /// What an image stands on in which nothing is run.
    #[must_use]
    pub fn native_base(&self) -> BaseImage {
        let prepared = self.only_docker.prepared.clone();
        prepared.map_or_else(|| self.base.clone(), BaseImage::Registry)
    }
}

/// SageMaker's training instances run `linux/amd64`: none is a Graviton
/// ([`InstanceType`](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html)). Other machines, where an image may
/// be tried, run `linux/arm64`.
fn platform(text: &str) -> Result<Platform, Error> {
    let supported = ["amd64", "arm64"].map(|architecture| Platform::new("linux", architecture));
    let given = text.parse().ok().filter(|given| supported.contains(given));
    given.ok_or_else(|| Error::Platform {
        platform: text.to_owned(),
    })
}

/// What to warn of where `file` names a checkout: pip fetches it with a program that the official slim image does not have.
fn missing_program(file: Option<&Requirements>, only_docker: &OnlyDocker, settings: &ImageSettings) -> Option<String> {
    let (line, program) = file?.version_control()?;
    let mut said = only_docker.system_packages.iter().chain(&only_docker.docker_lines);
    let may_be_there = settings.base_image.is_some() || said.any(|text| text.contains(program));
    (!may_be_there).then(|| {
        let place = &line.place;
        format!("{place} needs the program {program}, which the image does not have: add it to `system-packages`")
    })
}

/// The user whom the project's own Dockerfile lines name last: they say who runs the image, which is installed by root.
/// Source: <https://docs.docker.com/reference/dockerfile/#user>.
fn user_of(docker_lines: &[String]) -> Option<String> {
    let named = |line: &String| {
        let (instruction, user) = line.trim().split_once(char::is_whitespace)?;
        instruction.eq_ignore_ascii_case("USER").then(|| user.trim().to_owned())
    };
    docker_lines.iter().filter_map(named).next_back()
}

fn texts(declared: &[Declared]) -> Vec<String> {
    declared.iter().map(|declared| declared.text.clone()).collect()
}

/// The environments that the image of `project` may have.
///
/// # Errors
/// No Python is right for it.
pub(crate) fn environments(project: &Project, settings: &ImageSettings) -> Result<Environments, Error> {
    let pythons = python::versions(project, settings.python_version.as_ref())?.possible(settings);
    Ok(Environments::new(&settings.platform, &pythons))
}

/// What the user's file says of versions. A package of an index may require a neighbour by its name: where pip looks for more than it
/// is told, it must not take that from the index. The neighbour's wheel is not there yet, so that pip ends with its name.
fn constraint_lines(neighbours: &Neighbours, file: Option<&Requirements>) -> Vec<String> {
    let mut lines = file
        .map(|file| requirements::written(&file.constraints))
        .unwrap_or_default();
    if file.is_some_and(|file| file.pinning() != Pinning::Open) || neighbours.found.is_empty() {
        return lines;
    }
    lines.push("# Built here, and never taken from an index".to_owned());
    let names = neighbours.names().into_iter();
    lines.extend(names.map(|name| format!("{name} @ {NOT_FROM_AN_INDEX}/{name}.zip")));
    lines
}

/// What is declared, or what the file says: with what is declared, unless pip would install nothing that the file does not name.
fn requirement_lines(project: &Project, neighbours: &Neighbours, file: Option<&Requirements>) -> Vec<String> {
    let mut more = texts(&neighbours.declared);
    let Some(file) = file else { return more };
    let mut lines = requirements::written(&file.lines);
    if file.pinning() != Pinning::Open {
        return lines;
    }
    more.retain(|text| !lines.contains(text));
    if !more.is_empty() {
        let others = neighbours.found.iter().map(|neighbour| &neighbour.project.metadata);
        let names: Vec<&str> = [&project.metadata]
            .into_iter()
            .chain(others)
            .map(|metadata| metadata.name.as_str())
            .collect();
        lines.push(format!("# Declared by {}", names.join(", ")));
    }
    lines.extend(more);
    lines
}

/// The base image, and the Python that it has where that is the official one.
fn base_image(project: &Project, settings: &ImageSettings) -> Result<(BaseImage, Option<String>), Error> {
    if let Some(image) = &settings.base_image {
        return Ok((BaseImage::from_str(image).map_err(Error::BaseImage)?, None));
    }
    let python = python::versions(project, settings.python_version.as_ref())?.first;
    let image = format!("{PYTHON_REPOSITORY}:{python}-slim");
    Ok((BaseImage::from_str(&image).map_err(Error::BaseImage)?, Some(python)))
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
