//! The order in which the samples of an epoch are drawn, and how often.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::epoch::batch_bounds;
use super::sample_categories::{SampleCategories, distinct, label};
use super::targets::RawTargets;
use crate::options::TrainOptions;
use aam_core::DataError;
use aam_core::random::stream;
use aam_data::Metadata;
use aam_run::RunError;
use aam_study::Notes;

/// Stands for the classes of the target.
pub(crate) const CLASS: &str = "class";
/// Maximum number of categories that are named.
const MOST_SHOWN: usize = 12;

/// The training samples, and the categories by which they are balanced.
#[derive(Clone, Debug)]
pub struct Sampling<'a> {
    /// Rows of the samples.
    pub rows: &'a [usize],
    /// The rows of each category. Without categories, each sample is drawn once per epoch.
    pub categories: Option<&'a [Vec<usize>]>,
}

impl<'a> Sampling<'a> {
    /// Draws each of `rows` once per epoch.
    pub fn each_once(rows: &'a [usize]) -> Self {
        Self {
            rows,
            categories: None,
        }
    }

    /// An infinite iterator over the rows of batches of `size`, starting in the epoch `epoch`, of
    /// which `done` rows are complete.
    pub fn batches(
        &self,
        seed: u64,
        size: usize,
        (epoch, mut done): (usize, usize),
    ) -> impl Iterator<Item = Vec<usize>> + Send {
        (epoch..).flat_map(move |epoch| {
            let order = self.order(seed, epoch);
            let bounds = batch_bounds(order.len(), std::mem::take(&mut done), size);
            bounds.into_iter().map(move |bounds| order[bounds].to_vec())
        })
    }

    /// The rows of an epoch in order, as many as there are samples.
    ///
    /// With categories, their numbers of places differ by at most one. The samples of a category
    /// fill its places in rounds, so that no sample is repeated before all have been drawn.
    pub fn order(&self, seed: u64, epoch: usize) -> Vec<usize> {
        let Some(categories) = self.categories.filter(|categories| !categories.is_empty()) else {
            let mut order = self.rows.to_vec();
            order.shuffle(&mut stream(seed, &format!("order of epoch {epoch}")));
            return order;
        };
        let mut rng = stream(seed, &format!("balanced order of epoch {epoch}"));
        let (places, left) = (
            self.rows.len() / categories.len(),
            self.rows.len() % categories.len(),
        );
        let mut lucky: Vec<usize> = (0..categories.len()).collect();
        lucky.shuffle(&mut rng);
        let mut order = Vec::with_capacity(self.rows.len());
        for (category, rows) in categories.iter().enumerate() {
            let one_more = usize::from(lucky[..left].contains(&category));
            fill(&mut order, rows, places + one_more, &mut rng);
        }
        order.shuffle(&mut rng);
        order
    }
}

/// Fills `places` with `rows`, in rounds.
fn fill(order: &mut Vec<usize>, rows: &[usize], mut places: usize, rng: &mut ChaCha8Rng) {
    let mut round = rows.to_vec();
    while places > 0 {
        round.shuffle(rng);
        let taken = places.min(round.len());
        order.extend_from_slice(&round[..taken]);
        places -= taken;
    }
}

/// The rows of the training samples by the category to be balanced in `options`, if any. Reports
/// the size of each. Samples without a value are a separate category.
///
/// # Errors
/// A column missing from the metadata, classes of a target without classes, or a single category.
pub fn categories(
    options: &TrainOptions,
    metadata: &Metadata,
    targets: &RawTargets,
    samples: &[String],
    train: &[usize],
    notes: &mut Notes<'_>,
) -> Result<Option<Vec<Vec<usize>>>, RunError> {
    let Some(by) = options.target.balance.as_deref() else {
        return Ok(None);
    };
    let mut groups: std::collections::BTreeMap<String, Vec<usize>> = Default::default();
    match (by, targets.columns.as_slice()) {
        (CLASS, [column]) if column.classes.is_some() => {
            let names = column.classes.as_deref().unwrap_or_default();
            for &row in train {
                let class = column.values[row] as usize;
                let name = names.get(class).cloned().unwrap_or_default();
                groups.entry(name).or_default().push(row);
            }
        }
        (CLASS, columns) if metadata.texts(CLASS, samples).is_err() => {
            let problem = match columns {
                [_] => "the target holds numbers; add --classifier, or name a metadata column",
                _ => "there are several targets; name the metadata column to balance",
            };
            return Err(RunError::value("balance", CLASS, problem));
        }
        (by, _) => {
            let columns = distinct(&by.split(',').map(str::to_owned).collect::<Vec<_>>());
            let of_samples = SampleCategories::read(&columns, metadata, samples)?;
            for &row in train {
                let name = match of_samples.of(row) {
                    Some(levels) => label(&columns, levels),
                    None => "without a value".to_owned(),
                };
                groups.entry(name).or_default().push(row);
            }
        }
    }
    if groups.len() < 2 {
        let problem = "all training samples have the same category, so there is nothing to balance";
        let error = DataError::in_file(metadata.file(), problem).at(format!("--balance {by}"));
        return Err(error.into());
    }
    let shown = groups.iter().take(MOST_SHOWN);
    let mut shown: Vec<String> = shown
        .map(|(name, rows)| format!("{name} (n = {})", rows.len()))
        .collect();
    if groups.len() > MOST_SHOWN {
        shown.push(format!("{} more", groups.len() - MOST_SHOWN));
    }
    notes(format!(
        "each epoch has equally many samples from each of {} categories: {}",
        groups.len(),
        shown.join(", ")
    ))?;
    Ok(Some(groups.into_values().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_has_the_same_number_of_each_category_and_as_many_places_as_samples() {
        let rows: Vec<usize> = (100..111).collect();
        let categories = vec![rows[..1].to_vec(), rows[1..4].to_vec(), rows[4..].to_vec()];
        let sampling = Sampling {
            rows: &rows,
            categories: Some(&categories),
        };
        let mut extra = [0; 3];
        for epoch in 1..=30 {
            let order = sampling.order(7, epoch);
            assert_eq!(order.len(), rows.len());
            for (category, rows) in categories.iter().enumerate() {
                let times = |row: &usize| order.iter().filter(|other| *other == row).count();
                let seen: Vec<usize> = rows.iter().map(times).collect();
                let sum: usize = seen.iter().sum();
                assert!(sum == 3 || sum == 4, "{sum}");
                extra[category] += sum - 3;
                // In rounds: the numbers of occurrences differ by at most one.
                let (least, most) = (seen.iter().min(), seen.iter().max());
                assert!(most.unwrap() - least.unwrap() <= 1);
            }
        }
        assert_eq!(extra.iter().sum::<usize>(), 60);
        assert!(extra.iter().all(|&times| times > 10), "{extra:?}");
        assert_eq!(sampling.order(7, 1), sampling.order(7, 1));
        assert_ne!(sampling.order(7, 1), sampling.order(7, 2));
        assert_ne!(sampling.order(7, 1), sampling.order(8, 1));
    }

    #[test]
    fn without_categories_each_sample_comes_once() {
        let rows: Vec<usize> = (0..20).collect();
        let sampling = Sampling {
            rows: &rows,
            categories: None,
        };
        let mut order = sampling.order(7, 1);
        assert_ne!(order, rows);
        order.sort_unstable();
        assert_eq!(order, rows);
    }
}
