//! Plugins and the registry that finds them by name.

use std::collections::BTreeMap;

use burn::tensor::Device;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::nearest;
use crate::{PluginError, options};

/// A kind of component: what its plugins are built for and what they build.
pub trait Kind: Sized + 'static {
    /// The kind's name, in flags and configuration files.
    const NAME: &'static str;
    /// What a component is built for.
    type Context;
    /// What a plugin builds.
    type Component;

    /// Every plugin of the kind that is linked into the program, in no particular order.
    fn plugins() -> Vec<&'static Plugin<Self>>;
}

type Options = Map<String, Value>;

type Build<K> = fn(
    options: &Map<String, Value>,
    context: &<K as Kind>::Context,
    device: &Device,
) -> Result<<K as Kind>::Component, PluginError>;

/// A component that can be chosen by name.
pub struct Plugin<K: Kind> {
    /// The name people choose it by.
    pub name: &'static str,
    /// The crate that supplies it.
    pub provider: &'static str,
    /// The version of that crate.
    pub version: &'static str,
    schema: fn() -> Schema,
    resolve: fn(Options) -> Result<Options, PluginError>,
    build: Build<K>,
}

impl<K: Kind> Plugin<K> {
    /// A plugin of the config `C`; the kinds' `of` call it.
    pub(crate) const fn new<C: Default + Serialize + DeserializeOwned + JsonSchema>(
        name: &'static str,
        provider: &'static str,
        version: &'static str,
        build: Build<K>,
    ) -> Self {
        Self {
            name,
            provider,
            version,
            schema: || schemars::schema_for!(C),
            resolve: |options| {
                // The name is not at hand in a `fn` pointer; `Plugin::resolve` adds it.
                options::to_map(&options::from_map::<C>(K::NAME, "", options)?)
            },
            build,
        }
    }

    /// The typed config in `options`; for the kinds' build functions.
    pub(crate) fn parse<C: DeserializeOwned>(
        name: &str,
        options: &Map<String, Value>,
    ) -> Result<C, PluginError> {
        options::from_map(K::NAME, name, options.clone())
    }

    /// JSON schema of the options, with their documentation and defaults.
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

    /// The options the component has.
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
        (self.resolve)(given.clone()).map_err(|error| match error {
            PluginError::BadOptions { kind, problem, .. } => PluginError::BadOptions {
                kind,
                component: self.name.to_owned(),
                problem,
            },
            other => other,
        })
    }

    /// Builds a component from options that [`Plugin::resolve`] returned.
    ///
    /// # Errors
    /// What the component itself refuses.
    pub fn build(
        &self,
        options: &Map<String, Value>,
        context: &K::Context,
        device: &Device,
    ) -> Result<K::Component, PluginError> {
        (self.build)(options, context, device)
    }

    fn unknown_option(&self, option: &str, known: &[options::OptionInfo]) -> PluginError {
        let mut others: Vec<String> = K::plugins()
            .into_iter()
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

/// A component and its options as a user or a checkpoint names them.
///
/// In TOML: `name = "mlp"` and the options beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Name of the component.
    pub name: String,
    /// Its options, as far as they are given.
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

/// A choice with every option filled in, and where the component came from.
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

/// The plugins of one kind, by name.
pub struct Registry<K: Kind> {
    plugins: BTreeMap<&'static str, &'static Plugin<K>>,
}

impl<K: Kind> Registry<K> {
    /// Everything of the kind that is linked into the program.
    ///
    /// # Errors
    /// Two plugins of one name.
    pub fn load() -> Result<Self, PluginError> {
        Self::of(K::plugins())
    }

    fn of(all: Vec<&'static Plugin<K>>) -> Result<Self, PluginError> {
        let mut plugins: BTreeMap<&'static str, &'static Plugin<K>> = BTreeMap::new();
        for plugin in all {
            if let Some(other) = plugins.insert(plugin.name, plugin) {
                let named = |p: &Plugin<K>| format!("{} {}", p.provider, p.version);
                let mut pair = [named(other), named(plugin)];
                pair.sort();
                let [first, second] = pair;
                return Err(PluginError::Duplicate {
                    kind: K::NAME,
                    name: plugin.name,
                    first,
                    second,
                });
            }
        }
        Ok(Self { plugins })
    }

    /// All plugins, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &'static Plugin<K>> + '_ {
        self.plugins.values().copied()
    }

    /// The plugin called `name`.
    ///
    /// # Errors
    /// No such plugin; the error lists those there are.
    pub fn find(&self, name: &str) -> Result<&'static Plugin<K>, PluginError> {
        self.plugins
            .get(name)
            .copied()
            .ok_or_else(|| PluginError::UnknownName {
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
    /// A component that is not linked, or what the component itself refuses.
    pub fn build(
        &self,
        resolved: &Resolved,
        context: &K::Context,
        device: &Device,
    ) -> Result<K::Component, PluginError> {
        let plugin =
            self.plugins
                .get(resolved.name.as_str())
                .ok_or_else(|| PluginError::NotLinked {
                    kind: K::NAME,
                    name: resolved.name.clone(),
                    provider: resolved.provider.clone(),
                    version: resolved.version.clone(),
                })?;
        plugin.build(&resolved.options, context, device)
    }
}
