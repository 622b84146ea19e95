//! Charts, drawn by the same code for pages (SVG that takes its colours from the page) and as
//! images (PNG).

mod axes;
mod calibration;
mod confusion;
mod curves;
mod heat;
mod histogram;
mod ordination;
mod phylogram;
mod precision_recall;
mod raster;
mod residuals;
mod roc;
mod rows;
mod scatter;
mod svg;
mod theme;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters_backend::DrawingBackend;

use aam_evaluation::compared::{Compared, Of, Values};
pub use calibration::Calibration;
pub use confusion::{Confusion, MOST_CLASSES};
pub use curves::{Curve, Curves};
pub use heat::Heat;
pub use histogram::Histogram;
pub use ordination::{MOST_DRAWN, Ordination};
pub use phylogram::{Phylogram, PhylogramNode};
pub use precision_recall::{PrecisionRecall, average_precision, precision_recall};
pub use raster::{Picture, png};
pub use residuals::Strip;
pub use roc::{Roc, roc};
pub use rows::{Bar, Bars, Swarm, SwarmPoint, SwarmRow};
pub use scatter::{Point, Scatter};
pub use svg::{svg, svg_file, svg_without_marks};
pub use theme::{Ink, Theme};

/// Why drawing failed.
pub type Undrawn<B> = DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>;

/// A spot of a chart with a tooltip.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Its position in pixels.
    pub place: (i32, i32),
    /// The tooltip text.
    pub text: String,
}

/// A chart.
pub trait Chart {
    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    /// A text alternative for readers who cannot see the chart.
    fn title(&self) -> String;

    /// Draws the chart and returns its tooltips.
    ///
    /// # Errors
    /// Errors of the drawing backend.
    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>>;

    /// The values shown, as rows of cells below a row of column names.
    fn table(&self) -> Vec<Vec<String>>;
}

/// The rows of a table of values, below the names of its columns.
fn rows(names: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let header = names.iter().map(|name| (*name).to_owned()).collect();
    std::iter::once(header).chain(rows).collect()
}

/// The points of named curves as the rows of a table.
fn rows_of_curves([across, up]: [&str; 2], curves: &[Curve]) -> Vec<Vec<String>> {
    let points = curves.iter().flat_map(|curve| {
        let cells = |p: &(f64, f64)| vec![curve.name.clone(), written(p.0), written(p.1)];
        curve.points.iter().map(cells)
    });
    rows(&["curve", across, up], points)
}

/// A number in full; empty if it is none.
fn written(value: f64) -> String {
    match value.is_finite() {
        true => value.to_string(),
        false => String::new(),
    }
}

/// A chart of one of two kinds.
pub enum Either<A, B> {
    /// The first kind.
    One(A),
    /// The second kind.
    Other(B),
}

impl<A: Chart, C: Chart> Chart for Either<A, C> {
    fn size(&self) -> (u32, u32) {
        match self {
            Self::One(chart) => chart.size(),
            Self::Other(chart) => chart.size(),
        }
    }

    fn title(&self) -> String {
        match self {
            Self::One(chart) => chart.title(),
            Self::Other(chart) => chart.title(),
        }
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<Vec<Mark>, Undrawn<B>> {
        match self {
            Self::One(chart) => chart.draw(area),
            Self::Other(chart) => chart.draw(area),
        }
    }

    fn table(&self) -> Vec<Vec<String>> {
        match self {
            Self::One(chart) => chart.table(),
            Self::Other(chart) => chart.table(),
        }
    }
}

/// Predictions of the validation samples: a scatter plot, or a confusion matrix if there are few
/// classes.
pub fn compared(compared: &Compared) -> Option<Either<Scatter, Confusion>> {
    Some(match &compared.values {
        Values::Classes(classes, _) if classes.len() > MOST_CLASSES => return None,
        Values::Numbers(pairs) => {
            let points = pairs.iter().map(|&(actual, predicted)| Point {
                name: String::new(),
                actual,
                predicted,
                interval: None,
                text: String::new(),
            });
            Either::One(Scatter {
                actual: match compared.of {
                    Of::Target => format!("actual {}", compared.name),
                    Of::Base => format!("{}, true", compared.name),
                },
                predicted: "predicted".to_owned(),
                points: points.collect(),
                fine: compared.of == Of::Base,
                range: None,
                remarks: Vec::new(),
            })
        }
        Values::Classes(classes, counts) => Either::Other(Confusion {
            name: compared.name.clone(),
            classes: classes.clone(),
            counts: counts.clone(),
        }),
    })
}
