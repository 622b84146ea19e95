//! Target transforms, fitted to columns of several shapes.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::numbers::Numbers;
use super::{Check, Conformance, ensure, plugin};
use crate::transform::{FittedObject, unsaveable};
use crate::{BoxedTransform, Plugin, TrainingTargets, TransformKind};

/// Outputs of a model that has learned nothing or the wrong thing.
const FAR: [f64; 4] = [-1e4, -20.0, 20.0, 1e4];

/// The name and the values of a column.
struct Column {
    name: &'static str,
    values: Vec<f64>,
}

fn columns() -> Vec<Column> {
    let mut numbers = Numbers::new(31);
    let mut normals = |count: usize, f: fn(f64) -> f64| -> Vec<f64> {
        let normals = numbers.normals(count).into_iter();
        normals.map(|value| f(f64::from(value))).collect()
    };
    let column = |name, values| Column { name, values };
    vec![
        column("of normal numbers", normals(60, |v| v)),
        column("of positive numbers", normals(60, f64::exp)),
        column("of fractions", normals(60, |v| 1.0 / (1.0 + (-v).exp()))),
        column("of millions", normals(40, |v| 3e6 + 1e6 * v)),
        column("of few values", normals(40, |v| (2.0 * v).round().abs())),
        column("of one value", vec![0.5; 9]),
        column("of one sample", vec![0.25]),
    ]
}

impl Conformance for TransformKind {
    fn check(plugin: &Plugin<Self>, options: &Map<String, Value>) -> Check {
        let built = plugin::build(plugin, options, &())?;
        let transform = built.ok_or_else(|| "refuses every run".to_owned())?;
        let mut accepted = 0;
        for column in columns() {
            if column.values.iter().all(|&y| transform.check(y).is_ok()) {
                accepted += 1;
                check_column(&transform, &column)
                    .map_err(|problem| format!("a column {}: {problem}", column.name))?;
            }
        }
        ensure!(accepted > 0, "refuses the values of every column");
        Ok(())
    }
}

crate::register_suite!(TransformKind);

fn check_column(transform: &BoxedTransform, column: &Column) -> Check {
    let levels = ["a", "b", "c"].map(|level| [level.to_owned()]);
    let of_row = |row: usize| levels.get(row % 4).map(<[String; 1]>::as_slice);
    let names = ["site".to_owned()];
    let categories = (0..column.values.len()).map(of_row).collect();
    let with = TrainingTargets::with_categories(&column.values, &names, categories);
    let fit = |targets: &TrainingTargets<'_>| {
        let fitted = transform.fit(targets);
        fitted.map_err(|error| format!("cannot be fitted: {error}"))
    };
    let alone = fit(&TrainingTargets::new(&column.values))?;
    let grouped = fit(&with)?;
    check_categories(transform, &grouped, &levels)?;
    check_inverse(transform, &alone, &column.values, None)?;
    for place in (0..sizes(&grouped)).map(Some).chain([None]) {
        check_inverse(transform, &grouped, &column.values, place)?;
    }
    if let Some(problem) = unsaveable(&grouped.state()) {
        return Err(problem);
    }
    check_saving(transform, &grouped, &column.values)?;
    let constant = column.values.iter().all(|y| *y == column.values[0]);
    let mut scaled = column.values.iter().map(|&y| alone.forward(y, None));
    ensure!(
        constant || !transform.gives_negatives() || scaled.any(|z| z < 0.0),
        "it says that some values become negative, but none does"
    );
    Ok(())
}

fn sizes(fitted: &Arc<dyn FittedObject>) -> usize {
    let categories = fitted.categories();
    categories.map_or(0, |categories| categories.sizes().len())
}

fn check_categories(
    transform: &BoxedTransform,
    fitted: &Arc<dyn FittedObject>,
    levels: &[[String; 1]],
) -> Check {
    let Some(categories) = fitted.categories() else {
        ensure!(
            !transform.by_category(),
            "it scales by category, but has no categories after it was fitted to samples that have some"
        );
        return Ok(());
    };
    ensure!(
        transform.by_category(),
        "it has categories, but does not say that it scales by category"
    );
    ensure!(
        categories.columns() == ["site"],
        "its categories are of the columns {:?}, but those of the samples are of site",
        categories.columns()
    );
    let sizes = categories.sizes();
    for (place, (own, samples)) in sizes.iter().enumerate() {
        ensure!(
            categories.place(own) == Some(place) && *samples > 0,
            "the category {own:?} is at place {place} of its list, but found at {:?}",
            categories.place(own)
        );
        ensure!(
            levels.iter().any(|level| level.as_slice() == *own),
            "it has the category {own:?}, which no sample has"
        );
    }
    let other = categories.place(&["other".to_owned()]);
    ensure!(
        other.is_none(),
        "a category that no sample has is found at {other:?}"
    );
    Ok(())
}

/// The inverse restores transformed numbers, and the transform is increasing.
fn check_inverse(
    transform: &BoxedTransform,
    fitted: &Arc<dyn FittedObject>,
    values: &[f64],
    category: Option<usize>,
) -> Check {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (spread, largest) = ((high - low).max(0.1), low.abs().max(high.abs()).max(1.0));
    // Validation samples may lie outside the range of the training samples.
    let grid = (0..=40).map(|i| low + spread * (f64::from(i) / 20.0 - 0.5));
    let mut all: Vec<f64> = values.iter().copied().chain(grid).collect();
    all.retain(|&y| transform.check(y).is_ok());
    all.sort_by(f64::total_cmp);
    all.dedup();
    let mut before: Option<(f64, f64)> = None;
    for y in all {
        let z = fitted.forward(y, category);
        ensure!(z.is_finite(), "{y} becomes {z}");
        let back = fitted.inverse(z, category);
        ensure!(
            (back - y).abs() <= 1e-9 * largest,
            "{y} becomes {z}, which the inverse turns into {back}"
        );
        if let Some((lower, before)) = before.filter(|(lower, _)| y - lower > 1e-9 * largest) {
            ensure!(
                z > before,
                "{lower} becomes {before}, but {y}, which is larger, becomes {z}: the order is lost"
            );
        }
        before = Some((y, z));
    }
    for z in FAR {
        let y = fitted.inverse(z, category);
        ensure!(y.is_finite(), "an output of {z} becomes {y}");
    }
    Ok(())
}

/// A transform that was saved and loaded is bitwise the same.
fn check_saving(
    transform: &BoxedTransform,
    fitted: &Arc<dyn FittedObject>,
    values: &[f64],
) -> Check {
    let state = fitted.state();
    let text = serde_json::to_string(&state).map_err(|error| error.to_string())?;
    let read: Map<String, Value> =
        serde_json::from_str(&text).map_err(|error| format!("cannot be saved: {error}"))?;
    let again = transform.read(read).map_err(|error| error.to_string())?;
    for &y in values {
        for category in (0..sizes(fitted)).map(Some).chain([None]) {
            let both = [fitted, &again].map(|transform| {
                let z = transform.forward(y, category);
                [z.to_bits(), transform.inverse(z, category).to_bits()]
            });
            ensure!(
                both[0] == both[1],
                "{y} becomes another number after the transform was saved and loaded"
            );
        }
    }
    ensure!(
        sizes(fitted) == sizes(&again),
        "categories are lost when the transform is saved and loaded"
    );
    Ok(())
}
