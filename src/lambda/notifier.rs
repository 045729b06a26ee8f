//! The SNS topic that people subscribe to.

use async_trait::async_trait;
use aws_config::SdkConfig;

use super::message::Message;
use crate::aws::CallError;

/// Whoever tells people of a run.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Publishes one message.
    async fn publish(&self, message: &Message) -> Result<(), CallError>;
}

/// The topic in SNS.
#[derive(Debug, Clone)]
pub struct Sns {
    client: aws_sdk_sns::Client,
    topic: String,
}

impl Sns {
    /// The topic with the ARN `topic`, with credentials, region and endpoint of `sdk_config`.
    #[must_use]
    pub fn new(sdk_config: &SdkConfig, topic: &str) -> Self {
        Self {
            client: aws_sdk_sns::Client::new(sdk_config),
            topic: topic.to_owned(),
        }
    }
}

#[async_trait]
impl Notifier for Sns {
    async fn publish(&self, message: &Message) -> Result<(), CallError> {
        let sent = self
            .client
            .publish()
            .topic_arn(&self.topic)
            .subject(&message.subject)
            .message(&message.body)
            .send()
            .await;
        sent.map(drop).map_err(|error| CallError::from_sdk(&error))
    }
}
