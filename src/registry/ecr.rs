//! Amazon ECR: whose registry it is, its authorization token, and its repositories.

use std::path::Path;

use aws_config::{Region, SdkConfig};
use aws_sdk_ecr::operation::create_repository::CreateRepositoryError;
use aws_sdk_ecr::operation::describe_repositories::DescribeRepositoriesError;
use aws_sdk_ecr::types::{ImageScanningConfiguration, ImageTagMutability, ImageTagMutabilityExclusionFilter};
use base64::Engine as _;
use jiff::Timestamp;

use super::Credentials;
use crate::aws::is_account;
use crate::aws::region::{domain_suffix, is_region};
use crate::oci::Repository;
use crate::oci::naming::repository_name;
use crate::secret::{Secret, without_url_credentials};

mod failure;
mod host;
mod images;
mod kept;

pub use failure::Error;
use failure::{Call, failure};
pub use host::EcrHost;
pub use images::newest_tags;
use kept::Place;

/// What [`ensure_repository`] found or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryState {
    /// It did not exist before.
    pub created: bool,
    /// Which of its tags may be moved.
    pub tags: TagMutability,
}

/// A repository's [tag mutability](https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagMutability {
    /// A tag, once pushed, stays with its image.
    pub immutable: bool,
    /// Tags for which the opposite holds: patterns in which `*` is any run of characters.
    pub except: Vec<String>,
}

impl TagMutability {
    /// Whether `tag`, if it exists, cannot be moved to another image.
    #[must_use]
    pub fn is_immutable(&self, tag: &str) -> bool {
        let excepted = self.except.iter().any(|pattern| wildcard_matches(pattern, tag));
        self.immutable != excepted
    }

    fn of(mutability: Option<&ImageTagMutability>, filters: &[ImageTagMutabilityExclusionFilter]) -> Self {
        let (immutable, has_exceptions) = match mutability {
            Some(ImageTagMutability::Immutable) => (true, false),
            Some(ImageTagMutability::ImmutableWithExclusion) => (true, true),
            Some(ImageTagMutability::MutableWithExclusion) => (false, true),
            _ => (false, false),
        };
        let patterns = filters.iter().map(|filter| filter.filter().to_owned());
        Self {
            immutable,
            except: if has_exceptions { patterns.collect() } else { Vec::new() },
        }
    }
}

/// `pattern` against the whole of `text`; `*` stands for any run of characters, the empty one included.
fn wildcard_matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len()).any(|i| rest.is_char_boundary(i) && wildcard_matches(tail, &rest[i..]))
        }),
    }
}

/// The repository of the Python package `package` in the caller's own registry: the account from
/// [GetCallerIdentity](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html), the region from
/// `config`, the domain by the region's partition. Nothing is created.
///
/// # Errors
/// No region or credentials, an AWS call that failed, a package name that gives no repository name.
pub async fn default_repository(config: &SdkConfig, package: &str) -> Result<Repository, Error> {
    own_repository(config, &repository_name(package)?).await
}

/// The repository `path` in the caller's own registry, such as `team/iris-classifier`, taken as it is.
///
/// # Errors
/// As [`default_repository`]; a path that is no repository's.
pub async fn own_repository(config: &SdkConfig, path: &str) -> Result<Repository, Error> {
    let region = config.region().ok_or(Error::NoRegion)?.to_string();
    if !is_region(&region) {
        return Err(Error::Region { region });
    }
    let account = caller_account(config, &region).await?;
    Ok(Repository::parse(&format!(
        "{}/{path}",
        EcrHost::host(&account, &region)
    ))?)
}

/// The account of the configured credentials: twelve digits.
///
/// # Errors
/// No credentials, or an AWS call that failed.
pub async fn caller_account(config: &SdkConfig, region: &str) -> Result<String, Error> {
    let call = call(config, "sts", region, "sts:GetCallerIdentity", "*".to_owned())?;
    let identity = aws_sdk_sts::Client::new(config)
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| failure(&call, &error))?;
    match identity.account {
        // It becomes part of the name of a host that a password is sent to.
        Some(account) if is_account(&account) => Ok(account),
        Some(account) => Err(call.incomplete(&format!("the account it names, {account:?}, is not twelve digits"))),
        None => Err(call.incomplete("it names no account")),
    }
}

/// Credentials for `host` from
/// [GetAuthorizationToken](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html), asked in
/// the host's own region, whatever the account: user `AWS` and a password good for twelve hours.
///
/// Where `cache` is a directory, the answer is kept there for the next run.
///
/// # Errors
/// No credentials, or an AWS call that failed.
pub async fn authorization(config: &SdkConfig, host: &EcrHost, cache: Option<&Path>) -> Result<Credentials, Error> {
    let place = match cache {
        Some(cache) => Place::of(cache, config, host).await,
        None => None,
    };
    if let Some(kept) = place.as_ref().and_then(Place::token)
        && let Some(credentials) = decode_token(&kept)
    {
        return Ok(credentials);
    }
    let call = call(
        config,
        "api.ecr",
        &host.region,
        "ecr:GetAuthorizationToken",
        "*".to_owned(),
    )?;
    let request = client(config, host).get_authorization_token();
    // AWS grants the same whichever registry is named; emulators make the token of it.
    #[expect(
        deprecated,
        reason = "harmless on AWS, and what tells a token of another account apart elsewhere"
    )]
    let request = request.registry_ids(&host.account);
    let answer = request.send().await.map_err(|error| failure(&call, &error))?;
    let data = answer.authorization_data().first();
    let token = data
        .and_then(|data| data.authorization_token())
        .ok_or_else(|| call.incomplete("it holds no token"))?;
    let credentials =
        decode_token(token).ok_or_else(|| call.incomplete("its token is not base64 of `user:password`"))?;
    let expires_at = data.and_then(|data| data.expires_at());
    if let (Some(place), Some(expires_at)) = (place, expires_at)
        && let Ok(expires_at) = Timestamp::from_second(expires_at.secs())
    {
        place.keep(token, expires_at);
    }
    Ok(credentials)
}

