//! The classic text table: a header `#OTU ID`, then one line a feature with its count in every
//! sample, all separated by tabs.
//!
//! Lines that begin with `#` before the header are comments; a last column that is not a sample
//! but holds text, such as `taxonomy`, is left out.

use super::DataError;
use super::role::{Role, refuse_mix_up, wrong_file};
use super::source::Source;
use super::table::{Table, check_ids, reads_of};

/// The counts that any file may hold.
const MOST_COUNTS: u64 = 1 << 22;
/// The counts that a file may hold beyond those for every byte of its size, packed or not: more
/// than gzip can pack of real counts, and a bound on what a hostile file makes us keep.
const MOST_COUNTS_PER_BYTE: u64 = 16;

/// Reads a table as text.
pub(crate) fn read(source: &Source) -> Result<Table, DataError> {
    refuse_mix_up(source, Role::Table)?;
    let mut rows = Rows {
        most_counts: MOST_COUNTS + MOST_COUNTS_PER_BYTE * source.size(),
        ..Rows::default()
    };
    source.lines(|_, line| rows.line(line))?;
    match &rows.header {
        Some(header) if rows.features.is_empty() && header.starts_with('#') => {
            return Err(source.error("has a header but no features"));
        }
        Some(_) if !rows.features.is_empty() => {}
        _ => return Err(wrong_file(source, Role::Table)),
    }
    Table::from_triplets(rows.samples, rows.features, &rows.triplets).map_err(|e| source.in_file(e))
}

#[derive(Default)]
struct Rows {
    /// The last line beginning with `#`, or the first line.
    header: Option<String>,
    samples: Vec<String>,
    /// The name of a column of text that follows the samples.
    notes: Option<String>,
    features: Vec<String>,
    triplets: Vec<(u32, u32, u32)>,
    most_counts: u64,
}

impl Rows {
    fn line(&mut self, line: &str) -> Result<(), DataError> {
        if line.trim().is_empty() {
            return Ok(());
        }
        if self.features.is_empty() && self.samples.is_empty() {
            if line.starts_with('#') {
                self.header = Some(line.to_owned());
                return Ok(());
            }
            if self.header.is_none() {
                self.header = Some(line.to_owned());
                return Ok(());
            }
            self.begin(line)?;
        }
        self.row(line)
    }

    /// Settles the columns, now that the first row of counts is known too.
    fn begin(&mut self, first: &str) -> Result<(), DataError> {
        let header = self.header.as_deref().unwrap_or_default();
        let mut names = header.split('\t').map(|name| name.trim().to_owned());
        names.next();
        self.samples = names.collect();
        while self.samples.last().is_some_and(String::is_empty) {
            self.samples.pop();
        }
        if self.samples.is_empty() {
            return Err(DataError::new("the header names no samples")
                .help("a text table begins with `#OTU ID` and the sample ids, separated by tabs"));
        }
        let last = first.split('\t').nth(self.samples.len()).map(str::trim);
        let is_text = last.is_some_and(|cell| !cell.is_empty() && cell.parse::<f64>().is_err());
        if self
            .samples
            .last()
            .is_some_and(|name| is_text || is_note(name))
        {
            self.notes = self.samples.pop();
        }
        if self.samples.is_empty() {
            let cell = last.unwrap_or_default();
            return Err(DataError::new(format!(
                "expected counts, found only `{cell}`"
            )));
        }
        Ok(())
    }

