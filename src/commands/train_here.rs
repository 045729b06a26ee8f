//! `sgbuild train --local`: the training on this machine, under SageMaker's contract.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws_config::SdkConfig;
use serde_json::json;

use super::image_here::{self, ImageHere};
use super::job::Job;
use super::{Checkout, json};
use crate::cli::{self, Trainer};
use crate::dist::DIST;
use crate::error::Error;
use crate::interruption;
use crate::local::process::{self, Installation};
use crate::local::{self, Asked, Input, LocalJob, Outcome, Run, Source};
use crate::progress::seconds;
use crate::reading;
use crate::shown::Data;
use crate::training::hyperparameters;
use crate::training::new_job::NewJob;
use crate::training::parts::INPUT_CHANNELS;
use crate::training::{self, TrainingSettings};

pub(super) async fn run(trainer: Trainer, arguments: &cli::Train, checkout: &Checkout<'_>) -> Result<Data, Error> {
    let settings = settings(arguments, checkout)?;
    // What SageMaker would refuse is told before anything is built.
    settings.check_given()?;
    local::check_here(&arguments.here.inputs)?;
    let asking = Asking {
        arguments,
        checkout,
        settings,
        hyperparameters: given_hyperparameters(&arguments.here)?,
    };
    if arguments.dry_run.dry_run {
        return Box::pin(asking.preview()).await;
    }
    let (job, outcome) = match trainer {
        Trainer::Container => Box::pin(asking.in_container()).await?,
        Trainer::Process => Box::pin(asking.as_process()).await?,
    };
    for plot in outcome.metrics.plots() {
        checkout.progress.output(&plot);
    }
    let left = [&outcome.model, &outcome.output, &outcome.checkpoints];
    for path in left.into_iter().flatten() {
        checkout.progress.detail(&format!("wrote {}", path.display()));
    }
    outcome.check(&job)?;
    let took = seconds(outcome.took);
    checkout.done(&format!("{} trained in {}", job.name, took.trim_start()));
    Ok(printed(&job, &outcome, arguments.json.json))
}

/// The settings of the job, with the channels that have their data here.
fn settings(arguments: &cli::Train, checkout: &Checkout<'_>) -> Result<TrainingSettings, Error> {
    let commit = match arguments.here.image {
        // Nobody knows of which commit that is.
        Some(_) => None,
        None => checkout.commit()?.map(|commit| commit.to_string()),
    };
    let random = || uuid::Uuid::new_v4().as_fields().0;
    let new_run_id = || training::new_run_id(jiff::Timestamp::now(), random());
    let mut settings = checkout.settings.training_here(commit, new_run_id);
    for input in &arguments.here.inputs {
        if !INPUT_CHANNELS.contains(&input.channel.as_str()) {
            settings.add_channel(&input.channel, &uri(input));
        }
    }
    Ok(settings)
}

/// Where the job would find the data: of what is here, a place in its stead.
fn uri(input: &Input) -> String {
    match &input.source {
        Source::S3(uri) => uri.clone(),
        Source::Here(_) => format!("s3://this-machine/{}/", input.channel),
    }
}

/// The hyperparameters of the file, with those of flags over them.
fn given_hyperparameters(here: &cli::Local) -> Result<BTreeMap<String, String>, Error> {
    let mut given = serde_json::Map::new();
    let flags = PathBuf::from("--hyperparameter");
    if let Some(path) = &here.hyperparameters {
        let unusable = |problems| local::Error::Hyperparameters {
            path: path.clone(),
            problems,
        };
        let most = hyperparameters::MAX_BYTES as u64;
        let bytes = reading::bytes(path, most).map_err(|error| unusable(vec![error.to_string()]))?;
        let read = hyperparameters::parse(&bytes).map_err(unusable)?;
        given.extend(read.into_iter().map(|(name, value)| (name, value.into())));
    }
    let more = here.hyperparameter.iter().cloned();
    given.extend(more.map(|(name, value)| (name, value.into())));
    let text = serde_json::Value::Object(given).to_string();
    let checked = hyperparameters::parse(text.as_bytes());
    Ok(checked.map_err(|problems| local::Error::Hyperparameters { path: flags, problems })?)
}

