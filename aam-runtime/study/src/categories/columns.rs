//! The categorical columns that a run asks for, before anything of them is read.

use aam_api::error::nearest;

use super::Hierarchy;
use crate::options::CategoryOptions;
use aam_run::RunError;

/// The categorical columns of a run, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CategoryColumns {
    /// Names of the metadata columns.
    pub names: Vec<String>,
    /// Width of the embedding of each.
    pub widths: Vec<usize>,
    /// The parent of each.
    pub hierarchy: Hierarchy,
    /// Levels with fewer training samples share one embedding.
    pub min_count: usize,
}

impl CategoryColumns {
    /// The columns of `options`, for a run that predicts `targets`.
    ///
    /// # Errors
    /// A column that is one of `targets`, a hierarchy or a width that does not fit.
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

/// Width of each column's embedding.
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

/// The place of `column` among the categorical columns `names`, or what was expected.
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
