//! A tree with a bar for each tip.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement};
use plotters::style::{Color, RGBAColor, ShapeStyle};
use plotters_backend::DrawingBackend;

use super::rows::{Bar, draw_bars, middle, size, table_of_bars};
use super::{Chart, Ink, Mark, Undrawn};

/// Left end of the root and right end of the farthest tip, in pixels.
const LEFT: i32 = 8;
const RIGHT: i32 = 118;
/// Radii of the smallest and of the largest dot of an inner node.
const SMALLEST: f64 = 2.0;
const LARGEST: f64 = 6.0;

/// A rooted tree, drawn as a phylogram if its branches have lengths and as a cladogram otherwise, with a bar for
/// each tip and a dot at inner nodes whose area is their value.
#[derive(Clone, Debug)]
pub struct Phylogram {
    /// Name of the scale of the bars.
    pub name: String,
    /// The nodes; children come before their parents, and the root is the last.
    pub nodes: Vec<PhylogramNode>,
}

/// A node of the tree.
#[derive(Clone, Debug)]
pub struct PhylogramNode {
    /// The index of its parent. `None` for the root.
    pub parent: Option<usize>,
    /// Length of the branch above it.
    pub length: f64,
    /// The bar of a tip, or the label, colour and value of an inner node, which may have none.
    pub bar: Option<Bar>,
}

/// Where the nodes are drawn.
struct Layout {
    /// The tips from top to bottom.
    tips: Vec<usize>,
    /// Position of each node in pixels.
    place: Vec<(i32, i32)>,
    /// The children of each node.
    children: Vec<Vec<usize>>,
}

impl Phylogram {
    fn layout(&self) -> Layout {
        let number = self.nodes.len();
        let mut children = vec![Vec::new(); number];
        let (mut tips, mut levels) = (vec![0usize; number], vec![0usize; number]);
        for (node, of) in self.nodes.iter().enumerate() {
            tips[node] = tips[node].max(1);
            if let Some(parent) = of.parent {
                children[parent].push(node);
                tips[parent] += tips[node];
                levels[parent] = levels[parent].max(levels[node] + 1);
            }
        }
        // Small clades first, as ladders are easier to follow.
        for children in &mut children {
            children.sort_by_key(|&child| (tips[child], child));
        }
        let mut depths = vec![0f64; number];
        for node in (0..number).rev() {
            if let Some(parent) = self.nodes[node].parent {
                depths[node] = depths[parent] + self.nodes[node].length;
            }
        }
        let farthest = depths.iter().copied().fold(0.0, f64::max);
        let highest = levels.last().copied().unwrap_or(0).max(1) as f64;
        let mut order = Vec::new();
        let mut open: Vec<usize> = number.checked_sub(1).into_iter().collect();
        while let Some(node) = open.pop() {
            if children[node].is_empty() {
                order.push(node);
            }
            open.extend(children[node].iter().rev());
        }
        let mut place = vec![(0, 0); number];
        for (row, &tip) in order.iter().enumerate() {
            place[tip].1 = middle(row);
        }
        for node in 0..number {
            let part = match farthest > 0.0 {
                true => depths[node] / farthest,
                false => 1.0 - levels[node] as f64 / highest,
            };
            place[node].0 = LEFT + (f64::from(RIGHT - LEFT) * part).round() as i32;
            let ends = [children[node].first(), children[node].last()];
            if let [Some(&first), Some(&last)] = ends {
                place[node].1 = (place[first].1 + place[last].1) / 2;
            }
        }
        Layout {
            tips: order,
            place,
            children,
        }
    }

    fn bars<'a>(&'a self, layout: &Layout) -> Vec<&'a Bar> {
        let tips = layout.tips.iter();
        tips.filter_map(|&tip| self.nodes[tip].bar.as_ref())
            .collect()
    }

    /// The largest value of an inner node.
    fn largest(&self, layout: &Layout) -> f64 {
        let inner = self.nodes.iter().zip(&layout.children);
        let inner = inner.filter(|(_, children)| !children.is_empty());
        let values = inner.filter_map(|(node, _)| Some(node.bar.as_ref()?.value));
        values.fold(0.0, f64::max)
    }
}

fn line(color: RGBAColor, width: u32) -> ShapeStyle {
    ShapeStyle {
        color,
        filled: false,
        stroke_width: width,
    }
}

impl Chart for Phylogram {
    fn size(&self) -> (u32, u32) {
        size(self.layout().tips.len())
    }

