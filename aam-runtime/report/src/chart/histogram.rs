//! Histograms.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{PathElement, Rectangle};
use plotters::style::Color;
use plotters_backend::DrawingBackend;

use super::axes::{Axes, line, tick};
use super::{Chart, Ink, Mark, Undrawn, rows, written};
use aam_evaluation::distribution;

/// A histogram to draw.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// Name of the values on the x axis.
    pub name: String,
    /// The bars.
    pub bars: distribution::Histogram,
    /// What each bar counts, such as samples.
    pub counted: &'static str,
    /// A value to mark with a vertical line.
    pub line: Option<f64>,
}

impl Chart for Histogram {
    fn size(&self) -> (u32, u32) {
        (460, 300)
    }

    fn title(&self) -> String {
        format!("histogram of {}", self.name)
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let distribution::Histogram { low, high, counts } = &self.bars;
        let most = counts.iter().max().copied().unwrap_or(0).max(1) as f64;
        let first = self.line.map_or(*low, |at| low.min(at));
        let axes = Axes {
            across: (first, *high),
            up: (0.0, 1.06 * most),
            across_name: &self.name,
            up_name: self.counted,
            logarithmic: false,
        };
        let mut plane = axes.draw(area)?;
        let width = (high - low) / counts.len().max(1) as f64;
        let from = |bar: usize| low + width * bar as f64;
        let ink = Ink::First.color().mix(0.75).filled();
        let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        plane.draw_series(bars.clone().map(|(bar, &count)| {
            let gap = 0.06 * width;
            let corners = [(from(bar) + gap, 0.0), (from(bar + 1) - gap, count as f64)];
            Rectangle::new(corners, ink)
        }))?;
        if let Some(at) = self.line.filter(|at| (first..=*high).contains(at)) {
            let ends = [(at, 0.0), (at, 1.06 * most)];
            plane.draw_series([PathElement::new(ends, line(Ink::Second, 2))])?;
        }
        let marks = bars.map(|(bar, &count)| Mark {
            place: plane.backend_coord(&(from(bar) + width / 2.0, count as f64)),
            text: match width == 1.0 {
                true => format!("{}: {count}", tick(from(bar) + 0.5)),
                false => format!("{} to {}: {count}", tick(from(bar)), tick(from(bar + 1))),
            },
        });
        Ok(marks.collect())
    }

    fn table(&self) -> Vec<Vec<String>> {
        let distribution::Histogram { low, high, counts } = &self.bars;
        let width = (high - low) / counts.len().max(1) as f64;
        let bars = counts.iter().enumerate().map(|(bar, count)| {
            let from = low + width * bar as f64;
            vec![written(from), written(from + width), count.to_string()]
        });
        rows(&["from", "to", self.counted], bars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aam_evaluation::distribution::Distribution;

    #[test]
    fn each_nonempty_bin_has_a_bar() {
        let lengths = Distribution::of_counts([150, 150, 152]).unwrap();
        let chart = Histogram {
            name: "bases".to_owned(),
            bars: lengths.histogram,
            counted: "ASVs",
            line: Some(151.0),
        };
        let svg = crate::chart::svg(&chart);
        for text in ["150: 2", "152: 1", "histogram of bases"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert!(!svg.contains("151: "), "{svg}");
    }
}
