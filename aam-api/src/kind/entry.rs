//! The list of all linked kinds and their components, for programs that treat all kinds alike.

use serde::Serialize;
use serde_json::{Map, Value};

use super::plugin::{Choice, Plugin, Registry, Resolved};
use super::{Kind, Stage};
use crate::PluginError;
use crate::options::{Facts, OptionInfo};

/// A linked component of any kind.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ComponentInfo {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its further names.
    #[serde(skip_serializing_if = "no_aliases")]
    pub aliases: &'static [&'static str],
    /// The crate it comes from.
    pub provider: &'static str,
    /// The version of that crate.
    pub version: &'static str,
    /// First paragraph of its documentation.
    pub summary: String,
    /// Whether it publishes attention weights, which `aam explain --attention` writes.
    #[serde(skip_serializing_if = "is_false")]
    pub publishes_attention: bool,
    /// Its options.
    pub options: Vec<OptionInfo>,
    /// Further facts about it.
    #[serde(skip)]
    pub facts: Facts,
    /// Its documentation.
    #[serde(skip)]
    pub documentation: String,
}

fn no_aliases(aliases: &&'static [&'static str]) -> bool {
    aliases.is_empty()
}

fn is_false(is: &bool) -> bool {
    !is
}

impl ComponentInfo {
    fn of<K: Kind>(plugin: &Plugin<K>) -> Self {
        Self {
            kind: K::NAME,
            name: plugin.name,
            aliases: plugin.aliases,
            provider: plugin.provider,
            version: plugin.version,
            summary: plugin.summary(),
            publishes_attention: plugin.publishes_attention,
            options: plugin.options(),
            facts: Facts::of(plugin.schema().as_value()),
            documentation: plugin.documentation(),
        }
    }

    /// The option named `name`.
    pub fn option(&self, name: &str) -> Option<&OptionInfo> {
        self.options.iter().find(|option| option.name == name)
    }
}

/// A kind without its type, for programs that treat all kinds alike.
#[derive(Debug)]
#[non_exhaustive]
pub struct KindEntry {
    /// [`Kind::NAME`].
    pub name: &'static str,
    /// [`Kind::ALIASES`].
    pub aliases: &'static [&'static str],
    /// [`Kind::SUMMARY`].
    pub summary: &'static str,
    /// [`Kind::CHOSEN_IN`].
    pub chosen_in: &'static [Stage],
    /// [`Kind::ONLY_HOW`].
    pub only_how: bool,
    /// [`Kind::LABELS_RUNS`].
    pub labels_runs: bool,
    /// [`Kind::COMBINES`].
    pub combines: bool,
    /// [`Kind::MAY_CHANGE`].
    pub may_change: bool,
    place: u32,
    provider: &'static str,
    version: &'static str,
    list: fn() -> Result<Vec<ComponentInfo>, PluginError>,
    find: fn(&str) -> Result<ComponentInfo, PluginError>,
    resolve: fn(&Choice) -> Result<Resolved, PluginError>,
    default_component: fn(&Map<String, Value>) -> Option<&'static str>,
}

inventory::collect!(KindEntry);

impl KindEntry {
    /// The entry of `K`, which is defined in the crate `provider`.
    #[doc(hidden)]
    pub const fn of<K: Kind>(provider: &'static str, version: &'static str) -> Self {
        Self {
            name: K::NAME,
            aliases: K::ALIASES,
            summary: K::SUMMARY,
            chosen_in: K::CHOSEN_IN,
            only_how: K::ONLY_HOW,
            labels_runs: K::LABELS_RUNS,
            combines: K::COMBINES,
            may_change: K::MAY_CHANGE,
            place: K::PLACE,
            provider,
            version,
            list: || {
                Ok(Registry::<K>::load()?
                    .iter()
                    .map(ComponentInfo::of)
                    .collect())
            },
            find: |name| Registry::<K>::load()?.find(name).map(ComponentInfo::of),
            resolve: |choice| Registry::<K>::load()?.resolve(choice),
            default_component: K::default_component,
        }
    }

    /// Whether runs of `stage` choose a component of this kind.
    pub fn is_chosen_in(&self, stage: Stage) -> bool {
        self.chosen_in.contains(&stage)
    }

    /// Whether `name` is a name of the kind.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// Returns the linked components, sorted by name.
    ///
    /// # Errors
    /// Two components share a name.
    pub fn list(&self) -> Result<Vec<ComponentInfo>, PluginError> {
        (self.list)()
    }

    /// Returns the component named `name`.
    ///
    /// # Errors
    /// No such component; the error lists the available ones.
    pub fn find(&self, name: &str) -> Result<ComponentInfo, PluginError> {
        (self.find)(name)
    }

    /// Checks a choice and fills in the options that were not given.
    ///
    /// # Errors
    /// An unknown name or option, or a value of the wrong type.
    pub fn resolve(&self, choice: &Choice) -> Result<Resolved, PluginError> {
        (self.resolve)(choice)
    }

    /// The component that a run with these settings uses unless another is chosen, if any
    /// ([`Kind::default_component`]).
    pub fn default_component(&self, settings: &Map<String, Value>) -> Option<&'static str> {
        (self.default_component)(settings)
    }
}

/// Returns all linked kinds, in the order of help texts and files.
///
/// # Errors
/// Two kinds share a name.
pub fn kinds() -> Result<Vec<&'static KindEntry>, PluginError> {
    let mut kinds: Vec<&'static KindEntry> = inventory::iter::<KindEntry>.into_iter().collect();
    kinds.sort_by_key(|kind| (kind.place, kind.name, kind.provider));
    for (number, kind) in kinds.iter().enumerate() {
        let names = std::iter::once(kind.name).chain(kind.aliases.iter().copied());
        for name in names {
            if let Some(other) = kinds[..number].iter().find(|other| other.is_called(name)) {
                return Err(PluginError::Duplicate {
                    kind: "kind",
                    name,
                    first: format!("{} {}", other.provider, other.version),
                    second: format!("{} {}", kind.provider, kind.version),
                });
            }
        }
    }
    Ok(kinds)
}

/// Returns the kind named `name`, if one is linked.
///
/// # Errors
/// Those of [`kinds`].
pub fn kind_called(name: &str) -> Result<Option<&'static KindEntry>, PluginError> {
    Ok(kinds()?.into_iter().find(|kind| kind.is_called(name)))
}
