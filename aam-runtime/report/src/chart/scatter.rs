//! Scatter plots of predicted against actual values.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, ShapeStyle};
use plotters_backend::DrawingBackend;

use super::axes::{Axes, range, text};
use super::{Chart, Ink, Mark, Undrawn, rows, written};

/// Maximum number of points that have a tooltip.
const MOST_MARKS: usize = 1500;

/// Points, the line of perfect prediction, and the least-squares line.
#[derive(Clone, Debug)]
pub struct Scatter {
    /// Label of the x axis.
    pub actual: String,
    /// Label of the y axis.
    pub predicted: String,
    /// The points.
    pub points: Vec<Point>,
    /// Whether the points are drawn small because there are many.
    pub fine: bool,
    /// Lowest and highest value on both axes, for charts to be compared; otherwise those of the
    /// points.
    pub range: Option<(f64, f64)>,
    /// Lines of text in the upper left corner, where well predicted samples leave room.
    pub remarks: Vec<String>,
}

/// Height of a line of text in pixels.
const LINE: i32 = 18;

/// A sample.
#[derive(Clone, Debug)]
pub struct Point {
    /// Its id.
    pub name: String,
    /// Its actual value.
    pub actual: f64,
    /// Its predicted value.
    pub predicted: f64,
    /// The ends of its interval.
    pub interval: Option<(f64, f64)>,
    /// The tooltip; none if empty.
    pub text: String,
}

impl Scatter {
    fn finite(&self) -> impl Iterator<Item = &Point> + Clone {
        let points = self.points.iter();
        points.filter(|p| p.actual.is_finite() && p.predicted.is_finite())
    }

    /// Lowest and highest value of the points and their intervals, with a margin.
    pub fn extent(&self) -> (f64, f64) {
        range(self.finite().flat_map(|p| {
            let (low, high) = p.interval.unwrap_or((p.predicted, p.predicted));
            [p.actual, p.predicted, low, high]
        }))
    }

    /// Slope and intercept of the least-squares line, if the actual values differ.
    fn fit(&self) -> Option<(f64, f64)> {
        let count = self.points.len() as f64;
        let mean = |of: fn(&Point) -> f64| self.points.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|p| p.actual), mean(|p| p.predicted));
        let squares: f64 = self.points.iter().map(|p| (p.actual - x).powi(2)).sum();
        let products = self.points.iter();
        let products: f64 = products.map(|p| (p.actual - x) * (p.predicted - y)).sum();
        let slope = products / squares;
        slope.is_finite().then_some((slope, y - slope * x))
    }
}

impl Chart for Scatter {
    fn size(&self) -> (u32, u32) {
        // The plane is a square: both axes have the same range.
        (460, 434)
    }

