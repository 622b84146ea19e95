//! Columns and rows of a table that are not samples or ASVs: totals, lengths, row numbers.

use super::column_names::is_note;
use super::{DataError, Table, shorten};

/// Minimum number of samples for a sum to be significant if its name does not suggest it.
const SUM_OF: usize = 3;
/// Minimum number of ASVs for a column to be judged by its values.
const ASVS_TO_JUDGE: usize = 8;

/// Leaves out samples and ASVs that are the sum of all others, and warns about samples that look
/// like something else.
///
/// # Errors
/// The disk is full, if the table is on disk.
pub fn without_totals(table: Table, notes: &mut Vec<String>) -> Result<Table, DataError> {
    let table = match total_sample(&table) {
        Some(row) => {
            let id = shorten(&table.sample_ids()[row]);
            notes.push(format!(
                "'{id}' is the sum of all other samples, not a sample, and is left out"
            ));
            without_sample(&table, row)
        }
        None => table,
    };
    match total_feature(&table) {
        Some(column) => {
            let id = shorten(&table.feature_ids()[column]);
            notes.push(format!(
                "'{id}' is the sum of all other ASVs, not an ASV, and is left out"
            ));
            let mut kept = vec![true; table.num_features()];
            kept[column] = false;
            table.of_features(&kept)
        }
        None => Ok(table),
    }
}

/// Leaves out a sample whose counts are the lengths of the ASVs' sequences, and warns about samples
/// that look like annotations of the ASVs.
pub fn without_lengths(table: Table, notes: &mut Vec<String>) -> Table {
    let lengths = (0..table.num_samples()).find(|&row| is_lengths(&table, row));
    let table = match lengths {
        Some(row) => {
            let id = shorten(&table.sample_ids()[row]);
            notes.push(format!(
                "'{id}' holds the lengths of the sequences, is not a sample, and is left out"
            ));
            without_sample(&table, row)
        }
        None => table,
    };
    let rows = 0..table.num_samples();
    let suspects: Vec<(usize, String)> = rows
        .filter_map(|row| Some((row, looks(&table, row)?)))
        .collect();
    if 2 * suspects.len() < table.num_samples() {
        for (row, why) in suspects.iter().take(5) {
            notes.push(format!(
                "warning: '{}' is treated as a sample, but {why}: if it is not one, remove it from \
                 the table",
                shorten(&table.sample_ids()[*row])
            ));
        }
    }
    table
}

fn without_sample(table: &Table, row: usize) -> Table {
    let rows: Vec<usize> = (0..table.num_samples()).filter(|&r| r != row).collect();
    table.select_samples(&rows)
}

/// The sample that is the sum of all others.
fn total_sample(table: &Table) -> Option<usize> {
    let depths: Vec<u64> = (0..table.num_samples())
        .map(|row| table.depth(row))
        .collect();
    let all: u64 = depths.iter().sum();
    let others = depths
        .iter()
        .filter(|&&depth| depth > 0)
        .count()
        .checked_sub(1)?;
    let mut candidates = (0..depths.len()).filter(|&row| depths[row] > 0 && 2 * depths[row] == all);
    candidates.find(|&row| {
        let named = is_total(&table.sample_ids()[row]) && others > 1;
        let surprising = others >= SUM_OF && table.row(row).0.len() > SUM_OF;
        (named || surprising) && is_sum_of_samples(table, row)
    })
}

fn is_sum_of_samples(table: &Table, total: usize) -> bool {
    let mut sums = vec![0u64; table.num_features()];
    for row in (0..table.num_samples()).filter(|&row| row != total) {
        for (&column, &count) in std::iter::zip(table.row(row).0, table.row(row).1) {
            sums[column as usize] += u64::from(count);
        }
    }
    let (columns, counts) = table.row(total);
    let found = std::iter::zip(columns, counts);
    found
        .clone()
        .all(|(&c, &count)| sums[c as usize] == u64::from(count))
        && sums.iter().filter(|&&sum| sum > 0).count() == columns.len()
}

/// The ASV whose reads equal those of all others together in every sample.
fn total_feature(table: &Table) -> Option<usize> {
    let full: Vec<usize> = (0..table.num_samples())
        .filter(|&row| table.depth(row) > 0)
        .collect();
    let half = |row: usize, (&column, &count): (&u32, &u32)| {
        (2 * u64::from(count) == table.depth(row)).then_some(column as usize)
    };
    let (columns, counts) = table.row(*full.first()?);
    let mut candidates = std::iter::zip(columns, counts).filter_map(|cell| half(full[0], cell));
    candidates.find(|&candidate| {
        let surprising = full.len() >= SUM_OF && table.num_features() > SUM_OF;
        let named = is_total(&table.feature_ids()[candidate]) && table.num_features() > 2;
        (named || surprising)
            && full.iter().all(|&row| {
                let (columns, counts) = table.row(row);
                let place = columns.binary_search(&(candidate as u32));
                place.is_ok_and(|at| half(row, (&columns[at], &counts[at])).is_some())
            })
            && full.iter().any(|&row| table.row(row).0.len() > 2)
    })
}

