//! Learning curves.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement};
use plotters::style::{Color, ShapeStyle};
use plotters_backend::DrawingBackend;

use super::axes::{Axes, range, tick};
use super::{Chart, Ink, Mark, Undrawn, rows_of_curves};

/// Lines over the updates or epochs of a run.
#[derive(Clone, Debug)]
pub struct Curves {
    /// Name of what is shown.
    pub name: String,
    /// Label of the x axis.
    pub across: String,
    /// Label of the y axis.
    pub up: String,
    /// The lines.
    pub curves: Vec<Curve>,
    /// Position of the best model on the x axis.
    pub best: Option<f64>,
    /// Whether values that span orders of magnitude are drawn on a logarithmic scale.
    pub may_be_logarithmic: bool,
}

/// A line.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Its colour.
    pub ink: Ink,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

impl Curves {
    /// Whether the values span so many orders of magnitude that they need a logarithmic scale.
    fn logarithmic(&self) -> bool {
        let values = self
            .curves
            .iter()
            .flat_map(|curve| &curve.points)
            .map(|p| p.1);
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        self.may_be_logarithmic && low > 0.0 && high / low > 30.0
    }
}

impl Chart for Curves {
    fn size(&self) -> (u32, u32) {
        (460, 300)
    }

    fn title(&self) -> String {
        format!("{} by {}", self.name, self.across)
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let logarithmic = self.logarithmic();
        let height = |value: f64| match logarithmic {
            true => value.log10(),
            false => value,
        };
        let points = self.curves.iter().flat_map(|curve| &curve.points);
        let across = points.clone().map(|p| p.0);
        let left = across.clone().fold(f64::INFINITY, f64::min);
        let right = across.fold(f64::NEG_INFINITY, f64::max);
        let axes = Axes {
            across: match left < right {
                true => (left, right),
                false => range([left].into_iter()),
            },
            up: range(points.map(|p| height(p.1))),
            across_name: &self.across,
            up_name: &self.up,
            logarithmic,
        };
        let mut plane = axes.draw(area)?;
        if let Some(best) = self.best {
            let style = ShapeStyle {
                color: Ink::Muted.color().mix(0.5),
                filled: false,
                stroke_width: 1,
            };
            let line = [(best, axes.up.0), (best, axes.up.1)];
            plane.draw_series([PathElement::new(line, style)])?;
        }
        let mut marks = Vec::new();
        for curve in &self.curves {
            let style = ShapeStyle {
                color: curve.ink.color().to_rgba(),
                filled: false,
                stroke_width: 2,
            };
            let points: Vec<(f64, f64)> = curve.points.iter().map(|p| (p.0, height(p.1))).collect();
            let chosen = self
                .best
                .and_then(|best| points.iter().find(|p| p.0 == best));
            let dots = match points.as_slice() {
                [one] => Some(*one),
                _ => chosen.copied(),
            };
            plane.draw_series([PathElement::new(points.clone(), style)])?;
            plane.draw_series(dots.map(|dot| Circle::new(dot, 4, style.filled())))?;
            let every = points.len().div_ceil(40).max(1);
            marks.extend(
                curve
                    .points
                    .iter()
                    .zip(points)
                    .step_by(every)
                    .map(|(p, drawn)| Mark {
                        place: plane.backend_coord(&drawn),
                        text: format!(
                            "{} {} {}: {}",
                            self.across,
                            tick(p.0),
                            curve.name,
                            tick(p.1)
                        ),
                    }),
            );
        }
        Ok(marks)
    }

    fn table(&self) -> Vec<Vec<String>> {
        rows_of_curves([&self.across, &self.up], &self.curves)
    }
}
