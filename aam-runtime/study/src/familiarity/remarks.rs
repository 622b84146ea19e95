//! Messages about the comparison of a table with the training samples.

use super::kmers::{self, Resemblance};
use super::{Familiarity, Likeness};
use aam_core::text::counted;
use aam_data::Table;

/// Fraction of the reads from which a warning is issued.
const WORTH_A_WARNING: f64 = 0.05;
/// Fraction of the reads that may resemble nothing: traces of hosts, plants and chloroplasts.
const OFF_TARGET: f64 = 0.2;

/// The fraction of a table's reads in ASVs not seen in training, by resemblance.
#[derive(Default)]
struct Unseen {
    alike: f64,
    reversed: f64,
    unlike: f64,
}

/// Summarises the samples in one line.
pub(super) fn summary(samples: &[Likeness]) -> String {
    let median = |value: fn(&Likeness) -> f64| {
        let mut values: Vec<f64> = samples.iter().map(value).collect();
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    format!(
        "compared with the training samples: {:.1} % of a sample's reads are in ASVs that were not seen in training, and the nearest training sample is at a Bray–Curtis distance of {:.2} (medians)",
        100.0 * median(|sample| sample.unseen_reads),
        median(|sample| sample.distance)
    )
}

impl Familiarity {
    /// Possible problems of a table. `is_known` says which of its ASVs were seen in training.
    pub(super) fn warnings(
        &self,
        table: &Table,
        is_known: &[bool],
        samples: &[Likeness],
    ) -> Vec<String> {
        let unseen = self.unseen(table, is_known);
        let percent = |part: f64| format!("{:.0} %", 100.0 * part);
        let mut warnings = Vec::new();
        if unseen.reversed >= WORTH_A_WARNING {
            warnings.push(format!(
                "{} of the table's reads are in ASVs that look like reverse complements of the training ASVs: reverse-complement the sequences and predict again; the current predictions are meaningless",
                percent(unseen.reversed)
            ));
        }
        let shares_nothing = samples.iter().all(|sample| sample.unseen_reads >= 1.0);
        let nothing = match shares_nothing {
            true => "the table shares no ASV with the training samples",
            false => "the table shares few ASVs with the training samples",
        };
        if unseen.unlike >= OFF_TARGET {
            warnings.push(format!(
                "{nothing}, and the ASVs of {} of its reads do not resemble theirs: they seem to be of another region or another gene; {}",
                percent(unseen.unlike),
                self.compared_lengths(table)
            ));
        } else if shares_nothing && self.kmers.typical <= 0.0 {
            warnings.push(format!(
                "{nothing}: are its ids of the same kind, and from the same database?"
            ));
        } else if shares_nothing && unseen.reversed < WORTH_A_WARNING {
            warnings.push(format!(
                "{nothing}, although most sequences resemble theirs: were they trimmed or denoised differently? {}",
                self.compared_lengths(table)
            ));
        }
        warnings
    }

    /// The resemblance of the ASVs not seen in training. If there are many, those with the most
    /// reads represent all.
    fn unseen(&self, table: &Table, is_known: &[bool]) -> Unseen {
        let mut reads = vec![0u64; table.num_features()];
        for row in 0..table.num_samples() {
            let (columns, counts) = table.row(row);
            for (&column, &count) in columns.iter().zip(counts) {
                reads[column as usize] += u64::from(count);
            }
        }
        let all: u64 = reads.iter().sum();
        let mut columns: Vec<usize> = (0..reads.len()).filter(|&c| !is_known[c]).collect();
        let missed: u64 = columns.iter().map(|&column| reads[column]).sum();
        columns.sort_by_key(|&column| std::cmp::Reverse(reads[column]));
        columns.truncate(kmers::MOST_ASVS);
        let looked_at: u64 = columns.iter().map(|&column| reads[column]).sum();
        // Each examined ASV represents several that were not examined.
        let scale = missed as f64 / looked_at.max(1) as f64 / all.max(1) as f64;
        let mut unseen = Unseen::default();
        for column in columns {
            let part = match self.kmers.resemblance(&table.feature_ids()[column]) {
                Resemblance::Alike => &mut unseen.alike,
                Resemblance::Reversed => &mut unseen.reversed,
                Resemblance::Unlike => &mut unseen.unlike,
                Resemblance::Unknown => continue,
            };
            *part += reads[column] as f64 * scale;
        }
        unseen
    }

    fn compared_lengths(&self, table: &Table) -> String {
        let [shortest, median, longest] = super::lengths(table.feature_ids().iter());
        let bases = |[shortest, median, longest]: [u32; 3]| match shortest == longest {
            true => counted(median as usize, "base"),
            false => format!("{shortest} to {longest} bases, half of them up to {median}"),
        };
        format!(
            "the training ASVs have {}, the table's {}",
            bases(self.lengths),
            bases([shortest, median, longest])
        )
    }
}
