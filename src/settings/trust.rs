//! Whether a build would hand credentials of this machine to lines that a stranger may have written.
//!
//! A build step sees the secrets that its `RUN` line mounts, and whatever writes that line can have it keep them in a layer or send
//! them on. So what the project's own files say of the Dockerfile, or of the way pip goes, does not meet credentials unless
//! whoever runs sgbuild says so.

use std::collections::BTreeMap;

use super::{Error, Settings, table};
use crate::project::Project;
use crate::requirements::{Name, Requirements};
use crate::secret::Secret;

/// Variables by which pip goes another way, trusts others, or writes down what it sends.
/// Sources: <https://pip.pypa.io/en/stable/cli/pip/>, <https://docs.python.org/3/library/ssl.html>.
const STEERING: [&str; 17] = [
    "CURL_CA_BUNDLE",
    "NETRC",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_CONFIG_FILE",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PIP_KEYRING_PROVIDER",
    "PIP_LOG",
    "PIP_LOG_FILE",
    "PIP_PROXY",
    "PIP_TRUSTED_HOST",
    "REQUESTS_CA_BUNDLE",
    "SSLKEYLOGFILE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

impl Settings {
    /// Refuses a build whose `secrets` hold credentials, where the project's own files write its Dockerfile or steer its pip.
    ///
    /// # Errors
    /// The line of the project's that would come to see them.
    pub fn check_trust(
        &self,
        project: &Project,
        requirements: Option<&Requirements>,
        secrets: &BTreeMap<String, Secret>,
    ) -> Result<(), Error> {
        let secrets = with_credentials(secrets);
        if secrets.is_empty() || self.get(&table::TRUST_DOCKERFILE) {
            return Ok(());
        }
        let found = self
            .dockerfile_lines(project)
            .or_else(|| self.steering_variable())
            .or_else(|| self.trusted_host(requirements, &secrets));
        found.map_or(Ok(()), |what| {
            Err(Error::Untrusted {
                what,
                secrets: secrets.into_keys().collect(),
            })
        })
    }

    fn dockerfile_lines(&self, project: &Project) -> Option<String> {
        let build = &project.build;
        if !build.docker_lines.is_empty() {
            let at = &build.docker_lines_at;
            return Some(format!(
                "{at}: dockerlines adds lines of the project's own to the Dockerfile"
            ));
        }
        let origin = self.origin_of(&table::DOCKERFILE_TEMPLATE);
        origin
            .is_the_projects()
            .then(|| format!("{origin}: `dockerfile-template` has a file of the project make the Dockerfile"))
    }

    /// An environment variable of the image, which is there when pip runs.
    fn steering_variable(&self) -> Option<String> {
        let origin = self.origin_of(&table::ENVIRONMENT);
        if !origin.is_the_projects() {
            return None;
        }
        let steers = |name: &str| {
            let name = name.to_uppercase();
            STEERING.contains(&name.as_str()) || name.ends_with("_PROXY")
        };
        let name = self.get(&table::ENVIRONMENT).keys().find(|name| steers(name))?;
        Some(format!(
            "{origin}: `environment` sets {name}, which changes how pip reaches its indexes"
        ))
    }

    /// A line of the project's requirements file by which pip sends a password to whoever answers for its host.
    fn trusted_host(&self, requirements: Option<&Requirements>, secrets: &BTreeMap<&str, &Secret>) -> Option<String> {
        let requirements = requirements.filter(|_| self.origin_of(&table::REQUIREMENTS).is_the_projects())?;
        let lines = requirements.lines.iter();
        let mut given = lines.flat_map(|line| line.options_given().map(move |option| (&line.place, option)));
        let (place, option) = given.find(|(_, option)| {
            let host = option.value.split(':').next().unwrap_or_default();
            option.name == Name::TrustedHost && secrets.values().any(|secret| secret.expose().contains(host))
        })?;
        let host = &option.value;
        Some(format!(
            "{place}: --trusted-host turns off TLS's checks of {host} for pip"
        ))
    }
}

/// The secrets that hold credentials, by id. Certificates do not, nor does a `pip.conf` whose URLs carry neither user info nor a query.
fn with_credentials(secrets: &BTreeMap<String, Secret>) -> BTreeMap<&'static str, &Secret> {
    let mut found = BTreeMap::new();
    for id in ["netrc", "pip.conf"] {
        let held = secrets.get(id);
        let holds_some = |secret: &&Secret| id == "netrc" || secret.expose().contains(['@', '?']);
        found.extend(held.filter(holds_some).map(|secret| (id, secret)));
    }
    found
}