/// A training that is asked for.
struct Asking<'a> {
    arguments: &'a cli::Train,
    checkout: &'a Checkout<'a>,
    settings: TrainingSettings,
    hyperparameters: BTreeMap<String, String>,
}

impl Asking<'_> {
    /// What the training would find, and nothing that is done.
    async fn preview(&self) -> Result<Data, Error> {
        let (image, package, version) = if let Some(named) = self.arguments.here.image.clone() {
            let package = image_here::package_of(&named);
            (named, package, String::new())
        } else {
            let job = Job::open(self.checkout)?;
            let metadata = &job.project.metadata;
            (job.local_name()?, metadata.name.clone(), metadata.version.clone())
        };
        let (job, _) = self.job(&image, &package, &version).await?;
        self.checkout
            .progress
            .step(&format!("Would train {} in {image}", job.name));
        Ok(json(&job.seen()))
    }

    async fn in_container(&self) -> Result<(LocalJob, Outcome), Error> {
        let image = match &self.arguments.here.image {
            Some(named) => image_here::named(named, self.checkout).await?,
            None => Box::pin(image_here::built(self.checkout)).await?,
        };
        let ImageHere { docker, name, .. } = &image;
        let (job, aws) = self.job(name, &image.package, &image.version).await?;
        let (cache, progress) = (self.cache(), self.checkout.progress);
        let run = Run::begin(&cache, docker).await?;
        let data = local::fetch(&job, &run, &cache, aws.as_ref(), progress).await?;
        self.tell(&job, &format!("in {} ({})", docker.program(), job.image));
        let mut signals = interruption::take_over().map_err(local::Error::Signals)?;
        let trained = local::train(&job, &data, &run, docker, &mut signals, progress);
        let outcome = Box::pin(trained).await?;
        Ok((job, outcome))
    }

    async fn as_process(&self) -> Result<(LocalJob, Outcome), Error> {
        if self.arguments.here.image.is_some() {
            return Err(local::Error::NeedsContainer { what: "--image" }.into());
        }
        let (checkout, progress) = (self.checkout, self.checkout.progress);
        let package = Job::open(checkout)?;
        package.check_trust()?;
        let plan = package.plan()?;
        let (job, aws) = self.job("no image", &plan.name, &plan.version).await?;
        process::check(&job)?;
        let packed = package.pack(&plan)?;
        let cache = self.cache();
        let run = Run::begin_without_daemon(&cache).await?;
        let data = local::fetch(&job, &run, &cache, aws.as_ref(), progress).await?;
        let prefix = process::prefix(&run);
        let run_py = crate::image::run_py_at(&plan, &prefix.display().to_string());
        let dist = &packed.dist.directory;
        let uv = checkout.settings.uv();
        let installation = Installation {
            python: plan.python.as_deref(),
            requirements: &dist.join("requirements.txt"),
            constraints: (!plan.constraints.is_empty()).then(|| dist.join("constraints.txt")),
            is_locked: plan.locked,
            packages: packed.archives.installed(),
            run_py: run_py.map_err(local::Error::RunPy)?,
            uv: &uv,
            variables: checkout.settings.environment().all(),
        };
        self.tell(&job, "in a process, which is not all that a container is:");
        for difference in process::DIFFERENCES {
            progress.detail(difference);
        }
        let mut signals = interruption::take_over().map_err(local::Error::Signals)?;
        let outcome = process::train(&job, &data, &run, &installation, &mut signals, progress).await?;
        Ok((job, outcome))
    }

    fn cache(&self) -> PathBuf {
        self.checkout.settings.environment().cache_dir()
    }

    fn tell(&self, job: &LocalJob, place: &str) {
        let hosts = match job.hosts().len() {
            1 => String::new(),
            count => format!(" on {count} hosts"),
        };
        self.checkout
            .progress
            .step(&format!("Training {}{hosts} {place}", job.name));
    }

    /// The job, and the AWS that its data is in, where some of it is.
    async fn job(&self, image: &str, package: &str, version: &str) -> Result<(LocalJob, Option<SdkConfig>), Error> {
        let training = self.settings.training_here(image, package, version)?;
        let mut inputs = self.arguments.here.inputs.clone();
        let mut hyperparameters = self.hyperparameters.clone();
        let given = inputs
            .iter()
            .filter(|input| INPUT_CHANNELS.contains(&input.channel.as_str()));
        let mut channels: BTreeMap<String, String> = given.map(|input| (input.channel.clone(), uri(input))).collect();
        if let Some(bucket) = self.checkout.settings.source_bucket().filter(|_| inputs.is_empty()) {
            let aws = self.checkout.aws().await;
            channels = local::of_bucket(bucket, &aws).await?;
            self.bucket_hyperparameters(bucket, &aws, &mut hyperparameters).await?;
            inputs.extend(channels.iter().map(|(channel, uri)| Input {
                channel: channel.clone(),
                source: Source::S3(uri.clone()),
            }));
        }
        let job = NewJob {
            training,
            channels,
            hyperparameters,
        };
        let asked = Asked {
            inputs,
            instances: self.arguments.here.instances,
            limits: self.arguments.here.limits(),
            stop_timeout: self.arguments.here.stop_timeout,
            output: self.output(&job.training.job_name)?,
            region: self.region(),
        };
        let job = LocalJob::of(&job, asked)?;
        let is_in_s3 = job
            .channels
            .values()
            .any(|channel| matches!(channel.source, Source::S3(_)));
        let aws = if is_in_s3 {
            Some(self.checkout.aws().await)
        } else {
            None
        };
        Ok((job, aws))
    }

    /// Adds what the bucket's file says, unless another file was named; flags come first.
    async fn bucket_hyperparameters(
        &self,
        bucket: &str,
        aws: &SdkConfig,
        given: &mut BTreeMap<String, String>,
    ) -> Result<(), Error> {
        if self.arguments.here.hyperparameters.is_some() {
            return Ok(());
        }
        let read = local::hyperparameters_of_bucket(bucket, aws).await?;
        for (name, value) in read {
            given.entry(name).or_insert(value);
        }
        Ok(())
    }

    fn region(&self) -> Option<String> {
        let environment = self.checkout.settings.environment();
        let set = self.checkout.settings.account().region;
        let region = set.or_else(|| environment.get("AWS_REGION"));
        region
            .or_else(|| environment.get("AWS_DEFAULT_REGION"))
            .map(ToOwned::to_owned)
    }

    /// Below `dist/`, which is no part of the package or of what git compares.
    fn output(&self, job: &str) -> Result<PathBuf, Error> {
        match &self.arguments.here.output {
            Some(given) => Ok(given.clone()),
            None => Ok(local::directory_below(
                self.checkout.settings.root(),
                &[DIST, "local", job],
            )?),
        }
    }
}

fn printed(job: &LocalJob, outcome: &Outcome, as_json: bool) -> Data {
    let text = |path: &Path| path.display().to_string();
    if as_json {
        return json(&json!({
            "training_job_name": job.name,
            "status": outcome.status,
            "exit_codes": outcome.codes,
            "model": outcome.model.as_deref().map(text),
            "output": outcome.output.as_deref().map(text),
            "checkpoints": outcome.checkpoints.as_deref().map(text),
            "metrics": outcome.metrics.last(),
            "seconds": outcome.took.as_secs_f64(),
        }));
    }
    match &outcome.model {
        Some(model) => Data::name(model.as_os_str()),
        None => Data::Nothing,
    }
}
