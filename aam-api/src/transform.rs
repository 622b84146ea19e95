//! Target transforms: the scale on which a numeric target is learned, and the inverse.
//!
//! A config is fitted to the values of the training samples of a column. The fitted transform, with its
//! statistics, is stored in the checkpoint, so that predictions are in the column's own unit.

use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::Device;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::export::{Graph, Value as Exported};
use crate::kind::is_given;
use crate::{Config, Kind, PluginError, Registry, Resolved, Stage};

/// The training samples of a target column.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrainingTargets<'a> {
    /// Their values, in the target's unit; at least one.
    pub values: &'a [f64],
    /// Metadata columns whose values together form a sample's category; empty if the run names none.
    pub columns: &'a [String],
    /// The category of each sample, one value per column; `None` if the sample lacks one of them.
    pub categories: Vec<Option<&'a [String]>>,
}

impl<'a> TrainingTargets<'a> {
    /// Samples without categories.
    pub fn new(values: &'a [f64]) -> Self {
        Self {
            values,
            columns: &[],
            categories: vec![None; values.len()],
        }
    }

    /// Samples with their categories, one value for each of `columns`.
    pub fn with_categories(
        values: &'a [f64],
        columns: &'a [String],
        categories: Vec<Option<&'a [String]>>,
    ) -> Self {
        Self {
            values,
            columns,
            categories,
        }
    }
}

/// A transform with the statistics of the training samples. It is strictly increasing.
pub trait TargetTransform: Debug + Send + Sync {
    /// Transforms a value from the target's unit to the training scale, for a sample of the category at
    /// this place among its [`categories`](Self::categories), or of none of them.
    fn forward(&self, y: f64, category: Option<usize>) -> f64;

    /// The inverse of [`forward`](Self::forward), finite for any finite number: an untrained or diverging
    /// model can return 10,000, whose `sinh` or `exp` is not.
    fn inverse(&self, z: f64, category: Option<usize>) -> f64;

    /// Adds [`inverse`](Self::inverse) to `graph`, from 64-bit numbers `z` to 64-bit numbers of the same
    /// shape. `None` if the transform cannot be exported.
    fn export_inverse(&self, graph: &mut Graph, z: &Exported) -> Option<Exported> {
        let _ = (graph, z);
        None
    }

    /// The categories that have their own statistics, if any.
    fn categories(&self) -> Option<&dyn TransformCategories> {
        None
    }
}

/// Categories that have their own statistics.
pub trait TransformCategories {
    /// Metadata columns whose values together form a category.
    fn columns(&self) -> &[String];

    /// The place of the category with these values, one per column, if it occurred in training samples.
    fn place(&self, levels: &[String]) -> Option<usize>;

    /// The values of each category and its number of training samples, in order of place.
    fn sizes(&self) -> Vec<(&[String], usize)>;
}

/// The options of a transform and how to fit it.
pub trait TransformConfig: Config + Send + Sync + 'static {
    /// The name by which users choose it, in kebab-case.
    const NAME: &'static str;
    /// Further names by which users may choose it.
    const ALIASES: &'static [&'static str] = &[];
    /// The fitted transform, which serialises to a table without the keys `transform`, `provider` and
    /// `version`. It is all that a checkpoint keeps, so it has what it needs of the options, too.
    type Fitted: TargetTransform + Serialize + DeserializeOwned + 'static;

    /// Fits the transform to the training samples of a column.
    ///
    /// # Errors
    /// An option out of range ([`PluginError::bad_option`]).
    fn fit(&self, targets: &TrainingTargets<'_>) -> Result<Self::Fitted, PluginError>;

    /// Rejects a value that cannot be transformed; called for every training and validation sample.
    ///
    /// # Errors
    /// The reason: `ln(y + 1) exists only above -1`.
    fn check(&self, y: f64) -> Result<(), String> {
        let _ = y;
        Ok(())
    }

    /// Whether it scales each category separately, so that the run must name columns.
    fn by_category(&self) -> bool {
        false
    }

    /// Whether some training values are below 0 on the training scale for every column that is not
    /// constant; outputs that are never negative cannot reach them.
    fn gives_negatives(&self) -> bool {
        false
    }
}

/// A transform of any type, before it is fitted.
pub type BoxedTransform = Box<dyn TransformObject>;

