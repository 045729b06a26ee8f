//! How CloudFormation comes by a template.

use super::Error;

/// The longest template that a request may carry, in bytes
/// ([`TemplateBody`](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html)).
pub const MAX_BODY: usize = 51_200;
/// The longest template that CloudFormation reads from S3: [1 MB](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html).
const MAX_OBJECT: usize = 1024 * 1024;

/// A template for a request of CloudFormation's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// The request carries its text, YAML or JSON.
    Body(String),
    /// CloudFormation reads it from S3, with what the caller may read: `https://bucket.s3.region.amazonaws.com/key`.
    Url(String),
}

impl Template {
    /// For `TemplateBody`.
    pub(super) fn body(&self) -> Option<String> {
        match self {
            Self::Body(text) => Some(text.clone()),
            Self::Url(_) => None,
        }
    }

    /// For `TemplateURL`.
    pub(super) fn url(&self) -> Option<String> {
        match self {
            Self::Body(_) => None,
            Self::Url(address) => Some(address.clone()),
        }
    }

    /// Whether a template must be in S3 for CloudFormation to read it.
    ///
    /// # Errors
    /// It is longer than CloudFormation reads at all.
    pub fn must_be_uploaded(text: &str) -> Result<bool, Error> {
        match text.len() {
            size if size > MAX_OBJECT => Err(Error::TemplateTooLarge {
                size,
                limit: MAX_OBJECT,
            }),
            size => Ok(size > MAX_BODY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_uploaded_where_a_request_cannot_carry_it() {
        let of = |size: usize| Template::must_be_uploaded(&"#".repeat(size));
        assert!(!of(MAX_BODY).unwrap());
        assert!(of(MAX_BODY + 1).unwrap());
        assert!(of(MAX_OBJECT).unwrap());
        assert_eq!(
            of(MAX_OBJECT + 1).unwrap_err().to_string(),
            "the template has 1048577 bytes, and CloudFormation reads at most 1048576 (1 MB)"
        );
        assert!(super::super::TEMPLATE.len() < MAX_OBJECT);
    }
}
