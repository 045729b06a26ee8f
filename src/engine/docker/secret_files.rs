//! Secrets as podman takes them: as files of the build context, which its API moves out of it before anything is built
//! ([`secrets` of the API](https://docs.podman.io/en/latest/_static/api.html#tag/images/operation/ImageBuildLibpod)).

use std::collections::BTreeMap;

use serde_json::json;

use crate::secret::Secret;

/// The secrets of one build, by the names of their files.
#[derive(Clone, Default)]
pub(super) struct SecretFiles {
    by_id: BTreeMap<String, (String, Secret)>,
}

impl SecretFiles {
    /// Under names that nobody else's file has.
    pub(super) fn new(secrets: &BTreeMap<String, Secret>) -> Self {
        let named = |(id, secret): (&String, &Secret)| {
            let name = format!(".sgbuild-secret-{}", uuid::Uuid::new_v4().simple());
            (id.clone(), (name, secret.clone()))
        };
        Self {
            by_id: secrets.iter().map(named).collect(),
        }
    }

    /// Names and contents.
    pub(super) fn files(&self) -> impl Iterator<Item = &(String, Secret)> {
        self.by_id.values()
    }

    /// What the query says of them; `None` where there are none.
    pub(super) fn query(&self) -> Option<String> {
        let said = self.by_id.iter().map(|(id, (name, _))| format!("id={id},src={name}"));
        let said: Vec<String> = said.collect();
        (!said.is_empty()).then(|| json!(said).to_string())
    }
}
