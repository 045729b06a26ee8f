//! A base image of what only Docker can do: the plan's base image with system packages and Dockerfile lines of the project's own, made
//! once and known by its content, so that everything else is built natively on it.
//!
//! What decides it is the Dockerfile alone: it names its base image by digest, gets no file and no secret, and is the part of the whole
//! Dockerfile that stands above the requirements and the package. So an image on it is the one that Docker makes of the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::docker::context::{self, Bound, DOCKERFILE};
use crate::dist::{Dist, context_digest};
use crate::image::{BaseImage, ImagePlan, OnlyDocker};
use crate::oci::{Digest, Reference, Repository};

/// How many digits of the digest a tag has: 128 bits.
const DIGITS: usize = 32;

/// A base image that can be made for a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The plan of the base image alone.
    pub plan: ImagePlan,
    /// How it is made.
    pub dockerfile: String,
}

/// Why what only Docker can do for a plan cannot be in a base image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unprepared {
    /// The Dockerfile is the user's own.
    Template,
    /// A line of the project's needs what a base image does not have.
    Line(Bound),
    /// The plan's base image is in no registry, where its digest would say which it is.
    Base,
}

/// Whether there is something that has to be run in the image, and a base image can have all of it. `base` is what that would be made of,
/// as far as it is known.
///
/// # Errors
/// It cannot: why.
pub fn can_prepare(only: &OnlyDocker, base: Option<&BaseImage>) -> Result<bool, Unprepared> {
    if only.template.is_some() {
        return Err(Unprepared::Template);
    }
    context::check_for_base(&only.docker_lines).map_err(Unprepared::Line)?;
    if only.system_packages.is_empty() && only.docker_lines.is_empty() {
        return Ok(false);
    }
    match base {
        Some(BaseImage::Registry(_)) | None => Ok(true),
        Some(_) => Err(Unprepared::Base),
    }
}

impl Prepared {
    /// Of what [`can_prepare`] says yes to, on the image of the repository `base` with the digest `digest`.
    ///
    /// # Errors
    /// A value that a Dockerfile cannot hold.
    pub fn of(plan: &ImagePlan, base: &Repository, digest: Digest) -> Result<Self, context::Error> {
        let pinned = Reference {
            repository: base.clone(),
            tag: None,
            digest: Some(digest),
        };
        let plan = ImagePlan {
            base: pinned.into(),
            requirements: Vec::new(),
            constraints: Vec::new(),
            neighbours: Vec::new(),
            labels: BTreeMap::new(),
            secrets: BTreeSet::new(),
            only_docker: OnlyDocker {
                // Its Dockerfile mounts nothing, so that every builder will do.
                classic_builder: true,
                ..plan.only_docker.clone()
            },
            ..plan.clone()
        };
        let dockerfile = context::base_dockerfile(&plan)?;
        Ok(Self { plan, dockerfile })
    }

    /// By what it is known in a repository: `base-` and what its content comes to.
    #[must_use]
    pub fn tag(&self) -> String {
        let decides = context::without_words(&self.dockerfile);
        let digest = Digest::of(format!("{}\n{decides}", self.plan.platform).as_bytes());
        let digits = digest.as_str().trim_start_matches("sha256:");
        format!("base-{}", digits.get(..DIGITS).unwrap_or(digits))
    }

    /// Writes the build context into an empty directory: the Dockerfile, and nothing else.
    ///
    /// # Errors
    /// The directory does not take it.
    pub fn write(&self, directory: &Path) -> std::io::Result<Dist> {
        std::fs::write(directory.join(DOCKERFILE), &self.dockerfile)?;
        let files = vec![DOCKERFILE.to_owned()];
        Ok(Dist {
            directory: directory.to_owned(),
            context_digest: context_digest(directory, &files)?,
            context: files.clone(),
            files,
            changed: true,
        })
    }
}
