//! The builds of the pipeline's CodeBuild project.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_codebuild::types::{BuildPhase, BuildPhaseType, SortOrderType, StatusType};
use jiff::Timestamp;

use crate::aws::CallError;
use crate::training::job::timestamp;

/// A build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Build {
    /// `project:uuid`.
    pub(super) id: String,
    /// Whether it goes on.
    pub(super) in_progress: bool,
    /// What it does at present, such as `QUEUED`, `BUILD` or `POST_BUILD`.
    pub(super) phase: String,
    /// Whether it has ended well.
    pub(super) succeeded: bool,
    /// When it was started.
    pub(super) started: Option<Timestamp>,
    /// When its last phase began, in which it trains with the data that is there.
    pub(super) trains: Option<Timestamp>,
}

/// What the data trigger does with builds.
#[async_trait]
pub(super) trait Builds: Send + Sync {
    /// The project's latest builds, the newest first.
    async fn newest(&self, project: &str) -> Result<Vec<Build>, CallError>;

    /// Starts a build. The same `token` within five minutes starts no second one. Answers with the build's id.
    async fn start(&self, project: &str, token: &str) -> Result<String, CallError>;
}

/// The builds of CodeBuild.
#[derive(Debug, Clone)]
pub(super) struct CodeBuild(aws_sdk_codebuild::Client);

impl CodeBuild {
    /// With credentials, region and endpoint of `sdk_config`.
    #[must_use]
    pub(super) fn new(sdk_config: &SdkConfig) -> Self {
        Self(aws_sdk_codebuild::Client::new(sdk_config))
    }
}

#[async_trait]
impl Builds for CodeBuild {
    async fn newest(&self, project: &str) -> Result<Vec<Build>, CallError> {
        let listed = self
            .0
            .list_builds_for_project()
            .project_name(project)
            .sort_order(SortOrderType::Descending)
            .send()
            .await
            .map_err(|error| CallError::from_sdk(&error))?;
        // One page holds a hundred, and that is what BatchGetBuilds takes.
        let ids = listed.ids().to_vec();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let described = self.0.batch_get_builds().set_ids(Some(ids.clone())).send().await;
        let described = described.map_err(|error| CallError::from_sdk(&error))?;
        let mut builds: Vec<Build> = described
            .builds()
            .iter()
            .map(|build| Build {
                id: build.id().unwrap_or_default().to_owned(),
                in_progress: build.build_status() == Some(&StatusType::InProgress),
                phase: build.current_phase().unwrap_or_default().to_owned(),
                succeeded: build.build_status() == Some(&StatusType::Succeeded),
                started: build.start_time().and_then(timestamp),
                trains: last_phase(build).and_then(BuildPhase::start_time).and_then(timestamp),
            })
            .collect();
        // BatchGetBuilds answers in an order of its own.
        builds.sort_by_key(|build| ids.iter().position(|id| *id == build.id));
        Ok(builds)
    }

    async fn start(&self, project: &str, token: &str) -> Result<String, CallError> {
        let started = self
            .0
            .start_build()
            .project_name(project)
            .idempotency_token(token)
            .send()
            .await;
        let started = started.map_err(|error| CallError::from_sdk(&error))?;
        let id = started.build_value().and_then(|build| build.id());
        Ok(id.unwrap_or_default().to_owned())
    }
}

fn last_phase(build: &aws_sdk_codebuild::types::Build) -> Option<&BuildPhase> {
    let mut phases = build.phases().iter();
    phases.find(|phase| phase.phase_type() == Some(&BuildPhaseType::PostBuild))
}
