//! Heat maps: the values of rows in many samples, as shades.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Rectangle, Text};
use plotters::style::Color;
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::{HPos, Pos, VPos};

use super::axes::{shortened, text, tick};
use super::{Chart, Ink, Mark, Undrawn};

const LEFT: i32 = 200;
const TOP: i32 = 30;
const ROW: i32 = 18;
const WIDTH: i32 = 640;
/// Longest name of a row, in letters.
const LETTERS: usize = 27;
/// Maximum number of cells with a tooltip.
const MOST_MARKS: usize = 400;

/// A heat map.
#[derive(Clone, Debug)]
pub struct Heat {
    /// Name of what is shown.
    pub name: String,
    /// What the columns are.
    pub across: String,
    /// The names of the rows, from top to bottom.
    pub rows: Vec<String>,
    /// The names of the columns, from left to right.
    pub columns: Vec<String>,
    /// The values, none negative, `[rows][columns]`.
    pub values: Vec<Vec<f64>>,
}

impl Heat {
    /// The largest value.
    fn largest(&self) -> f64 {
        let all = self.values.iter().flatten();
        all.copied().fold(0.0, f64::max)
    }

    /// Left end of a column in pixels.
    fn x(&self, column: usize) -> i32 {
        let number = self.columns.len().max(1) as i32;
        LEFT + (WIDTH - LEFT - 16) * column as i32 / number
    }
}

impl Chart for Heat {
    fn size(&self) -> (u32, u32) {
        let height = TOP + ROW * self.rows.len() as i32 + 30;
        (WIDTH as u32, height as u32)
    }

    fn title(&self) -> String {
        self.name.clone()
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let largest = self.largest();
        let marked = self.rows.len() * self.columns.len() <= MOST_MARKS;
        let mut marks = Vec::new();
        let start = Pos::new(HPos::Left, VPos::Top);
        let name = format!("{}; strongest colour: {}", self.name, tick(largest));
        let style = text(14, Ink::Text).pos(start);
        area.draw(&Text::new(name, (8, 6), style))?;
        for (row, (label, values)) in (0..).zip(self.rows.iter().zip(&self.values)) {
            let y = TOP + ROW * row;
            let style = text(13, Ink::Text).pos(Pos::new(HPos::Right, VPos::Center));
            let label_place = (LEFT - 8, y + ROW / 2);
            area.draw(&Text::new(short(label), label_place, style))?;
            for (column, &value) in values.iter().enumerate() {
                let share = match largest > 0.0 {
                    true => 0.04 + 0.96 * value / largest,
                    false => 0.04,
                };
                let (left, right) = (self.x(column), self.x(column + 1));
                let style = Ink::First.color().mix(share).filled();
                let right = (right - 1).max(left + 1);
                area.draw(&Rectangle::new(
                    [(left, y + 1), (right, y + ROW - 1)],
                    style,
                ))?;
                if marked {
                    marks.push(Mark {
                        place: ((left + right) / 2, y + ROW / 2),
                        text: format!("{label}, {}: {}", self.columns[column], tick(value)),
                    });
                }
            }
        }
        let style = text(14, Ink::Muted).pos(Pos::new(HPos::Center, VPos::Top));
        let place = (
            (LEFT + WIDTH - 16) / 2,
            TOP + ROW * self.rows.len() as i32 + 8,
        );
        area.draw(&Text::new(shortened(&self.across), place, style))?;
        Ok(marks)
    }

    fn table(&self) -> Vec<Vec<String>> {
        let header = std::iter::once(String::new()).chain(self.columns.iter().cloned());
        let rows = self.rows.iter().zip(&self.values).map(|(row, values)| {
            let values = values.iter().map(ToString::to_string);
            std::iter::once(row.clone()).chain(values).collect()
        });
        std::iter::once(header.collect()).chain(rows).collect()
    }
}

fn short(name: &str) -> String {
    match name.chars().count() > LETTERS {
        true => name.chars().take(LETTERS - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::svg;

    #[test]
    fn the_largest_value_is_darkest_and_nothing_is_nearly_white() {
        let heat = Heat {
            name: "weights".to_owned(),
            across: "samples".to_owned(),
            rows: vec!["a".to_owned(), "b<".to_owned()],
            columns: vec!["s1".to_owned(), "s2".to_owned()],
            values: vec![vec![0.5, 0.25], vec![0.0, 0.5]],
        };
        let drawn = svg(&heat);
        assert_eq!(drawn.matches("class=\"mark\"").count(), 4);
        assert!(drawn.contains("b&lt;, s1: 0"));
        assert_eq!(drawn.matches("opacity=\"0.04\"").count(), 1);
        let empty = Heat {
            rows: Vec::new(),
            columns: Vec::new(),
            values: Vec::new(),
            ..heat
        };
        assert!(svg(&empty).starts_with("<svg"));
    }
}
