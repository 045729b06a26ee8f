//! A build context that the daemon fetches over the session, as a file
//! ([moby/buildkit `session/upload`](https://github.com/moby/buildkit/tree/master/session/upload)).
//!
//! With containerd's store, Docker 26 does not find the context in the request's body: its `BuildKit` is one that knows of no request.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bollard_buildkit_proto::moby::upload::v1::BytesMessage;
use bollard_buildkit_proto::moby::upload::v1::upload_server::Upload;
use futures_util::{Stream, StreamExt as _};
use http_body_util::BodyDataStream;
use tonic::{Request, Response, Status, Streaming};

use super::http::Body;

/// The method that a session announces where it has a context.
pub(super) const METHOD: &str = "/moby.upload.v1.Upload/Pull";

/// The address of a session's context, as a build names it. `BuildKit` asks the session whatever the path is, which only tells builds apart.
pub(super) fn address(session: &str) -> String {
    format!("http://buildkit-session/{session}")
}

/// A context that is fetched once.
pub(super) struct Context(Mutex<Option<Body>>);

impl Context {
    pub(super) fn new(body: Body) -> Self {
        Self(Mutex::new(Some(body)))
    }
}

#[async_trait]
impl Upload for Context {
    type PullStream = Pin<Box<dyn Stream<Item = Result<BytesMessage, Status>> + Send>>;

    async fn pull(&self, _: Request<Streaming<BytesMessage>>) -> Result<Response<Self::PullStream>, Status> {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let body = body.ok_or_else(|| Status::not_found("the build context was fetched before"))?;
        let messages = BodyDataStream::new(body).map(|chunk| match chunk {
            Ok(data) => Ok(BytesMessage { data: data.into() }),
            // Why, the build's caller says.
            Err(error) => Err(Status::aborted(error.to_string())),
        });
        Ok(Response::new(messages.boxed()))
    }
}
