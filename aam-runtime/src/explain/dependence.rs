//! The mean prediction as a function of the reads of an ASV (partial dependence: Friedman, *Greedy
//! function approximation*, Annals of Statistics 2001).

use aam_data::Table;
use aam_evaluation::distribution::quantile;
use aam_run::RunError;

use super::changed::ChangedSamples;
use super::costs::reads;
use super::methods::Methods;

/// Maximum number of samples to average over.
const MOST_SAMPLES: usize = 60;
/// Number of nonzero relative abundances to evaluate.
const STEPS: usize = 8;

/// The mean prediction as a function of the relative abundance of an ASV.
pub struct Dependence {
    /// The relative abundances in ascending order, starting with 0.
    pub shares: Vec<f64>,
    /// The mean prediction at each, `[methods][shares]`.
    pub means: Vec<Vec<f64>>,
}

/// The dependence of the prediction `output` on the relative abundance of the ASV in `column`.
/// `None` if no sample contains it.
///
/// # Errors
/// Reads that do not form a valid table.
pub fn dependence(
    methods: &Methods<'_>,
    table: &Table,
    column: u32,
    output: usize,
) -> Result<Option<Dependence>, RunError> {
    let samples = table.num_samples();
    let rows: Vec<usize> = match samples <= MOST_SAMPLES {
        true => (0..samples).collect(),
        false => (0..MOST_SAMPLES)
            .map(|place| place * samples / MOST_SAMPLES)
            .collect(),
    };
    let shares = shares(table, column);
    if shares.len() < 2 {
        return Ok(None);
    }
    let mut changed = ChangedSamples::default();
    for share in &shares {
        for &row in &rows {
            let mut all = reads(table, row);
            all.retain(|(other, _)| *other != column);
            let count = (share * table.depth(row) as f64).round() as u32;
            all.push((column, count));
            all.sort_unstable();
            changed.push(row, all);
        }
    }
    let predicted = methods.predict(&changed)?.values;
    let (number, ..) = predicted.dim();
    let means = (0..number).map(|method| {
        let at = |place: usize| {
            let of = rows.len() * place..rows.len() * (place + 1);
            of.map(|state| predicted[[method, state, output]])
                .sum::<f64>()
                / rows.len() as f64
        };
        (0..shares.len()).map(at).collect()
    });
    Ok(Some(Dependence {
        means: means.collect(),
        shares,
    }))
}

/// Zero, and relative abundances between the 5th and 95th percentiles of those in the samples, in
/// equal steps of their logarithms.
fn shares(table: &Table, column: u32) -> Vec<f64> {
    let rows = 0..table.num_samples();
    let found = rows.filter_map(|row| {
        let (columns, counts) = table.row(row);
        let place = columns.binary_search(&column).ok()?;
        Some(f64::from(counts[place]) / table.depth(row).max(1) as f64)
    });
    let mut found: Vec<f64> = found.collect();
    if found.is_empty() {
        return Vec::new();
    }
    found.sort_unstable_by(f64::total_cmp);
    let (low, high) = (quantile(&found, 0.05).ln(), quantile(&found, 0.95).ln());
    let steps =
        (0..STEPS).map(|step| (low + (high - low) * step as f64 / (STEPS - 1) as f64).exp());
    let mut shares: Vec<f64> = std::iter::once(0.0).chain(steps).collect();
    shares.dedup();
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_that_samples_have() {
        let ids = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let cells = [(0, 0, 10), (0, 1, 90), (1, 0, 40), (1, 1, 60), (2, 1, 5)];
        let table = Table::from_triplets(ids(&["a", "b", "c"]), ids(&["x", "y", "z"]), &cells);
        let table = table.unwrap();
        let found = shares(&table, 0);
        assert_eq!((found.len(), found[0]), (STEPS + 1, 0.0));
        assert!(found[1] >= 0.1 && found[STEPS] <= 0.4 && found.is_sorted());
        assert!(shares(&table, 2).is_empty());
    }
}