fn is_total(name: &str) -> bool {
    let name = name.to_lowercase();
    is_note(&name)
        || ["total", "sum", "all"]
            .iter()
            .any(|word| name.contains(word))
}

fn is_lengths(table: &Table, row: usize) -> bool {
    let (columns, counts) = table.row(row);
    let ids = table.feature_ids();
    columns.len() >= ASVS_TO_JUDGE
        && columns.len() == ids.len()
        && ids.iter().all(super::mismatch::is_sequence)
        && std::iter::zip(ids.iter(), counts)
            .all(|(id, &count)| id.len() as u64 == u64::from(count))
}

/// Why a sample looks like an annotation of the ASVs, if it does.
fn looks(table: &Table, row: usize) -> Option<String> {
    let counts = table.row(row).1;
    if counts.len() < ASVS_TO_JUDGE || counts.len() < table.num_features() {
        return None;
    }
    let (least, most) = (counts.iter().min()?, counts.iter().max()?);
    if counts
        .windows(2)
        .all(|pair| u64::from(pair[0]) + 1 == u64::from(pair[1]))
    {
        return Some(format!("its counts are the numbers from {least} to {most}"));
    }
    let alike = *least >= 10 && u64::from(*most) * 2 <= u64::from(*least) * 3;
    alike.then(|| format!("every ASV has between {least} and {most} reads in it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(samples: &[(&str, &[u32])]) -> Table {
        let names = samples.iter().map(|(name, _)| (*name).to_owned()).collect();
        let width = samples[0].1.len();
        let features = (0..width).map(|i| format!("ASV{i}")).collect();
        let triplets: Vec<(u32, u32, u32)> = (0..)
            .zip(samples)
            .flat_map(|(row, (_, counts))| (0..).zip(*counts).map(move |(c, &n)| (row, c, n)))
            .collect();
        Table::from_triplets(names, features, &triplets).unwrap()
    }

    fn kept(table: Table) -> (Vec<String>, usize, String) {
        let mut notes = Vec::new();
        let table = without_totals(table, &mut notes).unwrap();
        let table = without_lengths(table, &mut notes);
        (
            table.sample_ids().to_vec(),
            table.num_features(),
            notes.join("\n"),
        )
    }

    #[test]
    fn the_sum_of_all_others_is_not_a_sample() {
        let samples: [(&str, &[u32]); 4] = [
            ("a", &[1, 0, 5, 2, 1]),
            ("x", &[6, 4, 9, 2, 3]),
            ("b", &[3, 4, 0, 0, 1]),
            ("c", &[2, 0, 4, 0, 1]),
        ];
        let (ids, _, notes) = kept(table(&samples));
        assert_eq!(ids, ["a", "b", "c"]);
        assert!(
            notes.contains("'x' is the sum of all other samples"),
            "{notes}"
        );
        let mut off = samples;
        off[1].1 = &[6, 4, 9, 2, 4];
        assert_eq!(kept(table(&off)).0.len(), 4);
        // Three samples may add up by chance, unless the name of one says that it is the sum.
        let few: [(&str, &[u32]); 3] = [("a", &[1, 2]), ("b", &[3, 0]), ("c", &[4, 2])];
        assert_eq!(kept(table(&few)).0.len(), 3);
        let named: [(&str, &[u32]); 3] = [("a", &[1, 2]), ("b", &[3, 0]), ("Total", &[4, 2])];
        assert_eq!(kept(table(&named)).0, ["a", "b"]);
    }

    #[test]
    fn the_sum_of_all_other_asvs_is_not_an_asv() {
        let samples: [(&str, &[u32]); 3] = [
            ("a", &[1, 0, 5, 2, 8]),
            ("b", &[3, 4, 0, 0, 7]),
            ("c", &[2, 0, 4, 0, 6]),
        ];
        let (ids, asvs, notes) = kept(table(&samples));
        assert_eq!((ids.len(), asvs), (3, 4));
        assert!(notes.contains("'ASV4' is the sum"), "{notes}");
    }

    #[test]
    fn samples_that_look_like_annotations_are_named() {
        let samples: [(&str, &[u32]); 4] = [
            ("a", &[1, 0, 5, 2, 8, 0, 0, 1]),
            ("bp", &[250, 252, 253, 250, 251, 250, 253, 252]),
            ("row", &[1, 2, 3, 4, 5, 6, 7, 8]),
            ("b", &[4, 1, 0, 0, 9, 3, 30, 11]),
        ];
        let mut with_more = samples.to_vec();
        with_more.push(("c", &[0, 0, 3, 0, 0, 0, 0, 90]));
        let (ids, _, notes) = kept(table(&with_more));
        assert_eq!(ids.len(), 5);
        assert!(
            notes.contains("'bp' is treated as a sample, but every ASV"),
            "{notes}"
        );
        assert!(
            notes.contains("'row' is treated as a sample, but its counts"),
            "{notes}"
        );
    }
}
