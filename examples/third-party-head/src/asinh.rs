//! A target transform: the inverse hyperbolic sine.

use aam_api::{PluginError, TargetTransform, TrainingTargets, TransformConfig, TransformKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `asinh(y / c)`, standardised: like a logarithm far from 0, linear near it, also for negative values.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct AsinhConfig {
    /// `c`, in the unit of the target: about where it turns from linear to logarithmic; above 0.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub cofactor: f64,
}

impl Default for AsinhConfig {
    fn default() -> Self {
        Self { cofactor: 1.0 }
    }
}

/// [`AsinhConfig`] with the statistics of the training samples. A checkpoint keeps this and no options.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asinh {
    cofactor: f64,
    mean: f64,
    sd: f64,
}

impl TransformConfig for AsinhConfig {
    const NAME: &'static str = "asinh";
    type Fitted = Asinh;

    fn fit(&self, targets: &TrainingTargets<'_>) -> Result<Asinh, PluginError> {
        let values = targets.values.iter().map(|y| (y / self.cofactor).asinh());
        let values: Vec<f64> = values.collect();
        let number = values.len() as f64;
        let mean = values.iter().sum::<f64>() / number;
        let variance = values.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / number;
        Ok(Asinh {
            cofactor: self.cofactor,
            mean,
            // A constant target has no spread to divide by.
            sd: Some(variance.sqrt()).filter(|sd| *sd > 1e-9).unwrap_or(1.0),
        })
    }

    fn gives_negatives(&self) -> bool {
        true
    }
}

impl TargetTransform for Asinh {
    fn forward(&self, y: f64, _category: Option<usize>) -> f64 {
        ((y / self.cofactor).asinh() - self.mean) / self.sd
    }

    fn inverse(&self, z: f64, _category: Option<usize>) -> f64 {
        // Beyond 700, sinh overflows.
        let z = (z * self.sd + self.mean).clamp(-700.0, 700.0);
        self.cofactor * z.sinh()
    }
}

aam_api::register!(TransformKind, AsinhConfig);
