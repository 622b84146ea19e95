//! Selected components that are not on a device.

use aam_api::{Components, Kind, Registry, Resolved};
use burn::tensor::Device;

use aam_run::RunError;

/// The selected component of kind `K`, and its full choice.
///
/// # Errors
/// No component is selected, it is not linked, or it rejects its options.
pub(super) fn built<K: Kind>(
    components: &Components,
    context: &K::Context,
) -> Result<(Resolved, K::Component), RunError> {
    let resolved = components.resolve::<K>()?;
    let component = Registry::<K>::load()?.build(&resolved, context, &Device::default())?;
    Ok((resolved, component))
}
