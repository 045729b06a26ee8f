//! One image on its way from plan to digest.

use std::str::FromStr as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::base::{self, Asked, Base, Source};
use super::bytecode;
use super::conflicts;
use super::image::{self, Documents};
use super::install::Scheme;
use super::layers::{self, Ground, Ingredient, MAX_LAYERS, Recipe};
use super::removal;
use super::resolve::{self, Question};
use super::sbom::{self, Listed, Origin};
use super::splice::{self, Entry, Measured};
use super::store::{Store, Wheel};
use super::{Error, Native};
use crate::engine::docker::DockerSettings;
use crate::engine::{BuiltImage, Kept, Order};
use crate::image::{BaseImage, ImagePlan, RUN_PY, run_py};
use crate::oci::{Digest, Platform};
use crate::progress::Progress;
use crate::project::normalized;
use crate::registry::auth;

/// What of images is kept in the store.
const IMAGES: &str = "images";
/// What layers came to.
const LAYERS: &str = "layers";

/// An image as it is kept: what it takes to send it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// The config, as its digest has it.
    pub(super) config: String,
    /// The manifest, as its digest has it.
    pub(super) manifest: String,
    /// The base image, as the plan names it.
    pub(super) base: String,
    /// Of the base's manifest.
    pub(super) base_digest: Digest,
    /// What the base was made for.
    pub(super) platform: Platform,
    /// Whether byte code was asked for.
    #[serde(default)]
    pub(super) bytecode: bool,
    /// The layers above the base's.
    pub(super) layers: Vec<(Recipe, Measured)>,
}

impl Record {
    pub(super) fn read(store: &Store, id: &Digest) -> Option<Self> {
        store.note(IMAGES, id.as_str())
    }

    /// The base image as it was when the image was made, where its name can say so.
    ///
    /// # Errors
    /// What is kept is damaged.
    pub(super) fn source(&self, docker: &DockerSettings) -> Result<Source, Error> {
        let mut base = self.base()?;
        if let BaseImage::Registry(reference) = &mut base {
            reference.digest = Some(self.base_digest.clone());
        }
        Ok(Source::of(base, docker))
    }

    /// The base image, as the plan named it.
    ///
    /// # Errors
    /// What is kept is damaged.
    pub(super) fn base(&self) -> Result<BaseImage, Error> {
        BaseImage::from_str(&self.base).map_err(|_| Error::ImageGone {
            id: Digest::of(self.config.as_bytes()),
        })
    }
}

impl Native {
    pub(super) async fn build_image(&self, order: &Order<'_>, progress: &dyn Progress) -> Result<BuiltImage, Error> {
        let plan = order.plan;
        let base = self.remember_base(self.base(order, progress).await?);
        image::check(&plan.native_base(), &base.config)?;
        let scheme = scheme(&base);
        let ground = Ground {
            base: &base,
            scheme: &scheme,
            store: &self.store,
        };
        let Required {
            mut recipes,
            mut wheels,
            replaced,
        } = self.requirements(order, &ground, progress).await?;
        conflicts::warn(&ground, &recipes, progress)?;
        // What the package itself brings is its author's will.
        let own = self.own_wheels(order)?;
        let package = vec![package(plan, &own)?];
        wheels.extend(own);
        let (measured, compiled) = std::thread::scope(|scope| {
            let compiling = scope.spawn(|| self.compiled(order, &ground, &recipes, progress));
            let measured = measure(&ground, &recipes, progress);
            let compiled = compiling.join();
            (
                measured,
                compiled.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            )
        });
        let (mut measured, compiled) = (measured?, compiled?);
        let above = [compiled, package].concat();
        measured.extend(measure(&ground, &above, progress)?);
        recipes.extend(above);
        let titled: Vec<_> = recipes
            .iter()
            .map(|recipe| recipe.title.clone())
            .zip(measured.iter().cloned())
            .collect();
        let documents = image::documents(plan, &base, &titled)?;
        let built = BuiltImage {
            id: documents.id(),
            platform: plan.platform.clone(),
            kept: Kept::Native {
                reference: order.name.clone(),
            },
            size: measured.iter().map(|layer| layer.unpacked).sum::<u64>()
                + base.layers.iter().map(|layer| layer.unpacked).sum::<u64>(),
            context_digest: order.dist.context_digest.clone(),
        };
        if self.settings.sbom {
            let contents = sbom::Contents {
                plan,
                base: &base,
                documents: &documents,
                wheels: &wheels,
                replaced: &replaced,
            };
            contents.list(&self.store)?;
        }
        self.keep(plan, &base, documents, recipes.into_iter().zip(measured).collect());
        Ok(built)
    }

