//! `ImagePlan ─▶ build context`: the files by which the Docker daemon makes the image, and how they are sent.

mod dockerfile;
mod error;
mod lines;
mod outline;
mod stream;
mod writable;

pub use error::Error;
pub use lines::Bound;
pub use outline::without_words;
pub(super) use outline::{Outline, Purpose};
pub(super) use stream::{ContextFailure, stream};

use crate::image::{self, ImagePlan};

/// The Dockerfile's name.
pub const DOCKERFILE: &str = "Dockerfile";

const REQUIREMENTS: &str = "requirements.txt";
const CONSTRAINTS: &str = "constraints.txt";
const RUN_PY: &str = "run.py";
const SERVE_PY: &str = "serve.py";

/// A file of the build context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextFile {
    /// Its name in the context's directory.
    pub name: &'static str,
    /// Its content.
    pub text: String,
}

/// The package, packed: file names in the context's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its source distribution.
    pub sdist: String,
    /// Its wheel; `None` where only the image can build it, from the sdist.
    pub wheel: Option<String>,
    /// The wheels of what it requires beside it.
    pub neighbour_wheels: Vec<String>,
}

impl Package {
    /// Those that a build with `plan` is sent: what is installed, or whatever a template of the user's may name.
    #[must_use]
    pub fn sent(&self, plan: &ImagePlan) -> Vec<&str> {
        let needs_sdist = self.wheel.is_none() || plan.only_docker.template.is_some();
        let sdist = needs_sdist.then_some(self.sdist.as_str());
        let wheels = self.wheel.iter().chain(&self.neighbour_wheels).map(String::as_str);
        sdist.into_iter().chain(wheels).collect()
    }
}

/// Refuses what no Dockerfile can say.
///
/// # Errors
/// [`Error::Unwritable`], and a base image of this machine's files.
pub fn check(plan: &ImagePlan) -> Result<(), Error> {
    if plan.base.in_dockerfile().is_none() {
        return Err(Error::BaseImage {
            base: plan.base.to_string(),
        });
    }
    writable::check(plan)
}

/// Whether the Dockerfile lines of the project's own mean the same in a base image that is made before anything of the package is there.
///
/// # Errors
/// The first line that does not, with the reason.
pub fn check_for_base(docker_lines: &[String]) -> Result<(), Bound> {
    lines::check(docker_lines)
}

/// The Dockerfile of a base image with what only Docker can do for `plan`, and with nothing of the package.
///
/// # Errors
/// A value that a Dockerfile cannot hold.
pub fn base_dockerfile(plan: &ImagePlan) -> Result<String, Error> {
    writable::check(plan)?;
    Ok(dockerfile::of_base(plan)?)
}

/// The files that make the image of `plan`, beside those of `package`.
///
/// # Errors
/// A value that a Dockerfile cannot hold, or the user's template.
pub fn files(plan: &ImagePlan, package: &Package) -> Result<Vec<ContextFile>, Error> {
    writable::check(plan)?;
    writable::check_package(package)?;
    let file = |name, text| ContextFile { name, text };
    let mut files = vec![
        file(DOCKERFILE, dockerfile::dockerfile(plan, package)?),
        file(REQUIREMENTS, lines(&plan.requirements)),
    ];
    let programs = image::programs(plan)?;
    files.extend(
        programs
            .into_iter()
            .zip([RUN_PY, SERVE_PY])
            .map(|((_, text), name)| file(name, text)),
    );
    if !plan.constraints.is_empty() {
        files.push(file(CONSTRAINTS, lines(&plan.constraints)));
    }
    Ok(files)
}

fn lines(requirements: &[String]) -> String {
    requirements
        .iter()
        .flat_map(|requirement| [requirement.as_str(), "\n"])
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use crate::image::{ImagePlan, OnlyDocker};
    use crate::oci::Platform;
    use crate::project::{EntryPoint, Served};

    pub(in crate::engine::docker) fn plan() -> ImagePlan {
        let train = EntryPoint {
            object: "pkg.mod:train".to_owned(),
            declared_in: "setup.py:1".to_owned(),
            console_script: false,
        };
        ImagePlan {
            name: "pkg".to_owned(),
            version: "1!2.0+local".to_owned(),
            base: "public.ecr.aws/docker/library/python:3.11-slim".parse().unwrap(),
            python: Some("3.11".to_owned()),
            platform: Platform::new("linux", "amd64"),
            environment: BTreeMap::from([("A".to_owned(), "b".to_owned())]),
            requirements: vec!["six==1 \\\n    --hash=sha256:0".to_owned()],
            constraints: vec!["six<2".to_owned()],
            neighbours: Vec::new(),
            locked: false,
            user: None,
            serve: Some(train.clone()),
            served: Served::Own,
            initializer: None,
            train,
            labels: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            secrets: BTreeSet::new(),
            entrypoint: Vec::new(),
            command: Vec::new(),
            only_docker: OnlyDocker {
                system_packages: vec!["libgomp1".to_owned()],
                ..OnlyDocker::default()
            },
            lacks: Vec::new(),
        }
    }
}
