//! Ranks in threads of one process.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::{Communicator, PluginError};

/// One of several ranks in threads of one process.
///
/// An exchange ends when the last rank has arrived. A rank that fails releases the others with
/// [`Communicator::abort`].
#[derive(Clone, Debug)]
pub struct InProcess {
    rank: usize,
    meeting: Arc<Meeting>,
}

#[derive(Debug)]
struct Meeting {
    size: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Number of completed exchanges.
    done: usize,
    /// Messages of the ranks that have arrived, by sender and receiver.
    brought: Vec<Option<Vec<Vec<u8>>>>,
    /// Exchanged messages that have not been collected yet, by receiver.
    waiting: Vec<Option<Vec<Vec<u8>>>>,
    /// The first rank that failed, and why.
    failed: Option<(usize, String)>,
}

impl InProcess {
    /// Returns the communicators of `size` ranks, in rank order.
    pub fn ranks(size: usize) -> Vec<Self> {
        let meeting = Arc::new(Meeting {
            size,
            state: Mutex::new(State {
                brought: vec![None; size],
                waiting: vec![None; size],
                ..State::default()
            }),
            changed: Condvar::new(),
        });
        let ranks = (0..size).map(|rank| Self {
            rank,
            meeting: Arc::clone(&meeting),
        });
        ranks.collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.meeting.state.lock();
        // State left half-done by a panic is never read: the rank fails.
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `ready` holds or a rank has failed.
    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        ready: impl Fn(&State) -> bool,
    ) -> Result<MutexGuard<'a, State>, PluginError> {
        let wait = |state: &mut State| !ready(state) && state.failed.is_none();
        let state = self.meeting.changed.wait_while(state, wait);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        match &state.failed {
            Some((rank, problem)) if !ready(&state) => Err(PluginError::Communication {
                rank: *rank,
                size: self.meeting.size,
                problem: problem.clone(),
            }),
            _ => Ok(state),
        }
    }
}

impl Communicator for InProcess {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.meeting.size
    }

    fn exchange(&self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, PluginError> {
        let (rank, size) = (self.rank, self.meeting.size);
        // The slowest rank may not have collected the previous exchange yet.
        let mut state = self.wait(self.state(), |state| state.waiting[rank].is_none())?;
        let mine = state.done;
        state.brought[rank] = Some(messages);
        if state.brought.iter().all(Option::is_some) {
            let brought: Vec<Vec<Vec<u8>>> =
                state.brought.iter_mut().filter_map(Option::take).collect();
            let mut received: Vec<Vec<Vec<u8>>> = vec![Vec::with_capacity(size); size];
            for messages in brought {
                for (to, message) in messages.into_iter().enumerate() {
                    received[to].push(message);
                }
            }
            state.waiting = received.into_iter().map(Some).collect();
            state.done += 1;
            self.meeting.changed.notify_all();
        }
        let mut state = self.wait(state, |state| state.done > mine)?;
        Ok(state.waiting[rank].take().unwrap_or_default())
    }

    fn abort(&self, problem: &str) {
        let mut state = self.state();
        state
            .failed
            .get_or_insert_with(|| (self.rank, problem.to_owned()));
        self.meeting.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use burn::tensor::{Device, Tensor};

    use super::*;
    use crate::Parts;

    /// The results of `work` on each of `size` ranks.
    fn on_ranks<R: Send>(size: usize, work: impl Fn(&dyn Communicator) -> R + Sync) -> Vec<R> {
        let work = &work;
        thread::scope(|scope| {
            let ranks = InProcess::ranks(size).into_iter();
            let threads = ranks.map(|rank| scope.spawn(move || work(&rank)));
            let threads: Vec<_> = threads.collect();
            let results = threads.into_iter().map(|thread| thread.join());
            results.map(|result| result.expect("no panic")).collect()
        })
    }

    #[test]
    fn messages_of_any_length_reach_their_rank() {
        for size in 1..=4 {
            let received = on_ranks(size, |rank| {
                // Repeated, so that a fast rank meets a slow one.
                for _ in 0..200 {
                    rank.barrier().expect("nobody fails");
                }
                let message = |to: usize| vec![rank.rank() as u8; to + rank.rank()];
                rank.exchange((0..size).map(message).collect())
            });
            for (to, received) in received.into_iter().enumerate() {
                let expected: Vec<_> = (0..size).map(|from| vec![from as u8; to + from]).collect();
                assert_eq!(received, Ok(expected));
            }
        }
    }

    #[test]
    fn every_rank_sums_in_rank_order() {
        for size in 1..=4 {
            let value = |rank: usize, i: usize| 1e-3 * (1 + rank) as f32 / (1 + i) as f32;
            let values = |rank| (0..7).map(|i| value(rank, i)).collect::<Vec<f32>>();
            let expected: Vec<f32> = (0..7)
                .map(|i| (0..size).fold(0.0, |sum, rank| sum + value(rank, i)))
                .collect();
            let parts = Parts::equal(7, size);
            let device = Device::default();
            let found = on_ranks(size, |rank| {
                let own = Tensor::from_floats(values(rank.rank()).as_slice(), &device);
                let all = rank.all_reduce(own.clone())?;
                let part = rank.reduce_scatter(own, &parts)?;
                let sum = rank.sum(&[rank.rank() as f64, 1.0])?;
                let text = rank.broadcast_message(vec![rank.rank() as u8, 5])?;
                Ok::<_, PluginError>((all, part, sum, text))
            });
            let numbers = |tensor: Tensor<1>| tensor.into_data().iter().collect::<Vec<f32>>();
            for (rank, found) in found.into_iter().enumerate() {
                let (all, part, sum, text) = found.expect("nobody fails");
                assert_eq!(numbers(all), expected);
                assert_eq!(numbers(part), expected[parts.of(rank)]);
                assert_eq!(sum, [(0..size).sum::<usize>() as f64, size as f64]);
                assert_eq!(text, [0, 5]);
            }
        }
    }

    #[test]
    fn a_failing_rank_releases_the_others() {
        let errors = on_ranks(3, |rank| match rank.rank() {
            1 => {
                rank.abort("its disk is full");
                None
            }
            _ => rank.barrier().and_then(|()| rank.barrier()).err(),
        });
        for error in [&errors[0], &errors[2]] {
            let error = error.as_ref().expect("an error");
            assert_eq!(error.to_string(), "rank 1 of 3: its disk is full");
        }
    }

    #[test]
    fn different_numbers_of_values_are_an_error() {
        let errors = on_ranks(2, |rank| rank.sum(&vec![1.0; 1 + rank.rank()]).err());
        let error = errors[0].as_ref().expect("an error").to_string();
        assert_eq!(error, "rank 1 of 2: it sent 2 values where 1 were expected");
        let errors = on_ranks(2, |rank| {
            let own = Tensor::ones([1 + rank.rank()], &Device::default());
            rank.all_gather(own, &Parts::equal(2, 2)).err()
        });
        let error = errors[0].as_ref().expect("an error").to_string();
        assert_eq!(error, "rank 1 of 2: it sent 2 values where 1 were expected");
    }
}
