//! Tables of mothur: `.shared` files, whose rows are samples, and compressed count tables, which
//! list for each sequence the groups that contain it. Full count tables are ordinary text tables
//! with a column `total`.

use super::DataError;
use super::shorten;
use super::source::Source;
use super::table::{Table, reads_of};
use aam_core::text::counted;

/// Number of counts that any file may contain.
const MOST_COUNTS: usize = 1 << 22;

/// Whether `first`, the first line of a text, is that of a mothur table.
pub fn is_table(first: &str) -> bool {
    is_shared(first) || is_compressed(first) || first.starts_with("Representative_Sequence")
}

/// Whether `first` is the first line of a `.shared` file.
fn is_shared(first: &str) -> bool {
    let mut cells = first.split_whitespace();
    ["label", "group", "numotus"].iter().all(|name| {
        cells
            .next()
            .is_some_and(|cell| cell.eq_ignore_ascii_case(name))
    })
}

/// Whether `first` is the first line of a compressed count table.
fn is_compressed(first: &str) -> bool {
    first.starts_with("#Compressed Format")
}

/// Reads the table in `source` if it is of either kind, with a note on which.
pub fn read(source: &Source) -> Option<Result<(Table, String), DataError>> {
    let head = String::from_utf8_lossy(source.head());
    let first = head.trim_start_matches('\u{feff}').lines().next()?;
    if is_shared(first) {
        return Some(read_shared(source));
    }
    is_compressed(first).then(|| read_compressed(source))
}

#[derive(Default)]
struct Counts {
    samples: Vec<String>,
    features: Vec<String>,
    /// Sample, feature and number of reads.
    triplets: Vec<(u32, u32, u32)>,
}

impl Counts {
    fn add(&mut self, sample: usize, feature: usize, cell: &str) -> Result<(), DataError> {
        let wrong = || {
            let sample = self.samples.get(sample).map(|id| shorten(id));
            let feature = self.features.get(feature).map(|id| shorten(id));
            format!(
                "sample '{}', feature '{}'",
                sample.unwrap_or_default(),
                feature.unwrap_or_default()
            )
        };
        let value: f64 = cell.parse().map_err(|_| {
            DataError::new(format!(
                "expected a count, found '{}' ({})",
                shorten(cell),
                wrong()
            ))
        })?;
        let reads = reads_of(value)?;
        if reads > 0 {
            self.triplets.push((sample as u32, feature as u32, reads));
        }
        match self.triplets.len() > MOST_COUNTS << 6 {
            true => Err(DataError::new("the file holds too many counts")),
            false => Ok(()),
        }
    }

    fn table(self, source: &Source) -> Result<Table, DataError> {
        Table::from_triplets(self.samples, self.features, &self.triplets)
            .map_err(|e| source.in_file(e))
    }
}

fn read_shared(source: &Source) -> Result<(Table, String), DataError> {
    let mut counts = Counts::default();
    let mut label: Option<String> = None;
    source.lines(|number, line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        if cells.is_empty() {
            return Ok(());
        }
        if number == 1 {
            let names = cells.get(3..).unwrap_or_default();
            counts.features = names.iter().map(|&name| name.to_owned()).collect();
            return Ok(());
        }
        if cells.len() != counts.features.len() + 3 {
            return Err(DataError::new(format!(
                "expected a label, a group, the number of OTUs and {}, found {}",
                counted(counts.features.len(), "count"),
                counted(cells.len(), "cell")
            ))
            .help("the file may be cut short: write it again with mothur"));
        }
        if let Some(known) = &label
            && known != cells[0]
        {
            return Err(DataError::new(format!(
                "contains tables of several cutoffs: '{known}' and '{}'",
                shorten(cells[0])
            ))
            .help(format!(
                "choose one in mothur: 'make.shared(list=FILE.list, label={known})'"
            )));
        }
        label.get_or_insert_with(|| cells[0].to_owned());
        counts.samples.push(cells[1].to_owned());
        let sample = counts.samples.len() - 1;
        for (feature, cell) in cells[3..].iter().enumerate() {
            counts.add(sample, feature, cell)?;
        }
        Ok(())
    })?;
    let note = format!(
        "a mothur shared file, whose rows are samples; its label is {}",
        label.unwrap_or_default()
    );
    Ok((counts.table(source)?, note))
}

