//! Scatter plots of predicted against actual values.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement};
use plotters::style::{Color, ShapeStyle};
use plotters_backend::DrawingBackend;

use super::axes::{Axes, range};
use super::{Chart, Ink, Mark, Undrawn};

/// Most points that have a tooltip.
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
}

/// A sample.
#[derive(Clone, Debug)]
pub struct Point {
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
        (460, 400)
    }

    fn title(&self) -> String {
        format!("{} against {}", self.predicted, self.actual)
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let points = self
            .points
            .iter()
            .filter(|p| p.actual.is_finite() && p.predicted.is_finite());
        let all = points.clone().flat_map(|p| {
            let (low, high) = p.interval.unwrap_or((p.predicted, p.predicted));
            [p.actual, p.predicted, low, high]
        });
        let (low, high) = range(all);
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
        let marks = points.filter(|p| !p.text.is_empty()).map(|p| Mark {
            place: plane.backend_coord(&(p.actual, p.predicted)),
            text: p.text.clone(),
        });
        Ok(marks.take(MOST_MARKS).collect())
    }
}
