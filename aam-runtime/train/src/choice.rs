//! Selected components: those that are not on a device, and those named in a list.

use aam_api::error::nearest;
use aam_api::{Choice, Components, Kind, Registry, Resolved};
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

/// Parses an item of the list `setting`: a component of kind `K`, which messages call `what`, with
/// options, as in `forest:trees=300:min-samples-leaf=3`. `others` are further words that the list
/// accepts.
///
/// # Errors
/// A component that is not linked, an unknown option, or a value that the option does not accept.
pub fn listed<K: Kind>(
    setting: &str,
    text: &str,
    (what, others): (&str, &[&str]),
) -> Result<Resolved, RunError> {
    let refused = |problem: String| RunError::value(setting, text, problem);
    let registry = Registry::<K>::load()?;
    let mut parts = text.split(':');
    let name = parts.next().unwrap_or_default();
    let plugin = registry.find(name).map_err(|_| {
        let known = registry.iter().map(|plugin| plugin.name);
        let known: Vec<&str> = others.iter().copied().chain(known).collect();
        let similar = nearest(name, known.iter().copied())
            .map_or(String::new(), |name| format!(" (did you mean '{name}'?)"));
        let known = known.join(", ");
        refused(format!("no such {what}{similar}; expected one of {known}"))
    })?;
    let mut choice = Choice::named(plugin.name);
    for part in parts {
        let (option, value) = part
            .split_once('=')
            .ok_or_else(|| refused(format!("expected OPTION=VALUE, found '{part}'")))?;
        let options = plugin.options();
        let known = options.iter().find(|known| known.name == option);
        let known = known.ok_or_else(|| {
            let names: Vec<&str> = options.iter().map(|known| &*known.name).collect();
            refused(format!(
                "{name} has no option '{option}'; it has {}",
                names.join(", ")
            ))
        })?;
        let value = known.parse(value).map_err(|expected| {
            refused(format!("{option}: expected {expected}, found '{value}'"))
        })?;
        choice.options.insert(option.to_owned(), value);
    }
    Ok(registry.resolve(&choice)?)
}
