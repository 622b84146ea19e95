//! The kinds of components and what is linked of each, for a program that treats all kinds alike.

use aam_api::options::OptionInfo;
use aam_api::{
    Choice, FusionKind, HeadKind, Kind, LossKind, Plugin, PluginError, Registry, Resolved,
    StrategyKind,
};
use serde::Serialize;

/// A kind of component.
pub struct ComponentKind {
    /// Its name: flag, table of a configuration file, argument of `aam plugins`.
    pub name: &'static str,
    list: fn() -> Result<Vec<Component>, PluginError>,
    find: fn(&str) -> Result<Component, PluginError>,
    resolve: fn(&Choice) -> Result<Resolved, PluginError>,
}

/// A linked component.
#[derive(Clone, Debug, Serialize)]
pub struct Component {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The crate it comes from.
    pub provider: &'static str,
    /// The version of that crate.
    pub version: &'static str,
    /// First paragraph of its documentation.
    pub summary: String,
    /// Its options.
    pub options: Vec<OptionInfo>,
    /// Its documentation.
    #[serde(skip)]
    pub documentation: String,
}

/// Every kind.
pub static KINDS: [&ComponentKind; 4] = [
    &kind::<HeadKind>(),
    &kind::<FusionKind>(),
    &kind::<LossKind>(),
    &kind::<StrategyKind>(),
];

const fn kind<K: Kind>() -> ComponentKind {
    ComponentKind {
        name: K::NAME,
        list: || Ok(Registry::<K>::load()?.iter().map(component).collect()),
        find: |name| Registry::<K>::load()?.find(name).map(component),
        resolve: |choice| Registry::<K>::load()?.resolve(choice),
    }
}

fn component<K: Kind>(plugin: &Plugin<K>) -> Component {
    Component {
        kind: K::NAME,
        name: plugin.name,
        provider: plugin.provider,
        version: plugin.version,
        summary: plugin.summary(),
        options: plugin.options(),
        documentation: plugin.documentation(),
    }
}

impl ComponentKind {
    /// The linked components, by name.
    ///
    /// # Errors
    /// Two of one name.
    pub fn list(&self) -> Result<Vec<Component>, PluginError> {
        (self.list)()
    }

    /// The component called `name`.
    ///
    /// # Errors
    /// No such component; the error lists those there are.
    pub fn find(&self, name: &str) -> Result<Component, PluginError> {
        (self.find)(name)
    }

    /// Checks a choice and fills in the options that are not given.
    ///
    /// # Errors
    /// An unknown name or option, or a value of the wrong type.
    pub fn resolve(&self, choice: &Choice) -> Result<Resolved, PluginError> {
        (self.resolve)(choice)
    }
}

/// The kind called `name`.
pub fn kind_named(name: &str) -> Option<&'static ComponentKind> {
    KINDS.into_iter().find(|kind| kind.name == name)
}

/// Checks that no two linked components of a kind share a name.
///
/// # Errors
/// Two that do.
pub fn check() -> Result<(), PluginError> {
    KINDS.iter().try_for_each(|kind| kind.list().map(drop))
}
