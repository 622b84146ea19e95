//! The batches of a run with their true values, which are computed in a separate thread during the
//! previous steps.
//!
//! The order of the samples only depends on the seed and the number of the epoch, so batches are
//! known long before they are used. The thread stays [`AHEAD`] batches ahead and ends with the
//! consumer of the batches, whether that succeeds or not. The true values of a batch only depend on
//! its samples, so results are the same as without the thread.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::base_task::BaseTask;
use aam_run::RunError;

/// Number of completed batches in the queue; one more is being computed.
const AHEAD: usize = 2;

/// A batch to train on.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingBatch {
    /// Rows of the table, or of other training data.
    pub rows: Vec<usize>,
    /// All rows that are trained on, which may be fewer than those of the study's training samples.
    pub pool: Arc<[usize]>,
    /// The true values of the samples for each sample task ([`BaseTask::truth`]).
    pub truths: Vec<Vec<f32>>,
}

impl TrainingBatch {
    fn new(rows: Vec<usize>, pool: Arc<[usize]>, tasks: &[BaseTask<'_>]) -> Self {
        let truths = tasks.iter().map(|task| task.truth(&rows)).collect();
        Self { rows, pool, truths }
    }
}

/// Returns the next batch, without end.
pub type NextBatch<'a> = dyn FnMut() -> Result<TrainingBatch, RunError> + 'a;

/// Passes batches for the infinite iterator `batches`, of rows in `pool`, to `work`, and returns its
/// result.
///
/// If there are tasks, their true values are computed in another thread.
pub fn with_batches<R>(
    tasks: &[BaseTask<'_>],
    pool: &[usize],
    mut batches: impl Iterator<Item = Vec<usize>> + Send,
    work: impl FnOnce(&mut NextBatch<'_>) -> R,
) -> R {
    let pool: Arc<[usize]> = pool.into();
    if tasks.is_empty() {
        return work(&mut || {
            let rows = batches.next().ok_or(RunError::BatchesEnded)?;
            Ok(TrainingBatch::new(rows, Arc::clone(&pool), tasks))
        });
    }
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            for rows in batches {
                // The receiver no longer exists once the work is done.
                let batch = TrainingBatch::new(rows, Arc::clone(&pool), tasks);
                if sender.send(batch).is_err() {
                    break;
                }
            }
        });
        // The receiver is dropped with the closure, before the scope waits for the thread.
        work(&mut move || receiver.recv().map_err(|_| RunError::BatchesEnded))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use aam_api::{Components, PairDistances, Truth};
    use aam_study::Supervision;
    use aam_study::options::DataOptions;

    #[derive(Debug)]
    struct Apart;

    impl PairDistances for Apart {
        fn between(&self, rows: &[usize]) -> Vec<f64> {
            let pairs = rows
                .iter()
                .flat_map(|a| rows.iter().map(move |b| a.abs_diff(*b)));
            pairs.map(|apart| apart as f64 / 30.0).collect()
        }
    }

    fn distances() -> Vec<Supervision> {
        let found = aam_study::objectives(&DataOptions::default(), &Components::default());
        let supervised = found.unwrap().into_iter().map(|of| Supervision {
            objective: of.objective,
            weight: of.weight,
            truth: Truth::Distances(Box::new(Apart)),
        });
        supervised.collect()
    }

    /// Batch number `i` of a run.
    fn rows(i: usize) -> Vec<usize> {
        (0..4).map(|k| (7 * i + 3 * k) % 30).collect()
    }

    #[test]
    fn batches_come_in_order_with_the_truth_that_they_have_without_a_thread() {
        let supervision = distances();
        let tasks = BaseTask::all(&supervision, &[0, 1]).unwrap();
        let found: Vec<TrainingBatch> = with_batches(&tasks, &[1, 2], (0..).map(rows), |next| {
            (0..50).map(|_| next().unwrap()).collect()
        });
        assert_eq!(found.len(), 50);
        for (i, batch) in found.iter().enumerate() {
            assert_eq!(*batch, TrainingBatch::new(rows(i), [1, 2].into(), &tasks));
            let truth = &batch.truths[0];
            assert!(truth.len() == 16 && truth[1] > 0.0);
        }
        let first = with_batches(&[], &[], (0..).map(rows), |next| next().unwrap());
        assert_eq!((first.rows, first.truths), (rows(0), Vec::new()));
    }

    #[test]
    fn few_batches_wait_and_the_thread_ends_with_the_work() {
        let supervision = distances();
        let tasks = BaseTask::all(&supervision, &[0, 1]).unwrap();
        let made = AtomicUsize::new(0);
        let batches = (0..).map(|i| {
            made.fetch_add(1, Ordering::SeqCst);
            rows(i)
        });
        let outcome: Result<(), &str> = with_batches(&tasks, &[], batches, |next| {
            for taken in 1..=20 {
                next().map_err(|_| "no batch")?;
                // The consumed ones, the queued ones, and the one being computed.
                assert!(made.load(Ordering::SeqCst) <= taken + AHEAD + 1);
            }
            Err("the work fails")
        });
        assert_eq!(outcome, Err("the work fails"));
        assert!(made.load(Ordering::SeqCst) <= 20 + AHEAD + 1);
    }

    #[test]
    fn a_panic_in_the_thread_ends_the_work_and_propagates() {
        let supervision = distances();
        let tasks = BaseTask::all(&supervision, &[0, 1]).unwrap();
        let broken = (0..).map(|i| match i {
            0..3 => rows(i),
            _ => panic!("a mistake"),
        });
        let taken = AtomicUsize::new(0);
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            with_batches(&tasks, &[], broken, |next| {
                while next().is_ok() {
                    taken.fetch_add(1, Ordering::SeqCst);
                }
            });
        }));
        assert!(ended.is_err());
        assert_eq!(taken.load(Ordering::SeqCst), 3);
    }
}