    fn title(&self) -> String {
        format!("{} against {}", self.predicted, self.actual)
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let points = self.finite();
        let (low, high) = self.range.unwrap_or_else(|| self.extent());
        let axes = Axes {
            across: (low, high),
            up: (low, high),
            across_name: &self.actual,
            up_name: &self.predicted,
            logarithmic: false,
        };
        let mut plane = axes.draw(area)?;
        let width = |ink: Ink, opacity: f64, width: u32| ShapeStyle {
            color: ink.color().mix(opacity),
            filled: false,
            stroke_width: width,
        };
        let pieces = (0..25).map(|i| {
            let at = |part: f64| low + (high - low) * (f64::from(i) + part) / 25.0;
            PathElement::new(
                [(at(0.0), at(0.0)), (at(0.55), at(0.55))],
                width(Ink::Muted, 0.9, 1),
            )
        });
        plane.draw_series(pieces)?;
        let bars = points.clone().filter_map(|p| {
            let (from, to) = p.interval?;
            let style = width(Ink::First, 0.35, 1);
            Some(PathElement::new([(p.actual, from), (p.actual, to)], style))
        });
        plane.draw_series(bars)?;
        let (radius, opacity) = match (self.fine, self.points.len()) {
            (true, _) => (2, 0.3),
            (false, 0..200) => (4, 0.65),
            (false, _) => (3, 0.5),
        };
        let dots = points.clone().map(|p| {
            let style = ShapeStyle {
                filled: true,
                ..width(Ink::First, opacity, 1)
            };
            Circle::new((p.actual, p.predicted), radius, style)
        });
        plane.draw_series(dots)?;
        if let Some((slope, offset)) = self.fit() {
            let ends = self.points.iter().map(|p| p.actual);
            let from = ends.clone().fold(f64::INFINITY, f64::min);
            let to = ends.fold(f64::NEG_INFINITY, f64::max);
            let line = [from, to].map(|x| (x, offset + slope * x));
            plane.draw_series([PathElement::new(line, width(Ink::Second, 1.0, 2))])?;
        }
        let (left, top) = plane.backend_coord(&(low, high));
        let style = text(14, Ink::Text).pos(Pos::new(HPos::Left, VPos::Top));
        for (y, remark) in (top + 4..).step_by(LINE as usize).zip(&self.remarks) {
            area.draw(&Text::new(remark.clone(), (left + 8, y), style.clone()))?;
        }
        let marks = points.filter(|p| !p.text.is_empty()).map(|p| Mark {
            place: plane.backend_coord(&(p.actual, p.predicted)),
            text: p.text.clone(),
        });
        Ok(marks.take(MOST_MARKS).collect())
    }

    fn table(&self) -> Vec<Vec<String>> {
        let with_intervals = self.points.iter().any(|p| p.interval.is_some());
        let mut names = vec!["sample", "actual", "predicted"];
        if with_intervals {
            names.extend(["lower", "upper"]);
        }
        let points = self.points.iter().map(|p| {
            let mut cells = vec![p.name.clone(), written(p.actual), written(p.predicted)];
            if with_intervals {
                let (low, high) = p.interval.unwrap_or((f64::NAN, f64::NAN));
                cells.extend([written(low), written(high)]);
            }
            cells
        });
        rows(&names, points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::svg;

    #[test]
    fn charts_to_be_compared_share_their_range_and_show_remarks() {
        let chart = |predicted: f64, interval| Scatter {
            actual: "actual age (years)".to_owned(),
            predicted: "predicted".to_owned(),
            points: vec![
                Point {
                    name: "a".to_owned(),
                    actual: 1.0,
                    predicted,
                    interval,
                    text: "a: predicted".to_owned(),
                },
                Point {
                    name: "b".to_owned(),
                    actual: 2.0,
                    predicted: 2.0,
                    interval: None,
                    text: String::new(),
                },
            ],
            fine: false,
            range: None,
            remarks: vec!["n = 2".to_owned()],
        };
        let (low, high) = chart(1.5, Some((0.0, 10.0))).extent();
        assert!(low < 0.0 && high > 10.0, "intervals count: {low} {high}");
        let place = |chart: &Scatter| {
            let drawn = svg(chart);
            assert!(drawn.contains("n = 2") && drawn.contains("actual age (years)"));
            let (_, mark) = drawn.split_once("class=\"mark\"").unwrap();
            mark.split_once("<title>").unwrap().0.to_owned()
        };
        let (near, far) = (chart(1.0, None), chart(1.0, Some((-90.0, 90.0))));
        assert_ne!(place(&near), place(&far));
        let shared = |of: &Scatter| Scatter {
            range: Some(far.extent()),
            ..of.clone()
        };
        assert_eq!(place(&shared(&near)), place(&far));
        assert_eq!(
            near.table(),
            [
                ["sample", "actual", "predicted"],
                ["a", "1", "1"],
                ["b", "2", "2"]
            ]
        );
        assert_eq!(far.table()[1], ["a", "1", "1", "-90", "90"]);
    }
}
