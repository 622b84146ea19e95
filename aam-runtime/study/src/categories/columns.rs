//! The categorical columns requested for a run, before they are read.

use aam_api::error::nearest;

use super::Hierarchy;
use crate::options::CategoryOptions;
use aam_run::RunError;

/// The categorical columns of a run, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CategoryColumns {
    /// Names of the metadata columns.
    pub names: Vec<String>,
    /// The embedding width of each column.
    pub widths: Vec<usize>,
    /// The parent of each column.
    pub hierarchy: Hierarchy,
    /// Minimum number of training samples; levels with fewer share one embedding.
    pub min_count: usize,
}

impl CategoryColumns {
    /// The columns in `options`, for a run that predicts `targets`.
    ///
    /// # Errors
    /// A column that is one of `targets`, or an invalid hierarchy or width.
    pub fn read(options: &CategoryOptions, targets: &[String]) -> Result<Self, RunError> {
        let names = options.categorical_columns.iter();
        let mut names: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
        names.sort();
        names.dedup();
        if let Some(column) = names.iter().find(|name| targets.contains(name)) {
            let problem = "this is the column to predict";
            return Err(RunError::value("categorical-columns", column, problem));
        }
        let widths = widths(options, &names)?;
        let hierarchy = Hierarchy::parse(&options.categorical_hierarchy, &names, &widths)?;
        Ok(Self {
            names,
            widths,
            hierarchy,
            min_count: options.min_category_count,
        })
    }

    /// Puts the hierarchy as it was read in place of a file.
    pub fn record(&self, options: &mut CategoryOptions) {
        options.categorical_hierarchy = self.hierarchy.named(&self.names);
    }
}

/// The embedding width of each column.
fn widths(options: &CategoryOptions, names: &[String]) -> Result<Vec<usize>, RunError> {
    let mut widths = vec![options.categorical_embed_dim; names.len()];
    for entry in &options.categorical_embed_dims {
        let problem = |expected: String| {
            RunError::value(
                "categorical-embed-dims",
                entry,
                format!("expected {expected}"),
            )
        };
        let (column, width) = entry
            .split_once('=')
            .ok_or_else(|| problem("column=width".to_owned()))?;
        let place = place_of(column, names).map_err(problem)?;
        widths[place] = match width.trim().parse() {
            Ok(width) if width > 0 => width,
            _ => return Err(problem("a width of at least 1 after '='".to_owned())),
        };
    }
    Ok(widths)
}

/// The index of `column` among the categorical columns `names`, or a description of what was
/// expected.
pub fn place_of(column: &str, names: &[String]) -> Result<usize, String> {
    let column = column.trim();
    names.iter().position(|name| name == column).ok_or_else(|| {
        let similar = nearest(column, names.iter().map(String::as_str))
            .map_or(String::new(), |name| format!("; did you mean '{name}'?"));
        match names {
            [] => "categorical columns in the run: name them with --categorical-columns".to_owned(),
            names => format!(
                "a column of --categorical-columns ({}), found '{column}'{similar}",
                names.join(", ")
            ),
        }
    })
}
