//! Charts with named rows: bars, and points of many samples.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, ShapeStyle};
use plotters_backend::DrawingBackend;

use super::axes::{text, tick};
use super::{Chart, Ink, Mark, Undrawn, rows, written};

const WIDTH: i32 = 440;
const ROW: i32 = 22;
/// Width reserved for a letter of a name, in pixels.
const LETTER: i32 = 7;
/// Right end of the scale.
const RIGHT: i32 = WIDTH - 14;
/// Space below the rows for the tick labels and the name of the scale.
const BELOW: i32 = 46;
/// Longest name, in letters.
const LETTERS: usize = 30;

/// A horizontal bar for each row, with an interval.
#[derive(Clone, Debug)]
pub struct Bars {
    /// Name of what is shown.
    pub name: String,
    /// The rows, from top to bottom.
    pub rows: Vec<Bar>,
}

/// A row of a bar chart.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Name of the row.
    pub label: String,
    /// Length of the bar.
    pub value: f64,
    /// The ends of its interval.
    pub interval: Option<(f64, f64)>,
    /// Its colour.
    pub ink: Ink,
    /// Whether the bar is drawn pale.
    pub pale: bool,
    /// The tooltip.
    pub text: String,
}

/// The points of many samples for each row; overlapping points are spread vertically.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// Name of what is shown.
    pub name: String,
    /// The rows, from top to bottom.
    pub rows: Vec<SwarmRow>,
}

/// A row of points.
#[derive(Clone, Debug)]
pub struct SwarmRow {
    /// Name of the row.
    pub label: String,
    /// The points.
    pub points: Vec<SwarmPoint>,
}

/// The point of a sample.
#[derive(Clone, Debug)]
pub struct SwarmPoint {
    /// Its value.
    pub value: f64,
    /// Its colour.
    pub ink: Ink,
    /// The tooltip; none if empty.
    pub text: String,
}

/// Maximum number of points per row that have a tooltip.
const MOST_MARKS: usize = 60;

/// A horizontal scale.
pub(super) struct Scale {
    low: f64,
    high: f64,
    /// Where the scale begins and the names end.
    left: i32,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>, labels: &[&str]) -> Self {
        Self::after(0, values, labels)
    }

    /// A scale to the right of `start`, leaving room for the names of rows.
    pub(super) fn after(start: i32, values: impl Iterator<Item = f64>, labels: &[&str]) -> Self {
        let letters = labels
            .iter()
            .map(|label| label.chars().count().min(LETTERS))
            .max();
        let left = start + 14 + LETTER * letters.unwrap_or(0).max(6) as i32;
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((0f64, 0f64), |(low, high), v| (low.min(v), high.max(v)));
        match low < high {
            true => Self { low, high, left },
            false => Self {
                low,
                high: low + 1.0,
                left,
            },
        }
    }

    fn x(&self, value: f64) -> i32 {
        let part = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.left + (f64::from(RIGHT - self.left) * part).round() as i32
    }

    /// Draws the row names, the zero line, and the ends and the name of the scale.
    pub(super) fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        labels: &[&str],
        name: &str,
    ) -> Result<(), Undrawn<B>> {
        let bottom = ROW * labels.len() as i32 + 4;
        let line = |ink: Ink| ShapeStyle {
            color: ink.color().to_rgba(),
            filled: false,
            stroke_width: 1,
        };
        for (row, label) in labels.iter().enumerate() {
            let y = middle(row);
            let style = text(14, Ink::Text).pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(shortened(label), (self.left - 8, y), style))?;
            area.draw(&PathElement::new(
                [(self.left, y), (RIGHT, y)],
                line(Ink::Grid),
            ))?;
        }
        let zero = self.x(0.0);
        area.draw(&PathElement::new(
            [(zero, 0), (zero, bottom)],
            line(Ink::Muted),
        ))?;
        let mut ends = vec![(self.low, HPos::Left), (self.high, HPos::Right)];
        if zero - self.left > 60 && RIGHT - zero > 60 {
            ends.push((0.0, HPos::Center));
        }
        for (value, across) in ends {
            let style = text(13, Ink::Muted).pos(Pos::new(across, VPos::Top));
            area.draw(&Text::new(tick(value), (self.x(value), bottom + 4), style))?;
        }
        let style = text(14, Ink::Text).pos(Pos::new(HPos::Center, VPos::Top));
        let place = ((self.left + RIGHT) / 2, bottom + 21);
        area.draw(&Text::new(name.to_owned(), place, style))
    }
}

/// The vertical centre of a row.
pub(super) fn middle(row: usize) -> i32 {
    ROW * row as i32 + ROW / 2 + 2
}

pub(super) fn shortened(label: &str) -> String {
    match label.chars().count() > LETTERS {
        true => label.chars().take(LETTERS - 1).chain(['…']).collect(),
        false => label.to_owned(),
    }
}

/// The size of a chart of this number of rows.
pub(super) fn size(rows: usize) -> (u32, u32) {
    (WIDTH as u32, (ROW * rows.max(1) as i32 + BELOW) as u32)
}

