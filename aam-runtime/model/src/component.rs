//! Components of a model in its configuration.
//!
//! Before they were components that anybody can add, the ways to pool samples and to embed counts
//! were words in a manifest. Those that have no options of their own still are, so that checkpoints
//! of either time read alike.

use aam_api::{AsvEncoderConfig, Components, Kind, PluginError, Registry, Resolved};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::asv_encoder::AsvTransformerConfig;

/// The names that stand in a manifest as words.
const WORDS: [&str; 6] = ["abundance", "attention", "none", "add", "concat", "film"];

/// Whether `component` has no option of its own that is set.
fn is_plain(component: &Resolved) -> bool {
    component.options.values().all(serde_json::Value::is_null)
}

/// Whether two choices are the same component with the same options, whoever supplies it.
pub(crate) fn same(one: &Resolved, other: &Resolved) -> bool {
    let value = |of: &Resolved, option: &str| of.options.get(option).cloned().unwrap_or_default();
    let mut options = one.options.keys().chain(other.options.keys());
    one.name == other.name && options.all(|option| value(one, option) == value(other, option))
}

/// Puts what the user chose in the place of `component`, unless it is the same already.
///
/// # Errors
/// An unknown name or option, or a value of the wrong type.
pub fn choose<K: Kind>(
    component: &mut Resolved,
    components: &Components,
) -> Result<(), PluginError> {
    if let Some(choice) = components.choice::<K>() {
        let chosen = Registry::<K>::load()?.resolve(choice)?;
        if !same(component, &chosen) {
            *component = chosen;
        }
    }
    Ok(())
}

/// Whether the encoder of ASVs need not be named, being the one of checkpoints that name none.
pub(crate) fn is_unnamed_asv_encoder(component: &Resolved) -> bool {
    same(component, &unnamed_asv_encoder())
}

/// The encoder of ASVs of a checkpoint that names none, as those from before there was a choice.
pub(crate) fn unnamed_asv_encoder() -> Resolved {
    Resolved::built_in(AsvTransformerConfig::NAME)
}

/// Writes a component.
///
/// # Errors
/// Those of the serializer.
pub(crate) fn serialize<S: Serializer>(
    component: &Resolved,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match is_plain(component) && WORDS.contains(&&*component.name) {
        true => serializer.serialize_str(&component.name),
        false => component.serialize(serializer),
    }
}

/// Reads a component.
///
/// # Errors
/// Neither a word nor a component.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Resolved, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Word(String),
        Whole(Resolved),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Word(name) => Resolved::built_in(name),
        Written::Whole(component) => component,
    })
}
