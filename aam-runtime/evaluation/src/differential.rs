//! Univariate tests of association between ASV abundances and a target.

use aam_data::Table;
use rayon::prelude::*;
use statrs::distribution::{ChiSquared, ContinuousCDF, StudentsT};

use crate::association::{rank_correlation, ranks};
use crate::results::RawColumn;

/// Pseudo-count added before the logarithm: half a read.
const PSEUDO_COUNT: f64 = 0.5;
/// Minimum number of samples with an ASV, and of samples without it or with a different number of
/// reads, for it to be tested.
const FEWEST: usize = 3;

/// The result of testing an ASV.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// For numbers, Spearman's correlation. For two classes, the rank-biserial correlation (Kerby,
    /// 2014), positive if the second class has more of the ASV. For more classes, the share of the
    /// variance of ranks between classes, ε² (Tomczak and Tomczak, 2014).
    pub effect: f64,
    /// The p-value.
    pub p: f64,
    /// The p-value adjusted for all tested ASVs (Benjamini and Hochberg, 1995).
    pub q: f64,
}

/// Tests every ASV of the samples at `rows` of `table` against the target `column`; `None` for ASVs that
/// occur in too few samples.
///
/// Abundances are centred log-ratios, `ln(reads + 1/2)` minus its mean over the ASVs of the table. The
/// test is that of Spearman's correlation for numbers and the Kruskal–Wallis test for classes, which for
/// two classes is Wilcoxon's rank-sum test.
pub fn differences(table: &Table, rows: &[usize], column: &RawColumn) -> Vec<Option<Difference>> {
    let asvs = table.num_features();
    let mut reads: Vec<Vec<(usize, f64)>> = vec![Vec::new(); asvs];
    let mut absent = Vec::with_capacity(rows.len());
    for (place, &row) in rows.iter().enumerate() {
        let (columns, counts) = table.row(row);
        let logarithms = counts
            .iter()
            .map(|&count| (f64::from(count) + PSEUDO_COUNT).ln());
        let none = (asvs - columns.len()) as f64 * PSEUDO_COUNT.ln();
        let mean = (logarithms.clone().sum::<f64>() + none) / asvs.max(1) as f64;
        for (&column, logarithm) in columns.iter().zip(logarithms) {
            reads[column as usize].push((place, logarithm - mean));
        }
        absent.push(PSEUDO_COUNT.ln() - mean);
    }
    let values: Vec<f64> = rows.iter().map(|&row| column.values[row]).collect();
    let classes = column.classes.as_ref().map(Vec::len);
    let tested: Vec<Option<(f64, f64)>> = reads
        .par_iter()
        .map(|reads| {
            if reads.len() < FEWEST || rows.len() < 2 * FEWEST {
                return None;
            }
            let mut abundances = absent.clone();
            for &(place, abundance) in reads {
                abundances[place] = abundance;
            }
            match classes {
                None => spearman(&abundances, &values),
                Some(number) => kruskal_wallis(&abundances, &values, number),
            }
        })
        .collect();
    let adjusted = benjamini_hochberg(
        &tested
            .iter()
            .map(|test| test.map(|of| of.1))
            .collect::<Vec<_>>(),
    );
    let both = tested.into_iter().zip(adjusted);
    both.map(|(test, q)| {
        let ((effect, p), q) = test.zip(q)?;
        Some(Difference { effect, p, q })
    })
    .collect()
}

/// Spearman's correlation and its p-value from Student's t distribution; `None` for constant
/// values.
fn spearman(abundances: &[f64], values: &[f64]) -> Option<(f64, f64)> {
    let constant = |numbers: &[f64]| numbers.windows(2).all(|pair| pair[0] == pair[1]);
    if constant(abundances) || constant(values) {
        return None;
    }
    let rho = rank_correlation(abundances, values);
    let freedom = abundances.len() as f64 - 2.0;
    let t = rho.abs() * (freedom / (1.0 - rho * rho).max(f64::MIN_POSITIVE)).sqrt();
    let distribution = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some((rho, (2.0 * distribution.sf(t)).min(1.0)))
}

