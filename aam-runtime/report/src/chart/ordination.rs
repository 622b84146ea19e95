//! Samples in a plane, coloured by what is known about them.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor, ShapeStyle};
use plotters_backend::DrawingBackend;

use super::axes::{Axes, range, shortened, text, tick};
use super::{Chart, Ink, Mark, Undrawn, rows, written};
use aam_evaluation::distribution::quantile;
use aam_evaluation::ordination::ColumnValues;

/// Maximum number of samples that are drawn; if there are more, every n-th is.
pub const MOST_DRAWN: usize = 3000;
/// Maximum number of samples that have a tooltip.
const MOST_MARKS: usize = 1500;
/// Number of colours of groups. As many more are drawn as rings, and the rest in grey.
const COLOURS: usize = 6;
/// Width of the plane in pixels, and of what is left of it.
const PLANE: f64 = 372.0;
const LEFT: i32 = 72;
/// Height of what is above and below the plane.
const AROUND: f64 = 62.0;
/// Height of a line of the legend, and the width of its two columns.
const LINE: i32 = 18;
const COLUMN: i32 = 194;
/// Longest name of a group, in letters.
const LETTERS: usize = 20;
/// Shares of the numbers below and above which all have the colour of the end of the scale.
const ENDS: [f64; 2] = [0.05, 0.95];
/// The colours of a scale of numbers, which stand out from light and dark grounds.
const SCALE: [(u8, u8, u8); 5] = [
    (0x3d, 0x63, 0xc9),
    (0x86, 0x52, 0xc4),
    (0xc6, 0x49, 0x93),
    (0xe2, 0x61, 0x56),
    (0xea, 0x9a, 0x30),
];

/// The samples in the plane of two axes of one unit.
#[derive(Clone, Debug)]
pub struct Ordination {
    /// Name of what the colours show.
    pub name: String,
    /// The names of the axes.
    pub axes: [String; 2],
    /// Ids of the samples.
    pub samples: Vec<String>,
    /// Their places.
    pub places: Vec<[f64; 2]>,
    /// What their colours show.
    pub values: ColumnValues,
}

/// How a sample is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dot {
    color: RGBColor,
    is_ring: bool,
}

const UNKNOWN: Dot = Dot {
    color: Ink::Muted.color(),
    is_ring: false,
};

/// What the legend says.
enum Legend {
    /// Names, each with how samples of it are drawn.
    Groups(Vec<(String, Dot)>),
    /// The labels of the ends of the scale.
    Scale([String; 2]),
}

impl Ordination {
    /// The ranges of both axes, with one unit, and the height of the plane in pixels.
    fn extent(&self) -> ([(f64, f64); 2], f64) {
        let mut ranges = [0, 1].map(|axis| range(self.places.iter().map(|place| place[axis])));
        let span = |(low, high): (f64, f64)| high - low;
        let wide = span(ranges[0]).max(span(ranges[1]));
        let high = span(ranges[1]).max(0.5 * wide);
        for (range, span) in ranges.iter_mut().zip([wide, high]) {
            let middle = 0.5 * (range.0 + range.1);
            *range = (middle - 0.5 * span, middle + 0.5 * span);
        }
        (ranges, PLANE * high / wide)
    }

    /// How each sample is drawn, and the legend.
    fn dots(&self) -> (Vec<Dot>, Legend) {
        match &self.values {
            ColumnValues::Numbers(numbers) => scaled(numbers),
            ColumnValues::Groups { names, of } => grouped(names, of),
        }
    }

    fn legend_lines(&self) -> i32 {
        match self.dots().1 {
            Legend::Scale(_) => 3,
            Legend::Groups(groups) => 1 + (groups.len() as i32 + 1) / 2,
        }
    }
}

/// Samples in the colours of their `numbers`.
fn scaled(numbers: &[Option<f64>]) -> (Vec<Dot>, Legend) {
    let mut sorted: Vec<f64> = numbers.iter().flatten().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let [low, high] = ENDS.map(|share| quantile(&sorted, share));
    let dots = numbers.iter().map(|number| match number {
        Some(number) => Dot {
            color: color((number - low) / (high - low)),
            is_ring: false,
        },
        None => UNKNOWN,
    });
    let beyond = |is_so: bool, sign: &str, end: f64| match is_so {
        true => format!("{sign} {}", tick(end)),
        false => tick(end),
    };
    let ends = [
        beyond(sorted.first().is_some_and(|least| *least < low), "≤", low),
        beyond(sorted.last().is_some_and(|most| *most > high), "≥", high),
    ];
    (dots.collect(), Legend::Scale(ends))
}