fn read_compressed(source: &Source) -> Result<(Table, String), DataError> {
    let mut counts = Counts::default();
    source.lines(|_, line| {
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if counts.samples.is_empty() {
            if cells.len() < 3 || cells[1] != "total" {
                return Err(DataError::new(
                    "expected the header 'Representative_Sequence', 'total' and the groups",
                )
                .help("a count table without groups has no samples: give mothur a group file"));
            }
            counts.samples = cells[2..].iter().map(|&name| name.to_owned()).collect();
            return Ok(());
        }
        let feature = counts.features.len();
        counts.features.push(cells[0].to_owned());
        let mut sum = 0.0;
        for cell in cells.iter().skip(2).filter(|cell| !cell.is_empty()) {
            let parts = cell.split_once(',').and_then(|(group, reads)| {
                let group: usize = group.parse().ok()?;
                (1..=counts.samples.len())
                    .contains(&group)
                    .then_some((group, reads))
            });
            let Some((group, reads)) = parts else {
                return Err(DataError::new(format!(
                    "expected 'GROUP,COUNT' with a group from 1 to {}, found '{}'",
                    counts.samples.len(),
                    shorten(cell)
                )));
            };
            counts.add(group - 1, feature, reads)?;
            sum += reads.parse::<f64>().unwrap_or(0.0);
        }
        let total = cells.get(1).copied().unwrap_or_default();
        match total.parse() == Ok(sum) {
            true => Ok(()),
            false => Err(DataError::new(format!(
                "the counts of '{}' add up to {sum}, but its total is '{}'",
                shorten(cells[0]),
                shorten(total)
            ))),
        }
    })?;
    let note = "a mothur compressed count table; its totals are left out".to_owned();
    Ok((counts.table(source)?, note))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read_text(text: &str) -> Result<Table, String> {
        let source = Source::from_bytes(Path::new("m"), None, text.as_bytes().to_vec()).unwrap();
        let table = read(&source).expect("a table of mothur");
        table.map(|(table, _)| table).map_err(|e| e.to_string())
    }

    #[test]
    fn shared_files_and_compressed_count_tables_agree() {
        let shared = "label\tGroup\tnumOtus\tO1\tO2\n0.03\ts1\t2\t0\t3\n0.03\ts2\t2\t1\t0\n";
        let table = read_text(shared).unwrap();
        assert_eq!(table.sample_ids(), ["s1", "s2"]);
        assert_eq!(table.feature_ids(), ["O1", "O2"]);
        assert_eq!(table.row(0), (&[1][..], &[3][..]));
        let compressed = "#Compressed Format: groupIndex,abundance.\n#1,s1\t2,s2\n\
                          Representative_Sequence\ttotal\ts1\ts2\nO1\t1\t2,1\nO2\t3\t1,3\n";
        assert_eq!(read_text(compressed).unwrap(), table);
    }

    #[test]
    fn inconsistencies_are_reported() {
        let header = "label\tGroup\tnumOtus\tO1\tO2\n0.03\ts1\t2\t0\t3\n";
        for (text, message) in [
            (
                format!("{header}0.05\ts1\t2\t0\t3\n"),
                "several cutoffs: '0.03' and '0.05'",
            ),
            (
                format!("{header}0.03\ts2\t2\t0\n"),
                "line 3: expected a label",
            ),
            (
                format!("{header}0.03\ts2\t2\t0\tx\n"),
                "found 'x' (sample 's2', feature 'O2')",
            ),
            (
                "#Compressed Format\nRepresentative_Sequence\ttotal\ts1\nO1\t3\t1,2\n".to_owned(),
                "add up to 2, but its total is '3'",
            ),
            (
                "#Compressed Format\nRepresentative_Sequence\ttotal\ts1\nO1\t3\t2,3\n".to_owned(),
                "a group from 1 to 1, found '2,3'",
            ),
        ] {
            let error = read_text(&text).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
