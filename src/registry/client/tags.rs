//! The tags of a repository
//! ([the specification](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags)).

use http::{Method, StatusCode};
use serde::Deserialize;

use super::exchange::Request;
use super::{Client, Error};

#[derive(Deserialize)]
struct Answer {
    /// `null` where there is none.
    tags: Option<Vec<String>>,
}

impl Client {
    /// The tags of the repository, as many of them as the registry answers at once, in the order in which it does; none where there is
    /// no such repository.
    ///
    /// # Errors
    /// Anything but a list or 404.
    pub async fn tags(&self) -> Result<Vec<String>, Error> {
        let request = Request::new(Method::GET, self.api(&format!("{}/tags/list", self.repository.path))?);
        let answer = self.send(request.clone()).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(Vec::new()),
            StatusCode::OK => {
                let listed: Result<Answer, _> = serde_json::from_slice(&answer.body);
                let listed = listed.map_err(|_| self.protocol(&request.title(), "it is no list of tags"))?;
                Ok(listed.tags.unwrap_or_default())
            }
            _ => Err(self.unexpected(&answer, &request.title())),
        }
    }
}
