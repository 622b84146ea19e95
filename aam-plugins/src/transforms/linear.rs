//! Linear scales of a value or of its logarithm, shared by several transforms.

use aam_api::TargetTransform;
use aam_api::export::{Graph, Value};
use serde::{Deserialize, Serialize};

/// Above this, `exp` exceeds the range of `f32`.
const LARGEST_LOG: f64 = 88.0;

/// `(y − shift) / scale`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    shift: f64,
    scale: f64,
}

impl Linear {
    /// Leaves values unchanged.
    pub(super) fn identity() -> Self {
        Self::new(0.0, 1.0)
    }

    /// Maps `values` to the range from 0 to 1.
    pub(super) fn minmax(values: &[f64]) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::new(low, high - low)
    }

    /// Maps `values` to mean 0 and (population) standard deviation 1.
    pub(super) fn zscore(values: &[f64]) -> Self {
        let count = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        Self::new(mean, variance.sqrt())
    }

    /// A constant target has no scale; differences from it are then kept unchanged.
    fn new(shift: f64, scale: f64) -> Self {
        let has_scale = scale > 1e-8 * shift.abs().max(1.0);
        Self {
            shift,
            scale: if has_scale { scale } else { 1.0 },
        }
    }

    /// A transform with this shift and scale, which must not be 0.
    pub(super) fn known(shift: f64, scale: f64) -> Self {
        Self { shift, scale }
    }

    /// The value that maps to 0.
    pub(super) fn shift(&self) -> f64 {
        self.shift
    }

    /// The difference that maps to 1.
    pub(super) fn scale(&self) -> f64 {
        self.scale
    }
}

impl TargetTransform for Linear {
    fn forward(&self, y: f64, _: Option<usize>) -> f64 {
        (y - self.shift) / self.scale
    }

    fn inverse(&self, z: f64, _: Option<usize>) -> f64 {
        z * self.scale + self.shift
    }

    fn export_inverse(&self, graph: &mut Graph, z: &Value) -> Option<Value> {
        let (scale, shift) = (graph.scalar(self.scale), graph.scalar(self.shift));
        let scaled = graph.mul(z, &scale);
        Some(graph.add(&scaled, &shift))
    }
}

/// `(ln(y + 1) − shift) / scale`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogLinear(Linear);

impl LogLinear {
    /// Fits a linear scale to the logarithms of `values`, all of which are above −1.
    pub(super) fn fit(values: &[f64], fit: impl FnOnce(&[f64]) -> Linear) -> Self {
        let logarithms: Vec<f64> = values.iter().map(|y| y.ln_1p()).collect();
        Self(fit(&logarithms))
    }

    /// Rejects a value without such a logarithm.
    pub(super) fn check(y: f64) -> Result<(), String> {
        match y > -1.0 {
            true => Ok(()),
            false => Err("ln(y + 1) exists only above -1".to_owned()),
        }
    }
}

impl TargetTransform for LogLinear {
    fn forward(&self, y: f64, category: Option<usize>) -> f64 {
        self.0.forward(y.ln_1p(), category)
    }

    fn inverse(&self, z: f64, category: Option<usize>) -> f64 {
        self.0.inverse(z, category).min(LARGEST_LOG).exp_m1()
    }

    fn export_inverse(&self, graph: &mut Graph, z: &Value) -> Option<Value> {
        let logarithm = self.0.export_inverse(graph, z)?;
        let largest = graph.scalar(LARGEST_LOG);
        let logarithm = graph.apply("Min", &[&logarithm, &largest], vec![]);
        let exponential = graph.map("Exp", &logarithm);
        let one = graph.scalar(1f64);
        Some(graph.sub(&exponential, &one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_the_values() {
        let zscore = Linear::zscore(&[1.0, 3.0]);
        assert_eq!((zscore.shift, zscore.scale), (2.0, 1.0));
        let minmax = Linear::minmax(&[2.0, 6.0]);
        assert_eq!(minmax.forward(4.0, None), 0.5);
    }

    #[test]
    fn a_constant_column_keeps_its_differences() {
        for line in [Linear::zscore(&[7.0; 3]), Linear::minmax(&[7.0; 3])] {
            assert_eq!(line.forward(9.0, None), 2.0);
        }
    }

    #[test]
    fn checkpoints_of_older_versions_are_read() {
        let text = r#"{"shift":1.5,"scale":2.0}"#;
        let fitted: LogLinear = serde_json::from_str(text).expect("a line");
        assert_eq!(serde_json::to_string(&fitted).expect("text"), text);
        assert!((fitted.inverse(0.25, None) - 2f64.exp_m1()).abs() < 1e-12);
    }

    #[test]
    fn extreme_values_stay_within_single_precision() {
        let fitted = LogLinear::fit(&[0.0, 1e6], Linear::zscore);
        assert!(fitted.inverse(1e6, None) <= f64::from(f32::MAX));
        assert!(LogLinear::check(-1.0).is_err() && LogLinear::check(-0.5).is_ok());
    }
}