/// The effect and the p-value of H from the χ² distribution, corrected for ties (Kruskal and Wallis,
/// 1952); `None` if all samples are of one class or all abundances are equal.
fn kruskal_wallis(abundances: &[f64], values: &[f64], classes: usize) -> Option<(f64, f64)> {
    let ranks = ranks(abundances);
    let (mut sums, mut sizes) = (vec![0.0; classes], vec![0.0; classes]);
    for (rank, class) in ranks.iter().zip(values) {
        sums[*class as usize] += rank;
        sizes[*class as usize] += 1.0;
    }
    let n = ranks.len() as f64;
    let middle = (n + 1.0) / 2.0;
    let spread: f64 = ranks.iter().map(|rank| (rank - middle).powi(2)).sum();
    let occurring = sizes.iter().filter(|size| **size > 0.0).count();
    if occurring < 2 || spread == 0.0 {
        return None;
    }
    let means = sums.iter().zip(&sizes).filter(|(_, size)| **size > 0.0);
    let between: f64 = means
        .map(|(sum, size)| size * (sum / size - middle).powi(2))
        .sum();
    let h = (n - 1.0) * between / spread;
    let effect = match classes {
        2 => 2.0 * (sums[1] / sizes[1] - sums[0] / sizes[0]) / n,
        _ => h / (n - 1.0),
    };
    let distribution = ChiSquared::new((occurring - 1) as f64).ok()?;
    Some((effect, distribution.sf(h)))
}

/// Adjusts the known p-values for multiple testing (Benjamini and Hochberg, *Controlling the false
/// discovery rate*, JRSS B 1995).
pub fn benjamini_hochberg(probabilities: &[Option<f64>]) -> Vec<Option<f64>> {
    let known = probabilities.iter().enumerate();
    let mut known: Vec<(usize, f64)> = known
        .filter_map(|(place, p)| Some((place, (*p)?)))
        .collect();
    known.sort_by(|a, b| b.1.total_cmp(&a.1));
    let number = known.len();
    let (mut adjusted, mut least) = (vec![None; probabilities.len()], 1f64);
    for (behind, (place, p)) in known.into_iter().enumerate() {
        least = least.min(p * number as f64 / (number - behind) as f64);
        adjusted[place] = Some(least);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }

    #[test]
    fn tests_are_those_of_scipy() {
        // Expected values from scipy.stats.kruskal and spearmanr.
        let abundances = [1.0, 2.0, 2.0, 3.5, 4.0, 7.0, 8.0, 8.0, 9.0];
        let (effect, p) = kruskal_wallis(
            &abundances,
            &[0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0],
            2,
        )
        .unwrap();
        close(p, 0.216800563);
        assert!(effect > 0.0);
        let (_, p) = kruskal_wallis(
            &abundances,
            &[0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 2.0, 2.0, 2.0],
            3,
        )
        .unwrap();
        close(p, 0.042743319);
        let (rho, p) =
            spearman(&abundances, &[3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0]).unwrap();
        close(rho, 0.487288136);
        close(p, 0.183353045);
    }

    #[test]
    fn false_discoveries_are_counted_among_what_is_tested() {
        let p = [Some(0.01), None, Some(0.04), Some(0.03), Some(0.5)];
        let q = benjamini_hochberg(&p);
        let known: Vec<f64> = q.iter().copied().flatten().collect();
        for (found, expected) in
            known
                .into_iter()
                .zip([0.04, 0.04 * 4.0 / 3.0, 0.04 * 4.0 / 3.0, 0.5])
        {
            close(found, expected);
        }
        assert_eq!(q[1], None);
    }

    #[test]
    fn an_associated_asv_is_found_and_a_rare_one_is_not_tested() {
        let mut cells = Vec::new();
        for sample in 0..20u32 {
            cells.push((sample, 0, 50 + 20 * sample));
            cells.push((sample, 1, 100 + (sample * 7) % 13));
        }
        cells.push((3, 2, 9));
        let ids = |name: &str, number: u32| (0..number).map(|id| format!("{name}{id}")).collect();
        let table = Table::from_triplets(ids("s", 20), ids("asv", 3), &cells).unwrap();
        let column = RawColumn {
            name: "age".to_owned(),
            classes: None,
            values: (0..20).map(f64::from).collect(),
        };
        let rows: Vec<usize> = (0..20).collect();
        let found = differences(&table, &rows, &column);
        let first = found[0].unwrap();
        assert!(first.effect > 0.95 && first.q < 1e-6, "{first:?}");
        assert_eq!(found[2], None);
        let halves = RawColumn {
            name: "old".to_owned(),
            classes: Some(["no", "yes"].map(str::to_owned).to_vec()),
            values: (0..20).map(|row| f64::from(u8::from(row >= 10))).collect(),
        };
        assert_eq!(differences(&table, &rows, &halves)[0].unwrap().effect, 1.0);
    }
}
