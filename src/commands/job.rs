//! One package on its way to an image: what `inspect`, `dist`, `build` and `push` do step by step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::CommandError;
use super::archives::Archives;
use super::checkout::Checkout;
use super::neighbours::{self, Builders};
use super::target;
use crate::build_record::{BuildRecord, OwnRecords, Source};
use crate::dist::{self, Dist, Held};
use crate::engine::docker::context::{self, Package};
use crate::engine::docker::{self, Docker};
use crate::engine::native::{self, Native};
use crate::engine::{self, Auto, BuiltImage, Engine, EngineKind, Order, Target};
use crate::error::Error;
use crate::image::ImagePlan;
use crate::neighbours::Neighbours;
use crate::oci::{Repository, naming};
use crate::package::sdist::{self, Packer, SdistSettings};
use crate::package::wheel::{Builder, Built, Wheel, WheelSettings};
use crate::progress::{Progress, Waiting};
use crate::project::{self, Project};
use crate::push::{PushSettings, PushedImage};
use crate::registry::auth::AuthSettings;
use crate::registry::ecr::EcrHost;
use crate::requirements::{self, Named, Requirements};
use crate::revision::Commit;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::web::Retry;

/// How often a base image's registry is asked where Docker may have the image: a machine without a network does not wait long.
pub(super) const FEW_TRIES: u32 = 2;

/// The project, what its user says of the build, and what git says of the checkout: each is read once.
pub(super) struct Job<'a> {
    pub(super) checkout: &'a Checkout<'a>,
    pub(super) project: Project,
    neighbours: Neighbours,
    requirements: Option<Requirements>,
    secrets: BTreeMap<String, Secret>,
    commit: Option<Commit>,
}

/// A package that is packed.
pub(super) struct Packed {
    pub(super) dist: Dist,
    pub(super) archives: Archives,
}

/// What [`Job::pack`] would write.
#[derive(Serialize)]
pub(super) struct Preview {
    /// File names, sorted.
    pub(super) files: Vec<String>,
    pub(super) dockerfile: String,
}

/// Reads the project; what is odd about it is told.
pub(super) fn read_project(checkout: &Checkout<'_>) -> Result<Project, Error> {
    let (root, settings) = (checkout.settings.root(), checkout.settings.project());
    let mut project = project::load(root, &settings, checkout.progress)?;
    // What was read decides which Python the image has, and the Python may decide what is read.
    let chosen = checkout.settings.project_as(&project);
    if project.looks_at_python && settings.read_for != chosen.read_for {
        project = project::load(root, &chosen, checkout.progress)?;
    }
    for warning in &project.warnings {
        checkout.progress.warn(warning);
    }
    Ok(project)
}

impl<'a> Job<'a> {
    /// Reads the project and what is around it.
    pub(super) fn open(checkout: &'a Checkout<'a>) -> Result<Self, Error> {
        let read = || {
            let project = read_project(checkout)?;
            let requirements = read_requirements(&project, checkout)?;
            let neighbours = neighbours::find(&project, requirements.as_ref(), checkout)?;
            Ok((project, requirements, neighbours))
        };
        let around = |(_, _, neighbours): &(_, _, Neighbours)| neighbours.directories();
        let (project, requirements, neighbours) = checkout.revision_meanwhile(read, around)?;
        let secrets = checkout
            .settings
            .build_secrets(&project, &neighbours, requirements.as_ref())?;
        for warning in &secrets.kept_back {
            checkout.progress.warn(warning);
        }
        Ok(Self {
            commit: checkout.commit()?,
            secrets: secrets.by_id,
            checkout,
            project,
            neighbours,
            requirements,
        })
    }

    /// What the file says that the setting `requirements` names.
    pub(super) fn requirements(&self) -> Option<&Requirements> {
        self.requirements.as_ref()
    }

