//! Bounds for the answers of AWS. The SDK reads an answer to its end, however long it is and however slowly it comes. The HTTP client
//! here reads it first, and hands it to the SDK once it is complete and within the bounds.

use std::error::Error as StdError;
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, ConnectorBuilder, tls};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, Limited};

/// The longest answer, in bytes. None that is expected has more than the 6 MB of a function that was invoked
/// ([quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)).
const LONGEST: usize = 16 << 20;
/// How long the body may take after the head: S3 sends blanks while it puts the parts of a large object together.
const PATIENCE: Duration = Duration::from_mins(5);

/// The SDK's own HTTP client, with bounded answers.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    // The settings are those of the SDK's default client, as `aws-smithy-runtime` makes it.
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(provider.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    });
    SharedHttpClient::new(Bounded(client))
}

#[derive(Debug)]
struct Bounded<T>(T);

impl HttpClient for Bounded<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Bounded(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for Bounded<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let host = request.uri().parse::<http::Uri>().ok();
        let host = host.and_then(|uri| uri.authority().map(ToString::to_string));
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            whole(answer, &host.unwrap_or_default()).await
        })
    }
}

async fn whole(mut answer: HttpResponse, host: &str) -> Result<HttpResponse, ConnectorError> {
    let body = Limited::new(answer.take_body(), LONGEST).collect();
    let refused = |reason: String| ConnectorError::other(format!("the answer of {host} {reason}").into(), None);
    let read = tokio::time::timeout(PATIENCE, body).await;
    let read = read.map_err(|_| refused(format!("did not end within {} s", PATIENCE.as_secs())))?;
    let read = read.map_err(|error: Box<dyn StdError + Send + Sync>| {
        if error.is::<http_body_util::LengthLimitError>() {
            refused(format!("is longer than {LONGEST} bytes"))
        } else {
            ConnectorError::io(error)
        }
    })?;
    *answer.body_mut() = SdkBody::from(read.to_bytes());
    Ok(answer)
}
