//! Confusion matrices as images; pages use a table instead.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Rectangle, Text};
use plotters::style::Color;
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::{HPos, Pos, VPos};

use super::axes::{shortened, text};
use super::{Chart, Ink, Mark, Undrawn};

/// How often samples of each class are predicted as each class.
#[derive(Clone, Debug)]
pub struct Confusion {
    /// Name of the target.
    pub name: String,
    /// The classes.
    pub classes: Vec<String>,
    /// One row per actual class, one column per predicted class.
    pub counts: Vec<Vec<u64>>,
}

/// Largest number of classes whose matrix is still readable; it has that number of cells squared.
pub const MOST_CLASSES: usize = 30;

const LEFT: i32 = 180;
const TOP: i32 = 60;
/// Longest name of a class, in letters.
const LETTERS: usize = 18;

impl Confusion {
    /// Side length of a cell in pixels.
    fn side(&self) -> i32 {
        (360 / self.classes.len().max(1) as i32).clamp(14, 60)
    }
}

impl Chart for Confusion {
    fn size(&self) -> (u32, u32) {
        let all = self.side() * self.classes.len() as i32;
        ((LEFT + all + 20).max(360) as u32, (TOP + all + 20) as u32)
    }

    fn title(&self) -> String {
        format!("confusion matrix of {}", self.name)
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let side = self.side();
        let right = Pos::new(HPos::Right, VPos::Center);
        let middle = Pos::new(HPos::Center, VPos::Center);
        let label = text(14, Ink::Text).pos(right);
        let title = format!(
            "{}: actual (rows), predicted (columns)",
            shortened(&self.name)
        );
        let start = text(14, Ink::Muted).pos(Pos::new(HPos::Left, VPos::Top));
        area.draw(&Text::new(title, (8, 8), start))?;
        for (row, (class, counts)) in (0..).zip(self.classes.iter().zip(&self.counts)) {
            let y = TOP + row * side;
            let name = match class.chars().count() > LETTERS {
                true => class.chars().take(LETTERS - 1).chain(['…']).collect(),
                false => class.clone(),
            };
            let name = format!("{name} ({})", row + 1);
            area.draw(&Text::new(name, (LEFT - 6, y + side / 2), label.clone()))?;
            let number = text(14, Ink::Muted).pos(middle);
            let place = (LEFT + row * side + side / 2, TOP - 12);
            area.draw(&Text::new((row + 1).to_string(), place, number.clone()))?;
            let all = counts.iter().sum::<u64>().max(1) as f64;
            for (column, &count) in (0..).zip(counts) {
                let x = LEFT + column * side;
                let share = 0.06 + 0.6 * count as f64 / all;
                let style = Ink::First.color().mix(share).filled();
                area.draw(&Rectangle::new(
                    [(x + 1, y + 1), (x + side - 1, y + side - 1)],
                    style,
                ))?;
                if side >= 20 {
                    let place = (x + side / 2, y + side / 2);
                    let style = text(14, Ink::Text).pos(middle);
                    area.draw(&Text::new(count.to_string(), place, style))?;
                }
            }
        }
        Ok(Vec::new())
    }

    fn table(&self) -> Vec<Vec<String>> {
        let predicted = self
            .classes
            .iter()
            .map(|class| format!("predicted {class}"));
        let header = std::iter::once(self.name.clone())
            .chain(predicted)
            .collect();
        let rows = self.classes.iter().zip(&self.counts);
        let rows = rows.map(|(class, counts)| {
            let counts = counts.iter().map(ToString::to_string);
            std::iter::once(class.clone()).chain(counts).collect()
        });
        std::iter::once(header).chain(rows).collect()
    }
}
