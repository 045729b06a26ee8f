//! The training that is asked for: what SageMaker would refuse, and what does not go together.

mod hyperparameters;
pub(super) mod instances;
mod metrics;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use self::instances::{Accelerator, Instance};
use super::finding::{Finding, Place};
use super::rule::Rule;
use crate::aws::region;
use crate::explain::Report;
use crate::oci::{Platform, Repository};
use crate::project::Project;
use crate::registry::ecr::EcrHost;
use crate::requirements::{Name, Requirements, What};
use crate::training::{Error, TrainingSettings};

const NEURON: [&str; 7] = [
    "jax-neuronx",
    "libneuronxla",
    "neuronx-cc",
    "neuronx-distributed",
    "optimum-neuron",
    "tensorflow-neuronx",
    "torch-neuronx",
];

/// What is known of the training before there is an image.
#[derive(Debug)]
pub struct Request<'a> {
    /// What the settings say.
    pub(crate) training: &'a TrainingSettings,
    /// What the image is built for, where that is a platform.
    pub platform: Option<Platform>,
    /// Whether it is built on an image of which nobody knows what it holds.
    pub has_own_base: bool,
    /// Where it is pushed, where the settings say that in full.
    pub repository: Option<Repository>,
    /// The setting `region`.
    pub region: Option<String>,
    /// A log to try the metrics' expressions on.
    pub log: Option<PathBuf>,
    /// A file with hyperparameters.
    pub hyperparameters: Option<PathBuf>,
}

/// What settings alone decide: it is refused by `push` in the same words.
pub(super) fn refused(request: &Request<'_>) -> Vec<Finding> {
    let Err(error) = request.training.check_given() else {
        return Vec::new();
    };
    let Error::Invalid(refused) = &error else {
        return vec![super::declared::of_report(&Report::of(&error))];
    };
    let finding = |invalid: &crate::training::error::Invalid| {
        let place = invalid.origin.as_deref().and_then(Place::parse);
        let message = format!("the setting {} is refused: {}", invalid.setting.key, invalid.problem);
        Finding::new(
            Rule::RequestInvalid,
            message,
            format!("`sgbuild settings --explain {}` tells of it.", invalid.setting.key),
        )
        .at(place)
    };
    refused.iter().map(finding).collect()
}

/// Whether instances, image, requirements and regions go together.
pub(super) fn look(
    request: &Request<'_>,
    project: Option<&Project>,
    requirements: Option<&Requirements>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let required = required(project, requirements);
    for (name, place) in request.instance_types() {
        let Some(instance) = Instance::of(&name) else { continue };
        found.extend(request.architecture(&name, instance, place.as_ref()));
        found.extend(request.accelerated(&name, instance, place.as_ref(), &required));
    }
    found.extend(request.regions());
    found.extend(metrics::unreadable(request.training));
    found
}

/// What is tried on files that a flag names.
pub(super) fn tried(request: &Request<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(log) = &request.log {
        found.extend(metrics::tried(request.training, log));
    }
    if let Some(file) = &request.hyperparameters {
        found.extend(hyperparameters::look(file));
    }
    found
}

/// The requirements by name, with whatever tells of a build: a version, or an index.
fn required(project: Option<&Project>, requirements: Option<&Requirements>) -> BTreeMap<String, String> {
    let declared = project.iter().flat_map(|project| &project.metadata.requires_dist);
    let mut all: BTreeMap<String, String> = declared.map(|text| (name_of(text), text.clone())).collect();
    for line in requirements.iter().flat_map(|file| &file.lines) {
        match &line.what {
            What::Options(options) => {
                let urls = options
                    .iter()
                    .filter(|one| matches!(one.name, Name::IndexUrl | Name::ExtraIndexUrl | Name::FindLinks));
                all.extend(urls.map(|one| (format!("--{}", one.value), one.value.clone())));
            }
            _ => drop(all.insert(
                line.name().map(|name| name.to_string()).unwrap_or_default(),
                line.text.clone(),
            )),
        }
    }
    all
}

fn name_of(requirement: &str) -> String {
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
    crate::project::normalized(&requirement[..end.unwrap_or(requirement.len())])
}

