//! The weight of each training sample, by category.

mod given;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::sample_categories::{SampleCategories, distinct, label, listed};
use crate::options::{TargetOptions, TrainOptions};
use aam_core::DataError;
use aam_data::Metadata;
use aam_run::RunError;
use aam_run::named_values::{Named, NamedValues};
use aam_study::Notes;

const KEY: &str = "categorical-loss-weights";
const WORDS: [&str; 2] = ["auto", "effective"];
/// Maximum number of categories that are shown with their weights.
const MOST_SHOWN: usize = 12;

/// The source of the weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Scheme {
    /// `N / (K n)` for a category with `n` of the `N` training samples that have one of the `K`
    /// categories: equal total weight for each category.
    Auto,
    /// `(1 − β) / (1 − βⁿ)`, the inverse of the effective number of samples (Cui et al.,
    /// *Class-balanced loss based on effective number of samples*, CVPR 2019): between equal
    /// weights of samples (β = 0) and of categories (β → 1).
    Effective(f64),
    /// Weights by category; 1 for categories that are not named.
    Given(Named),
}

/// The weighting requested for a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighting {
    /// The source of the weights.
    pub scheme: Scheme,
    /// The metadata columns whose combined values are a category.
    pub columns: Vec<String>,
}

impl Weighting {
    /// The weighting requested in `options`, if any.
    ///
    /// # Errors
    /// Conflicting settings, or a weight that is not above 0.
    pub fn read(options: &TrainOptions) -> Result<Option<Self>, RunError> {
        let target = &options.target;
        let beta = target.categorical_loss_weight_beta;
        let column = &target.categorical_loss_weight_column;
        let weights = target.categorical_loss_weights.as_ref();
        let Some(weights) = weights.filter(|weights| !weights.is_none()) else {
            return match column.is_empty() {
                true => Ok(None),
                false => Err(RunError::value(
                    "categorical-loss-weight-column",
                    column.join(","),
                    format!("it does nothing without --{KEY}"),
                )),
            };
        };
        let scheme = match weights.word(&WORDS) {
            Some("auto") => Scheme::Auto,
            Some(_) => Scheme::Effective(beta),
            None => Scheme::Given(given::read(weights)?),
        };
        let named = match &scheme {
            Scheme::Given(named) => given::columns(named),
            _ => Vec::new(),
        };
        let columns = match (
            column.as_slice(),
            options.categories.categorical_columns.first(),
        ) {
            ([], _) if !named.is_empty() => named.as_slice(),
            ([], Some(first)) => std::slice::from_ref(first),
            ([], None) => {
                let problem = "it needs --categorical-loss-weight-column, the metadata columns \
                               that define the categories";
                return Err(RunError::setting(KEY, problem));
            }
            (columns, _) => columns,
        };
        Ok(Some(Self {
            scheme,
            columns: distinct(columns),
        }))
    }

    /// Records the weights themselves instead of a file name.
    pub fn record(&self, options: &mut TargetOptions) {
        options.categorical_loss_weight_column = self.columns.clone();
        if let Scheme::Given(named) = &self.scheme {
            options.categorical_loss_weights = Some(NamedValues::Table(named.values.clone()));
        }
    }

    /// The weight of each of `samples`, with a mean of 1 over those at `train`, and a summary of
    /// the weights of the categories.
    ///
    /// # Errors
    /// A column or a category missing from the metadata.
    pub fn weigh(
        &self,
        metadata: &Metadata,
        samples: &[String],
        train: &[usize],
        notes: &mut Notes<'_>,
    ) -> Result<Vec<f32>, RunError> {
        let categories = SampleCategories::read(&self.columns, metadata, samples)?;
        let mut counts: BTreeMap<&[String], usize> = BTreeMap::new();
        for levels in train.iter().filter_map(|&row| categories.of(row)) {
            *counts.entry(levels).or_default() += 1;
        }
        if counts.is_empty() {
            let problem = "no training sample has a value, so there are no categories to weight";
            let place = format!("column '{}'", self.columns.join("', '"));
            let error = DataError::in_file(metadata.file(), problem).at(place);
            return Err(error.into());
        }
        let mut weights = match &self.scheme {
            Scheme::Auto => by_number(&counts, |n| 1.0 / n),
            Scheme::Effective(beta) => by_number(&counts, |n| effective(*beta, n)),
            Scheme::Given(named) => {
                let everything = SampleCategories::read(&self.columns, metadata, metadata.ids())?;
                let known = (0..metadata.ids().len()).filter_map(|row| everything.of(row));
                let named = given::by_name(named, &self.columns, &known.collect(), metadata)?;
                let weight = |levels: &&[String]| named.get(*levels).copied().unwrap_or(1.0);
                counts
                    .keys()
                    .map(|levels| (*levels, weight(levels)))
                    .collect()
            }
        };
        let raw = |row: usize| {
            categories
                .of(row)
                .and_then(|levels| weights.get(levels).copied())
        };
        let sum: f64 = train.iter().map(|&row| raw(row).unwrap_or(1.0)).sum();
        let mean = sum / train.len() as f64;
        let samples = 0..samples.len();
        let of_samples = samples.map(|row| (raw(row).unwrap_or(1.0) / mean) as f32);
        let of_samples = of_samples.collect();
        weights.values_mut().for_each(|weight| *weight /= mean);
        notes(self.table(&counts, &weights))?;
        Ok(of_samples)
    }

    /// The weights of the categories, in decreasing order.
    fn table(
        &self,
        counts: &BTreeMap<&[String], usize>,
        weights: &BTreeMap<&[String], f64>,
    ) -> String {
        let mut rows: Vec<(&[String], f64)> = weights.iter().map(|(l, w)| (*l, *w)).collect();
        rows.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut text = format!(
            "weights in the training loss by {}, 1 on average:",
            self.columns.join(" and ")
        );
        let hidden = rows.len().saturating_sub(MOST_SHOWN);
        let end = MOST_SHOWN / 2;
        for (place, (levels, weight)) in rows.iter().enumerate() {
            if hidden > 0 && place == end {
                let _ = write!(text, "\n  … {hidden} more");
            }
            if hidden == 0 || place < end || place >= end + hidden {
                let (label, count) = (label(&self.columns, levels), counts[levels]);
                let _ = write!(text, "\n  {weight:8.3}  {label} (n = {count})");
            }
        }
        text
    }
}

/// The inverse of the effective number of `n` samples.
fn effective(beta: f64, n: f64) -> f64 {
    (1.0 - beta) / (1.0 - beta.powf(n))
}

/// Weights by the number of samples, with a mean of 1 over the samples that have a category.
fn by_number<'a>(
    counts: &BTreeMap<&'a [String], usize>,
    weight: impl Fn(f64) -> f64,
) -> BTreeMap<&'a [String], f64> {
    let of = |n: &usize| weight(*n as f64);
    let sum: f64 = counts.values().map(|n| *n as f64 * of(n)).sum();
    let mean = sum / counts.values().sum::<usize>() as f64;
    let weights = counts.iter().map(|(levels, n)| (*levels, of(n) / mean));
    weights.collect()
}
