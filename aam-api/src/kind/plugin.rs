//! Plugins and the registry that finds them by name.

use std::any::Any;
use std::collections::BTreeMap;

use burn::tensor::Device;
use schemars::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Builds, Config, Kind};
use crate::error::nearest;
use crate::{PluginError, options};

type Options = Map<String, Value>;

type Build<K> = fn(
    options: &Map<String, Value>,
    context: &<K as Kind>::Context,
    device: &Device,
) -> Result<<K as Kind>::Component, PluginError>;

/// A component that can be chosen by name.
pub struct Plugin<K: Kind> {
    /// The name by which users choose it.
    pub name: &'static str,
    /// Further names by which users may choose it.
    pub aliases: &'static [&'static str],
    /// The crate that supplies it.
    pub provider: &'static str,
    /// The version of that crate.
    pub version: &'static str,
    /// Whether the component publishes attention weights.
    pub publishes_attention: bool,
    schema: fn() -> Schema,
    resolve: fn(Options) -> Result<Options, PluginError>,
    build: Build<K>,
}

/// A linked plugin of some kind; [`register!`](crate::register) creates it.
#[doc(hidden)]
pub struct Registration(&'static (dyn Any + Send + Sync));

inventory::collect!(Registration);

impl Registration {
    pub const fn new<K: Kind>(plugin: &'static Plugin<K>) -> Self {
        Self(plugin)
    }
}

impl<K: Kind> Plugin<K> {
    /// The plugin of the component that `C` configures, supplied by the crate `provider`.
    pub const fn of<C: Config>(provider: &'static str, version: &'static str) -> Self
    where
        K: Builds<C>,
    {
        Self {
            name: K::COMPONENT,
            aliases: K::COMPONENT_ALIASES,
            provider,
            version,
            publishes_attention: K::COMPONENT_PUBLISHES_ATTENTION,
            schema: || schemars::schema_for!(C),
            resolve: |options| {
                let config = options::from_map::<C>(K::NAME, K::COMPONENT, options)?;
                options::to_map(&config)
            },
            build: |options, context, device| {
                let config = options::from_map(K::NAME, K::COMPONENT, options.clone())?;
                K::build(&config, context, device)
            },
        }
    }

    /// Every plugin of the kind that is linked into the program, in no particular order.
    fn linked() -> impl Iterator<Item = &'static Self> {
        let all = inventory::iter::<Registration>.into_iter();
        all.filter_map(|registration| registration.0.downcast_ref())
    }

    /// All names of the plugin.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// JSON schema of the options, including their documentation and defaults.
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// First paragraph of the documentation of the config.
    pub fn summary(&self) -> String {
        let documentation = self.documentation();
        let paragraph = documentation.split("\n\n").next().unwrap_or_default();
        paragraph.replace('\n', " ")
    }

    /// Documentation of the config.
    pub fn documentation(&self) -> String {
        let schema = self.schema();
        schema
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }

    /// The options of the component.
    pub fn options(&self) -> Vec<options::OptionInfo> {
        options::list(&self.schema())
    }

    /// Checks the user's options and fills in the defaults.
    ///
    /// # Errors
    /// An option that the component does not have, or a value of the wrong type.
    pub fn resolve(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, PluginError> {
        let known = self.options();
        for (option, value) in given {
            let Some(info) = known.iter().find(|info| &info.name == option) else {
                return Err(self.unknown_option(option, &known));
            };
            options::check(K::NAME, self.name, info, value)?;
        }
        (self.resolve)(given.clone())
    }

    /// Builds a component from options that [`Plugin::resolve`] returned or that were read from a file.
    ///
    /// # Errors
    /// An option out of range, or an error of the component itself.
    pub fn build(
        &self,
        options: &Map<String, Value>,
        context: &K::Context,
        device: &Device,
    ) -> Result<K::Component, PluginError> {
        if !options.is_empty() {
            for info in self.options() {
                let value = options.get(&info.name);
                value.map_or(Ok(()), |value| {
                    options::check(K::NAME, self.name, &info, value)
                })?;
            }
        }
        (self.build)(options, context, device)
    }

    fn unknown_option(&self, option: &str, known: &[options::OptionInfo]) -> PluginError {
        let mut others: Vec<String> = Self::linked()
            .filter(|plugin| plugin.name != self.name)
            .filter(|plugin| plugin.options().iter().any(|info| info.name == option))
            .map(|plugin| plugin.name.to_owned())
            .collect();
        others.sort();
        PluginError::UnknownOption {
            kind: K::NAME,
            component: self.name.to_owned(),
            option: option.into(),
            nearest: nearest(option, known.iter().map(|info| info.name.as_str())),
            others,
            available: known.iter().map(|info| info.name.clone()).collect(),
        }
    }
}

/// A component and its options as named by a user or a checkpoint.
///
/// In TOML: `name = "mlp"` followed by the options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Name of the component.
    pub name: String,
    /// Its options, as far as they were given.
    #[serde(flatten)]
    pub options: Map<String, Value>,
}

