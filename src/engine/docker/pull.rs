//! Images that the daemon fetches
//! ([`POST /images/create`](https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageCreate)).

use http::{HeaderMap, HeaderName};
use url::form_urlencoded;

use super::Docker;
use super::build::{auth_config, encoded};
use super::error::Error;
use super::http::{broken, empty, header};
use super::layers::Layers;
use super::messages::Messages;
use crate::oci::Reference;
use crate::progress::Progress;
use crate::registry::Credentials;
use crate::secret::without_url_credentials;

impl Docker {
    /// Has the daemon fetch the image.
    ///
    /// # Errors
    /// There is no such image, it may not be fetched, or the daemon went away.
    pub(crate) async fn pull(
        &self,
        reference: &Reference,
        credentials: &Credentials,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let name = reference.to_string();
        let during = format!("pulling {name}");
        let auth = auth_config(credentials, &reference.repository.host);
        let (header_name, mut value) = header(HeaderName::from_static("x-registry-auth"), &encoded(&auth))?;
        value.set_sensitive(true);
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("fromImage", &name)
            .finish();
        let refused = |message: &str| Error::BaseImage {
            daemon: self.program(),
            image: name.clone(),
            message: without_url_credentials(message),
        };
        let headers = HeaderMap::from_iter([(header_name, value)]);
        let path = format!("/images/create?{query}");
        let answer = match self.daemon.post(&path, headers, empty(), &during).await {
            Err(Error::Refused { status, message, .. }) if status < 500 && status != 429 => {
                return Err(refused(&message));
            }
            answer => answer?,
        };
        let mut messages = Messages::new(answer);
        let mut layers = Layers::new(progress, "layer");
        loop {
            match messages.next().await {
                Ok(None) => return Ok(()),
                Err(reason) => return Err(broken(during, reason).by(self.program())),
                Ok(Some(message)) => {
                    if let Some(said) = message.failure() {
                        return Err(refused(&said));
                    }
                    layers.message(&message);
                }
            }
        }
    }
}
