//! The list of what is in an image: to `dist/`, and to the registry for whoever wants it there.

use super::CommandError;
use super::checkout::Checkout;
use super::job::{Job, Packed, own_records};
use crate::build_record::BuildRecord;
use crate::engine::{BuiltImage, Engine, Sbom};
use crate::error::Error;
use crate::push::PushedImage;
use crate::settings::Origin;

/// Where the settings have it go, if there is such a place.
pub(super) fn wanted(checkout: &Checkout<'_>) -> Result<Sbom, Error> {
    let set = checkout.settings.sbom();
    let wanted = set.name.parse().map_err(|source| CommandError::UnknownSbom {
        source,
        origin: set.origin.to_string(),
    });
    Ok(wanted?)
}

/// Has `dist/` list what is in the image, as far as that is wanted and the engine knows it: the list. An image without its list is an image
/// all the same, so a list that cannot be written is a warning.
pub(super) async fn listed(
    job: &Job<'_>,
    packed: &Packed,
    engine: &dyn Engine,
    built: &BuiltImage,
) -> Result<Option<String>, Error> {
    let (progress, set) = (job.checkout.progress, job.checkout.settings.sbom());
    let wanted = wanted(job.checkout)?;
    let listed = match wanted {
        Sbom::Off => None,
        Sbom::File | Sbom::Attach => engine.sbom(built).await?,
    };
    if listed.is_none() && wanted != Sbom::Off && *set.origin != Origin::Default {
        progress.warn(&format!(
            "there is no SBOM of this image ({} wants one): what pip installs in Docker's build, only the image knows",
            set.origin
        ));
    }
    if let Err(error) = packed.dist.put_sbom(listed.as_deref(), progress) {
        let reason = std::error::Error::source(&error).map(|source| format!(": {source}"));
        progress.warn(&format!("{error}{}; the SBOM is not there", reason.unwrap_or_default()));
    }
    Ok(listed)
}

/// What was pushed of the same files before.
pub(super) fn pushed_before(job: &Job<'_>, packed: &Packed) -> Option<PushedImage> {
    BuildRecord::read(&packed.dist, &own_records(job.checkout))?.pushed
}
