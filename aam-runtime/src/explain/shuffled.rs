//! Permutation importance: how much worse predictions get if the reads of some ASVs are shuffled among
//! samples (Breiman, *Random forests*, Machine Learning 2001). Related ASVs are also shuffled together, because
//! each can replace the others (Strobl et al., BMC Bioinformatics 2008).

use aam_core::random::stream;
use aam_data::Table;
use aam_run::RunError;
use rand::seq::SliceRandom;

use super::changed::ChangedSamples;
use super::clades::Clade;
use super::costs::{Costs, FEWEST, Judge, Losses, reads};
use super::methods::Methods;

/// The kind of a group that is a clade.
pub const CLADE: &str = "clade";

/// ASVs that are shuffled together.
#[derive(Clone, Debug)]
pub struct ShuffledGroup {
    /// What they are: `ASV`, `genus` or `clade`.
    pub kind: &'static str,
    /// Their name, and the columns of the table.
    pub of: Clade,
}

/// The result of shuffling groups of ASVs.
pub struct Shuffled {
    /// The groups.
    pub groups: Vec<ShuffledGroup>,
    /// What shuffling each of them costs.
    pub costs: Costs,
}

/// Which samples exchange their reads.
pub struct Shuffling<'a> {
    table: &'a Table,
    groups: &'a [ShuffledGroup],
    /// The samples, as ascending rows of the table.
    rows: Vec<usize>,
    /// In each repeat, the row that gives its reads to the sample at the same place of `rows`.
    donors: Vec<Vec<usize>>,
}

impl<'a> Shuffling<'a> {
    /// Shuffles each of `groups` among those at `rows`, or among as many of them as need at most
    /// `evaluations` predictions in all `repeats`.
    pub fn new(
        table: &'a Table,
        groups: &'a [ShuffledGroup],
        mut rows: Vec<usize>,
        (repeats, evaluations): (usize, u64),
        seed: u64,
    ) -> Self {
        let each: f64 = groups
            .iter()
            .map(|group| changed_share(table, &group.of.columns, &rows))
            .sum();
        let most = evaluations as f64 / (each * repeats as f64).max(1.0);
        let most = (most as usize).max(FEWEST);
        if rows.len() > most {
            rows.shuffle(&mut stream(seed, "samples to shuffle"));
            rows.truncate(most);
            rows.sort_unstable();
        }
        let donors = (0..repeats).map(|repeat| {
            let mut donors = rows.clone();
            donors.shuffle(&mut stream(seed, &format!("shuffle {repeat}")));
            donors
        });
        Self {
            table,
            groups,
            donors: donors.collect(),
            rows,
        }
    }

    /// The samples that are shuffled, as ascending rows of the table.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The losses of the predictions of `methods` for those of the samples that are at `own` rows of the
    /// table. `None` if none of them is. `progress` is called for each group in each repeat.
    ///
    /// # Errors
    /// Predictions that are not finite, or those of `progress`.
    pub fn losses(
        &self,
        methods: &Methods<'_>,
        judge: &Judge<'_>,
        own: &[usize],
        mut progress: impl FnMut() -> Result<(), RunError>,
    ) -> Result<Option<Losses>, RunError> {
        let places = 0..self.rows.len();
        let places = places.filter(|&place| own.binary_search(&self.rows[place]).is_ok());
        let places: Vec<usize> = places.collect();
        if places.is_empty() {
            return Ok(None);
        }
        let rows: Vec<usize> = places.iter().map(|&place| self.rows[place]).collect();
        let mut as_they_are = ChangedSamples::default();
        for &row in &rows {
            as_they_are.push(row, reads(self.table, row));
        }
        let known = methods.predict(&as_they_are)?.combined;
        let whole = judge.loss(&rows, &known);
        let mut more = vec![Vec::with_capacity(self.donors.len()); self.groups.len()];
        for donors in &self.donors {
            let donors: Vec<usize> = places.iter().map(|&place| donors[place]).collect();
            // All groups together: a prediction of few samples costs about as much as one of many.
            let (mut changed, mut starts) = (ChangedSamples::default(), Vec::new());
            let changed_places: Vec<Vec<usize>> = self
                .groups
                .iter()
                .map(|group| {
                    starts.push(changed.len());
                    self.shuffle(&group.of.columns, (&rows, &donors), &mut changed)
                })
                .collect();
            let predicted = match changed.len() {
                0 => Vec::new(),
                _ => methods.predict(&changed)?.combined,
            };
            for (group, more) in more.iter_mut().enumerate() {
                let mut shuffled = known.clone();
                let predicted = predicted.iter().skip(starts[group]);
                for (place, predicted) in changed_places[group].iter().zip(predicted) {
                    shuffled[*place]
                        .predictions
                        .clone_from(&predicted.predictions);
                }
                more.push(judge.loss(&rows, &shuffled) - whole);
                progress()?;
            }
        }
        Ok(Some(Losses {
            samples: rows.len(),
            whole,
            more,
        }))
    }

