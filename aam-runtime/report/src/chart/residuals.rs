//! Strip plots of the errors of a group of samples, to be stacked below each other.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement, Rectangle};
use plotters::style::{Color, ShapeStyle};
use plotters_backend::DrawingBackend;

use super::{Chart, Ink, Mark, Undrawn};
use aam_evaluation::distribution::quantile;

/// The errors of a group.
#[derive(Clone, Debug)]
pub struct Strip {
    /// Name of the group.
    pub name: String,
    /// Errors, each with its tooltip.
    pub errors: Vec<(f64, String)>,
    /// Largest absolute error of any group.
    pub widest: f64,
}

const WIDTH: i32 = 300;
const HEIGHT: i32 = 30;

impl Chart for Strip {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, HEIGHT as u32)
    }

    fn title(&self) -> String {
        format!("errors of {}", self.name)
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let half = f64::from(WIDTH / 2 - 8);
        let x = |error: f64| WIDTH / 2 + (half * error / self.widest.max(1e-300)).round() as i32;
        let style = |ink: Ink, opacity: f64, width: u32| ShapeStyle {
            color: ink.color().mix(opacity),
            filled: false,
            stroke_width: width,
        };
        let middle = HEIGHT / 2;
        let zero = [(WIDTH / 2, 0), (WIDTH / 2, HEIGHT)];
        area.draw(&PathElement::new(zero, style(Ink::Muted, 0.7, 1)))?;
        let mut sorted: Vec<f64> = self.errors.iter().map(|error| error.0).collect();
        sorted.sort_by(f64::total_cmp);
        if sorted.len() >= 4 {
            let [low, median, high] = [0.25, 0.5, 0.75].map(|share| x(quantile(&sorted, share)));
            let box_style = Ink::Second.color().mix(0.25).filled();
            area.draw(&Rectangle::new([(low, 5), (high, HEIGHT - 5)], box_style))?;
            let line = [(median, 4), (median, HEIGHT - 4)];
            area.draw(&PathElement::new(line, style(Ink::Second, 1.0, 2)))?;
        }
        let mut marks = Vec::with_capacity(self.errors.len());
        for (error, text) in &self.errors {
            let place = (x(*error), middle);
            let dot = style(Ink::First, 0.5, 1).filled();
            area.draw(&Circle::new(place, 3, dot))?;
            marks.push(Mark {
                place,
                text: text.clone(),
            });
        }
        Ok(marks)
    }
}