/// The colour at `share` of the scale.
fn color(share: f64) -> RGBColor {
    let last = SCALE.len() - 1;
    let at = match share.is_finite() {
        true => share.clamp(0.0, 1.0) * last as f64,
        false => 0.5 * last as f64,
    };
    let below = (at.floor() as usize).min(last - 1);
    let (from, to) = (SCALE[below], SCALE[below + 1]);
    let between = |from: u8, to: u8| {
        let mixed = f64::from(from) + (at - below as f64) * (f64::from(to) - f64::from(from));
        mixed.round() as u8
    };
    RGBColor(
        between(from.0, to.0),
        between(from.1, to.1),
        between(from.2, to.2),
    )
}

/// Samples in the colours of their groups, the largest of which have one of their own.
fn grouped(names: &[String], of: &[Option<usize>]) -> (Vec<Dot>, Legend) {
    let mut sizes = vec![0usize; names.len()];
    of.iter().flatten().for_each(|&group| sizes[group] += 1);
    let mut order: Vec<usize> = (0..names.len()).filter(|&group| sizes[group] > 0).collect();
    let rest = order.len().saturating_sub(2 * COLOURS);
    order.sort_by_key(|&group| std::cmp::Reverse(sizes[group]));
    order.truncate(2 * COLOURS);
    // In the order of the classes, which may be one of size.
    order.sort_unstable();
    let mut dots = vec![UNKNOWN; names.len()];
    let mut legend = Vec::with_capacity(order.len() + 2);
    for (place, &group) in order.iter().enumerate() {
        dots[group] = Dot {
            color: Ink::series(place).color(),
            is_ring: place >= COLOURS,
        };
        let name = format!("{} ({})", short(&names[group]), sizes[group]);
        legend.push((name, dots[group]));
    }
    let shown: usize = order.iter().map(|&group| sizes[group]).sum();
    let known: usize = sizes.iter().sum();
    if rest > 0 {
        legend.push((format!("{rest} others ({})", known - shown), UNKNOWN));
    }
    if known < of.len() {
        legend.push((format!("no value ({})", of.len() - known), UNKNOWN));
    }
    let dots = of
        .iter()
        .map(|group| group.map_or(UNKNOWN, |group| dots[group]));
    (dots.collect(), Legend::Groups(legend))
}

