//! The `Authorization` header: made of the challenge and the credentials, kept while it is good.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::Serializer;

use super::challenge::Challenge;
use super::exchange::{Answer, Request};
use super::{Access, Client, Error, basic, sensitive};
use crate::registry::Credentials;
use crate::registry::ecr::EcrHost;

/// What is known of how to authorize requests to one registry.
#[derive(Default)]
pub(super) struct Authorization {
    challenge: Option<Challenge>,
    token: Option<Token>,
    /// Paths of other repositories that are read from.
    also_pulled: Vec<String>,
}

struct Token {
    header: HeaderValue,
    good_until: Instant,
}

/// The [token service's answer](https://distribution.github.io/distribution/spec/auth/token/#token-response-fields).
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// How long a token is good where the service does not say so.
const DEFAULT_LIFETIME: u64 = 60;
/// How long before its end a token is renewed.
const MARGIN: u64 = 10;

impl Authorization {
    /// Takes the challenge of an answer, if it has one.
    pub(super) fn learn(&mut self, answer: &Answer) {
        if answer.status != StatusCode::UNAUTHORIZED {
            return;
        }
        if let Some(challenge) = Challenge::of(&answer.headers) {
            self.challenge = Some(challenge);
        }
    }

    /// Takes the registry to want a user and password, until it says otherwise.
    pub(super) fn presume_basic(&mut self) {
        self.challenge = Some(Challenge::Basic);
    }

    /// Drops the token `refused`, unless another request has already renewed it.
    pub(super) fn forget(&mut self, refused: Option<&HeaderValue>) {
        if self.token.as_ref().map(|token| &token.header) == refused {
            self.token = None;
        }
    }

    /// Has the next token permit to read the repository at `path` too.
    pub(super) fn also_pull(&mut self, path: &str) {
        if !self.also_pulled.iter().any(|known| known == path) {
            self.also_pulled.push(path.to_owned());
            self.token = None;
        }
    }

    /// The header for the next request; `None` where the registry asks for none, or there are no credentials to give.
    pub(super) async fn header(&mut self, client: &Client) -> Result<Option<HeaderValue>, Error> {
        match &self.challenge {
            None => Ok(None),
            Some(Challenge::Basic) => Ok(match &client.credentials {
                Credentials::Basic { username, password } => basic(username, password),
                Credentials::Anonymous | Credentials::IdentityToken(_) => None,
            }),
            Some(Challenge::Bearer { realm, service }) => {
                if let Some(token) = self.token.as_ref().filter(|token| token.good_until > Instant::now()) {
                    return Ok(Some(token.header.clone()));
                }
                let token = fetch(client, realm, service.as_deref(), &self.also_pulled).await?;
                Ok(Some(self.token.insert(token).header.clone()))
            }
        }
    }
}

/// A token for the client's repository from the authorization service at `realm`.
async fn fetch(client: &Client, realm: &str, service: Option<&str>, also_pulled: &[String]) -> Result<Token, Error> {
    let request = token_request(client, realm, service, also_pulled)?;
    let answer = client.exchange(&request).await?;
    if !answer.status.is_success() {
        return Err(client.unexpected(&answer, &request.title()));
    }
    let parsed: TokenAnswer = serde_json::from_slice(&answer.body)
        .map_err(|error| client.protocol(&request.title(), &format!("no token: {error}")))?;
    let token = parsed.token.or(parsed.access_token).filter(|token| !token.is_empty());
    let header = token.and_then(|token| sensitive(&format!("Bearer {token}")));
    let header = header.ok_or_else(|| client.protocol(&request.title(), "it holds no token"))?;
    let lifetime = parsed.expires_in.unwrap_or(DEFAULT_LIFETIME).max(DEFAULT_LIFETIME) - MARGIN;
    let good_until = Instant::now() + Duration::from_secs(lifetime.min(24 * 3600));
    Ok(Token { header, good_until })
}

/// The request for a token: with an identity token the [OAuth2 form](https://distribution.github.io/distribution/spec/auth/oauth/),
/// otherwise a GET with user and password, or with nothing for what is public.
fn token_request(
    client: &Client,
    realm: &str,
    service: Option<&str>,
    also_pulled: &[String],
) -> Result<Request, Error> {
    let mut url = Url::parse(realm)
        .map_err(|error| client.protocol("GET /v2/", &format!("its token service `{realm}` is no URL: {error}")))?;
    if client.base.scheme() == "https" && url.scheme() != "https" {
        return Err(client.protocol("GET /v2/", &format!("its token service `{realm}` does not use https")));
    }
    // ECR asks for its password itself: whoever answers in its name must not have it sent elsewhere.
    if EcrHost::of(&client.repository).is_some() && url.origin() != client.base.origin() {
        return Err(client.protocol(
            "GET /v2/",
            &format!("its token service `{realm}` is another host, and ECR has none"),
        ));
    }
    let actions = match client.access {
        Access::Pull => "pull",
        Access::PullPush => "pull,push",
    };
    let others = also_pulled.iter().map(|path| format!("repository:{path}:pull"));
    let scopes: Vec<String> = std::iter::once(format!("repository:{}:{actions}", client.repository.path))
        .chain(others)
        .collect();
    if let Credentials::IdentityToken(token) = &client.credentials {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token")
            .append_pair("client_id", "sgbuild")
            .append_pair("scope", &scopes.join(" "))
            .append_pair("refresh_token", token.expose());
        if let Some(service) = service {
            form.append_pair("service", service);
        }
        let mut request = Request::new(Method::POST, url);
        request.headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        request.body = Bytes::from(form.finish());
        return Ok(request);
    }
    url.query_pairs_mut()
        .extend_pairs(service.map(|service| ("service", service)))
        .extend_pairs(scopes.iter().map(|scope| ("scope", scope)));
    let mut request = Request::new(Method::GET, url);
    if let Credentials::Basic { username, password } = &client.credentials
        && let Some(header) = basic(username, password)
    {
        request.headers.insert(AUTHORIZATION, header);
    }
    Ok(request)
}
