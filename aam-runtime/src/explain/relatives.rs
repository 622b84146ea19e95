//! Groups of ASVs that are closest relatives, by sequence, tree or lineage.

use aam_data::{Kinship, Table};
use aam_features::FeatureSpace;

/// The relationships of the ASVs of a table: binary clades, closest first.
pub struct Relatives {
    /// The leaf of each column of the table that is in a clade.
    place: Vec<Option<u32>>,
    /// The number of these columns.
    known: usize,
    /// The number of leaves.
    leaves: usize,
    /// The two groups joined by each clade: a leaf, or an earlier clade plus the number of leaves.
    clades: Vec<[u32; 2]>,
    /// The column of each leaf.
    columns: Vec<u32>,
}

impl Relatives {
    /// The relationships of those ASVs of `table` that occur in several samples, by the clades used
    /// in learners. `kinship` says how features without sequences are related.
    pub fn of(table: &Table, kinship: Option<&Kinship>) -> Self {
        let rows: Vec<usize> = (0..table.num_samples()).collect();
        let space = FeatureSpace::fit(table, &rows, kinship);
        let index = table.feature_index();
        let columns: Vec<u32> = space
            .asvs()
            .iter()
            .map(|id| index[id.as_str()] as u32)
            .collect();
        let clades = space.clades().iter();
        let clades = clades.filter_map(|of| <[u32; 2]>::try_from(of.as_slice()).ok());
        let clades: Vec<[u32; 2]> = clades.collect();
        let mut place = vec![None; table.num_features()];
        for &leaf in clades.iter().flatten() {
            if let Some(&column) = columns.get(leaf as usize) {
                place[column as usize] = Some(leaf);
            }
        }
        Self {
            known: place.iter().flatten().count(),
            place,
            leaves: columns.len(),
            clades,
            columns,
        }
    }

    /// The columns of the ASVs of every clade, closest relatives first.
    pub fn clades(&self) -> Vec<Vec<u32>> {
        let mut found: Vec<Vec<u32>> = Vec::with_capacity(self.clades.len());
        for pair in &self.clades {
            let mut columns = Vec::new();
            for &group in pair {
                match (group as usize).checked_sub(self.leaves) {
                    None => columns.push(self.columns[group as usize]),
                    Some(clade) => columns.extend(&found[clade]),
                }
            }
            columns.sort_unstable();
            found.push(columns);
        }
        found
    }

    /// Groups `asvs`, which are columns of the table, into at most `most` groups of indices into
    /// `asvs`. Closest relatives are joined first until there are few enough groups. ASVs without
    /// known relatives form one group, unless there is room for all; if none has any, groups are of
    /// neighbours in the table.
    pub fn groups(&self, asvs: &[u32], most: usize) -> Vec<Vec<usize>> {
        if asvs.len() <= most.max(1) {
            return (0..asvs.len()).map(|place| vec![place]).collect();
        }
        if self.known == 0 {
            let all: Vec<usize> = (0..asvs.len()).collect();
            let groups = all.chunks(asvs.len().div_ceil(most.max(1)));
            return groups.map(<[usize]>::to_vec).collect();
        }
        let (known, unknown): (Vec<usize>, Vec<usize>) =
            (0..asvs.len()).partition(|&at| self.place[asvs[at] as usize].is_some());
        let room = most.max(1).saturating_sub(usize::from(!unknown.is_empty()));
        let mut groups: Vec<Option<Vec<usize>>> = vec![None; self.leaves + self.clades.len()];
        for &at in &known {
            if let Some(leaf) = self.place[asvs[at] as usize] {
                groups[leaf as usize] = Some(vec![at]);
            }
        }
        let mut number = known.len();
        for (clade, [a, b]) in self.clades.iter().enumerate() {
            if number <= room.max(1) {
                break;
            }
            let parts = [groups[*a as usize].take(), groups[*b as usize].take()];
            let joined = match parts {
                [Some(mut first), Some(second)] => {
                    first.extend(second);
                    number -= 1;
                    Some(first)
                }
                [first, second] => first.or(second),
            };
            groups[self.leaves + clade] = joined;
        }
        let mut groups: Vec<Vec<usize>> = groups.into_iter().flatten().collect();
        if !unknown.is_empty() {
            groups.push(unknown);
        }
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups.sort_unstable();
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ACGTTGCATTAGGCATCAGGATCCATTCCAGT";
    const LIKE_A: &str = "ACGTTGCATTAGGCATCAGGATCCATTCCAGA";
    const OTHER: &str = "GGGTTTCCCAAAGGGTTTCCCTAAGGCTTTCC";

    fn relatives() -> Relatives {
        of(["unknown", A, OTHER, LIKE_A, "another"])
    }

    fn of(asvs: [&str; 5]) -> Relatives {
        let cells = (0..2).flat_map(|sample| (0..5).map(move |asv| (sample, asv, 1)));
        let table = Table::from_triplets(
            ["a", "b"].map(str::to_owned).to_vec(),
            asvs.map(str::to_owned).to_vec(),
            &cells.collect::<Vec<_>>(),
        );
        Relatives::of(&table.unwrap(), None)
    }

    #[test]
    fn nearest_relatives_are_joined_until_there_is_room() {
        let relatives = relatives();
        let all = [0, 1, 2, 3, 4];
        assert_eq!(relatives.groups(&all, 9).len(), 5);
        assert_eq!(relatives.groups(&all, 3), [vec![0, 4], vec![1, 3], vec![2]]);
        assert_eq!(relatives.groups(&all, 2), [vec![0, 4], vec![1, 2, 3]]);
        // Indices, not columns; other ASVs do not join anything.
        assert_eq!(relatives.groups(&[1, 2, 3], 2), [vec![0, 2], vec![1]]);
        assert_eq!(relatives.groups(&[1, 2], 1), [[0, 1]]);
        assert_eq!(relatives.groups(&[], 4).len(), 0);
    }

    #[test]
    fn features_without_relatives_are_divided_evenly() {
        let relatives = of(["a", "b", "c", "d", "e"]);
        let groups = relatives.groups(&[0, 1, 2, 3, 4], 2);
        assert_eq!(groups, [vec![0, 1, 2], vec![3, 4]]);
        assert_eq!(relatives.groups(&[0, 2], 9).len(), 2);
    }

    #[test]
    fn clades_hold_columns_of_the_table() {
        assert_eq!(relatives().clades(), [vec![1, 3], vec![1, 2, 3]]);
    }
}
