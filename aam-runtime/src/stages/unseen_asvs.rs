//! Warns where held-out samples share hardly any ASV with their training samples, as those of another
//! study often do.

use aam_core::text::counted;
use aam_data::{Split, Table};
use aam_evaluation::sample_reads::sample_reads;
use aam_run::RunError;
use aam_run::events::{Event, Observer};

/// Share of the reads of a sample above which it counts as new to its training samples.
const NEARLY_ALL: f64 = 0.99;

/// Warns if half the samples of `table` held out in `splits`, or more, have nearly all their reads in ASVs
/// that no training sample of the same split has.
///
/// # Errors
/// Those of `observer`.
pub fn warn_of_unseen_asvs(
    table: &Table,
    splits: &[Split],
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let reads = sample_reads(table, splits);
    let held_out = reads.iter().filter_map(|reads| reads.unseen);
    let (mut all, mut new) = (0, 0);
    for unseen in held_out {
        all += 1;
        new += usize::from(unseen >= NEARLY_ALL);
    }
    if new == 0 || 2 * new < all {
        return Ok(());
    }
    let text = format!(
        "{new} of {} share hardly any ASV with their training samples (over 99 % of their reads are in \
         other ASVs): related ASVs are all that a model can predict them from. Reads of other primers, another \
         length or the other strand have this effect, too; `aam check` says what the sequences look like",
        counted(all, "held-out sample")
    );
    observer.observe(&Event::Warning(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(cells: &[(u32, u32, u32)]) -> Vec<String> {
        struct Heard(Vec<String>);
        impl Observer for Heard {
            fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
                if let Event::Warning(text) = event {
                    self.0.push((*text).to_owned());
                }
                Ok(())
            }
        }
        let ids = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let samples = ids(&["a", "b", "c", "d"]);
        let table = Table::from_triplets(samples, ids(&["x", "y"]), cells).unwrap();
        let split = Split {
            train: vec![0, 1],
            validation: vec![2, 3],
        };
        let mut heard = Heard(Vec::new());
        warn_of_unseen_asvs(&table, &[split], &mut heard).unwrap();
        heard.0
    }

    #[test]
    fn samples_without_a_common_asv_are_counted() {
        let found = warnings(&[(0, 0, 5), (1, 0, 3), (2, 1, 4), (3, 1, 200), (3, 0, 1)]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("2 of 2 held-out samples share"),
            "{found:?}"
        );
    }

    #[test]
    fn common_asvs_need_no_warning() {
        let found = warnings(&[(0, 0, 5), (1, 1, 3), (2, 1, 4), (3, 0, 2)]);
        assert!(found.is_empty(), "{found:?}");
    }
}