/// A transform before it is fitted, as a trait object.
pub trait TransformObject: Debug + Send + Sync {
    /// [`TransformConfig::fit`].
    ///
    /// # Errors
    /// An option out of range.
    fn fit(&self, targets: &TrainingTargets<'_>) -> Result<Arc<dyn FittedObject>, PluginError>;

    /// Reads a fitted transform from its saved state.
    ///
    /// # Errors
    /// The state does not belong to this transform.
    fn read(&self, state: Map<String, Value>) -> Result<Arc<dyn FittedObject>, PluginError>;

    /// [`TransformConfig::check`].
    ///
    /// # Errors
    /// The reason.
    fn check(&self, y: f64) -> Result<(), String>;

    /// [`TransformConfig::by_category`].
    fn by_category(&self) -> bool;

    /// [`TransformConfig::gives_negatives`].
    fn gives_negatives(&self) -> bool;
}

impl<C: TransformConfig> TransformObject for C {
    fn fit(&self, targets: &TrainingTargets<'_>) -> Result<Arc<dyn FittedObject>, PluginError> {
        Ok(Arc::new(TransformConfig::fit(self, targets)?))
    }

    fn read(&self, state: Map<String, Value>) -> Result<Arc<dyn FittedObject>, PluginError> {
        let fitted: Result<C::Fitted, _> = serde_json::from_value(Value::Object(state));
        match fitted {
            Ok(fitted) => Ok(Arc::new(fitted)),
            Err(error) => Err(PluginError::bad_state(
                TransformKind::NAME,
                C::NAME,
                error.to_string(),
            )),
        }
    }

    fn check(&self, y: f64) -> Result<(), String> {
        TransformConfig::check(self, y)
    }

    fn by_category(&self) -> bool {
        TransformConfig::by_category(self)
    }

    fn gives_negatives(&self) -> bool {
        TransformConfig::gives_negatives(self)
    }
}

/// A fitted transform that can be saved, as a trait object.
pub trait FittedObject: TargetTransform {
    /// Returns the state that [`TransformObject::read`] reads.
    fn state(&self) -> Map<String, Value>;
}

impl<T: TargetTransform + Serialize> FittedObject for T {
    fn state(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(state)) => state,
            _ => Map::new(),
        }
    }
}

/// A fitted transform of any type, as stored in checkpoints: its name under `transform`, the crate that
/// supplies it, and its state.
#[derive(Clone, Debug)]
pub struct FittedTransform {
    name: String,
    /// The crate and its version, which older checkpoints lack.
    provider: Option<(String, String)>,
    fitted: Arc<dyn FittedObject>,
}

impl FittedTransform {
    /// Fits `transform`, which [`Registry::build`] built from `resolved`.
    ///
    /// # Errors
    /// An option out of range, or a state that cannot be saved.
    pub fn fit(
        resolved: &Resolved,
        transform: &dyn TransformObject,
        targets: &TrainingTargets<'_>,
    ) -> Result<Self, PluginError> {
        let fitted = transform.fit(targets)?;
        if let Some(problem) = unsaveable(&fitted.state()) {
            return Err(PluginError::BadOptions {
                kind: TransformKind::NAME,
                component: resolved.name.clone(),
                problem,
            });
        }
        Ok(Self {
            name: resolved.name.clone(),
            provider: Some((resolved.provider.clone(), resolved.version.clone())),
            fitted,
        })
    }

    /// The error for the first transform in `manifest`, at any depth, that this program was built
    /// without.
    pub fn not_linked(manifest: &Value) -> Option<PluginError> {
        match manifest {
            Value::Array(items) => items.iter().find_map(Self::not_linked),
            Value::Object(table) => {
                missing(table).or_else(|| table.values().find_map(Self::not_linked))
            }
            _ => None,
        }
    }

