//! The feature columns of the learners and their values.

use std::collections::{HashMap, HashSet};

use aam_api::SampleFeatures;
use aam_data::{Kinship, Table};
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::clades::joins;
use crate::kmers::{distances, words};

/// Number of ASVs above which rare ones are left out.
const MANY: usize = 1500;
/// Minimum prevalence of an ASV among the training samples if there are many ASVs.
const PREVALENCE: f64 = 0.01;
/// Maximum number of ASVs, the most prevalent ones; the cost of later steps is quadratic in it.
const MOST: usize = 6000;
/// Pseudo-count added before the logarithm: half a read.
pub(crate) const PSEUDO_COUNT: f32 = 0.5;

/// ASVs and clades, selected among the training samples, whose abundances are the features of a
/// sample.
///
/// Clades group ASVs with similar sequences, which are the ids of the table, or features that a tree or
/// taxonomy relates; all others belong to no clade.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct FeatureSpace {
    asvs: Vec<String>,
    clades: Vec<Vec<u32>>,
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Parts {
    asvs: Vec<String>,
    clades: Vec<Vec<u32>>,
}

impl From<FeatureSpace> for Parts {
    fn from(space: FeatureSpace) -> Self {
        Self {
            asvs: space.asvs,
            clades: space.clades,
        }
    }
}

impl TryFrom<Parts> for FeatureSpace {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        let mut names = HashSet::new();
        if let Some(name) = parts.asvs.iter().find(|name| !names.insert(name.as_str())) {
            return Err(format!("the ASV {name} occurs twice"));
        }
        for (place, clade) in parts.clades.iter().enumerate() {
            let earlier = parts.asvs.len() + place;
            if let Some(member) = clade.iter().find(|member| **member as usize >= earlier) {
                return Err(format!(
                    "the clade {place} contains {member}, which is neither an ASV nor an earlier clade"
                ));
            }
        }
        Ok(Self {
            asvs: parts.asvs,
            clades: parts.clades,
        })
    }
}

impl FeatureSpace {
    /// Selects the ASVs and clades from the training samples at `rows`.
    ///
    /// ASVs occur in at least 2 of the samples; if there are more than 1500 ASVs, in at least 3 of
    /// the samples and 1 % of them. Clades are all groups formed when similar ASVs are merged
    /// pairwise. `kinship` says which are similar if they have no sequences.
    pub fn fit(table: &Table, rows: &[usize], kinship: Option<&Kinship>) -> Self {
        let chosen = frequent(table, rows);
        let ids = table.feature_ids();
        let asvs: Vec<String> = chosen.iter().map(|&asv| ids[asv].to_owned()).collect();
        let clades = match kinship {
            Some(kinship) => clades_by(kinship, &asvs),
            None => clades_of(&asvs),
        };
        Self { asvs, clades }
    }

    /// Ids of the ASVs, in the order of their columns.
    pub fn asvs(&self) -> &[String] {
        &self.asvs
    }

    /// The members of each clade: ASVs, or earlier clades, which are numbered after the ASVs.
    pub fn clades(&self) -> &[Vec<u32>] {
        &self.clades
    }

    /// Number of feature columns: ASVs and clades.
    pub fn width(&self) -> usize {
        self.asvs.len() + self.clades.len()
    }

    /// The features of the samples at `rows`, `[rows, asvs + clades]`.
    ///
    /// Shares are relative to all reads of a sample. Log-ratios are `ln(reads + 1/2)` minus their
    /// mean, which is taken over the ASVs of the space for ASVs and over its clades for clades (the
    /// centred log-ratio of Aitchison, *The statistical analysis of compositional data*, 1986).
    pub fn of(&self, table: &Table, rows: &[usize]) -> SampleFeatures {
        let columns = self.columns(table);
        let both: Vec<(Vec<f32>, Vec<f32>)> = rows
            .par_iter()
            .map(|&row| self.sample(table, row, &columns))
            .collect();
        let shape = (rows.len(), self.width());
        let shares = Array2::from_shape_fn(shape, |(sample, column)| both[sample].0[column]);
        let log_ratios = Array2::from_shape_fn(shape, |(sample, column)| both[sample].1[column]);
        SampleFeatures::new(shares, log_ratios, self.asvs.len())
    }