    async fn base(&self, order: &Order<'_>, progress: &dyn Progress) -> Result<Base, Error> {
        let source = Source::of(order.plan.native_base(), &self.settings.docker);
        let credentials = match &order.plan.only_docker.prepared {
            Some(prepared) => auth::credentials(&prepared.repository, &self.settings.auth).await?,
            None => order.base_credentials.clone(),
        };
        let asked = Asked {
            source: &source,
            platform: &order.plan.platform,
            credentials: &credentials,
            client: &self.settings.client,
            cache_dir: &self.settings.cache_dir,
            pull: order.pull,
        };
        self.read_base(&asked, progress).await
    }

    /// What the package requires.
    async fn requirements(
        &self,
        order: &Order<'_>,
        ground: &Ground<'_>,
        progress: &dyn Progress,
    ) -> Result<Required, Error> {
        let (plan, base) = (order.plan, ground.base);
        if plan.requirements.is_empty() {
            return Ok(Required::default());
        }
        let installed: Vec<resolve::Installed> = base.python.installed.iter().map(known).collect();
        let question = Question {
            requirements: &plan.requirements,
            constraints: &plan.constraints,
            locked: plan.locked,
            target: &base.python.target,
            python_full: base.python.release.as_deref(),
            installed: &installed,
            may_build: !self.settings.static_only,
            uv: &self.settings.uv,
            anew: order.upgrade || order.no_cache,
        };
        let trusted = resolve::trusted_hosts(&plan.requirements)?;
        let own = (!trusted.is_empty()).then(|| self.sites.trusting(&trusted));
        let sites = own.as_ref().unwrap_or(&self.sites);
        let resolution = resolve::resolve(&question, &self.store, sites, progress).await?;
        let wheels = self.store.fetch(&resolution.wheels, sites, progress).await?;
        // Others are the package and what is removed; byte code has a layer beside each.
        let room = MAX_LAYERS.saturating_sub(base.layers.len() + 2);
        let room = if self.settings.bytecode { room / 2 } else { room };
        let mut recipes = layers::arrange(&wheels, room);
        let removed = removal::removed(ground, &resolution.replaced, &recipes)?;
        if !removed.is_empty() {
            let without = Recipe {
                title: format!("without the base's {}", resolution.replaced.join(", ")),
                removed,
                ..Recipe::default()
            };
            recipes.insert(0, without);
        }
        let origins = resolution.wheels.iter().map(Origin::of);
        let listed = wheels.into_iter().zip(origins);
        Ok(Required {
            recipes,
            wheels: listed.map(|(wheel, origin)| Listed { wheel, origin }).collect(),
            replaced: resolution.replaced,
        })
    }

    /// The layers of the byte code of `recipes`. The package has none: a change of its code stays one small layer, and starts no Python.
    fn compiled(
        &self,
        order: &Order<'_>,
        ground: &Ground<'_>,
        recipes: &[Recipe],
        progress: &dyn Progress,
    ) -> Result<Vec<Recipe>, Error> {
        if !self.settings.bytecode {
            return Ok(Vec::new());
        }
        bytecode::layers(ground, recipes, &self.settings.uv, order.no_cache, progress)
    }

    /// The wheels of the package itself and of what it requires beside it.
    fn own_wheels(&self, order: &Order<'_>) -> Result<Vec<Listed>, Error> {
        let mut wheels = Vec::new();
        for name in order.dist.context.iter().filter(|name| is_wheel(name)) {
            let wheel = self.store.put(&order.dist.directory.join(name), true)?;
            let origin = origin_of_own(&wheel, order.plan);
            wheels.push(Listed { wheel, origin });
        }
        let packages = order.plan.neighbours.len() + 1;
        if wheels.len() < packages {
            return Err(Error::NoWheel);
        }
        Ok(wheels)
    }

    fn keep(&self, plan: &ImagePlan, base: &Base, documents: Documents, layers: Vec<(Recipe, Measured)>) {
        let id = documents.id();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_default();
        let record = Record {
            config: text(documents.config),
            manifest: text(documents.manifest),
            base: plan.native_base().to_string(),
            base_digest: base.manifest_digest.clone(),
            platform: plan.platform.clone(),
            bytecode: self.settings.bytecode,
            layers,
        };
        self.store.keep_note(IMAGES, id.as_str(), &record);
    }
}

