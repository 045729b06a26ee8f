//! How the image is built.

use std::path::PathBuf;

use crate::engine::docker::{DockerSettings, usual_sockets};
use crate::engine::native::NativeSettings;
use crate::registry::auth::AuthSettings;
use crate::registry::client::ClientSettings;
use crate::settings::{Origin, Settings, table, uv};

const GB: u64 = 1_000_000_000;

/// What builds the image, and how.
#[derive(Debug)]
pub struct EngineSettings<'a> {
    /// The engine's name as it was set.
    pub name: &'a str,
    /// Where it was set.
    pub origin: &'a Origin,
    /// Ask the registry for a newer base image.
    pub pull: bool,
    /// Resolve the requirements anew.
    pub upgrade: bool,
    /// Build every layer anew.
    pub no_cache: bool,
}

/// Where the list of what is in the image goes.
#[derive(Debug)]
pub struct SbomSetting<'a> {
    /// As it was set.
    pub name: &'a str,
    /// Where it was set.
    pub origin: &'a Origin,
}

impl Settings {
    /// What builds the image, and how.
    #[must_use]
    pub fn engine(&self) -> EngineSettings<'_> {
        EngineSettings {
            name: self.get(&table::ENGINE),
            origin: self.origin_of(&table::ENGINE),
            pull: self.get(&table::PULL),
            upgrade: self.get(&table::UPGRADE),
            no_cache: self.get(&table::NO_CACHE),
        }
    }

    /// What the native engine works with; `auth` is for the base image's registry.
    #[must_use]
    pub fn native(&self, auth: AuthSettings) -> NativeSettings {
        NativeSettings {
            cache_dir: self.environment().cache_dir(),
            uv: uv::settings_for_image(self),
            client: ClientSettings::default(),
            auth,
            docker: self.docker(),
            static_only: self.get(&table::STATIC),
            cache_limit: self.cache_limit(),
            bytecode: self.get(&table::BYTECODE),
            // What it is to be, a command says; one that is misspelt is refused there.
            sbom: self.sbom().name != "off",
            last_image: self.get(&table::LAST_IMAGE),
        }
    }

    /// Where the list of what is in the image goes.
    #[must_use]
    pub fn sbom(&self) -> SbomSetting<'_> {
        SbomSetting {
            name: self.get(&table::SBOM),
            origin: self.origin_of(&table::SBOM),
        }
    }

    /// How much the store of wheels may hold, in bytes.
    #[must_use]
    pub fn cache_limit(&self) -> u64 {
        self.get(&table::CACHE_SIZE).saturating_mul(GB)
    }

    /// How the Docker daemon is found, and spoken to.
    #[must_use]
    pub fn docker(&self) -> DockerSettings {
        let environment = self.environment();
        let text = |name| environment.get(name).map(ToOwned::to_owned);
        let absolute = |path: PathBuf| Some(path).filter(|path| path.is_absolute());
        let directory = |name| environment.get(name).map(PathBuf::from).and_then(absolute);
        let home = environment.home().and_then(absolute);
        let (runtime, config) = (directory("XDG_RUNTIME_DIR"), directory("XDG_CONFIG_HOME"));
        DockerSettings {
            usual: usual_sockets(home.as_deref(), runtime.as_deref(), config.as_deref()),
            host: text("DOCKER_HOST"),
            context: text("DOCKER_CONTEXT"),
            config_dir: environment.docker_config_dir(),
            tls_verify: environment.get("DOCKER_TLS_VERIFY").is_some(),
            cert_path: text("DOCKER_CERT_PATH").map(Into::into),
            buildkit: environment.get("DOCKER_BUILDKIT").map(|value| value != "0"),
            path: text("PATH"),
            withheld: environment.credentials_unlike("SSH_"),
        }
    }
}