    /// The column of each ASV of `table`, or [`NONE`].
    fn columns(&self, table: &Table) -> Vec<u32> {
        let own = self.asvs.iter().map(String::as_str).zip(0u32..);
        let own: HashMap<&str, u32> = own.collect();
        let ids = table.feature_ids().iter();
        ids.map(|id| own.get(id).copied().unwrap_or(NONE)).collect()
    }

    fn sample(&self, table: &Table, row: usize, columns: &[u32]) -> (Vec<f32>, Vec<f32>) {
        let mut reads = vec![0f32; self.width()];
        let (asvs, counts) = table.row(row);
        for (&asv, &count) in asvs.iter().zip(counts) {
            let column = columns[asv as usize];
            if column != NONE {
                reads[column as usize] = count as f32;
            }
        }
        for (place, clade) in self.clades.iter().enumerate() {
            let sum = clade.iter().map(|&member| reads[member as usize]).sum();
            reads[self.asvs.len() + place] = sum;
        }
        let depth = table.depth(row).max(1) as f32;
        let shares = reads.iter().map(|count| count / depth).collect();
        let (of_asvs, of_clades) = reads.split_at_mut(self.asvs.len());
        centred_logarithms(of_asvs);
        centred_logarithms(of_clades);
        (shares, reads)
    }
}

/// Marks an ASV without a column.
const NONE: u32 = u32::MAX;

fn centred_logarithms(reads: &mut [f32]) {
    let logarithms = reads.iter_mut().map(|count| {
        *count = (*count + PSEUDO_COUNT).ln();
        f64::from(*count)
    });
    let sum: f64 = logarithms.sum();
    let mean = (sum / reads.len().max(1) as f64) as f32;
    reads.iter_mut().for_each(|logarithm| *logarithm -= mean);
}

/// ASVs that occur in enough of the samples at `rows`, in ascending order.
pub(crate) fn frequent(table: &Table, rows: &[usize]) -> Vec<usize> {
    let mut samples = vec![0usize; table.num_features()];
    for &row in rows {
        for &asv in table.row(row).0 {
            samples[asv as usize] += 1;
        }
    }
    let present = samples.iter().filter(|samples| **samples > 0).count();
    let fewest = match present > MANY {
        true => ((PREVALENCE * rows.len() as f64).ceil() as usize).max(3),
        false => 2,
    };
    let mut chosen: Vec<usize> = (0..samples.len())
        .filter(|&asv| samples[asv] >= fewest)
        .collect();
    if chosen.len() > MOST {
        chosen.sort_by_key(|&asv| (std::cmp::Reverse(samples[asv]), asv));
        chosen.truncate(MOST);
        chosen.sort_unstable();
    }
    chosen
}

/// Clades of the ASVs whose ids are sequences.
fn clades_of(asvs: &[String]) -> Vec<Vec<u32>> {
    let (places, sequences): (Vec<u32>, Vec<Vec<u32>>) = (0u32..)
        .zip(asvs)
        .filter_map(|(place, id)| Some((place, words(id)?)))
        .unzip();
    merged(&places, distances(&sequences), asvs.len())
}

/// Clades of the features that `kinship` relates.
fn clades_by(kinship: &Kinship, asvs: &[String]) -> Vec<Vec<u32>> {
    let (places, nodes): (Vec<u32>, Vec<u32>) = (0u32..)
        .zip(asvs)
        .filter_map(|(place, id)| Some((place, kinship.place(id)?)))
        .unzip();
    merged(&places, kinship.distances(&nodes), asvs.len())
}