/// What the package requires, as it comes to the image.
#[derive(Default)]
struct Required {
    /// Its layers.
    recipes: Vec<Recipe>,
    wheels: Vec<Listed>,
    /// What of the base makes room for it, by the names that it has there.
    replaced: Vec<String>,
}

/// The layer of the package's own wheels, and of the program that the container starts.
fn package(plan: &ImagePlan, own: &[Listed]) -> Result<Recipe, Error> {
    Ok(Recipe {
        title: format!("{} {}", plan.name, plan.version),
        wheels: own.iter().map(|listed| Ingredient::of(&listed.wheel)).collect(),
        files: [(RUN_PY.to_owned(), run_py(plan)?)].into(),
        ..Recipe::default()
    })
}

/// Whose wheel one of `dist/` is.
fn origin_of_own(wheel: &Wheel, plan: &ImagePlan) -> Origin {
    let is_its = |name: &str| normalized(name) == normalized(&wheel.name);
    let neighbour = plan.neighbours.iter().find(|neighbour| is_its(&neighbour.name));
    neighbour.map_or(Origin::Project, |neighbour| Origin::Neighbour {
        directory: neighbour.directory.clone(),
    })
}

/// Where the base's Python has things installed.
pub(super) fn scheme(base: &Base) -> Scheme {
    let python = &base.python;
    Scheme {
        purelib: python.purelib.clone(),
        platlib: python.platlib.clone(),
        scripts: python.scripts.clone(),
        data: python.data.clone(),
        include: python.include.clone(),
        executable: python.executable.clone(),
        python: python.target.python,
    }
}

/// What each layer comes to: as it is known, or measured, several at once.
fn measure(ground: &Ground<'_>, recipes: &[Recipe], progress: &dyn Progress) -> Result<Vec<Measured>, Error> {
    let mut known: Vec<Option<Measured>> = recipes
        .iter()
        .map(|recipe| ground.store.note(LAYERS, &ground.key(recipe)))
        .collect();
    let unknown: Vec<usize> = (0..recipes.len()).filter(|at| known[*at].is_none()).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(unknown.len());
    let made = std::thread::scope(|scope| {
        let work = || {
            let mut made = Vec::new();
            while let Some(at) = unknown.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                made.push((*at, measure_one(ground, &recipes[*at], progress)?));
            }
            Ok::<_, Error>(made)
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Result<Vec<_>, _>>()
    })?;
    for (at, measured) in made.into_iter().flatten() {
        known[at] = Some(measured);
    }
    Ok(known.into_iter().flatten().collect())
}

fn measure_one(ground: &Ground<'_>, recipe: &Recipe, progress: &dyn Progress) -> Result<Measured, Error> {
    let entries: Arc<[Entry]> = ground.entries(recipe)?;
    let by_paths = ground.key_by_paths(recipe, &entries);
    let measured = if let Some(measured) = ground.store.note(LAYERS, &by_paths) {
        measured
    } else {
        progress.detail(&format!("making the layer of {}", recipe.title));
        splice::measure(&entries, progress).inspect_err(|error| discard(error, ground, recipe))?
    };
    for key in [by_paths, ground.key(recipe)] {
        ground.store.keep_note(LAYERS, &key, &measured);
    }
    Ok(measured)
}

/// Takes a wheel out that turned out to be damaged, so that the next run fetches it anew.
fn discard(error: &Error, ground: &Ground<'_>, recipe: &Recipe) {
    let Error::Wheel { path, .. } = error else { return };
    let is_it = |digest: &Digest| ground.store.get(digest).as_ref() == Some(path);
    if let Some(damaged) = recipe.archives().find(|digest| is_it(digest)) {
        ground.store.discard(damaged);
    }
}

fn known(installed: &base::Installed) -> resolve::Installed {
    resolve::Installed {
        name: installed.name.clone(),
        version: installed.version.clone(),
        metadata: installed.metadata.clone(),
    }
}

/// Whether a file of `dist/` is a wheel.
fn is_wheel(name: &str) -> bool {
    std::path::Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "whl")
}

/// Whether the archives are there that an image's layers are made of.
pub(super) fn is_whole(record: &Record, store: &Store) -> bool {
    let mut archives = record.layers.iter().flat_map(|(recipe, _)| recipe.archives());
    archives.all(|digest| store.get(digest).is_some())
}