    fn settings(&self) -> &'a Settings {
        &self.checkout.settings
    }

    fn progress(&self) -> &'a dyn Progress {
        self.checkout.progress
    }

    /// Refuses a build in which the project's own lines would come to see credentials; asked before anything is sent there.
    pub(super) fn check_trust(&self) -> Result<(), Error> {
        let requirements = self.requirements.as_ref();
        Ok(self
            .settings()
            .check_trust(&self.project, requirements, &self.secrets)?)
    }

    /// Plans the image; what it lacks is told.
    pub(super) fn plan(&self) -> Result<ImagePlan, Error> {
        let settings = self.settings().image(&self.secrets, self.checkout.revision()?)?;
        let plan = ImagePlan::new(&self.project, &self.neighbours, self.requirements.as_ref(), &settings)?;
        for lacks in &plan.lacks {
            self.progress().warn(lacks);
        }
        Ok(plan)
    }

    /// Makes `dist/`, or finds it already right.
    pub(super) fn pack(&self, plan: &ImagePlan) -> Result<Packed, Error> {
        let held = Held::of(&self.project.root, self.progress())?;
        let packers = self.packers(plan)?;
        let mut next = held.begin_next()?;
        let archives = packers.pack(&next.directory(), next.not_the_projects())?;
        let package = package(&archives);
        let sent = package.sent(plan);
        for name in archives.file_names() {
            if sent.contains(&name.as_str()) {
                next.add(name);
            } else {
                next.add_beside(name);
            }
        }
        for file in context::files(plan, &package)? {
            next.write(file.name, &file.text)?;
        }
        let dist = next.put_in_place()?;
        self.tell_of_unused_lock();
        self.progress().detail(&format!(
            "{}: {} files, sdist of {} bytes, {}",
            dist.directory.display(),
            dist.files.len(),
            archives.sdist.size,
            if dist.changed { "written" } else { "unchanged" },
        ));
        let archives = archives.moved_to(&dist.directory);
        Ok(Packed { dist, archives })
    }

    /// Asks the build backend for what only it can make: nothing of ours may be in the project then.
    fn packers(&self, plan: &ImagePlan) -> Result<Packers<'_>, Error> {
        let projects = self.settings().project_as(&self.project);
        let wheel_settings = self.settings().wheel(plan)?;
        Ok(Packers {
            sdist: Packer::of(&self.project, &projects, self.progress())?,
            wheel: Builder::of(&self.project, &projects, &wheel_settings, self.progress())?,
            neighbours: Builders::of(&self.neighbours, &projects, &wheel_settings, self.progress())?,
            sdist_settings: self.settings().sdist()?,
            wheel_settings,
            progress: self.progress(),
        })
    }

    /// A lock that nobody points at is probably forgotten.
    fn tell_of_unused_lock(&self) {
        let mut locks = ["pylock.toml", "uv.lock", "poetry.lock"].into_iter();
        let beside = locks.find(|lock| self.settings().root().join(lock).is_file());
        if let Some(lock) = beside.filter(|_| self.requirements.is_none()) {
            let text = format!("{lock} is not used; the setting `requirements` can name it, to pin what is installed");
            self.progress().detail(&text);
        }
    }

    /// Refuses a plan that no build context is made of.
    pub(super) fn check_context(plan: &ImagePlan) -> Result<(), Error> {
        Ok(context::check(plan)?)
    }

    /// What [`Job::pack`] would write, and where nothing is written.
    pub(super) fn preview(&self, plan: &ImagePlan) -> Result<Preview, Error> {
        dist::check(&self.project.root)?;
        let scratch = sdist::scratch()?;
        let archives = self.packers(plan)?.pack(scratch.path(), None)?;
        let mut preview = Preview {
            files: vec![dist::DOCKERIGNORE.to_owned()],
            dockerfile: String::new(),
        };
        preview.files.extend(archives.file_names().cloned());
        for file in context::files(plan, &package(&archives))? {
            preview.files.push(file.name.to_owned());
            if file.name == context::DOCKERFILE {
                preview.dockerfile = file.text;
            }
        }
        preview.files.sort();
        Ok(preview)
    }

    /// The engine that the settings name, if it can make what is planned.
    pub(super) async fn engine(&self, plan: &ImagePlan) -> Result<Box<dyn Engine>, Error> {
        if let Some(base) = &plan.only_docker.prepared {
            let text = format!("Engine native: what has to be run in the image is in its base image {base}");
            self.progress().step(&text);
        }
        let engine: Box<dyn Engine> = match engine_kind(self.checkout)? {
            EngineKind::Native => Box::new(self.native(plan, Retry::default().tries).await?),
            EngineKind::Docker => Box::new(self.docker().await?),
            EngineKind::Auto => self.whichever(plan).await?,
        };
        engine.check(plan)?;
        Ok(engine)
    }

    /// The native engine where the plan does not rule it out; which it is, and why, is told.
    async fn whichever(&self, plan: &ImagePlan) -> Result<Box<dyn Engine>, Error> {
        let native = self.native(plan, FEW_TRIES).await?;
        if let Err(why) = native::check(plan) {
            if plan.base.in_dockerfile().is_none() {
                return Err(engine::Error::from(why).into());
            }
            self.progress().step(&format!("Engine docker: {why}"));
            if matches!(why, native::Error::Unprepared { .. }) {
                self.progress().step(native::BASE);
            }
            return Ok(Box::new(self.docker().await?));
        }
        if plan.only_docker.prepared.is_none() {
            self.progress()
                .step("Engine native: nothing has to be run in the image");
        }
        Ok(Box::new(Auto::new(native, self.settings().docker())))
    }

    /// The Docker daemon.
    pub(super) async fn docker(&self) -> Result<Docker, Error> {
        Ok(connect(self.checkout).await.map_err(engine::Error::from)?)
    }

    async fn native(&self, plan: &ImagePlan, tries: u32) -> Result<Native, Error> {
        let auth = auth_settings(self.checkout, plan.native_base().repository()).await;
        let mut settings = self.settings().native(auth);
        settings.client = target::client(self.checkout);
        settings.client.retry.tries = tries;
        let engine = Native::open(settings, self.progress());
        Ok(engine.map_err(engine::Error::from)?)
    }

    /// The image: the one that an earlier run built of the same files, if the engine still has it, else a new one.
    pub(super) async fn build(
        &self,
        plan: &ImagePlan,
        packed: &Packed,
        engine: &dyn Engine,
        target: Option<&PushSettings>,
    ) -> Result<BuiltImage, Error> {
        let name = self.local_name()?;
        if let Some(built) = self.built_before(plan, packed, engine, &name).await? {
            self.progress().step(&format!("Building {name}: unchanged"));
            return Ok(built);
        }
        self.progress().step(&format!("Building {name}"));
        let set = self.settings().engine();
        let order = Order {
            plan,
            dist: &packed.dist,
            name,
            target: target.map(|target| Target {
                repository: &target.target,
                tags: &target.tags,
                auth: &target.auth,
            }),
            base_credentials: self.base_credentials(plan).await?,
            secrets: &self.secrets,
            pull: set.pull,
            upgrade: set.upgrade,
            no_cache: set.no_cache,
        };
        let built = engine.build(&order, self.progress()).await?;
        self.record(
            packed,
            self.source(),
            &built,
            None,
            "the next command will not know of this build",
        );
        Ok(built)
    }

    /// What `dist/image.json` says was built of the same files, if the engine still has it under this name.
    async fn built_before(
        &self,
        plan: &ImagePlan,
        packed: &Packed,
        engine: &dyn Engine,
        name: &str,
    ) -> Result<Option<BuiltImage>, Error> {
        let set = self.settings().engine();
        if set.no_cache || set.pull || set.upgrade {
            return Ok(None);
        }
        let Some(BuildRecord { built, .. }) = BuildRecord::read(&packed.dist, &own_records(self.checkout)) else {
            return Ok(None);
        };
        // A template of the user's need not name the platform: then the files are the same for all of them.
        let is_same = built.name() == name && built.platform == plan.platform;
        Ok((is_same && engine.holds(&built).await?).then_some(built))
    }

    /// Keeps what the next command goes on from. The image is there whether or not it is noted: a record that cannot be written is a
    /// warning, with what is `lost` by it.
    pub(super) fn record(
        &self,
        packed: &Packed,
        source: Source,
        built: &BuiltImage,
        pushed: Option<&PushedImage>,
        lost: &str,
    ) {
        let record = BuildRecord {
            source,
            built: built.clone(),
            pushed: pushed.cloned(),
        };
        if let Err(error) = record.write(&packed.dist, &own_records(self.checkout), self.progress()) {
            let reason = std::error::Error::source(&error).map(|source| format!(": {source}"));
            self.progress()
                .warn(&format!("{error}{}; {lost}", reason.unwrap_or_default()));
        }
    }

    /// What the image is built from.
    pub(super) fn source(&self) -> Source {
        Source {
            package: self.project.metadata.name.clone(),
            version: self.project.metadata.version.clone(),
            revision: self.commit.as_ref().map(ToString::to_string),
            requirements: None,
        }
    }

    /// The version and the short commit, marked where the tree differs from it, and the names of the entry points that were chosen: one of a
    /// package's images does not overwrite another.
    pub(super) fn tag(&self) -> String {
        let commit = self.commit.as_ref().map(Commit::short);
        let chosen = self.settings().chosen_entry_points().map(ToOwned::to_owned);
        let parts: Vec<String> = commit.into_iter().chain(chosen).collect();
        let suffix = Some(parts.join("-")).filter(|suffix| !suffix.is_empty());
        naming::tag(&self.project.metadata.version, suffix.as_deref())
    }

    /// By what the engine keeps the image: `sgbuild/<package>:<version>-<commit>`.
    pub(super) fn local_name(&self) -> Result<String, Error> {
        self.local_name_of(&self.tag())
    }

    /// By what the engine keeps another image of the package's.
    pub(super) fn local_name_of(&self, tag: &str) -> Result<String, Error> {
        let name = naming::repository_name(&self.project.metadata.name)?;
        Ok(format!("sgbuild/{name}:{tag}"))
    }
}

