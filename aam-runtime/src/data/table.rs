//! The feature table: how many reads of which ASV each sample holds.

use std::collections::{HashMap, HashSet};

use super::DataError;

/// Samples × ASVs with counts, in compressed sparse rows (a row is a sample).
///
/// Invariants (`Table::new` checks them): ids unique and not empty, `offsets` of length
/// `samples + 1` and not decreasing, `features` in range and strictly increasing within a row,
/// every stored count positive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    sample_ids: Vec<String>,
    feature_ids: Vec<String>,
    offsets: Vec<usize>,
    features: Vec<u32>,
    counts: Vec<u32>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            sample_ids: Vec::new(),
            feature_ids: Vec::new(),
            offsets: vec![0],
            features: Vec::new(),
            counts: Vec::new(),
        }
    }
}

/// Refuses empty and repeated ids; `what` is "sample" or "feature".
pub(crate) fn check_ids(ids: &[String], what: &str) -> Result<(), DataError> {
    let mut seen = HashSet::with_capacity(ids.len());
    for (i, id) in ids.iter().enumerate() {
        if id.is_empty() {
            return Err(DataError::new(format!("{what} {} has an empty id", i + 1))
                .help(format!("give every {what} an id of its own")));
        }
        if !seen.insert(id.as_str()) {
            return Err(
                DataError::new(format!("the {what} id `{id}` occurs more than once")).help(
                    format!("make the {what} ids unique, or merge the repeated ones"),
                ),
            );
        }
    }
    Ok(())
}

/// The number of reads that a file gives as `value`.
///
/// # Errors
/// If it is not finite, negative, not whole, or above `u32::MAX`.
pub(crate) fn reads_of(value: f64) -> Result<u32, DataError> {
    let problem = if !value.is_finite() {
        "is not a finite number"
    } else if value < 0.0 {
        "is negative"
    } else if value.fract() != 0.0 {
        "is not a whole number"
    } else if value > f64::from(u32::MAX) {
        "is larger than any count of reads"
    } else {
        return Ok(value as u32);
    };
    Err(DataError::new(format!("the count {value} {problem}"))
        .help("give the table of read counts, not of relative or transformed abundances"))
}

impl Table {
    /// A table from its parts.
    ///
    /// `offsets` has `samples + 1` entries; `features[offsets[i]..offsets[i + 1]]` are the columns
    /// of sample `i`, ascending, and `counts` their reads.
    ///
    /// # Errors
    /// If one of the invariants above does not hold; the error names the sample or id.
    pub fn new(
        sample_ids: Vec<String>,
        feature_ids: Vec<String>,
        offsets: Vec<usize>,
        features: Vec<u32>,
        counts: Vec<u32>,
    ) -> Result<Self, DataError> {
        check_ids(&sample_ids, "sample")?;
        check_ids(&feature_ids, "feature")?;
        if offsets.len() != sample_ids.len() + 1 {
            return Err(DataError::new(format!(
                "{} samples need {} row offsets, found {}",
                sample_ids.len(),
                sample_ids.len() + 1,
                offsets.len()
            )));
        }
        if features.len() != counts.len() {
            return Err(DataError::new(format!(
                "{} column indices but {} counts",
                features.len(),
                counts.len()
            )));
        }
        if offsets.first() != Some(&0) || offsets.last() != Some(&features.len()) {
            return Err(DataError::new(format!(
                "the row offsets must run from 0 to the number of counts, {}",
                features.len()
            )));
        }
        if let Some(i) = offsets.windows(2).position(|pair| pair[0] > pair[1]) {
            return Err(DataError::new("the row offsets decrease").at(sample_place(&sample_ids, i)));
        }
        for i in 0..sample_ids.len() {
            let row = &features[offsets[i]..offsets[i + 1]];
            if let Some(&f) = row.iter().find(|&&f| f as usize >= feature_ids.len()) {
                return Err(DataError::new(format!(
                    "column index {f} in a table of {} features",
                    feature_ids.len()
                ))
                .at(sample_place(&sample_ids, i)));
            }
            if let Some(pair) = row.windows(2).find(|pair| pair[0] >= pair[1]) {
                let problem = if pair[0] == pair[1] {
                    format!(
                        "the feature `{}` has two counts",
                        feature_ids[pair[0] as usize]
                    )
                } else {
                    "the column indices are not ascending".to_owned()
                };
                return Err(DataError::new(problem).at(sample_place(&sample_ids, i)));
            }
            if counts[offsets[i]..offsets[i + 1]].contains(&0) {
                return Err(
                    DataError::new("a stored count is zero").at(sample_place(&sample_ids, i))
                );
            }
        }
        Ok(Self {
            sample_ids,
            feature_ids,
            offsets,
            features,
            counts,
        })
    }

