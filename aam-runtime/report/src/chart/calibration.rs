//! Reliability diagrams: observed frequency against predicted probability.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, ShapeStyle};
use plotters_backend::DrawingBackend;

use aam_api::metric::{Bin, Reliability};
use aam_evaluation::wilson;

use super::axes::{Axes, diagonal, line, text};
use super::{Chart, Ink, Mark, Undrawn, rows, written};

/// Height of the bar of the bin with the most predictions.
const TALLEST: f64 = 0.14;

/// Observed shares against predicted probabilities, with the number of predictions per bin.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// The bins of the diagram.
    pub reliability: Reliability,
}

impl Calibration {
    /// The bins, each with the height of the bar that shows its number of predictions.
    fn heights(&self) -> Vec<(&Bin, f64)> {
        let most = self.reliability.bins().map(|bin| bin.count);
        let most = most.fold(1.0, f64::max);
        let bins = self.reliability.bins();
        bins.map(|bin| (bin, TALLEST * bin.count / most)).collect()
    }
}

/// The bar of a bin at the bottom of the chart.
fn bar((bin, height): (&Bin, f64)) -> Rectangle<(f64, f64)> {
    let style = ShapeStyle {
        color: Ink::First.color().mix(0.2),
        filled: true,
        stroke_width: 0,
    };
    let gap = 0.1 * (bin.to - bin.from);
    Rectangle::new([(bin.from + gap, 0.0), (bin.to - gap, height)], style)
}

/// The count above the bar.
fn count((bin, height): (&Bin, f64)) -> Text<'static, (f64, f64), String> {
    let style = text(13, Ink::Muted).pos(Pos::new(HPos::Center, VPos::Bottom));
    let middle = f64::midpoint(bin.from, bin.to);
    Text::new(bin.count.to_string(), (middle, height), style)
}

impl Chart for Calibration {
    fn size(&self) -> (u32, u32) {
        (460, 434)
    }

    fn title(&self) -> String {
        "Observed share against predicted probability".to_owned()
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let axes = Axes::of_shares("predicted probability", "observed share");
        let mut plane = axes.draw(area)?;
        plane.draw_series(self.heights().into_iter().map(bar))?;
        plane.draw_series(self.heights().into_iter().map(count))?;
        diagonal(&mut plane)?;
        let bins = || self.reliability.bins();
        let certainty = bins().map(|bin| {
            let (low, high) = wilson(bin.hits, bin.count);
            let at = bin.predicted();
            PathElement::new([(at, low), (at, high)], line(Ink::First, 1))
        });
        plane.draw_series(certainty)?;
        let place = |bin: &Bin| (bin.predicted(), bin.observed());
        let points: Vec<(f64, f64)> = bins().map(place).collect();
        plane.draw_series([PathElement::new(points, line(Ink::First, 2))])?;
        let dot = ShapeStyle {
            filled: true,
            ..line(Ink::First, 1)
        };
        plane.draw_series(bins().map(|bin| Circle::new(place(bin), 4, dot)))?;
        let marks = bins().map(|bin| Mark {
            place: plane.backend_coord(&place(bin)),
            text: format!(
                "predicted {:.2}, observed {:.2} ({} of {})",
                bin.predicted(),
                bin.observed(),
                bin.hits,
                bin.count
            ),
        });
        Ok(marks.collect())
    }

    fn table(&self) -> Vec<Vec<String>> {
        let names = [
            "from",
            "to",
            "predicted",
            "observed",
            "lower",
            "upper",
            "count",
            "hits",
        ];
        let bins = self.reliability.bins().map(|bin| {
            let (low, high) = wilson(bin.hits, bin.count);
            let (predicted, observed) = (bin.predicted(), bin.observed());
            let cells = [
                bin.from, bin.to, predicted, observed, low, high, bin.count, bin.hits,
            ];
            cells.map(written).to_vec()
        });
        rows(&names, bins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::svg;

    #[test]
    fn every_bin_is_a_point_with_its_count() {
        let mut reliability = Reliability::default();
        for sample in 0..40 {
            reliability.add(0.25, sample % 4 == 0);
            reliability.add(0.75, sample % 4 != 0);
        }
        let chart = Calibration { reliability };
        assert_eq!(chart.table()[1][2..4], ["0.25", "0.25"]);
        let drawn = svg(&chart);
        for words in [
            "predicted 0.25, observed 0.25 (10 of 40)",
            "predicted 0.75, observed 0.75 (30 of 40)",
            "var(--s1)",
            "observed share",
        ] {
            assert!(drawn.contains(words), "{words}: {drawn}");
        }
        assert_eq!(drawn.matches("class=\"mark\"").count(), 2);
    }
}
