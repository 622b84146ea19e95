//! ROC curves: true positive rate against false positive rate.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::PathElement;
use plotters_backend::DrawingBackend;

use super::axes::{Axes, diagonal, legend, line};
use super::{Chart, Curve, Mark, Undrawn, rows_of_curves};

/// Curves of one class against all others.
#[derive(Clone, Debug)]
pub struct Roc {
    /// What is shown, in words.
    pub name: String,
    /// One curve per class, or per method.
    pub curves: Vec<Curve>,
}

/// False and true positive rates at every threshold, from the score of each sample and whether it
/// belongs to the class. `None` if all samples belong to it, or none does.
pub fn roc(scores: &[(f64, bool)]) -> Option<Vec<(f64, f64)>> {
    let positive = scores.iter().filter(|score| score.1).count() as f64;
    let negative = scores.len() as f64 - positive;
    if positive == 0.0 || negative == 0.0 {
        return None;
    }
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut points, mut right, mut wrong) = (vec![(0.0, 0.0)], 0.0, 0.0);
    for (place, (score, is)) in sorted.iter().enumerate() {
        match is {
            true => right += 1.0,
            false => wrong += 1.0,
        }
        // No threshold separates samples with the same score.
        if sorted.get(place + 1).is_none_or(|next| next.0 != *score) {
            points.push((wrong / negative, right / positive));
        }
    }
    Some(points)
}

impl Chart for Roc {
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
        let axes = Axes::of_shares("false positive rate", "true positive rate");
        let mut plane = axes.draw(area)?;
        diagonal(&mut plane)?;
        for curve in &self.curves {
            plane.draw_series([PathElement::new(curve.points.clone(), line(curve.ink, 2))])?;
        }
        legend(area, &self.curves, (260, 250))?;
        Ok(Vec::new())
    }

    fn table(&self) -> Vec<Vec<String>> {
        rows_of_curves(["false positive rate", "true positive rate"], &self.curves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_one_step() {
        let scores = [(0.9, true), (0.5, true), (0.5, false), (0.1, false)];
        let points = roc(&scores).unwrap();
        assert_eq!(points, [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert_eq!(roc(&scores[..2]), None);
    }
}
