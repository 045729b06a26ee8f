//! The flags as settings.

use super::{
    AccountFlags, Command, EngineFlags, ImageFlags, PipelineFlags, ProjectFlags, PushFlags, StackFlags, TrainingFlags,
};
use crate::settings::Value;

/// Flags as settings, in the table's names.
pub trait AsSettings {
    /// Those that were given.
    fn settings(&self) -> Vec<(&'static str, Value)>;
}

fn texts(pairs: &[(&'static str, &Option<String>)]) -> Vec<(&'static str, Value)> {
    pairs
        .iter()
        .filter_map(|(key, value)| Some((*key, Value::Text(value.as_ref()?.clone()))))
        .collect()
}

fn numbers(pairs: &[(&'static str, Option<u64>)]) -> Vec<(&'static str, Value)> {
    pairs
        .iter()
        .filter_map(|(key, value)| Some((*key, Value::Number((*value)?))))
        .collect()
}

fn lists(pairs: &[(&'static str, &Vec<String>)]) -> Vec<(&'static str, Value)> {
    let given = pairs.iter().filter(|(_, list)| !list.is_empty());
    given.map(|(key, list)| (*key, Value::List((*list).clone()))).collect()
}

fn maps(pairs: &[(&'static str, &Vec<(String, String)>)]) -> Vec<(&'static str, Value)> {
    let given = pairs.iter().filter(|(_, map)| !map.is_empty());
    given
        .map(|(key, map)| (*key, Value::Map(map.iter().cloned().collect())))
        .collect()
}

/// `(setting, whether its flag was given, what the flag sets it to)`.
fn switches(flags: &[(&'static str, bool, bool)]) -> Vec<(&'static str, Value)> {
    flags
        .iter()
        .filter(|(_, given, _)| *given)
        .map(|(key, _, value)| (*key, Value::Flag(*value)))
        .collect()
}

impl AsSettings for ProjectFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let texts = texts(&[
            ("train", &self.train),
            ("serve", &self.serve),
            ("python", &self.python),
            ("uv", &self.uv),
        ]);
        [texts, switches(&[("static", self.r#static, true)])].concat()
    }
}

impl AsSettings for ImageFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let texts = texts(&[
            ("base-image", &self.base_image),
            ("python-version", &self.python_version),
            ("platform", &self.platform),
            ("requirements", &self.requirements),
            ("dockerfile-template", &self.dockerfile_template),
            ("revision", &self.revision),
            ("ca-bundle", &self.ca_bundle),
        ]);
        let lists = lists(&[
            ("system-packages", &self.system_packages),
            ("extras", &self.extras),
            ("netrc-hosts", &self.netrc_hosts),
        ]);
        let maps = maps(&[("environment", &self.environment), ("labels", &self.labels)]);
        [
            texts,
            lists,
            maps,
            switches(&[("pip-settings", self.no_pip_settings, false)]),
        ]
        .concat()
    }
}

impl AsSettings for AccountFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        texts(&[("table", &self.table), ("region", &self.region)])
    }
}

impl AsSettings for EngineFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let switches = switches(&[
            ("pull", self.pull, true),
            ("no-cache", self.no_cache, true),
            ("trust-dockerfile", self.trust_dockerfile, true),
        ]);
        [texts(&[("engine", &self.engine)]), switches].concat()
    }
}

impl AsSettings for PushFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let texts = texts(&[("repository", &self.repository), ("region", &self.region)]);
        [
            texts,
            lists(&[("tag", &self.tag)]),
            switches(&[("create-repository", self.no_create, false)]),
        ]
        .concat()
    }
}

impl AsSettings for TrainingFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let texts = texts(&[
            ("function", &self.function),
            ("source-bucket", &self.source_bucket),
            ("output-bucket", &self.output_bucket),
            ("role", &self.role),
            ("instance-type", &self.instance_type),
            ("job-name", &self.job_name),
            ("run-id", &self.run_id),
        ]);
        let numbers = numbers(&[
            ("instance-count", self.instance_count),
            ("volume-size", self.volume_size),
            ("max-runtime", self.max_runtime),
        ]);
        [texts, numbers, maps(&[("metrics", &self.metrics)])].concat()
    }
}

impl AsSettings for StackFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        texts(&[("stack", &self.stack), ("region", &self.region)])
    }
}

impl AsSettings for PipelineFlags {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let texts = texts(&[
            ("email", &self.email),
            ("github-user", &self.github_user),
            ("github-repo", &self.github_repo),
            ("github-branch", &self.github_branch),
            ("github-connection", &self.github_connection),
            ("synthetic-bucket", &self.synthetic_bucket),
            ("schedule", &self.schedule),
            ("engine", &self.engine),
            ("build-image", &self.build_image),
            ("code-bucket", &self.code_bucket),
        ]);
        let numbers = numbers(&[("build-timeout", self.build_timeout)]);
        [texts, numbers, maps(&[("parameters", &self.parameters)])].concat()
    }
}

impl AsSettings for Command {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Inspect(c) => c.project.settings(),
            Self::Dist(c) => [c.project.settings(), c.image.settings()].concat(),
            Self::Build(c) => [c.project.settings(), c.image.settings(), c.engine.settings()].concat(),
            Self::Push(c) => [
                c.project.settings(),
                c.image.settings(),
                c.engine.settings(),
                c.destination.settings(),
                c.training.settings(),
            ]
            .concat(),
            Self::Train(c) => [c.training.settings(), texts(&[("region", &c.region)])].concat(),
            Self::Runs(c) => c.account.settings(),
            Self::Logs(c) => c.account.settings(),
            Self::Launch(c) => [c.stack.settings(), c.pipeline.settings()].concat(),
            Self::Status(c) => c.stack.settings(),
            Self::Destroy(c) => c.stack.settings(),
            Self::Settings(_) | Self::Completions(_) => Vec::new(),
        }
    }
}