/// The Docker daemon; which it is, is told where nobody named it.
pub(super) async fn connect(checkout: &Checkout<'_>) -> Result<Docker, docker::Error> {
    let waiting = Waiting::begin(checkout.progress, docker::WAITED_FOR);
    let connected = docker::connect(&checkout.settings.docker()).await;
    drop(waiting);
    let docker = connected?;
    if let Some(found) = docker.found() {
        checkout.progress.step(&found);
    }
    Ok(docker)
}

/// What makes the package's archives.
struct Packers<'a> {
    sdist: Packer<'a>,
    wheel: Builder<'a>,
    neighbours: Builders<'a>,
    sdist_settings: SdistSettings,
    wheel_settings: WheelSettings,
    progress: &'a dyn Progress,
}

impl Packers<'_> {
    /// Writes the archives into the directory `out`. `not_the_projects` is a directory in the project's own that is not to be packed.
    fn pack(mut self, out: &Path, not_the_projects: Option<PathBuf>) -> Result<Archives, Error> {
        self.sdist_settings.output_dirs.extend(not_the_projects.clone());
        self.wheel_settings.output_dirs.extend(not_the_projects);
        let sdist = self.sdist.pack(out, &self.sdist_settings, self.progress)?;
        let wheel = match self.wheel.pack(out, &self.wheel_settings, self.progress)? {
            Built::Wheel(wheel) => Some(wheel),
            Built::Foreign { reason } => {
                let title = format!("{reason}; the image's pip builds the package, from the sdist");
                self.progress.step(&title);
                None
            }
        };
        // A neighbour may be in a directory above the project's.
        self.wheel_settings.output_dirs.push(out.to_owned());
        let neighbours = self.neighbours.pack(out, &self.wheel_settings)?;
        Ok(Archives {
            sdist,
            wheel,
            neighbours,
        })
    }
}

