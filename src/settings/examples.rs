//! What each setting may be, as `[tool.sgbuild]` has it: for `sgbuild settings --explain`, and for editors.

use super::definition::Definition;

/// The setting's key, and a value in TOML.
const EXAMPLES: &[(&str, &str)] = &[
    ("train", "\"irisclassifier.train:train\""),
    ("serve", "\"irisclassifier.serve:app\""),
    ("initializer", "\"irisclassifier.serve:load_model\""),
    ("static", "true"),
    ("python", "\"/usr/bin/python3.11\""),
    ("python-timeout", "300"),
    ("uv", "\"/usr/local/bin/uv\""),
    ("allow", "[\"SGB205: the instances have disks of their own\"]"),
    (
        "base-image",
        "\"123456789012.dkr.ecr.us-west-2.amazonaws.com/base/python:3.11\"",
    ),
    ("python-version", "\"3.11\""),
    ("platform", "\"linux/amd64\""),
    ("system-packages", "[\"libgomp1\", \"git\"]"),
    ("environment", "{ OMP_NUM_THREADS = \"4\" }"),
    ("user", "\"1000:1000\""),
    ("labels", "{ team = \"research\" }"),
    ("extras", "[\"gpu\"]"),
    ("requirements", "\"requirements.lock\""),
    ("dockerfile-template", "\"docker/Dockerfile.j2\""),
    ("source-url", "\"https://github.com/example/iris-classifier\""),
    ("revision", "\"3f2a9c1d5e6b7a8990c1d2e3f4a5b6c7d8e9f0a1\""),
    ("pip-settings", "false"),
    ("netrc-hosts", "[\"files.example.com\"]"),
    ("trust-dockerfile", "true"),
    ("ca-bundle", "\"certificates/company.pem\""),
    ("engine", "\"native\""),
    ("pull", "true"),
    ("upgrade", "true"),
    ("no-cache", "true"),
    ("bytecode", "false"),
    ("sbom", "\"attach\""),
    ("last-image", "false"),
    ("cache-size", "50"),
    ("repository", "\"iris-classifier\""),
    ("tag", "[\"latest\"]"),
    ("create-repository", "false"),
    ("region", "\"us-west-2\""),
    ("table", "\"iris-classifier-pipeline-Runs\""),
    ("function", "\"iris-classifier-pipeline-Train\""),
    ("source-bucket", "\"my-training-data\""),
    ("output-bucket", "\"my-models\""),
    ("role", "\"arn:aws:iam::123456789012:role/training\""),
    ("instance-type", "\"ml.m5.xlarge\""),
    ("instance-count", "2"),
    ("volume-size", "100"),
    ("max-runtime", "3600"),
    ("metrics", "{ accuracy = \"accuracy=([0-9.]+)\" }"),
    ("job-name", "\"iris\""),
    ("run-id", "\"nightly-2026-01-31\""),
    ("spot", "true"),
    ("max-wait", "7200"),
    ("max-pending", "3600"),
    ("retry-attempts", "3"),
    ("checkpoints", "\"s3://my-models/checkpoints/\""),
    ("checkpoint-path", "\"/opt/ml/checkpoints\""),
    ("input-mode", "\"FastFile\""),
    ("channels", "{ validation = \"s3://my-training-data/validation/\" }"),
    ("channel-modes", "{ validation = \"FastFile\" }"),
    ("content-types", "{ training = \"text/csv\" }"),
    ("instance-groups", "[\"workers=ml.g5.xlarge:2\"]"),
    ("keep-alive", "1800"),
    (
        "training-plan",
        "\"arn:aws:sagemaker:us-west-2:123456789012:training-plan/mine\"",
    ),
    ("infrastructure-check", "true"),
    ("subnets", "[\"subnet-0a1b2c3d\"]"),
    ("security-groups", "[\"sg-0a1b2c3d\"]"),
    ("encrypt-traffic", "true"),
    ("network-isolation", "true"),
    ("output-key", "\"alias/models\""),
    ("volume-key", "\"alias/volumes\""),
    ("job-tags", "{ project = \"iris\" }"),
    ("training-environment", "{ NCCL_DEBUG = \"INFO\" }"),
    ("profiler", "true"),
    (
        "training",
        "{ DebugHookConfig = { S3OutputPath = \"s3://my-models/debug/\" } }",
    ),
    ("stack", "\"iris-classifier-pipeline\""),
    ("email", "\"team@example.com\""),
    ("github-user", "\"example\""),
    ("github-repo", "\"iris-classifier\""),
    ("github-branch", "\"main\""),
    ("github-host", "\"github.com\""),
    (
        "github-connection",
        "\"arn:aws:codeconnections:us-west-2:123456789012:connection/0a1b2c3d-0000-4000-8000-000000000000\"",
    ),
    ("synthetic-bucket", "\"my-synthetic-data\""),
    ("schedule", "\"rate(7 days)\""),
    ("build-image", "\"aws/codebuild/amazonlinux-x86_64-standard:5.0\""),
    ("build-timeout", "120"),
    ("code-bucket", "\"my-code\""),
    ("parameters", "{ BuildTimeoutMins = \"90\" }"),
];

impl Definition {
    /// A value that it may have, as TOML.
    #[must_use]
    pub fn example(&self) -> &'static str {
        let found = EXAMPLES.iter().find(|(key, _)| *key == self.key);
        found.map_or("", |(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::definition::DecidedBy;
    use super::super::table::TABLE;
    use super::super::{Environment, Settings};
    use super::*;

    #[test]
    fn every_setting_has_an_example_that_it_takes() {
        let keys: Vec<_> = EXAMPLES.iter().map(|(key, _)| *key).collect();
        let expected: Vec<_> = TABLE.iter().map(|definition| definition.key).collect();
        assert_eq!(keys, expected);
        for definition in TABLE {
            let text = format!("[tool.sgbuild]\n{} = {}\n", definition.key, definition.example());
            if matches!(definition.decided_by, DecidedBy::Caller { .. }) {
                toml::de::DeTable::parse(&text).unwrap();
                continue;
            }
            let root = tempfile::tempdir().unwrap();
            std::fs::write(root.path().join("pyproject.toml"), &text).unwrap();
            let settings = Settings::resolve(root.path(), Vec::new(), Environment::default());
            let settings = settings.unwrap_or_else(|error| panic!("{text}: {error}"));
            let default = definition.default.map(Into::into);
            let value = settings.values.get(definition.key).map(|setting| setting.value.clone());
            assert!(value.is_some(), "{text}");
            if !["platform", "checkpoint-path"].contains(&definition.key) {
                assert_ne!(value, default, "{text}");
            }
        }
    }
}
