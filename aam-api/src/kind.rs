//! Kinds of components: how one is made, and the list of all that are linked.

mod define;
mod entry;
mod plugin;

use burn::tensor::Device;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::PluginError;
pub use entry::{ComponentInfo, KindEntry, kind_called, kinds};
#[doc(hidden)]
pub use plugin::Registration;
pub use plugin::{Choice, Plugin, Registry, Resolved};

/// A kind of component: what its plugins are built for and what they build.
///
/// [`define_kind!`](crate::define_kind) makes a kind, with everything that belongs to it.
pub trait Kind: Sized + 'static {
    /// The kind's name in flags, configuration files and `aam plugins`, in kebab-case.
    const NAME: &'static str;
    /// Further names that flags and files may call the kind by.
    const ALIASES: &'static [&'static str] = &[];
    /// What components of the kind do, in a line without a full stop.
    const SUMMARY: &'static str;
    /// What runs choose one: their commands have the flags `--KIND` and `--KIND.option`.
    const CHOSEN_IN: &'static [Stage] = &[];
    /// Where the kind stands among the others in help texts and files, smaller numbers first and
    /// kinds of one number by name.
    const PLACE: u32 = 100;
    /// Whether the choice decides how fast or where a run computes, and not what: `aam tune` then
    /// does not search it.
    const ONLY_HOW: bool = false;
    /// Whether `aam compare` names runs after their component of the kind even where all have the
    /// same, and `aam tune` searches its options unless the user names what to search.
    const LABELS_RUNS: bool = false;
    /// Whether a run that goes on may do so with another choice.
    const MAY_CHANGE: bool = false;
    /// What a component is built for.
    type Context;
    /// What a plugin builds.
    type Component;

    /// The component that a run with these `settings` has unless another is chosen; `None` if the
    /// run knows best, or need not have one. [`is_given`] reads settings.
    fn default_component(settings: &Map<String, Value>) -> Option<&'static str> {
        let _ = settings;
        None
    }
}

/// What sort of run chooses components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Pre-training on distances and nucleotides: `aam pretrain`.
    Pretraining,
    /// Training on targets: `aam train`, and what repeats it (`compare`, `tune`, `lr-find`).
    Training,
}

/// Whether a setting is true, or a list that holds something; for [`Kind::default_component`].
pub fn is_given(settings: &Map<String, Value>, name: &str) -> bool {
    match settings.get(name) {
        Some(Value::Bool(value)) => *value,
        Some(Value::Array(items)) => !items.is_empty(),
        _ => false,
    }
}

/// Options of a component; whatever derives all of this is.
pub trait Config:
    Clone + std::fmt::Debug + Default + Serialize + DeserializeOwned + JsonSchema
{
}

impl<C: Clone + std::fmt::Debug + Default + Serialize + DeserializeOwned + JsonSchema> Config
    for C
{
}

/// That a kind builds its components from configs such as `C`; [`define_kind!`](crate::define_kind)
/// implements it.
#[doc(hidden)]
pub trait Builds<C>: Kind {
    const COMPONENT: &'static str;
    const COMPONENT_ALIASES: &'static [&'static str];

    fn build(
        config: &C,
        context: &Self::Context,
        device: &Device,
    ) -> Result<Self::Component, PluginError>;
}
