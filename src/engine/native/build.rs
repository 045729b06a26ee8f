//! One image on its way from plan to digest.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use serde::{Deserialize, Serialize};

use super::base::{self, Asked, Base, Source};
use super::compiled::label;
use super::conflicts;
use super::elsewhere::Elsewhere;
use super::image::{self, Documents};
use super::install::Scheme;
use super::layers::{Ground, Ingredient, Recipe};
use super::measuring::Measuring;
use super::sbom::{self, Listed, Origin};
use super::splice::Measured;
use super::store::{Store, Wheel, is_wheel};
use super::{Error, Native};
use crate::engine::docker::DockerSettings;
use crate::engine::{BuiltImage, Kept, Order};
use crate::image::{BaseImage, ImagePlan, Words, base_in_words, programs};
use crate::oci::{Digest, Platform};
use crate::progress::{Part, Progress};
use crate::project::normalized;
use crate::registry::auth;

/// What of images is kept in the store.
const IMAGES: &str = "images";
/// What layers came to.
pub(super) const LAYERS: &str = "layers";

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
    /// What of them is not here.
    #[serde(default)]
    pub(super) elsewhere: Elsewhere,
}

impl Record {
    pub(super) fn read(store: &Store, id: &Digest) -> Option<Self> {
        store.note(IMAGES, id.as_str())
    }

    pub(super) fn keep(&self, store: &Store) {
        store.keep_note(IMAGES, Digest::of(self.config.as_bytes()).as_str(), self);
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
        let carrier = self.carrier(order.target.as_ref());
        if let Some(carrier) = &carrier {
            let source = Source::of(plan.native_base(), &self.settings.docker);
            carrier.base(&base, &Arc::new(self.base_blobs(source).tried_once()));
        }
        let made = AtomicBool::new(false);
        let measuring = Measuring {
            ground: &ground,
            carrier: carrier.as_ref(),
            progress,
            made: &made,
        };
        let words = Words::of(plan);
        let part = (!plan.requirements.is_empty()).then(|| Part::begin(progress, &words.requirements));
        let required = self.required(order, &measuring).await?;
        let (recipes, last) = (&required.recipes, required.last.as_ref());
        let found = conflicts::warn(&ground, recipes, last, progress)?;
        // What the package itself brings is its author's will.
        let own = self.own_wheels(order)?;
        let package = package(plan, &own)?;
        let (measured, compiled) = std::thread::scope(|scope| {
            let compiling = scope.spawn(|| self.compiled(order, &measuring, &required));
            let measured = measuring.all(recipes, last);
            let compiled = compiling.join();
            (
                measured,
                compiled.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            )
        });
        let (measured, compiled) = (measured?, compiled?);
        if let Some(part) = part {
            part.end(!made.swap(false, Ordering::Relaxed));
        }
        let part = Part::begin(progress, &words.package);
        let label = label(&ground, &required, &measured, &compiled, &found);
        let mut layers: Vec<_> = recipes.iter().cloned().zip(measured).collect();
        layers.extend(compiled.into_layers());
        // It is sent as soon as it is measured anyway, by a client that is connected.
        let measuring = Measuring {
            carrier: None,
            ..measuring
        };
        let of_package = measuring.all(std::slice::from_ref(&package), None)?;
        layers.extend(std::iter::once(package).zip(of_package));
        let titled: Vec<_> = layers
            .iter()
            .map(|(recipe, measured)| (recipe.title.clone(), measured.clone()))
            .collect();
        part.end(!made.load(Ordering::Relaxed));
        let documents = image::documents(plan, &base, &titled, label.text())?;
        let built = BuiltImage {
            id: documents.id(),
            platform: plan.platform.clone(),
            kept: Kept::Native {
                reference: order.name.clone(),
            },
            size: layers.iter().map(|(_, layer)| layer.unpacked).sum::<u64>()
                + base.layers.iter().map(|layer| layer.unpacked).sum::<u64>(),
            context_digest: order.dist.context_digest.clone(),
        };
        if self.settings.sbom {
            let own = own.iter().map(|wheel| Listed::own(wheel, origin_of_own(wheel, plan)));
            let wheels: Vec<_> = required.listed.into_iter().chain(own).collect();
            let contents = sbom::Contents {
                plan,
                base: &base,
                documents: &documents,
                wheels: &wheels,
                replaced: &required.replaced,
            };
            contents.list(&self.store)?;
        }
        let elsewhere = match required.last {
            Some(_) => Elsewhere::of(&layers, required.absent, required.trusted, &self.store),
            None => Elsewhere::default(),
        };
        self.keep(plan, &base, documents, layers, elsewhere);
        *self.carrier.lock().unwrap_or_else(PoisonError::into_inner) = carrier;
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
        let base = base::read_as_part(&asked, &base_in_words(&asked.source.image), progress).await?;
        self.packed_base(base, &source, progress).await
    }

    /// The wheels of the package itself and of what it requires beside it.
    fn own_wheels(&self, order: &Order<'_>) -> Result<Vec<Wheel>, Error> {
        let mut wheels = Vec::new();
        for name in order.dist.context.iter().filter(|name| is_wheel(Path::new(name))) {
            wheels.push(self.store.put(&order.dist.directory.join(name), true)?);
        }
        let packages = order.plan.neighbours.len() + 1;
        if wheels.len() < packages {
            return Err(Error::NoWheel);
        }
        Ok(wheels)
    }

    fn keep(
        &self,
        plan: &ImagePlan,
        base: &Base,
        documents: Documents,
        layers: Vec<(Recipe, Measured)>,
        elsewhere: Elsewhere,
    ) {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_default();
        let record = Record {
            config: text(documents.config),
            manifest: text(documents.manifest),
            base: plan.native_base().to_string(),
            base_digest: base.manifest_digest.clone(),
            platform: plan.platform.clone(),
            bytecode: self.settings.bytecode,
            layers,
            elsewhere,
        };
        record.keep(&self.store);
    }
}

/// The layer of the package's own wheels, and of the programs that the container starts.
fn package(plan: &ImagePlan, own: &[Wheel]) -> Result<Recipe, Error> {
    let programs = programs(plan)?.into_iter();
    Ok(Recipe {
        title: format!("{} {}", plan.name, plan.version),
        wheels: own.iter().map(Ingredient::of).collect(),
        files: programs.map(|(path, text)| (path.to_owned(), text)).collect(),
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
