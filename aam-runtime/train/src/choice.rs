//! Components that a run has chosen and that are on no device.

use aam_api::{Components, Kind, Registry, Resolved};
use burn::tensor::Device;

use aam_run::RunError;

/// The component of the kind `K` that is chosen, and its choice in full.
///
/// # Errors
/// None is, it is not linked, or it refuses its options.
pub(super) fn built<K: Kind>(
    components: &Components,
    context: &K::Context,
) -> Result<(Resolved, K::Component), RunError> {
    let resolved = components.resolve::<K>()?;
    let component = Registry::<K>::load()?.build(&resolved, context, &Device::default())?;
    Ok((resolved, component))
}
