//! Kinds of components: how one is defined, and the list of all linked kinds.

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

/// A kind of component: what its plugins are built from and what they build.
///
/// [`define_kind!`](crate::define_kind) defines a kind with everything that belongs to it.
pub trait Kind: Sized + 'static {
    /// The kind's name in flags, configuration files and `aam plugins`, in kebab-case.
    const NAME: &'static str;
    /// Further names of the kind in flags and files.
    const ALIASES: &'static [&'static str] = &[];
    /// What components of the kind do, in one line without a full stop.
    const SUMMARY: &'static str;
    /// The runs that choose one: their commands have the flags `--KIND` and `--KIND.option`.
    const CHOSEN_IN: &'static [Stage] = &[];
    /// Position of the kind in help texts and files: smaller numbers come first, and kinds with equal
    /// numbers are sorted by name.
    const PLACE: u32 = 100;
    /// Whether the choice affects only how fast or where a run computes, not its results; `aam tune`
    /// does not search such kinds.
    const ONLY_HOW: bool = false;
    /// Whether `aam compare` labels runs by their component of this kind even if all runs have the same
    /// one, and `aam tune` searches its options unless the user names what to search.
    const LABELS_RUNS: bool = false;
    /// Whether a run may choose several at once, as in `unifrac,taxonomy:weight=0.5`. The name in the
    /// run's [`Components`](crate::Components) is then the list as the user wrote it.
    const COMBINES: bool = false;
    /// Whether a resumed run may use another choice.
    const MAY_CHANGE: bool = false;
    /// What a component is built from.
    type Context;
    /// What a plugin builds.
    type Component;

    /// The component that a run with these `settings` uses unless another is chosen; `None` if the run
    /// decides, or needs none. [`is_given`] reads settings.
    fn default_component(settings: &Map<String, Value>) -> Option<&'static str> {
        let _ = settings;
        None
    }
}

/// The kinds of run that choose components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Pre-training on distances and nucleotides: `aam pretrain`.
    Pretraining,
    /// Training on targets: `aam train`, and the commands that repeat it (`compare`, `tune`, `lr-find`).
    Training,
}

/// Whether a setting is true or a non-empty list; for [`Kind::default_component`].
pub fn is_given(settings: &Map<String, Value>, name: &str) -> bool {
    match settings.get(name) {
        Some(Value::Bool(value)) => *value,
        Some(Value::Array(items)) => !items.is_empty(),
        _ => false,
    }
}

/// Options of a component; implemented for every type that derives all of these traits.
pub trait Config:
    Clone + std::fmt::Debug + Default + Serialize + DeserializeOwned + JsonSchema
{
}

impl<C: Clone + std::fmt::Debug + Default + Serialize + DeserializeOwned + JsonSchema> Config
    for C
{
}

/// States that a kind builds its components from configs such as `C`;
/// [`define_kind!`](crate::define_kind) implements it.
#[doc(hidden)]
pub trait Builds<C>: Kind {
    const COMPONENT: &'static str;
    const COMPONENT_ALIASES: &'static [&'static str];
    const COMPONENT_PUBLISHES_ATTENTION: bool = false;

    fn build(
        config: &C,
        context: &Self::Context,
        device: &Device,
    ) -> Result<Self::Component, PluginError>;
}
