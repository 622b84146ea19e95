//! The metadata columns named in a training run's options, which are checked before its table is
//! read.

use aam_core::DataError;
use aam_data::{ColumnKind, Metadata};
use aam_run::RunError;

use crate::options::TrainOptions;
use crate::sampling::CLASS;
use crate::targets;

/// Rejects columns missing from `metadata`, and numeric targets without any number.
///
/// # Errors
/// The first such column.
pub fn check(options: &TrainOptions, metadata: &Metadata) -> Result<(), RunError> {
    for name in named(options) {
        metadata.column(name).map_err(|error| {
            let is_guess = |help: &str| help.starts_with("did you mean");
            match holds_counts(metadata) && !error.help.as_deref().is_some_and(is_guess) {
                true => like_a_table(metadata, name, error),
                false => error,
            }
        })?;
    }
    Ok(targets::check_kinds(options, metadata)?)
}

/// The names of the columns. `class` stands for the target, unless there is a column of that name.
fn named(options: &TrainOptions) -> impl Iterator<Item = &str> {
    let target = &options.target;
    let balance = target.balance.as_deref().filter(|by| by.trim() != CLASS);
    let lists = [
        &options.metadata_column,
        &options.categories.categorical_columns,
        &target.normalize_by,
        &target.categorical_loss_weight_column,
    ];
    let names = lists.into_iter().flatten().map(String::as_str);
    names
        .chain(options.split.group_column.as_deref())
        .chain(options.batch_column.as_deref())
        .chain(balance.into_iter().flat_map(|by| by.split(',')))
}

/// Whether all columns contain integers, as in a feature table.
fn holds_counts(metadata: &Metadata) -> bool {
    let whole = |text: &str| text.parse().is_ok_and(|value: f64| value.fract() == 0.0);
    let mut columns = metadata.columns().iter();
    columns.len() > 0
        && columns.all(|column| column.kind == ColumnKind::Numeric && column.known().all(whole))
}

fn like_a_table(metadata: &Metadata, name: &str, error: DataError) -> DataError {
    let columns = error.help.unwrap_or_default();
    let problem = format!(
        "expected sample metadata with a column '{}', found a file whose columns all contain counts",
        name.trim()
    );
    DataError::in_file(metadata.file(), problem).help(format!(
        "this looks like a feature table as text; pass it with --table ({columns})"
    ))
}
