//! Axes and their tick labels.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::DrawingArea;
use plotters::element::{PathElement, Text};
use plotters::prelude::Cartesian2d;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, IntoFont, ShapeStyle, TextStyle};
use plotters_backend::DrawingBackend;

use super::{Ink, Undrawn};
use crate::numbers::grouped;

/// A chart with two numeric axes.
pub type Plane<'a, B> = ChartContext<'a, B, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// A pair of axes.
pub struct Axes<'a> {
    /// Lowest and highest value on the x axis.
    pub across: (f64, f64),
    /// Lowest and highest value on the y axis.
    pub up: (f64, f64),
    /// Label of the x axis.
    pub across_name: &'a str,
    /// Label of the y axis.
    pub up_name: &'a str,
    /// Whether the values on the y axis are base-10 logarithms of what is shown.
    pub logarithmic: bool,
}

impl<'a> Axes<'a> {
    /// Axes from 0 to 1.
    pub fn of_shares(across_name: &'a str, up_name: &'a str) -> Self {
        Self {
            across: (0.0, 1.0),
            up: (0.0, 1.0),
            across_name,
            up_name,
            logarithmic: false,
        }
    }

    /// Draws the axes.
    ///
    /// # Errors
    /// Errors of the drawing backend.
    pub fn draw<'b, B: DrawingBackend>(
        &self,
        area: &'b DrawingArea<B, Shift>,
    ) -> Result<Plane<'b, B>, Undrawn<B>> {
        let mut plane = ChartBuilder::on(area)
            .margin(10)
            .margin_right(16)
            .x_label_area_size(42)
            .y_label_area_size(62)
            .build_cartesian_2d(self.across.0..self.across.1, self.up.0..self.up.1)?;
        let (wide, high) = (self.across.1 - self.across.0, self.up.1 - self.up.0);
        let across = |value: &f64| tick_within(*value, wide);
        let up = |value: &f64| tick_within(*value, high);
        // There are no halves of epochs.
        let most = match self.across_name {
            "epoch" => (wide as usize + 1).clamp(2, 6),
            _ => 6,
        };
        let mut mesh = plane.configure_mesh();
        mesh.max_light_lines(0)
            .x_labels(most)
            // Ticks that are even on a logarithmic scale are odd numbers.
            .y_labels(if self.logarithmic { 0 } else { 6 })
            .bold_line_style(Ink::Grid.color())
            .axis_style(Ink::Muted.color().mix(0.6))
            .label_style(text(14, Ink::Muted))
            .axis_desc_style(text(15, Ink::Text))
            .x_desc(shortened(self.across_name))
            .y_desc(shortened(self.up_name))
            .x_label_formatter(&across)
            .y_label_formatter(&up);
        mesh.draw()?;
        if self.logarithmic {
            self.draw_powers(area, &mut plane)?;
        }
        Ok(plane)
    }

    /// Draws the ticks of a logarithmic y axis.
    fn draw_powers<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        plane: &mut Plane<'_, B>,
    ) -> Result<(), Undrawn<B>> {
        let ticks = logarithmic_ticks(self.up.0, self.up.1);
        let (left, right) = self.across;
        let heights = ticks.iter().map(|value| value.log10());
        let lines = heights.map(|y| PathElement::new([(left, y), (right, y)], line(Ink::Grid, 1)));
        plane.draw_series(lines)?;
        let style = text(14, Ink::Muted).pos(Pos::new(HPos::Right, VPos::Center));
        for value in ticks {
            let (x, y) = plane.backend_coord(&(left, value.log10()));
            area.draw(&Text::new(tick(value), (x - 8, y), style.clone()))?;
        }
        Ok(())
    }
}

/// A tick label with enough digits to distinguish it from its neighbours on an axis of this `span`.
fn tick_within(value: f64, span: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(0.001..1e6).contains(&size) || span <= 0.0 {
        return tick(value);
    }
    let decimals = (2.0 - span.log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.decimals$}").replace('-', "\u{2212}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => grouped(&text),
    }
}

/// Draws the names of several curves, one below the other from `(x, y)` in pixels.
///
/// # Errors
/// Errors of the drawing backend.
pub fn legend<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    curves: &[super::Curve],
    (x, y): (i32, i32),
) -> Result<(), Undrawn<B>> {
    if curves.len() < 2 {
        return Ok(());
    }
    for (row, curve) in (0..).zip(curves) {
        let y = y + 17 * row;
        area.draw(&PathElement::new([(x, y), (x + 16, y)], line(curve.ink, 3)))?;
        let style = text(13, Ink::Text).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(shortened(&curve.name), (x + 22, y), style))?;
    }
    Ok(())
}