    fn row(&mut self, line: &str) -> Result<(), DataError> {
        let mut cells = line.split('\t');
        let feature = cells.next().unwrap_or_default().trim();
        let row = u32::try_from(self.features.len())
            .map_err(|_| DataError::new("the table has too many features"))?;
        let mut found = 0;
        for (column, sample) in self.samples.iter().enumerate() {
            let Some(cell) = cells.next() else { break };
            found += 1;
            let cell = cell.trim();
            if cell == "0" || cell == "0.0" {
                continue;
            }
            let place = || format!("feature `{feature}`, sample `{sample}`");
            let value = cell.parse::<f64>().map_err(|_| {
                DataError::new(format!("expected a count, found `{cell}`"))
                    .at(place())
                    .help("is this a feature table? sample metadata goes to --metadata")
            })?;
            let reads = reads_of(value).map_err(|e| e.at(place()))?;
            if reads > 0 {
                self.triplets.push((column as u32, row, reads));
            }
        }
        let expected = self.samples.len();
        if let Some(name) = &self.notes
            && let Some(cell) = cells.next()
            && !is_note(name)
            && cell.trim().parse::<f64>().is_ok()
        {
            return Err(DataError::new(format!(
                "the column `{name}` holds text in the first row and a number here"
            ))
            .help("mend the first row if the column is a sample"));
        }
        let surplus = cells.filter(|cell| !cell.trim().is_empty()).count();
        if found != expected || surplus > 0 {
            return Err(DataError::new(format!(
                "the feature `{feature}` has {} counts, expected one for each of {expected} samples",
                found + surplus
            )));
        }
        if self.triplets.len() as u64 > self.most_counts {
            return Err(
                DataError::new("the file holds more counts than its size can account for")
                    .help("if the file is sound, unpack it first"),
            );
        }
        self.features.push(feature.to_owned());
        // Repeated ids are looked for early, lest a file that repeats one line fill the memory.
        if self.features.len().is_power_of_two() {
            check_ids(&self.features, "feature")?;
        }
        Ok(())
    }
}

/// Whether a column of this name holds notes on the features, not a sample.
fn is_note(name: &str) -> bool {
    [
        "taxonomy",
        "consensus lineage",
        "consensuslineage",
        "confidence",
    ]
    .iter()
    .any(|note| name.eq_ignore_ascii_case(note))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read_text(text: &str) -> Result<Table, String> {
        let source = Source::from_bytes(Path::new("t.tsv"), None, text.as_bytes().to_vec());
        read(&source.unwrap()).map_err(|e| e.to_string())
    }

    #[test]
    fn the_classic_form() {
        let plain = "# Constructed from biom file\n#OTU ID\ts1\ts2\nA\t0.0\t3.0\n\nC\t1\t0\n";
        let table = read_text(plain).unwrap();
        assert_eq!(table.sample_ids(), ["s1", "s2"]);
        assert_eq!(table.feature_ids(), ["A", "C"]);
        assert_eq!(table.row(0), (&[1][..], &[1][..]));
        for variant in [
            "#OTU ID\ts1\ts2\ttaxonomy\r\nA\t0\t3\tk__B; p__F\r\nC\t1\t0\t\r\n",
            "#OTU ID\ts1\ts2\tnote\nA\t0\t3\tx\nC\t1\t0\ty\n",
            "\u{feff}feature\ts1\ts2\nA\t0\t3\nC\t1\t0",
            "#OTUID\ts1\ts2\t\nA\t0\t3\t\nC\t1\t0\t\n",
        ] {
            assert_eq!(read_text(variant).unwrap(), table, "{variant}");
        }
    }

    #[test]
    fn errors_name_line_and_cell() {
        for (text, message) in [
            (
                "#OTU ID\ts1\nA\t1\nA\t2\n",
                "the feature id `A` occurs more than once",
            ),
            (
                "#OTU ID\ts1\ts2\nA\t1\n",
                "line 2: the feature `A` has 1 counts",
            ),
            (
                "#OTU ID\ts1\ts2\nA\t1\t2\t3\n",
                "line 2: the feature `A` has 3 counts",
            ),
            (
                "#OTU ID\ts1\ts2\nA\t1\t2\nC\tx\t1\n",
                "feature `C`, sample `s1`: expected a count",
            ),
            ("#OTU ID\ts1\nA\t-1\n", "the count -1 is negative"),
            (
                "#OTU ID\ts1\nA\t0.25\n",
                "the count 0.25 is not a whole number",
            ),
            (
                "#OTU ID\ts1\nA\tNaN\n",
                "the count NaN is not a finite number",
            ),
            ("#OTU ID\ts1\nA\t1e300\n", "larger than any count"),
            (
                "#OTU ID\ts1\ts2\nA\t1\tx\nC\t1\t1\n",
                "line 3: the column `s2` holds text",
            ),
            ("#OTU ID\ttaxonomy\nA\tk__B\n", "found only `k__B`"),
            ("#OTU ID\ts1\n", "a header but no features"),
            ("(a:1,b:2);\n", "pass it with --tree"),
            (
                "\ts1\ts2\ns1\t0\t1\ns2\t1\t0\n",
                "pass it with --unifrac-matrix",
            ),
            ("sample-id\tage\ns1\t3\n", "pass it with --metadata"),
            ("", "found an empty file"),
            ("just a line\n", "found a text file of some other kind"),
        ] {
            let error = read_text(text).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