fn short(name: &str) -> String {
    match name.chars().count() > LETTERS {
        true => name.chars().take(LETTERS - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

impl Dot {
    fn circle<C>(self, at: C, radius: i32, opacity: f64) -> Circle<C, i32> {
        let style = ShapeStyle {
            color: self.color.mix(opacity),
            filled: !self.is_ring,
            stroke_width: 2,
        };
        Circle::new(at, radius - i32::from(self.is_ring), style)
    }
}

impl Legend {
    /// Draws the legend from `top` on, below `name`.
    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        name: &str,
        top: i32,
    ) -> Result<(), Undrawn<B>> {
        let left = text(13, Ink::Text).pos(Pos::new(HPos::Left, VPos::Center));
        let title = text(14, Ink::Text).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(shortened(name), (LEFT, top + LINE / 2), title))?;
        match self {
            Self::Groups(groups) => {
                let half = groups.len().div_ceil(2).max(1);
                for (place, (name, dot)) in groups.iter().enumerate() {
                    let x = LEFT + COLUMN * (place / half) as i32;
                    let y = top + LINE * (1 + (place % half) as i32) + LINE / 2;
                    area.draw(&dot.circle((x + 5, y), 5, 0.9))?;
                    area.draw(&Text::new(name.clone(), (x + 16, y), left.clone()))?;
                }
            }
            Self::Scale(ends) => {
                const STEPS: i32 = 48;
                let (y, wide) = (top + LINE + 2, PLANE as i32 / STEPS);
                for step in 0..STEPS {
                    let x = LEFT + wide * step;
                    let style = color(f64::from(step) / f64::from(STEPS - 1)).filled();
                    area.draw(&Rectangle::new([(x, y), (x + wide, y + 10)], style))?;
                }
                let places = [(LEFT, HPos::Left), (LEFT + wide * STEPS, HPos::Right)];
                for (end, (x, across)) in ends.iter().zip(places) {
                    let style = text(13, Ink::Muted).pos(Pos::new(across, VPos::Top));
                    area.draw(&Text::new(end.clone(), (x, y + 13), style))?;
                }
            }
        }
        Ok(())
    }
}

impl Chart for Ordination {
    fn size(&self) -> (u32, u32) {
        let plane = self.extent().1 + AROUND;
        (
            460,
            plane.round() as u32 + (LINE * self.legend_lines() + 8) as u32,
        )
    }

    fn title(&self) -> String {
        format!("ordination of the samples by {}", self.name)
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let ([across, up], height) = self.extent();
        let height = (height + AROUND).round() as i32;
        let (above, _) = area.split_vertically(height);
        let axes = Axes {
            across,
            up,
            across_name: &self.axes[0],
            up_name: &self.axes[1],
            logarithmic: false,
        };
        let mut plane = axes.draw(&above)?;
        let (dots, legend) = self.dots();
        let (radius, opacity) = match self.samples.len() {
            0..200 => (4, 0.75),
            200..1000 => (3, 0.65),
            _ => (2, 0.55),
        };
        let every = self.samples.len().div_ceil(MOST_DRAWN).max(1);
        let shown = || (0..self.samples.len()).step_by(every);
        // Grey ones first, below the others.
        for is_unknown in [true, false] {
            let those = shown().filter(|&sample| (dots[sample] == UNKNOWN) == is_unknown);
            plane.draw_series(those.map(|sample| {
                let [x, y] = self.places[sample];
                dots[sample].circle((x, y), radius, opacity)
            }))?;
        }
        legend.draw(area, &self.name, height + 2)?;
        let marks = shown().map(|sample| {
            let [x, y] = self.places[sample];
            let value = self.values.text(sample);
            Mark {
                place: plane.backend_coord(&(x, y)),
                text: format!(
                    "{}: {}",
                    self.samples[sample],
                    value.as_deref().unwrap_or("no value")
                ),
            }
        });
        Ok(marks.take(MOST_MARKS).collect())
    }

    fn table(&self) -> Vec<Vec<String>> {
        let lines = self.samples.iter().zip(&self.places).enumerate();
        let lines = lines.map(|(sample, (id, place))| {
            let value = self.values.text(sample).unwrap_or_default();
            vec![id.clone(), written(place[0]), written(place[1]), value]
        });
        rows(&["sample", "PC1", "PC2", &self.name], lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::svg;

    fn chart(values: ColumnValues) -> Ordination {
        let places = vec![[-4.0, 0.0], [0.0, 1.0], [4.0, -1.0], [2.0, 0.0]];
        Ordination {
            name: "site <x>".to_owned(),
            axes: ["PC1 (60 %)".to_owned(), "PC2 (20 %)".to_owned()],
            samples: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            places,
            values,
        }
    }

    #[test]
    fn both_axes_have_one_unit() {
        let ([across, up], height) = chart(ColumnValues::Numbers(vec![None; 4])).extent();
        let units =
            [(across, PLANE), (up, height)].map(|((low, high), pixels)| pixels / (high - low));
        assert!((units[0] - units[1]).abs() < 1e-9, "{units:?}");
        assert!(
            (height - PLANE / 2.0).abs() < 1e-9,
            "flat, but not too flat"
        );
        assert!(across.0 < -4.0 && across.1 > 4.0);
    }

    #[test]
    fn the_largest_groups_have_colours_and_rings_and_the_rest_is_grey() {
        let names: Vec<String> = (0..15).map(|group| format!("g{group}")).collect();
        let mut of: Vec<Option<usize>> = (0..15).map(Some).collect();
        of.extend((3..15).map(Some));
        of.push(None);
        let (dots, legend) = grouped(&names, &of);
        let Legend::Groups(legend) = legend else {
            panic!("groups");
        };
        let shown: Vec<&str> = legend.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((shown[0], shown[11]), ("g3 (2)", "g14 (2)"));
        assert_eq!(shown[12..], ["3 others (3)", "no value (1)"]);
        assert_eq!((dots[0], dots[27]), (UNKNOWN, UNKNOWN));
        assert_eq!(dots[3].color, dots[9].color);
        assert!(!dots[3].is_ring && dots[9].is_ring);
    }

    #[test]
    fn numbers_beyond_the_scale_have_the_colour_of_its_end() {
        let mut numbers: Vec<Option<f64>> = (0..=100).map(|n| Some(f64::from(n))).collect();
        numbers.push(None);
        let (dots, legend) = scaled(&numbers);
        assert!(matches!(legend, Legend::Scale([low, high]) if low == "≤ 5" && high == "≥ 95"));
        assert_eq!(dots[0], dots[5]);
        assert_ne!(dots[50], dots[5]);
        assert_eq!(dots[101], UNKNOWN);
        let (alike, legend) = scaled(&[Some(2.0), Some(2.0)]);
        assert_eq!(alike[0], alike[1]);
        assert!(matches!(legend, Legend::Scale([low, high]) if low == "2" && high == "2"));
    }

    #[test]
    fn it_is_drawn_with_tooltips_and_saved_as_a_table() {
        let drawn = svg(&chart(ColumnValues::Groups {
            names: vec!["gut".to_owned(), "skin".to_owned()],
            of: vec![Some(0), Some(1), None, Some(0)],
        }));
        for words in [
            "gut (2)",
            "no value (1)",
            "<title>c: no value</title>",
            "PC2 (20 %)",
            "site &lt;x&gt;",
        ] {
            assert!(drawn.contains(words), "{words}: {drawn}");
        }
        let numbers = chart(ColumnValues::Numbers(vec![
            Some(1.5),
            None,
            Some(2.0),
            Some(3.0),
        ]));
        assert!(svg(&numbers).contains("<title>a: 1.5</title>"));
        let table = numbers.table();
        assert_eq!(table[0], ["sample", "PC1", "PC2", "site <x>"]);
        assert_eq!(table[2], ["b", "0", "1", ""]);
    }
}