/// Draws the names and bars of `rows` to the right of `start`, with a scale called `name`.
pub(super) fn draw_bars<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    start: i32,
    name: &str,
    rows: &[&Bar],
) -> Result<Vec<Mark>, Undrawn<B>> {
    let values = rows.iter().flat_map(|row| {
        let (low, high) = row.interval.unwrap_or((row.value, row.value));
        [row.value, low, high]
    });
    let labels: Vec<&str> = rows.iter().map(|row| row.label.as_str()).collect();
    let scale = Scale::after(start, values, &labels);
    scale.draw(area, &labels, name)?;
    let mut marks = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        let y = middle(place);
        let corners = [(scale.x(0.0), y - 7), (scale.x(row.value), y + 7)];
        let color = row.ink.color().mix(row.opacity());
        area.draw(&Rectangle::new(corners, color.filled()))?;
        if let Some((low, high)) = row.interval {
            let ends = [(scale.x(low), y), (scale.x(high), y)];
            let style = ShapeStyle {
                color: Ink::Text.color().mix(0.8),
                filled: false,
                stroke_width: 2,
            };
            area.draw(&PathElement::new(ends, style))?;
        }
        marks.push(Mark {
            place: (scale.x(row.value), y),
            text: row.text.clone(),
        });
    }
    Ok(marks)
}

/// The rows of a table of bars.
pub(super) fn table_of_bars<'a>(
    name: &str,
    bars: impl Iterator<Item = &'a Bar>,
) -> Vec<Vec<String>> {
    let bars = bars.map(|row| {
        let (low, high) = row.interval.unwrap_or((f64::NAN, f64::NAN));
        let numbers = [row.value, low, high].map(written);
        std::iter::once(row.label.clone()).chain(numbers).collect()
    });
    rows(&["name", name, "lower", "upper"], bars)
}

impl Bar {
    /// How strong its colour is.
    pub(super) fn opacity(&self) -> f64 {
        if self.pale { 0.3 } else { 0.85 }
    }
}

impl Chart for Bars {
    fn size(&self) -> (u32, u32) {
        size(self.rows.len())
    }

    fn title(&self) -> String {
        format!("bars of {}", self.name)
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let rows: Vec<&Bar> = self.rows.iter().collect();
        draw_bars(area, 0, &self.name, &rows)
    }

    fn table(&self) -> Vec<Vec<String>> {
        table_of_bars(&self.name, self.rows.iter())
    }
}

impl Chart for Swarm {
    fn size(&self) -> (u32, u32) {
        size(self.rows.len())
    }

    fn title(&self) -> String {
        format!("points of {}", self.name)
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let points = self.rows.iter().flat_map(|row| &row.points);
        let labels: Vec<&str> = self.rows.iter().map(|row| row.label.as_str()).collect();
        let scale = Scale::of(points.map(|point| point.value), &labels);
        scale.draw(area, &labels, &self.name)?;
        let mut marks = Vec::new();
        for (place, row) in self.rows.iter().enumerate() {
            let places = row.spread(&scale, middle(place));
            let every = row.points.len().div_ceil(MOST_MARKS).max(1);
            for (number, (point, at)) in row.points.iter().zip(places).enumerate() {
                area.draw(&Circle::new(at, 2, point.ink.color().mix(0.6).filled()))?;
                if number % every == 0 && !point.text.is_empty() {
                    marks.push(Mark {
                        place: at,
                        text: point.text.clone(),
                    });
                }
            }
        }
        Ok(marks)
    }
    fn table(&self) -> Vec<Vec<String>> {
        let points = self.rows.iter().flat_map(|row| {
            let points = row.points.iter();
            points.map(|point| vec![row.label.clone(), written(point.value), point.text.clone()])
        });
        rows(&["name", &self.name, "point"], points)
    }
}

impl SwarmRow {
    /// Positions of the points: overlapping ones are moved up and down in turn, within the height of
    /// the row.
    fn spread(&self, scale: &Scale, y: i32) -> Vec<(i32, i32)> {
        let mut at_place = vec![0i32; WIDTH as usize];
        let places = self.points.iter().map(|point| {
            let x = scale.x(point.value);
            let before = &mut at_place[(x / 2) as usize];
            let step = (*before + 1) / 2 * if *before % 2 == 0 { 1 } else { -1 };
            *before += 1;
            (x, y + (2 * step).clamp(2 - ROW / 2, ROW / 2 - 2))
        });
        places.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_and_points_stay_within_them() {
        let row = |label: &str| SwarmRow {
            label: label.to_owned(),
            points: (0..200)
                .map(|i| SwarmPoint {
                    value: f64::from(i % 3) - 1.0,
                    ink: Ink::First,
                    text: format!("sample {i}"),
                })
                .collect(),
        };
        let chart = Swarm {
            name: "what it adds".to_owned(),
            rows: vec![
                row("Blautia"),
                row("a name of far more than thirty letters in all"),
            ],
        };
        let svg = crate::chart::svg(&chart);
        for text in ["Blautia", "a name of far more than thirt…", "sample 0"] {
            assert!(svg.contains(text), "{text}");
        }
        let scale = Scale::of([-1.0, 1.0].into_iter(), &["Blautia"]);
        let places = chart.rows[0].spread(&scale, middle(0));
        assert!(
            places
                .iter()
                .all(|(x, y)| (scale.left..=RIGHT).contains(x) && (0..=ROW + 2).contains(y))
        );
    }

    #[test]
    fn empty_bars_are_drawn() {
        let bars = Bars {
            name: "importance".to_owned(),
            rows: vec![Bar {
                label: "x".to_owned(),
                value: 0.0,
                interval: Some((0.0, f64::NAN)),
                ink: Ink::Second,
                pale: true,
                text: "nothing".to_owned(),
            }],
        };
        assert!(crate::chart::svg(&bars).contains("nothing"));
    }
}
