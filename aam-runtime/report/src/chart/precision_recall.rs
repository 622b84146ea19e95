//! Precision–recall curves: the share of the samples called positive that are, against the share of
//! the positive samples that are called so.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::PathElement;
use plotters_backend::DrawingBackend;

use super::axes::{Axes, legend, line};
use super::{Chart, Curve, Ink, Mark, Undrawn, rows_of_curves};

/// Curves of one class against all others.
#[derive(Clone, Debug)]
pub struct PrecisionRecall {
    /// What is shown, in words.
    pub name: String,
    /// One curve per class, or per method.
    pub curves: Vec<Curve>,
    /// The share of the samples that are positive, which is the precision of guessing; if all
    /// curves have the same.
    pub share: Option<f64>,
}

/// Recall and precision at every threshold from high to low, from the score of each sample and
/// whether it belongs to the class. `None` if no sample belongs to it, or all do.
pub fn precision_recall(scores: &[(f64, bool)]) -> Option<Vec<(f64, f64)>> {
    let positive = scores.iter().filter(|score| score.1).count() as f64;
    if positive == 0.0 || positive == scores.len() as f64 {
        return None;
    }
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut points, mut right) = (Vec::new(), 0.0);
    for (place, (score, is)) in sorted.iter().enumerate() {
        if *is {
            right += 1.0;
        }
        // No threshold separates samples with the same score.
        if sorted.get(place + 1).is_none_or(|next| next.0 != *score) {
            points.push((right / positive, right / (place + 1) as f64));
        }
    }
    Some(points)
}

/// The average precision of `points` of [`precision_recall`]: their precisions, weighted by the
/// recall that each adds.
pub fn average_precision(points: &[(f64, f64)]) -> f64 {
    let before = std::iter::once(0.0).chain(points.iter().map(|p| p.0));
    let parts = before
        .zip(points)
        .map(|(before, (recall, precision))| (recall - before) * precision);
    parts.sum()
}

/// The corners of the curve: between two thresholds the precision is that of the lower one, since
/// straight lines would be too optimistic (Davis and Goadrich 2006).
fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let before = std::iter::once(0.0).chain(points.iter().map(|p| p.0));
    let corners = before
        .zip(points)
        .flat_map(|(before, point)| [(before, point.1), *point]);
    corners.collect()
}

impl Chart for PrecisionRecall {
    fn size(&self) -> (u32, u32) {
        (460, 434)
    }

    fn title(&self) -> String {
        self.name.clone()
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let axes = Axes::of_shares("recall", "precision");
        let mut plane = axes.draw(area)?;
        if let Some(share) = self.share {
            let dashes = (0..25).map(|i| {
                let ends = [0.0, 0.55].map(|part| ((f64::from(i) + part) / 25.0, share));
                PathElement::new(ends, line(Ink::Muted, 1))
            });
            plane.draw_series(dashes)?;
        }
        for curve in &self.curves {
            let corners = steps(&curve.points);
            plane.draw_series([PathElement::new(corners, line(curve.ink, 2))])?;
        }
        legend(area, &self.curves, (100, 250))?;
        Ok(Vec::new())
    }

    fn table(&self) -> Vec<Vec<String>> {
        rows_of_curves(["recall", "precision"], &self.curves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_precision_is_that_of_scikit_learn() {
        let scores = [(0.9, true), (0.5, true), (0.5, false), (0.1, false)];
        let points = precision_recall(&scores).unwrap();
        assert_eq!(points, [(0.5, 1.0), (1.0, 2.0 / 3.0), (1.0, 0.5)]);
        // average_precision_score([1, 1, 0, 0], [.9, .5, .5, .1])
        assert!((average_precision(&points) - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(precision_recall(&scores[..2]), None);
        assert_eq!(precision_recall(&scores[3..]), None);
        let corners = [(0.0, 1.0), (0.5, 1.0), (0.5, 2.0 / 3.0), (1.0, 2.0 / 3.0)];
        assert_eq!(steps(&points)[..4], corners);
    }
}