impl Choice {
    /// The component `name` with its default options.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            options: Map::new(),
        }
    }
}

/// A choice with all options filled in, and the crate that supplies the component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// Name of the component.
    pub name: String,
    /// The crate that supplied it.
    pub provider: String,
    /// The version of that crate.
    pub version: String,
    /// All options.
    pub options: Map<String, Value>,
}

impl Resolved {
    /// The built-in component `name` with its default options.
    pub fn built_in(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            provider: "aam-plugins".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            options: Map::new(),
        }
    }
}

/// The plugins of one kind, sorted by name.
pub struct Registry<K: Kind> {
    plugins: BTreeMap<&'static str, &'static Plugin<K>>,
    aliases: BTreeMap<&'static str, &'static Plugin<K>>,
}

impl<K: Kind> Registry<K> {
    /// Collects every linked plugin of the kind.
    ///
    /// # Errors
    /// Two plugins share a name.
    pub fn load() -> Result<Self, PluginError> {
        let mut registry = Self {
            plugins: BTreeMap::new(),
            aliases: BTreeMap::new(),
        };
        for plugin in Plugin::linked() {
            for name in plugin.names() {
                if let Some(other) = registry.called(name) {
                    return Err(duplicate(name, other, plugin));
                }
            }
            registry.plugins.insert(plugin.name, plugin);
            let aliases = plugin.aliases.iter().map(|&alias| (alias, plugin));
            registry.aliases.extend(aliases);
        }
        Ok(registry)
    }

    fn called(&self, name: &str) -> Option<&'static Plugin<K>> {
        let plugin = self.plugins.get(name).or_else(|| self.aliases.get(name));
        plugin.copied()
    }

    /// All plugins, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &'static Plugin<K>> + '_ {
        self.plugins.values().copied()
    }

    /// Returns the plugin named `name`; underscores are treated as hyphens.
    ///
    /// # Errors
    /// No such plugin; the error lists the available ones.
    pub fn find(&self, name: &str) -> Result<&'static Plugin<K>, PluginError> {
        let known = self.called(name);
        let known = known.or_else(|| self.called(&name.replace('_', "-")));
        known.ok_or_else(|| PluginError::UnknownName {
            kind: K::NAME,
            name: name.to_owned(),
            nearest: nearest(name, self.plugins.keys().copied()),
            available: self.plugins.keys().map(|&name| name.to_owned()).collect(),
        })
    }

    /// Finds the plugin of `choice`, checks the options and fills in the defaults.
    ///
    /// # Errors
    /// An unknown name or option, or a value of the wrong type.
    pub fn resolve(&self, choice: &Choice) -> Result<Resolved, PluginError> {
        let plugin = self.find(&choice.name)?;
        Ok(Resolved {
            name: plugin.name.to_owned(),
            provider: plugin.provider.to_owned(),
            version: plugin.version.to_owned(),
            options: plugin.resolve(&choice.options)?,
        })
    }

    /// Builds a component.
    ///
    /// # Errors
    /// The component is not linked, or refuses its options or context.
    pub fn build(
        &self,
        resolved: &Resolved,
        context: &K::Context,
        device: &Device,
    ) -> Result<K::Component, PluginError> {
        let plugin = self
            .find(&resolved.name)
            .map_err(|_| PluginError::NotLinked {
                kind: K::NAME,
                name: resolved.name.clone(),
                provider: resolved.provider.clone(),
                version: resolved.version.clone(),
            })?;
        plugin.build(&resolved.options, context, device)
    }
}

fn duplicate<K: Kind>(name: &'static str, one: &Plugin<K>, other: &Plugin<K>) -> PluginError {
    let named = |plugin: &Plugin<K>| format!("{} {}", plugin.provider, plugin.version);
    let mut pair = [named(one), named(other)];
    pair.sort();
    let [first, second] = pair;
    PluginError::Duplicate {
        kind: K::NAME,
        name,
        first,
        second,
    }
}