    /// Adds the samples at `rows` to `changed`, each with its donor's reads of the ASVs in `columns`, except those
    /// that stay as they are. Returns the places of the others among `rows`.
    fn shuffle(
        &self,
        columns: &[u32],
        (rows, donors): (&[usize], &[usize]),
        changed: &mut ChangedSamples,
    ) -> Vec<usize> {
        let is_moved = |column: u32| columns.binary_search(&column).is_ok();
        let own = |row: usize, moved: bool| -> Vec<(u32, u32)> {
            let reads = reads(self.table, row).into_iter();
            reads
                .filter(|(column, _)| is_moved(*column) == moved)
                .collect()
        };
        let mut places = Vec::new();
        for (place, (&row, &donor)) in rows.iter().zip(donors).enumerate() {
            let given = own(donor, true);
            if given != own(row, true) {
                let mut all = own(row, false);
                all.extend(given);
                all.sort_unstable();
                changed.push(row, all);
                places.push(place);
            }
        }
        places
    }
}

/// The share of the samples at `rows` that shuffling the ASVs in `columns` changes: all but pairs of samples
/// without any of them.
fn changed_share(table: &Table, columns: &[u32], rows: &[usize]) -> f64 {
    let has = |row: &&usize| {
        let (own, _) = table.row(**row);
        own.iter()
            .any(|column| columns.binary_search(column).is_ok())
    };
    let without = 1.0 - rows.iter().filter(has).count() as f64 / rows.len().max(1) as f64;
    1.0 - without * without
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let ids = |number: u32| (0..number).map(|id| id.to_string()).collect();
        let mut cells: Vec<(u32, u32, u32)> = (0..40).map(|row| (row, 0, row + 1)).collect();
        cells.extend([(0, 1, 1), (1, 1, 2), (2, 2, 5)]);
        Table::from_triplets(ids(40), ids(3), &cells).unwrap()
    }

    fn group(columns: &[u32]) -> ShuffledGroup {
        ShuffledGroup {
            kind: "ASV",
            of: Clade {
                name: "one".to_owned(),
                columns: columns.to_vec(),
            },
        }
    }

    #[test]
    fn rare_asvs_need_few_predictions_and_samples_are_drawn_to_fit_the_rest() {
        let table = table();
        let rows: Vec<usize> = (0..40).collect();
        assert_eq!(changed_share(&table, &[0], &rows), 1.0);
        let share = changed_share(&table, &[1, 2], &rows);
        assert!((share - (1.0 - 0.925f64.powi(2))).abs() < 1e-12);
        let drawn = |columns: &[u32]| {
            let groups = [group(columns)];
            let shuffling = Shuffling::new(&table, &groups, rows.clone(), (5, 100), 1);
            shuffling.rows().len()
        };
        assert_eq!([drawn(&[0]), drawn(&[1, 2])], [20, 40]);
    }

    #[test]
    fn every_sample_gives_its_reads_once_in_each_repeat() {
        let (table, groups) = (table(), [group(&[0])]);
        let shuffling = Shuffling::new(&table, &groups, (5..30).collect(), (3, 1000), 1);
        assert_eq!(shuffling.donors.len(), 3);
        for donors in &shuffling.donors {
            let mut sorted = donors.clone();
            sorted.sort_unstable();
            assert!(sorted == shuffling.rows && *donors != sorted);
        }
    }
}