    /// A table from `(sample, feature, count)` in any order; zero counts are left out.
    ///
    /// # Errors
    /// Empty or repeated ids, an index out of range, two counts of one sample and feature.
    pub fn from_triplets(
        sample_ids: Vec<String>,
        feature_ids: Vec<String>,
        triplets: &[(u32, u32, u32)],
    ) -> Result<Self, DataError> {
        let mut offsets = vec![0usize; sample_ids.len() + 1];
        for &(sample, _, count) in triplets {
            let Some(slot) = offsets.get_mut(sample as usize + 1) else {
                return Err(DataError::new(format!(
                    "sample index {sample} in a table of {} samples",
                    sample_ids.len()
                )));
            };
            *slot += usize::from(count > 0);
        }
        for i in 1..offsets.len() {
            offsets[i] += offsets[i - 1];
        }
        let mut cells = vec![(0u32, 0u32); offsets.last().copied().unwrap_or(0)];
        let mut next = offsets.clone();
        for &(sample, feature, count) in triplets.iter().filter(|t| t.2 > 0) {
            cells[next[sample as usize]] = (feature, count);
            next[sample as usize] += 1;
        }
        for row in offsets.windows(2) {
            cells[row[0]..row[1]].sort_unstable();
        }
        let (features, counts) = cells.into_iter().unzip();
        Self::new(sample_ids, feature_ids, offsets, features, counts)
    }

    /// Ids of the samples, in row order.
    pub fn sample_ids(&self) -> &[String] {
        &self.sample_ids
    }

    /// Ids of the ASVs, in column order.
    pub fn feature_ids(&self) -> &[String] {
        &self.feature_ids
    }

    /// How many samples the table has.
    pub fn num_samples(&self) -> usize {
        self.sample_ids.len()
    }

    /// How many ASVs the table has.
    pub fn num_features(&self) -> usize {
        self.feature_ids.len()
    }

    /// How many counts are stored (all of them positive).
    pub fn num_nonzero(&self) -> usize {
        self.counts.len()
    }

    /// ASVs (as columns, ascending) and their counts in the sample at `row`.
    pub fn row(&self, row: usize) -> (&[u32], &[u32]) {
        let range = self.offsets[row]..self.offsets[row + 1];
        (&self.features[range.clone()], &self.counts[range])
    }

    /// Reads in the sample at `row`.
    pub fn depth(&self, row: usize) -> u64 {
        self.row(row).1.iter().map(|&c| u64::from(c)).sum()
    }

    /// The row of each sample id.
    pub fn sample_index(&self) -> HashMap<&str, usize> {
        index_of(&self.sample_ids)
    }

    /// The column of each ASV id.
    pub fn feature_index(&self) -> HashMap<&str, usize> {
        index_of(&self.feature_ids)
    }

    /// The table of the samples at `rows`, in that order, with all ASVs.
    ///
    /// `rows` are distinct and in range.
    #[must_use]
    pub fn select_samples(&self, rows: &[usize]) -> Self {
        let size = rows.iter().map(|&row| self.row(row).0.len()).sum();
        let mut offsets = Vec::with_capacity(rows.len() + 1);
        let mut features = Vec::with_capacity(size);
        let mut counts = Vec::with_capacity(size);
        offsets.push(0);
        for &row in rows {
            let (f, c) = self.row(row);
            features.extend_from_slice(f);
            counts.extend_from_slice(c);
            offsets.push(features.len());
        }
        Self {
            sample_ids: rows
                .iter()
                .map(|&row| self.sample_ids[row].clone())
                .collect(),
            feature_ids: self.feature_ids.clone(),
            offsets,
            features,
            counts,
        }
    }

