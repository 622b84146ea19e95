//! Maps the rank of a target value to a quantile of the standard normal distribution, and back.

use aam_api::export::{Element, Graph, Value};
use aam_api::{PluginError, TargetTransform, TrainingTargets, TransformConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc_inv;

/// Maximum number of knots of the curve; it is linear between them.
const MOST_KNOTS: usize = 1000;

/// The normal quantile of the value's rank.
///
/// The curve passes through `Φ⁻¹((r − 3/8) / (n + 1/4))` at each training value of rank `r` of `n` (Blom,
/// *Statistical Estimates and Transformed Beta-Variables*, 1958), and is linear in between.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct QuantileNormalConfig {}

/// The transform fitted by [`QuantileNormalConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantileNormal {
    quantiles: NormalQuantiles,
}

impl TransformConfig for QuantileNormalConfig {
    const NAME: &'static str = "quantile-normal";
    type Fitted = QuantileNormal;

    fn fit(&self, targets: &TrainingTargets<'_>) -> Result<QuantileNormal, PluginError> {
        Ok(QuantileNormal {
            quantiles: NormalQuantiles::fit(targets.values),
        })
    }

    fn gives_negatives(&self) -> bool {
        true
    }
}

impl TargetTransform for QuantileNormal {
    fn forward(&self, y: f64, _: Option<usize>) -> f64 {
        self.quantiles.forward(y)
    }

    fn inverse(&self, z: f64, _: Option<usize>) -> f64 {
        self.quantiles.inverse(z)
    }

    fn export_inverse(&self, graph: &mut Graph, z: &Value) -> Option<Value> {
        Some(self.quantiles.export_inverse(graph, z))
    }
}

aam_api::register!(aam_api::TransformKind, QuantileNormalConfig);

/// An increasing curve from values of the target to quantiles of the standard normal distribution.
///
/// It passes through `Φ⁻¹((r − 3/8) / (n + 1/4))` at each training value of rank `r` of `n` (Blom,
/// *Statistical Estimates and Transformed Beta-Variables*, 1958), where ties share their mean rank; if there
/// are more than 1000 values, through 1000 of them, evenly spaced in order. It is linear in between, and
/// continues beyond the first and the last with the slope of the line that joins those two. It is therefore
/// strictly increasing and has an exact inverse everywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(f64, f64)>", into = "Vec<(f64, f64)>")]
pub struct NormalQuantiles {
    /// Pairs of value and quantile, both increasing.
    knots: Vec<(f64, f64)>,
}

impl NormalQuantiles {
    /// Fits the curve to the training `values`, of which there must be at least one.
    fn fit(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let mut before = 0.0;
        let all: Vec<(f64, f64)> = sorted
            .chunk_by(|a, b| a == b)
            .map(|equal| {
                let ties = equal.len() as f64;
                let rank = before + (ties + 1.0) / 2.0;
                before += ties;
                (equal[0], normal_quantile((rank - 0.375) / (count + 0.25)))
            })
            .collect();
        let last = all.len().saturating_sub(1);
        let knots = match all.len() > MOST_KNOTS {
            true => (0..MOST_KNOTS)
                .map(|i| all[i * last / (MOST_KNOTS - 1)])
                .collect(),
            false => all,
        };
        Self { knots }
    }

    /// The quantile at the value `y`.
    fn forward(&self, y: f64) -> f64 {
        along(y, &self.knots, |&(value, quantile)| (value, quantile))
    }

    /// The value at the quantile `z`.
    fn inverse(&self, z: f64) -> f64 {
        along(z, &self.knots, |&(value, quantile)| (quantile, value))
    }

    /// The same in `graph`, for quantiles `[samples, 1]`.
    fn export_inverse(&self, graph: &mut Graph, z: &Value) -> Value {
        let quantiles: Vec<f64> = self.knots.iter().map(|knot| knot.1).collect();
        let pieces = (0..=self.knots.len())
            .map(|next| piece(next, &self.knots, |&(value, quantile)| (quantile, value)));
        let pieces: Vec<_> = pieces.collect();
        let quantiles = graph.constant(&[1, quantiles.len()], &quantiles);
        let passed = graph.apply("LessOrEqual", &[&quantiles, z], vec![]);
        let passed = graph.cast(&passed, Element::Int64);
        let next = graph.sum_of_rows(&passed);
        let mut at_piece = |of: fn(&((f64, f64), f64)) -> f64| {
            let table: Vec<f64> = pieces.iter().map(of).collect();
            let table = graph.constant(&[table.len()], &table);
            graph.rows_at(&table, &next)
        };
        let (quantile, value) = (at_piece(|piece| piece.0.0), at_piece(|piece| piece.0.1));
        let slope = at_piece(|piece| piece.1);
        let beyond = graph.sub(z, &quantile);
        let rise = graph.mul(&beyond, &slope);
        graph.add(&value, &rise)
    }
}

