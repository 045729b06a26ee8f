//! `sgbuild runs`.
use super::Checkout;
use crate::error::Error;
pub(super) async fn newest_job(_checkout: &Checkout<'_>) -> Result<String, Error> {
    Err(Error::NoFunction)
}