/// The clades of the features at `places` of all `asvs`, given their distances, row by row.
fn merged(places: &[u32], distances: Vec<f32>, asvs: usize) -> Vec<Vec<u32>> {
    let leaves = places.len();
    let joins = joins(distances, leaves);
    let member = |group: u32| match places.get(group as usize) {
        Some(&place) => place,
        None => group - leaves as u32 + asvs as u32,
    };
    let joins = joins.iter();
    joins.map(|join| join.of.map(member).to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ACGTTGCATTAGGCATCAGGATCCATTAGCATTT";
    const LIKE_A: &str = "ACGTTGCATTAGGCATCAGGATCCATTAGCATTA";
    const OTHER: &str = "GGACCTTAGACCAGTTACGGACATTCACAGGTAC";

    fn table(ids: &[&str], counts: &[&[u32]]) -> Table {
        let mut triplets = Vec::new();
        for (sample, row) in (0..).zip(counts) {
            for (asv, &count) in (0..).zip(*row) {
                triplets.push((sample, asv, count));
            }
        }
        let samples = (0..counts.len()).map(|sample| format!("s{sample}"));
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        Table::from_triplets(samples.collect(), ids, &triplets).expect("a table")
    }

    #[test]
    fn asvs_of_two_samples_and_their_clades_are_columns() {
        let ids = ["otu7", A, OTHER, LIKE_A, "rare"];
        let table = table(
            &ids,
            &[&[1, 2, 3, 0, 4], &[1, 0, 0, 4, 0], &[0, 6, 2, 8, 0]],
        );
        let space = FeatureSpace::fit(&table, &[0, 1, 2], None);
        assert_eq!(space.asvs(), ["otu7", A, OTHER, LIKE_A]);
        assert_eq!(space.clades()[0], [1, 3]);
        let features = space.of(&table, &[2, 0]);
        assert_eq!(features.asvs, 4);
        assert_eq!(
            features.shares.row(0).to_vec()[..5],
            [0.0, 0.375, 0.125, 0.5, 0.875]
        );
        assert_eq!(features.shares[[1, 1]], 0.2);
        for part in [0..4, 4..space.width()] {
            let mean: f32 = features
                .log_ratios
                .row(1)
                .iter()
                .skip(part.start)
                .take(part.len())
                .sum();
            assert!(mean.abs() < 1e-5);
        }
        let difference = features.log_ratios[[0, 1]] - features.log_ratios[[0, 2]];
        assert!((difference - (6.5f32 / 2.5).ln()).abs() < 1e-6);
    }

    #[test]
    fn features_without_sequences_are_merged_by_their_lineages() {
        let ids = ["k__A;p__B;c__C", "other", "k__A;p__D", "k__A;p__B;c__E"];
        let table = table(&ids, &[&[1, 2, 3, 4], &[1, 5, 1, 4]]);
        let kinship = Kinship::of_ids(table.feature_ids());
        let space = FeatureSpace::fit(&table, &[0, 1], Some(&kinship));
        assert_eq!(space.asvs().len(), 4);
        assert_eq!(space.clades(), [vec![0, 3], vec![2, 4]]);
        let unrelated = FeatureSpace::fit(&table, &[0, 1], Some(&Kinship::nothing()));
        assert!(unrelated.clades().is_empty());
    }

    #[test]
    fn another_table_gets_the_same_columns() {
        let one = table(&[A, OTHER], &[&[1, 1], &[3, 1]]);
        let space = FeatureSpace::fit(&one, &[0, 1], None);
        let other = table(&["new", OTHER, A], &[&[4, 2, 2], &[4, 0, 0], &[0, 0, 0]]);
        let features = space.of(&other, &[0, 1, 2]);
        assert_eq!(features.shares.column(0).to_vec(), [0.25, 0.0, 0.0]);
        assert!(features.log_ratios.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn without_samples_or_asvs_there_are_no_columns() {
        let table = table(&[A], &[&[1], &[0]]);
        let space = FeatureSpace::fit(&table, &[], None);
        assert_eq!(space.width(), 0);
        assert_eq!(space.of(&table, &[0, 1]).shares.dim(), (2, 0));
    }

    #[test]
    fn rare_asvs_are_left_out_if_there_are_more_than_1500() {
        let ids: Vec<String> = (0..1600).map(|i| format!("otu{i}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let common = vec![1u32; 1600];
        let mut few = common.clone();
        few[5] = 0;
        let table = table(&ids, &[&common, &common, &few]);
        assert_eq!(FeatureSpace::fit(&table, &[0, 1, 2], None).width(), 1599);
    }

    #[test]
    fn saved_state_is_read_and_damaged_state_refused() {
        let table = table(&[A, LIKE_A, OTHER], &[&[1, 1, 1], &[1, 2, 3]]);
        let space = FeatureSpace::fit(&table, &[0, 1], None);
        let text = serde_json::to_string(&space).expect("text");
        assert_eq!(
            serde_json::from_str::<FeatureSpace>(&text).expect("a space"),
            space
        );
        for text in [
            r#"{"asvs":["a","a"],"clades":[]}"#,
            r#"{"asvs":["a","b"],"clades":[[0,2]]}"#,
            r#"{"asvs":["a","b"],"clades":[[0,1],[1,9]]}"#,
        ] {
            assert!(
                serde_json::from_str::<FeatureSpace>(text).is_err(),
                "{text}"
            );
        }
    }
}