/// Round numbers between the powers of ten `low` and `high`: 1, 2 and 5 times powers of ten, 1 and 3
/// times if they span more orders of magnitude, or powers of ten alone.
fn logarithmic_ticks(low: f64, high: f64) -> Vec<f64> {
    const MOST: i32 = 7;
    let (first, last) = (low.floor() as i32, high.ceil() as i32);
    let leading: &[f64] = match high - low {
        span if span < 2.0 => &[1.0, 2.0, 5.0],
        span if span < 3.5 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let every = ((last - first) / MOST).max(0) as usize + 1;
    let ticks = (first..=last)
        .step_by(every)
        .flat_map(|power| leading.iter().map(move |digit| digit * 10f64.powi(power)));
    ticks
        .filter(|value| (low..=high).contains(&value.log10()))
        .collect()
}

/// Text style of the given size and colour.
pub fn text(size: u32, ink: Ink) -> TextStyle<'static> {
    (FontFamily::SansSerif, size)
        .into_font()
        .color(&ink.color())
}

/// Shortens a name to fit an axis.
pub fn shortened(name: &str) -> String {
    const MOST: usize = 36;
    match name.chars().count() > MOST {
        true => name.chars().take(MOST - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

/// The range of `values` with a margin. If there are no values or all are equal, a range around
/// them.
pub fn range(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    let low = finite.clone().fold(f64::INFINITY, f64::min);
    let high = finite.fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return (0.0, 1.0);
    }
    let margin = match high - low {
        0.0 => (0.05 * low.abs()).max(0.5),
        width => 0.04 * width,
    };
    (low - margin, high + margin)
}

/// Formats a number as a tick label, without trailing zeros and with thin spaces between
/// thousands.
pub fn tick(value: f64) -> String {
    match value.abs() {
        size if size < 1e-12 => "0".to_owned(),
        size if (0.001..1_000_000.0).contains(&size) => {
            let decimals = (2.0 - size.log10().floor()).clamp(0.0, 5.0) as usize;
            let text = format!("{value:.decimals$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => grouped(&text),
            }
        }
        _ => format!("{value:.0e}"),
    }
}

/// A line style in `ink`.
pub fn line(ink: Ink, width: u32) -> ShapeStyle {
    ShapeStyle {
        color: ink.color().to_rgba(),
        filled: false,
        stroke_width: width,
    }
}

/// Draws the dashed diagonal of two axes from 0 to 1.
///
/// # Errors
/// Errors of the drawing backend.
pub fn diagonal<B: DrawingBackend>(plane: &mut Plane<'_, B>) -> Result<(), Undrawn<B>> {
    let dashes = (0..25).map(|i| {
        let at = |part: f64| (f64::from(i) + part) / 25.0;
        let ends = [(at(0.0), at(0.0)), (at(0.55), at(0.55))];
        PathElement::new(ends, line(Ink::Muted, 1))
    });
    plane.draw_series(dashes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axis_numbers_are_short() {
        let shown = [0.0, 0.5, 12.0, 0.0025, 1234.0, -3.25, 2e-5, 1e6, 25_000.0].map(tick);
        assert_eq!(
            shown,
            [
                "0",
                "0.5",
                "12",
                "0.0025",
                "1234",
                "-3.25",
                "2e-5",
                "1e6",
                "25\u{202f}000"
            ]
        );
    }

    #[test]
    fn ticks_of_a_logarithmic_axis_are_round() {
        let shown = |low: f64, high: f64| -> Vec<String> {
            let ticks = logarithmic_ticks(low.log10(), high.log10());
            ticks.into_iter().map(tick).collect()
        };
        assert_eq!(shown(0.015, 0.9), ["0.02", "0.05", "0.1", "0.2", "0.5"]);
        let fewer = ["0.03", "0.1", "0.3", "1", "3"];
        assert_eq!(shown(0.02, 5.0), fewer);
        assert_eq!(shown(0.005, 30.0), ["0.01", "0.1", "1", "10"]);
        assert_eq!(
            logarithmic_ticks(-9.5, 9.5),
            [1e-7, 1e-4, 1e-1, 1e2, 1e5, 1e8],
            "far apart, only some powers"
        );
    }

    #[test]
    fn a_range_contains_its_values() {
        assert_eq!(range([2.0, f64::NAN].into_iter()), (1.5, 2.5));
        assert_eq!(range([].into_iter()), (0.0, 1.0));
        let (low, high) = range([0.0, 1.0].into_iter());
        assert!(low < 0.0 && high > 1.0);
    }
}
