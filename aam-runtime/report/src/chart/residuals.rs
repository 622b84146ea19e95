//! Strip plots of the errors of a group of samples, to be stacked below each other.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, ShapeStyle};
use plotters_backend::DrawingBackend;

use super::axes::{text, tick};
use super::{Chart, Ink, Mark, Undrawn, rows, written};
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
/// Height of the points.
const HEIGHT: i32 = 24;
/// Height of the axis below them.
const AXIS: i32 = 14;

/// The largest of 1, 2 and 5 times a power of ten that is at most `widest`.
fn round_below(widest: f64) -> f64 {
    let power = 10f64.powi(widest.log10().floor() as i32);
    let digits = [5.0, 2.0, 1.0].map(|digit| digit * power);
    digits
        .into_iter()
        .find(|value| *value <= widest)
        .unwrap_or(power)
}

impl Strip {
    /// Draws an axis with the values 0 and, to both sides of it, a round number.
    fn draw_axis<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        x: impl Fn(f64) -> i32,
    ) -> Result<(), Undrawn<B>> {
        let style = ShapeStyle {
            color: Ink::Muted.color().mix(0.6),
            filled: false,
            stroke_width: 1,
        };
        area.draw(&PathElement::new([(0, HEIGHT), (WIDTH, HEIGHT)], style))?;
        let end = round_below(self.widest);
        let ends = (self.widest > 0.0 && end.is_finite()).then_some([-end, end]);
        for value in ends.into_iter().flatten().chain([0.0]) {
            let at = x(value);
            area.draw(&PathElement::new([(at, HEIGHT), (at, HEIGHT + 3)], style))?;
            let centred = text(10, Ink::Muted).pos(Pos::new(HPos::Center, VPos::Top));
            area.draw(&Text::new(tick(value), (at, HEIGHT + 4), centred))?;
        }
        Ok(())
    }
}

impl Chart for Strip {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, (HEIGHT + AXIS) as u32)
    }

    fn title(&self) -> String {
        format!("errors of {}", self.name)
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        // Room for the numbers of the axis.
        let half = f64::from(WIDTH / 2 - 20);
        let x = |error: f64| WIDTH / 2 + (half * error / self.widest.max(1e-300)).round() as i32;
        let style = |ink: Ink, opacity: f64, width: u32| ShapeStyle {
            color: ink.color().mix(opacity),
            filled: false,
            stroke_width: width,
        };
        let middle = HEIGHT / 2;
        let zero = [(WIDTH / 2, 0), (WIDTH / 2, HEIGHT)];
        area.draw(&PathElement::new(zero, style(Ink::Muted, 0.7, 1)))?;
        self.draw_axis(area, x)?;
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

    fn table(&self) -> Vec<Vec<String>> {
        let errors = self.errors.iter();
        let errors = errors.map(|(error, text)| vec![text.clone(), written(*error)]);
        rows(&["sample", "error"], errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::svg;

    #[test]
    fn a_strip_has_an_axis_of_round_numbers() {
        assert_eq!(
            [0.73, 2.0, 4.9, 12.0].map(round_below),
            [0.5, 2.0, 2.0, 10.0]
        );
        let strip = Strip {
            name: "soil".to_owned(),
            errors: vec![(-3.0, "a".to_owned()), (1.0, "b".to_owned())],
            widest: 4.0,
        };
        let drawn = svg(&strip);
        for words in ["2", "-2", "0"] {
            assert!(
                drawn.contains(&format!(">{words}</text>")),
                "{words}: {drawn}"
            );
        }
        let nothing = Strip {
            widest: 0.0,
            errors: vec![(0.0, "a".to_owned())],
            ..strip
        };
        assert!(svg(&nothing).contains(">0</text>"));
    }
}
