//! Components of a model in its configuration.
//!
//! Before they became extensible components, the sample and count embeddings were plain words in a
//! manifest. Those without options of their own still are, so that older and newer checkpoints have
//! the same format.

use aam_api::{AsvEncoderConfig, Components, Kind, PluginError, Registry, Resolved};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::asv_encoder::AsvTransformerConfig;

/// The names that are written as words in a manifest.
const WORDS: [&str; 6] = ["abundance", "attention", "none", "add", "concat", "film"];

/// Whether none of the options of `component` are set.
fn is_plain(component: &Resolved) -> bool {
    component.options.values().all(serde_json::Value::is_null)
}

/// Whether two choices are the same component with the same options, regardless of the supplier.
pub(crate) fn same(one: &Resolved, other: &Resolved) -> bool {
    let value = |of: &Resolved, option: &str| of.options.get(option).cloned().unwrap_or_default();
    let mut options = one.options.keys().chain(other.options.keys());
    one.name == other.name && options.all(|option| value(one, option) == value(other, option))
}

/// Replaces `component` by the user's choice, unless it is the same.
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

/// Whether the ASV encoder may be omitted, because it is the one of checkpoints that do not name
/// one.
pub(crate) fn is_unnamed_asv_encoder(component: &Resolved) -> bool {
    same(component, &unnamed_asv_encoder())
}

/// The ASV encoder of checkpoints that do not name one, from before there was a choice.
pub(crate) fn unnamed_asv_encoder() -> Resolved {
    Resolved::built_in(AsvTransformerConfig::NAME)
}

/// Serialises a component.
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

/// Deserialises a component.
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
