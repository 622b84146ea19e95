//! ASVs of the table that the tree lacks.

use aam_core::DataError;
use aam_core::text::{agreeing, counted};
use aam_data::{Table, Tree, mismatch, shorten};

/// ASVs with reads that a tree lacks, and their share of the reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// Their ids, in table order.
    pub ids: Vec<String>,
    /// Their share of all reads, between 0 and 1.
    pub read_fraction: f64,
}

impl Missing {
    /// Some of them and, if possible, a guess at why the tree lacks them.
    pub fn described(&self, tree: &Tree) -> String {
        let some = mismatch::three(self.ids.iter().map(String::as_str));
        match self.guess(tree) {
            Some(guess) => format!("{some}; {guess}"),
            None => some,
        }
    }

    fn guess(&self, tree: &Tree) -> Option<String> {
        let tips = tree.tips().map(|tip| tree.name(tip));
        let guess = mismatch::guess(self.ids.iter().map(String::as_str), tips)?;
        let likely = guess.pairs > 2 || 2 * guess.pairs >= self.ids.len();
        likely.then(|| guess.to_string())
    }
}

/// The ASVs of `table` with reads that are not tips of `tree`.
pub fn missing_from(tree: &Tree, table: &Table) -> Missing {
    split(tree, table).1
}

/// `table` without the ASVs that `tree` lacks, and the ASVs dropped.
///
/// All samples are kept, even those left without reads. ASVs without any reads are also dropped.
///
/// # Errors
/// The tree has none of the table's ASVs.
pub fn drop_missing(tree: &Tree, table: &Table) -> Result<(Table, Missing), DataError> {
    let (kept, missing) = split(tree, table);
    if missing.ids.len() == kept.len() && !kept.is_empty() {
        return Err(error(tree, table, &missing));
    }
    let mut without = table.beside(table.sample_ids().to_vec(), table.feature_ids().clone())?;
    for row in 0..table.num_samples() {
        let cells = std::iter::zip(table.row(row).0, table.row(row).1);
        let (features, counts): (Vec<u32>, Vec<u32>) =
            cells.filter(|(f, _)| kept[**f as usize]).unzip();
        without.push(&features, &counts)?;
    }
    Ok((without.finish()?.drop_empty_features()?, missing))
}

/// For each ASV, whether the tree has it, and the ASVs with reads that it lacks.
fn split(tree: &Tree, table: &Table) -> (Vec<bool>, Missing) {
    let kept: Vec<bool> = table
        .feature_ids()
        .iter()
        .map(|id| tree.tip(id).is_some())
        .collect();
    let mut reads = vec![0u64; kept.len()];
    for row in 0..table.num_samples() {
        for (&feature, &count) in std::iter::zip(table.row(row).0, table.row(row).1) {
            reads[feature as usize] += u64::from(count);
        }
    }
    let lost: Vec<usize> = (0..kept.len())
        .filter(|&f| !kept[f] && reads[f] > 0)
        .collect();
    let total: u64 = reads.iter().sum();
    let missing = Missing {
        ids: lost
            .iter()
            .map(|&f| table.feature_ids()[f].to_owned())
            .collect(),
        read_fraction: lost.iter().map(|&f| reads[f]).sum::<u64>() as f64 / total.max(1) as f64,
    };
    (kept, missing)
}

/// The error for missing ASVs: some of them and, if the tree lacks all, some tips for comparison.
pub(super) fn error(tree: &Tree, table: &Table, missing: &Missing) -> DataError {
    let some: Vec<String> = missing
        .ids
        .iter()
        .take(3)
        .map(|id| format!("'{}'", shorten(id)))
        .collect();
    let problem = format!(
        "{} of the table's {}, with {:.2} % of its reads, {} not in the tree: {}{}",
        missing.ids.len(),
        counted(table.num_features(), "ASV"),
        100.0 * missing.read_fraction,
        agreeing(missing.ids.len(), "is", "are"),
        some.join(", "),
        if missing.ids.len() > some.len() {
            ", …"
        } else {
            ""
        },
    );
    let samples = table.sample_ids().iter();
    if samples.filter(|id| tree.tip(id).is_some()).count() * 2 > table.num_samples() {
        return DataError::new(problem).help(
            "the tree has the table's samples at its tips: the table is transposed, add --transpose",
        );
    }
    if let Some(guess) = missing.guess(tree) {
        return DataError::new(problem).help(guess);
    }
    if missing.read_fraction < 1.0 {
        return DataError::new(problem)
            .help("build the tree from this table's ASVs, or leave them out (--drop-missing)");
    }
    let tips: Vec<String> = tree
        .tips()
        .take(3)
        .map(|tip| format!("'{}'", shorten(tree.name(tip))))
        .collect();
    DataError::new(problem).help(format!(
        "do tree and table belong together? The tree has tips such as {}",
        tips.join(", ")
    ))
}