    /// The table without the ASVs that no sample holds.
    #[must_use]
    pub fn drop_empty_features(&self) -> Self {
        let mut used = vec![false; self.num_features()];
        for &f in &self.features {
            used[f as usize] = true;
        }
        let mut renamed = vec![0u32; used.len()];
        let mut feature_ids = Vec::new();
        for (f, id) in self
            .feature_ids
            .iter()
            .enumerate()
            .filter(|(f, _)| used[*f])
        {
            renamed[f] = feature_ids.len() as u32;
            feature_ids.push(id.clone());
        }
        Self {
            sample_ids: self.sample_ids.clone(),
            feature_ids,
            offsets: self.offsets.clone(),
            features: self.features.iter().map(|&f| renamed[f as usize]).collect(),
            counts: self.counts.clone(),
        }
    }

    /// The same counts under other ASV ids, in column order.
    ///
    /// # Errors
    /// If their number differs from the columns', or one is empty or repeated.
    pub fn with_feature_ids(self, feature_ids: Vec<String>) -> Result<Self, DataError> {
        if feature_ids.len() != self.feature_ids.len() {
            return Err(DataError::new(format!(
                "{} ids for {} features",
                feature_ids.len(),
                self.feature_ids.len()
            )));
        }
        check_ids(&feature_ids, "feature")?;
        Ok(Self {
            feature_ids,
            ..self
        })
    }
}

fn index_of(ids: &[String]) -> HashMap<&str, usize> {
    ids.iter()
        .enumerate()
        .map(|(i, id)| (id.as_str(), i))
        .collect()
}

fn sample_place(ids: &[String], i: usize) -> String {
    format!("sample `{}`", ids[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<String> {
        names.iter().map(|&n| n.to_owned()).collect()
    }

    fn small() -> Table {
        let triplets = [(1, 2, 5), (0, 1, 3), (1, 0, 1), (0, 0, 0)];
        Table::from_triplets(ids(&["s1", "s2"]), ids(&["A", "C", "G", "T"]), &triplets).unwrap()
    }

    #[test]
    fn triplets_are_sorted_and_zeros_left_out() {
        let table = small();
        assert_eq!(table.row(0), (&[1][..], &[3][..]));
        assert_eq!(table.row(1), (&[0, 2][..], &[1, 5][..]));
        assert_eq!(table.depth(1), 6);
        assert_eq!(table.sample_index()["s2"], 1);
    }

    #[test]
    fn selection_and_empty_features() {
        let table = small().select_samples(&[1]).drop_empty_features();
        assert_eq!(table.feature_ids(), ids(&["A", "G"]));
        assert_eq!(table.row(0), (&[0, 1][..], &[1, 5][..]));
    }

    #[test]
    fn broken_invariants_are_refused() {
        let new = |offsets: &[usize], features: &[u32], counts: &[u32]| {
            Table::new(
                ids(&["s1", "s2"]),
                ids(&["A", "C"]),
                offsets.to_vec(),
                features.to_vec(),
                counts.to_vec(),
            )
            .map_err(|e| e.to_string())
        };
        assert!(new(&[0, 1, 2], &[0, 1], &[1, 1]).is_ok());
        for (offsets, features, counts, message) in [
            (&[0, 2][..], &[0, 1][..], &[1, 1][..], "need 3 row offsets"),
            (&[0, 3, 2], &[0, 1], &[1, 1], "decrease"),
            (&[0, 1, 1], &[0, 1], &[1, 1], "run from 0"),
            (&[0, 1, 2], &[0, 2], &[1, 1], "column index 2"),
            (&[0, 2, 2], &[1, 0], &[1, 1], "not ascending"),
            (&[0, 2, 2], &[1, 1], &[1, 1], "two counts"),
            (&[0, 1, 2], &[0, 1], &[1, 0], "zero"),
            (&[0, 1, 2], &[0, 1], &[1], "1 counts"),
        ] {
            let error = new(offsets, features, counts).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
        let twice = Table::from_triplets(ids(&["s", "s"]), ids(&["A"]), &[]).unwrap_err();
        assert!(twice.to_string().contains("`s` occurs more than once"));
        assert!(Table::from_triplets(ids(&["s"]), ids(&["A", ""]), &[]).is_err());
        assert!(Table::from_triplets(ids(&["s"]), ids(&["A"]), &[(1, 0, 1)]).is_err());
    }
}