/// The archives as a build context knows them.
fn package(archives: &Archives) -> Package {
    let name = |wheel: &Wheel| wheel.file_name.clone();
    Package {
        sdist: archives.sdist.file_name.clone(),
        wheel: archives.wheel.as_ref().map(name),
        neighbour_wheels: archives.neighbours.iter().map(name).collect(),
    }
}

/// What the file says that the setting `requirements` names.
pub(super) fn read_requirements(project: &Project, checkout: &Checkout<'_>) -> Result<Option<Requirements>, Error> {
    let settings = &checkout.settings;
    let Some(named) = settings.requirements_file() else {
        return Ok(None);
    };
    let file = Named {
        file: named.file,
        by_project_at: named.by_project_at.as_deref(),
    };
    let (extras, uv) = (named.extras, settings.uv());
    Ok(Some(requirements::read(project, file, extras, &uv, checkout.progress)?))
}

/// The engine that the settings name, if there is one.
pub(super) fn engine_kind(checkout: &Checkout<'_>) -> Result<EngineKind, Error> {
    let set = checkout.settings.engine();
    let kind = set.name.parse().map_err(|source| CommandError::UnknownEngine {
        source,
        origin: set.origin.to_string(),
    });
    Ok(kind?)
}

/// The build records that this user's sgbuild wrote.
pub(super) fn own_records(checkout: &Checkout<'_>) -> OwnRecords {
    OwnRecords::of(checkout.settings.environment().cache_dir())
}

/// AWS is asked only for a registry that is Amazon's.
pub(super) async fn auth_settings(checkout: &Checkout<'_>, repository: Option<&Repository>) -> AuthSettings {
    let aws = match repository.and_then(EcrHost::of) {
        Some(_) => Some(checkout.aws().await),
        None => None,
    };
    let environment = checkout.settings.environment();
    AuthSettings {
        aws,
        docker_config_dir: environment.docker_config_dir(),
        // A build in CodeBuild leaves nothing behind, least of all in a cache that other builds restore.
        cache: environment
            .get("CODEBUILD_BUILD_ID")
            .is_none()
            .then(|| environment.cache_dir()),
        path: environment.get("PATH").map(ToOwned::to_owned),
    }
}