impl Request<'_> {
    /// The types of instances, and where each was set; that nobody set is none.
    fn instance_types(&self) -> Vec<(String, Option<Place>)> {
        if let Some(groups) = self.training.parts.get("instance-groups") {
            let place = groups.origin.as_deref().and_then(Place::parse);
            let listed = groups
                .value
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|group| group.as_str());
            let kind = |group: &str| Some(group.split_once('=')?.1.split(':').next()?.to_owned());
            let kinds: BTreeSet<String> = listed.filter_map(kind).collect();
            return kinds.into_iter().map(|kind| (kind, place.clone())).collect();
        }
        let given = self.training.given.get("instance-type");
        let is_asked =
            |given: &&crate::training::Given<String>| given.origin.is_some() || self.training.function.is_some();
        let one = given
            .filter(is_asked)
            .map(|given| (given.value.clone(), given.origin.as_deref().and_then(Place::parse)));
        one.into_iter().collect()
    }

    /// Whether it is known on what is trained: by a setting, or by our default where there is a function to train with.
    pub(crate) fn names_instances(&self) -> bool {
        !self.instance_types().is_empty()
    }

    /// How large each instance's volume is, in GiB.
    pub(super) fn volume(&self) -> Option<u64> {
        self.training.given.get("volume-size")?.value.parse().ok()
    }

    /// The instances, by name and what is known of them.
    pub(super) fn instances(&self) -> Vec<(String, Instance)> {
        let known = |(name, _): (String, _)| Instance::of(&name).map(|instance| (name, instance));
        self.instance_types().into_iter().filter_map(known).collect()
    }

    fn architecture(&self, name: &str, instance: Instance, place: Option<&Place>) -> Option<Finding> {
        let built_for = &self.platform.as_ref()?.architecture;
        (built_for != instance.architecture).then(|| {
            Finding::new(
                Rule::InstanceArchitecture,
                format!(
                    "{name} runs linux/{}, and the image is built for linux/{built_for}: \"exec format error\"",
                    instance.architecture
                ),
                format!(
                    "Set `platform` to linux/{}, or take another instance type.",
                    instance.architecture
                ),
            )
            .at(place.cloned())
        })
    }

    fn accelerated(
        &self,
        name: &str,
        instance: Instance,
        place: Option<&Place>,
        required: &BTreeMap<String, String>,
    ) -> Option<Finding> {
        let is_neuron = instance.accelerator == Accelerator::Neuron;
        if is_neuron && !self.has_own_base && !NEURON.iter().any(|one| required.contains_key(*one)) {
            return Some(
                Finding::new(
                    Rule::NeuronMissing,
                    format!("{name} has Trainium or Inferentia, and no requirement uses it"),
                    "Add torch-neuronx (or what your framework has), or build on AWS's Neuron image by the setting base-image.",
                )
                .at(place.cloned()),
            );
        }
        let is_gpu = matches!(instance.accelerator, Accelerator::Nvidia(_));
        let says_cpu = |(name, text): (&String, &String)| {
            let is_cpu_build = name == "tensorflow-cpu" || text.contains("+cpu") || text.contains("/whl/cpu");
            is_cpu_build.then(|| text.trim().to_owned())
        };
        let cpu = required.iter().find_map(says_cpu).filter(|_| is_gpu || is_neuron)?;
        Some(
            Finding::new(
                Rule::CpuBuildOnGpu,
                format!("{name} has accelerators, and {cpu} is a build for CPUs: they stay idle"),
                "Require the build with CUDA, or take instances without GPUs.",
            )
            .at(place.cloned()),
        )
    }

    /// SageMaker pulls an image of its own region alone
    /// ([CreateTrainingJob](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AlgorithmSpecification.html)).
    fn regions(&self) -> Option<Finding> {
        let host = EcrHost::of(self.repository.as_ref()?)?;
        let arn = self.training.function.as_deref()?;
        let region = region::of_arn(arn).or(self.region.as_deref())?;
        (region != host.region).then(|| {
            let place = self.training.repository_origin.as_deref().and_then(Place::parse);
            Finding::new(
                Rule::RegionMismatch,
                format!(
                    "the image is pushed to {}, and the training is in {region}: SageMaker cannot pull it",
                    host.region
                ),
                format!("Push to a repository in {region}."),
            )
            .at(place)
        })
    }
}
