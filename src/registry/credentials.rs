//! What a registry is told of who asks.

use crate::secret::Secret;

/// What to authenticate to a registry with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// None: a public image, or a registry without authentication.
    Anonymous,
    /// A user name and a password (ECR: `AWS` and the authorization token).
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// An identity token from a credential helper.
    IdentityToken(Secret),
}
