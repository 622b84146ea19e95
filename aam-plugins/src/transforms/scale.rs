//! Standard deviations from 0.

use aam_api::{PluginError, TrainingTargets, TransformConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::linear::Linear;

/// `y / standard deviation`.
///
/// Zero stays where it is, so that outputs that are never negative reach every value that is not. The
/// deviation is that of all values (divided by their number).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScaleConfig {}

impl TransformConfig for ScaleConfig {
    const NAME: &'static str = "scale";
    type Fitted = Linear;

    fn fit(&self, targets: &TrainingTargets<'_>) -> Result<Linear, PluginError> {
        let scale = Linear::zscore(targets.values).scale();
        Ok(Linear::known(0.0, scale))
    }
}

aam_api::register!(aam_api::TransformKind, ScaleConfig);

#[cfg(test)]
mod tests {
    use aam_api::TargetTransform;

    use super::*;

    #[test]
    fn zero_stays_and_the_deviation_becomes_one() {
        let values = [1.0, 3.0, 5.0, 7.0];
        let fitted = ScaleConfig {}.fit(&TrainingTargets::new(&values)).unwrap();
        assert_eq!(fitted.forward(0.0, None), 0.0);
        // The mean squared distance from 4 is 5.
        assert!((fitted.forward(5f64.sqrt(), None) - 1.0).abs() < 1e-12);
        assert!((fitted.inverse(2.0, None) - 2.0 * 5f64.sqrt()).abs() < 1e-12);
    }
}