    fn read(mut table: Map<String, Value>) -> Result<Self, PluginError> {
        let mut text = |key: &str| match table.shift_remove(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let name = text(NAME).unwrap_or_default();
        let provider = text(PROVIDER).zip(text(VERSION));
        let registry = Registry::<TransformKind>::load()?;
        let plugin = registry.find(&name).map_err(|error| match &provider {
            None => error,
            Some((provider, version)) => not_linked(&name, provider, version),
        })?;
        let options = plugin.resolve(&Map::new())?;
        let transform = plugin.build(&options, &(), &Device::default())?;
        Ok(Self {
            fitted: transform.read(table)?,
            name,
            provider,
        })
    }

    /// The name of the transform.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// [`TargetTransform::forward`].
    pub fn forward(&self, y: f64, category: Option<usize>) -> f64 {
        self.fitted.forward(y, category)
    }

    /// [`TargetTransform::inverse`].
    pub fn inverse(&self, z: f64, category: Option<usize>) -> f64 {
        self.fitted.inverse(z, category)
    }

    /// [`TargetTransform::export_inverse`].
    pub fn export_inverse(&self, graph: &mut Graph, z: &Exported) -> Option<Exported> {
        self.fitted.export_inverse(graph, z)
    }

    /// [`TargetTransform::categories`].
    pub fn categories(&self) -> Option<&dyn TransformCategories> {
        self.fitted.categories()
    }

    fn table(&self) -> Map<String, Value> {
        let mut table = Map::new();
        table.insert(NAME.to_owned(), self.name.clone().into());
        table.extend(self.fitted.state());
        if let Some((provider, version)) = &self.provider {
            table.insert(PROVIDER.to_owned(), provider.clone().into());
            table.insert(VERSION.to_owned(), version.clone().into());
        }
        table
    }
}

const NAME: &str = "transform";
const PROVIDER: &str = "provider";
const VERSION: &str = "version";

/// The error for the transform in `table`, if there is one and this program was built without it.
fn missing(table: &Map<String, Value>) -> Option<PluginError> {
    let text = |key: &str| table.get(key).and_then(Value::as_str);
    let (name, provider, version) = (text(NAME)?, text(PROVIDER)?, text(VERSION)?);
    let registry = Registry::<TransformKind>::load().ok()?;
    match registry.find(name) {
        Ok(_) => None,
        Err(_) => Some(not_linked(name, provider, version)),
    }
}

fn not_linked(name: &str, provider: &str, version: &str) -> PluginError {
    PluginError::NotLinked {
        kind: TransformKind::NAME,
        name: name.to_owned(),
        provider: provider.to_owned(),
        version: version.to_owned(),
    }
}

/// Why a fitted transform with this state cannot be saved, if it cannot.
pub(crate) fn unsaveable(state: &Map<String, Value>) -> Option<String> {
    let mut reserved = [NAME, PROVIDER, VERSION].into_iter();
    let key = reserved.find(|key| state.contains_key(*key))?;
    Some(format!(
        "its fitted state has the key '{key}', which is reserved"
    ))
}

impl PartialEq for FittedTransform {
    fn eq(&self, other: &Self) -> bool {
        self.table() == other.table()
    }
}

impl Serialize for FittedTransform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.table().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FittedTransform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Map::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

crate::define_kind! {
    /// The kind of [`TargetTransform`]s. Its components are fitted rather than built.
    pub struct TransformKind: Kind<Context = (), Component = BoxedTransform> {
        const NAME: &'static str = "target-transform";
        const SUMMARY: &'static str = "The scale on which a numeric target is learned";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Training];
        const PLACE: u32 = 50;

        fn default_component(settings: &Map<String, Value>) -> Option<&'static str> {
            if is_given(settings, "normalize-by") {
                return Some("zscore-category");
            }
            // A scale on which the outputs reach the values.
            match settings.get("output-activation").and_then(Value::as_str) {
                Some("relu" | "softplus" | "exp") => Some("scale"),
                Some("sigmoid") => Some("minmax"),
                _ => Some("zscore"),
            }
        }
    }

    fn build<C: TransformConfig>(C::NAME, C::ALIASES) = |config, ()| Ok(Box::new(config.clone()));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_transform_that_is_not_linked_is_found_at_any_depth() {
        let of = |name: &str| {
            let table =
                json!({ "transform": name, "provider": "aam-mine", "version": "0.2.0", "mean": 1 });
            FittedTransform::not_linked(&json!({ "targets": [{ "values": { "numbers": table } }] }))
        };
        let error = of("unheard-of").expect("it is not linked").to_string();
        assert!(
            error.contains("'unheard-of' comes from the crate aam-mine 0.2.0"),
            "{error}"
        );
        assert_eq!(
            FittedTransform::not_linked(&json!({ "transform": "zscore" })),
            None
        );
    }
}