    fn title(&self) -> String {
        format!("tree with bars of {}", self.name)
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        let layout = self.layout();
        let mut marks = draw_bars(area, RIGHT, &self.name, &self.bars(&layout))?;
        let plain = line(Ink::Muted.color().to_rgba(), 1);
        for (node, children) in layout.children.iter().enumerate() {
            let (x, y) = layout.place[node];
            if let Some(parent) = self.nodes[node].parent {
                let style = match (&self.nodes[node].bar, children.is_empty()) {
                    (Some(bar), true) => line(bar.ink.color().mix(bar.opacity()), 2),
                    _ => plain,
                };
                let start = (layout.place[parent].0, y);
                area.draw(&PathElement::new([start, (x, y)], style))?;
                // Leads from the tip to its name.
                if children.is_empty() && x < RIGHT {
                    let rest = [(x + 2, y), (RIGHT, y)];
                    area.draw(&PathElement::new(
                        rest,
                        line(Ink::Grid.color().to_rgba(), 1),
                    ))?;
                }
            }
            let ends = [children.first(), children.last()];
            if let [Some(&first), Some(&last)] = ends {
                let ends = [(x, layout.place[first].1), (x, layout.place[last].1)];
                area.draw(&PathElement::new(ends, plain))?;
            }
        }
        let largest = self.largest(&layout);
        for (node, children) in layout.children.iter().enumerate() {
            let Some(bar) = self.nodes[node]
                .bar
                .as_ref()
                .filter(|_| !children.is_empty())
            else {
                continue;
            };
            let share = match largest > 0.0 {
                true => (bar.value / largest).max(0.0).sqrt(),
                false => 0.0,
            };
            let radius = (SMALLEST + (LARGEST - SMALLEST) * share).round() as i32;
            let place = layout.place[node];
            area.draw(&Circle::new(place, radius, Ink::Ground.color().filled()))?;
            let color = bar.ink.color().mix(bar.opacity());
            area.draw(&Circle::new(place, radius, color.filled()))?;
            marks.push(Mark {
                place,
                text: bar.text.clone(),
            });
        }
        Ok(marks)
    }

    fn table(&self) -> Vec<Vec<String>> {
        let layout = self.layout();
        let inner = self.nodes.iter().zip(&layout.children);
        let inner = inner.filter(|(_, children)| !children.is_empty());
        let inner = inner.filter_map(|(node, _)| node.bar.as_ref());
        table_of_bars(&self.name, self.bars(&layout).into_iter().chain(inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(parent: Option<usize>, length: f64, label: Option<&str>) -> PhylogramNode {
        PhylogramNode {
            parent,
            length,
            bar: label.map(|label| Bar {
                label: label.to_owned(),
                value: 1.0,
                interval: None,
                ink: Ink::Second,
                pale: false,
                text: format!("about {label}"),
            }),
        }
    }

    /// `((a:1,b:2)ab:1,c:1);`, with all lengths times `unit`.
    fn tree(unit: f64) -> Phylogram {
        Phylogram {
            name: "importance".to_owned(),
            nodes: vec![
                node(Some(2), unit, Some("a")),
                node(Some(2), 2.0 * unit, Some("b")),
                node(Some(4), unit, Some("ab")),
                node(Some(4), unit, Some("c")),
                node(None, 0.0, None),
            ],
        }
    }

    #[test]
    fn branches_have_their_lengths_and_parents_are_between_their_children() {
        let layout = tree(0.1).layout();
        assert_eq!(layout.tips, [3, 0, 1]);
        let x = layout.place.iter().map(|place| place.0);
        let width = RIGHT - LEFT;
        let expected = [2, 3, 1, 1, 0]
            .map(|length| LEFT + (f64::from(width) * f64::from(length) / 3.0).round() as i32);
        assert_eq!(x.collect::<Vec<_>>(), expected);
        let y = |node: usize| layout.place[node].1;
        assert_eq!(y(2), (y(0) + y(1)) / 2);
        assert_eq!(y(4), (y(3) + y(2)) / 2);
    }

    #[test]
    fn without_lengths_all_tips_are_at_the_right() {
        let layout = tree(0.0).layout();
        let x = |node: usize| layout.place[node].0;
        assert_eq!([x(0), x(1), x(3), x(4)], [RIGHT, RIGHT, RIGHT, LEFT]);
        assert!(LEFT < x(2) && x(2) < RIGHT);
    }

    #[test]
    fn tips_and_clades_are_named() {
        let svg = crate::chart::svg(&tree(1.0));
        for text in ["about ab", "about c", ">b<"] {
            assert!(svg.contains(text), "{text}");
        }
        let table = tree(1.0).table();
        let names: Vec<&str> = table.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(names, ["name", "c", "a", "b", "ab"]);
        let nothing = Phylogram {
            name: String::new(),
            nodes: Vec::new(),
        };
        assert!(!crate::chart::svg(&nothing).is_empty());
    }
}