/// Forgets the kept password for `host`: the registry refused it.
pub async fn forget(config: &SdkConfig, host: &EcrHost, cache: &Path) {
    if let Some(place) = Place::of(cache, config, host).await {
        place.forget();
    }
}

fn decode_token(token: &str) -> Option<Credentials> {
    let decoded = base64::engine::general_purpose::STANDARD.decode(token).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Credentials::Basic {
        username: username.to_owned(),
        password: Secret::new(password),
    })
}

/// Makes sure that the repository `name` exists in the registry `host`: asks for it, and where it is missing creates it with
/// scan on push, if `create` allows that. Someone else creating it meanwhile is no error.
///
/// # Errors
/// [`Error::RepositoryMissing`] if it is missing and `create` is false; an AWS call that failed.
pub async fn ensure_repository(
    config: &SdkConfig,
    host: &EcrHost,
    name: &str,
    create: bool,
) -> Result<RepositoryState, Error> {
    if let Some(tags) = describe(config, host, name).await? {
        return Ok(RepositoryState { created: false, tags });
    }
    if !create {
        return Err(Error::RepositoryMissing {
            name: name.to_owned(),
            account: host.account.clone(),
            region: host.region.clone(),
        });
    }
    self::create(config, host, name).await
}

/// Which tags of the repository `name` may be moved; `None` where it is missing. Nothing is created.
///
/// # Errors
/// An AWS call that failed.
pub async fn describe(config: &SdkConfig, host: &EcrHost, name: &str) -> Result<Option<TagMutability>, Error> {
    let call = call(
        config,
        "api.ecr",
        &host.region,
        "ecr:DescribeRepositories",
        host.repository_arn(name),
    )?;
    let request = client(config, host)
        .describe_repositories()
        .registry_id(&host.account)
        .repository_names(name);
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(DescribeRepositoriesError::is_repository_not_found_exception) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(failure(&call, &error)),
    };
    let repository = answer
        .repositories()
        .first()
        .ok_or_else(|| call.incomplete("it names no repository"))?;
    Ok(Some(TagMutability::of(
        repository.image_tag_mutability(),
        repository.image_tag_mutability_exclusion_filters(),
    )))
}

async fn create(config: &SdkConfig, host: &EcrHost, name: &str) -> Result<RepositoryState, Error> {
    let call = call(
        config,
        "api.ecr",
        &host.region,
        "ecr:CreateRepository",
        host.repository_arn(name),
    )?;
    let created = client(config, host)
        .create_repository()
        .registry_id(&host.account)
        .repository_name(name)
        .image_scanning_configuration(ImageScanningConfiguration::builder().scan_on_push(true).build())
        .send()
        .await;
    match created {
        // A repository creation template of the account may have made it immutable.
        Ok(answer) => {
            let tags = answer.repository().map_or_else(TagMutability::default, |repository| {
                TagMutability::of(
                    repository.image_tag_mutability(),
                    repository.image_tag_mutability_exclusion_filters(),
                )
            });
            Ok(RepositoryState { created: true, tags })
        }
        Err(error)
            if error
                .as_service_error()
                .is_some_and(CreateRepositoryError::is_repository_already_exists_exception) =>
        {
            let tags = describe(config, host, name).await?.unwrap_or_default();
            Ok(RepositoryState { created: false, tags })
        }
        Err(error) => Err(failure(&call, &error)),
    }
}

/// An ECR client for the host's own region. A configured endpoint (a VPC endpoint, an emulator) stays as it is.
fn client(config: &SdkConfig, host: &EcrHost) -> aws_sdk_ecr::Client {
    let mut builder = aws_sdk_ecr::config::Builder::from(config).region(Region::new(host.region.clone()));
    if config.endpoint_url().is_none() {
        builder.set_use_fips(Some(host.fips || config.use_fips() == Some(true)));
        builder.set_use_dual_stack(Some(host.dual_stack || config.use_dual_stack() == Some(true)));
    }
    aws_sdk_ecr::Client::from_conf(builder.build())
}

/// One call of `service` as its errors describe it; a configuration without any credential provider fails here already.
fn call(
    config: &SdkConfig,
    service: &str,
    region: &str,
    action: &'static str,
    resource: String,
) -> Result<Call, Error> {
    if config.credentials_provider().is_none() {
        return Err(Error::NoCredentials { action });
    }
    let endpoint = match config.endpoint_url() {
        Some(url) => without_url_credentials(url),
        None => format!("https://{service}.{region}.{}", domain_suffix(region)),
    };
    Ok(Call {
        action,
        resource,
        endpoint,
    })
}

#[cfg(test)]
pub(crate) mod tests;
