//! The batches of a run, with what they are compared with, which is computed on a thread of its own
//! while the steps before them run.
//!
//! The order of the samples depends on the seed and the number of the epoch alone, so batches are
//! known long before their turn. The thread stays [`AHEAD`] batches ahead and ends with the work
//! that takes them, whether that ends well or not. What a batch is compared with depends on its
//! samples alone, so results are those of a run without the thread.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::base_task::BaseTask;

/// Finished batches that wait; one more is being computed.
const AHEAD: usize = 2;

/// A batch to train on.
#[derive(Clone, Debug, PartialEq)]
pub struct UpcomingBatch {
    /// Rows of the table, or of what else is trained on.
    pub rows: Vec<usize>,
    /// What the base should say of these samples ([`BaseTask::truth`]), where it learns of samples.
    pub truth: Option<Vec<f32>>,
}

impl UpcomingBatch {
    fn new(rows: Vec<usize>, task: Option<BaseTask<'_>>) -> Self {
        let truth = task.map(|task| task.truth(&rows));
        Self { rows, truth }
    }
}

/// Gives `work` the batches whose rows `batches` yields, without end, and returns what it returns.
///
/// Where there is a task, its truth is computed on another thread.
pub fn with_batches<R>(
    task: Option<BaseTask<'_>>,
    batches: impl Iterator<Item = Vec<usize>> + Send,
    work: impl FnOnce(&mut dyn Iterator<Item = UpcomingBatch>) -> R,
) -> R {
    if task.is_none() {
        return work(&mut batches.map(|rows| UpcomingBatch::new(rows, None)));
    }
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            for rows in batches {
                // Nobody receives any more once the work is done.
                if sender.send(UpcomingBatch::new(rows, task)).is_err() {
                    break;
                }
            }
        });
        work(&mut Upcoming(receiver))
        // The receiver is gone here, before the scope waits for the thread.
    })
}

struct Upcoming(Receiver<UpcomingBatch>);

impl Iterator for Upcoming {
    type Item = UpcomingBatch;

    fn next(&mut self) -> Option<UpcomingBatch> {
        self.0.recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::beta_diversity::{TableDistances, TableMetric};
    use crate::data::Table;
    use crate::study::{Distances, Supervision};

    fn distances() -> Supervision {
        let names = |letter: &str| (0..30).map(|i| format!("{letter}{i}")).collect();
        let entries: Vec<(u32, u32, u32)> = (0..30)
            .flat_map(|row| (0..30).map(move |asv| (row, asv, 1 + row * asv % 7)))
            .filter(|(row, asv, _)| (row + asv) % 3 > 0)
            .collect();
        let table = Table::from_triplets(names("s"), names("a"), &entries).unwrap();
        let distances = TableDistances::new(&table, TableMetric::BrayCurtis);
        Supervision::Distances(Distances::Table(distances))
    }

    /// Batch number `i` of a run.
    fn rows(i: usize) -> Vec<usize> {
        (0..4).map(|k| (7 * i + 3 * k) % 30).collect()
    }

    #[test]
    fn batches_come_in_order_with_the_truth_that_they_have_without_a_thread() {
        let supervision = distances();
        let task = BaseTask::new(&supervision, &[0, 1]).unwrap();
        let found: Vec<UpcomingBatch> = with_batches(Some(task), (0..).map(rows), |batches| {
            batches.take(50).collect()
        });
        assert_eq!(found.len(), 50);
        for (i, batch) in found.iter().enumerate() {
            assert_eq!(*batch, UpcomingBatch::new(rows(i), Some(task)));
            let truth = batch.truth.as_ref().unwrap();
            assert!(truth.len() == 16 && truth[1] > 0.0);
        }
        let rowless = |batch: UpcomingBatch| (batch.rows, batch.truth);
        let first = with_batches(None, (0..).map(rows), |batches| batches.next().map(rowless));
        assert_eq!(first, Some((rows(0), None)));
    }

    #[test]
    fn few_batches_wait_and_the_thread_ends_with_the_work() {
        let supervision = distances();
        let task = BaseTask::new(&supervision, &[0, 1]).unwrap();
        let made = AtomicUsize::new(0);
        let batches = (0..).map(|i| {
            made.fetch_add(1, Ordering::SeqCst);
            rows(i)
        });
        let outcome: Result<(), &str> = with_batches(Some(task), batches, |batches| {
            for taken in 1..=20 {
                batches.next().ok_or("no batch")?;
                // Those taken, those that wait, and the one in the making.
                assert!(made.load(Ordering::SeqCst) <= taken + AHEAD + 1);
            }
            Err("the work fails")
        });
        assert_eq!(outcome, Err("the work fails"));
        assert!(made.load(Ordering::SeqCst) <= 20 + AHEAD + 1);
    }

    #[test]
    fn a_panic_in_the_thread_ends_the_work_and_is_one_of_the_program() {
        let supervision = distances();
        let task = BaseTask::new(&supervision, &[0, 1]).unwrap();
        let broken = (0..).map(|i| match i {
            0..3 => rows(i),
            _ => panic!("a mistake"),
        });
        let taken = AtomicUsize::new(0);
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            with_batches(Some(task), broken, |batches| {
                for _ in batches {
                    taken.fetch_add(1, Ordering::SeqCst);
                }
            });
        }));
        assert!(ended.is_err());
        assert_eq!(taken.load(Ordering::SeqCst), 3);
    }
}