/// The height at `x` of the piecewise linear curve through `knots`; `axes` returns the coordinates of a
/// knot.
fn along(x: f64, knots: &[(f64, f64)], axes: impl Fn(&(f64, f64)) -> (f64, f64)) -> f64 {
    let next = knots.partition_point(|knot| axes(knot).0 <= x);
    let (start, slope) = piece(next, knots, axes);
    start.1 + (x - start.0) * slope
}

/// A point and the slope of the piece of the curve before the knot number `next`.
fn piece(
    next: usize,
    knots: &[(f64, f64)],
    axes: impl Fn(&(f64, f64)) -> (f64, f64),
) -> ((f64, f64), f64) {
    let last = knots.len() - 1;
    let (start, from, to) = match next {
        0 => (0, 0, last),
        next if next > last => (last, 0, last),
        next => (next - 1, next - 1, next),
    };
    let (start, from, to) = (axes(&knots[start]), axes(&knots[from]), axes(&knots[to]));
    let slope = match from == to {
        true => 1.0,
        false => (to.1 - from.1) / (to.0 - from.0),
    };
    (start, slope)
}

/// `Φ⁻¹(p)` for `p` between 0 and 1.
fn normal_quantile(p: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p)
}

impl From<NormalQuantiles> for Vec<(f64, f64)> {
    fn from(quantiles: NormalQuantiles) -> Self {
        quantiles.knots
    }
}

impl TryFrom<Vec<(f64, f64)>> for NormalQuantiles {
    type Error = String;

    fn try_from(knots: Vec<(f64, f64)>) -> Result<Self, String> {
        let finite = |knot: &(f64, f64)| knot.0.is_finite() && knot.1.is_finite();
        let increase = |pair: &[(f64, f64)]| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1;
        match !knots.is_empty() && knots.iter().all(finite) && knots.windows(2).all(increase) {
            true => Ok(Self { knots }),
            false => Err("the values and quantiles of a transform must increase".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_match_published_tables() {
        // Abramowitz and Stegun, table 26.5.
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_985),
            (0.001, -3.090_232_306),
            (0.2, -0.841_621_234),
        ] {
            assert!((normal_quantile(p) - z).abs() < 1e-9, "{p}");
        }
    }

    #[test]
    fn ties_share_their_mean_rank() {
        let curve = NormalQuantiles::fit(&[3.0, 7.0, 3.0, 100.0]);
        // Ranks 1.5, 3 and 4 of 4.
        for (y, rank) in [(3.0, 1.5), (7.0, 3.0), (100.0, 4.0)] {
            let expected = normal_quantile((rank - 0.375) / 4.25);
            assert!((curve.forward(y) - expected).abs() < 1e-12, "{y}");
        }
        let between = (curve.forward(3.0) + curve.forward(7.0)) / 2.0;
        assert!((curve.forward(5.0) - between).abs() < 1e-12);
    }

    #[test]
    fn beyond_the_ends_it_continues_with_the_overall_slope() {
        let curve = NormalQuantiles::fit(&[0.0, 1.0, 10.0]);
        let span = curve.forward(10.0) - curve.forward(0.0);
        assert!((curve.forward(20.0) - curve.forward(10.0) - span).abs() < 1e-12);
        assert!((curve.forward(0.0) - curve.forward(-10.0) - span).abs() < 1e-12);
        assert_eq!(NormalQuantiles::fit(&[4.0, 4.0]).forward(5.0), 1.0);
    }

    #[test]
    fn many_values_make_a_curve_of_a_thousand_points_with_both_ends() {
        let values: Vec<f64> = (0..5000).map(f64::from).collect();
        let curve = NormalQuantiles::fit(&values);
        assert_eq!(curve.knots.len(), MOST_KNOTS);
        assert_eq!(
            (curve.knots[0].0, curve.knots[MOST_KNOTS - 1].0),
            (0.0, 4999.0)
        );
        let exact = normal_quantile((1235.0 - 0.375) / 5000.25);
        assert!((curve.forward(1234.0) - exact).abs() < 1e-4);
    }

    #[test]
    fn checkpoints_of_older_versions_are_read() {
        let text = r#"{"shift":0.0,"scale":1.0,"quantiles":[[1.0,-0.5],[3.0,0.5]]}"#;
        let fitted: QuantileNormal = serde_json::from_str(text).expect("a curve");
        assert_eq!(fitted.forward(2.0, None), 0.0);
    }

    #[test]
    fn a_curve_that_does_not_increase_is_damaged() {
        let read = |text: &str| serde_json::from_str::<NormalQuantiles>(text);
        assert!(read("[[0.0, -1.0], [2.0, 1.0]]").is_ok());
        for text in ["[]", "[[0.0, 1.0], [2.0, 1.0]]", "[[0.0, 1.0], [0.0, 2.0]]"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
