//! How the ranks of a run exchange numbers.
//!
//! A rank is one of several copies of the training, in a thread or a process of its own. Whoever
//! connects ranks supplies [`Communicator::exchange`]; everything else follows from it, so that
//! sums are added in rank order and are the same, bit for bit, on every rank and every network.

use std::fmt::Debug;
use std::ops::Range;

use crate::PluginError;

/// The connection of one rank to the others.
///
/// Every method but [`abort`](Self::abort), [`rank`](Self::rank) and [`size`](Self::size) is
/// collective: all ranks call it, in the same order. Each fails if a rank failed or cannot be
/// reached, with an error that names the rank.
pub trait Communicator: Debug + Send + Sync {
    /// This rank, from 0; rank 0 writes the files.
    fn rank(&self) -> usize;

    /// Number of ranks.
    fn size(&self) -> usize;

    /// Sends message number `r` to rank `r`, and returns what each rank sent here, in rank order.
    ///
    /// # Errors
    /// A rank that failed or cannot be reached.
    fn exchange(&self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, PluginError>;

    /// Ends the work of all ranks, because this one failed with `problem`.
    fn abort(&self, problem: &str);

    /// The messages of all ranks, in rank order; they may be of different lengths.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange).
    fn all_gather(&self, message: Vec<u8>) -> Result<Vec<Vec<u8>>, PluginError> {
        self.exchange(vec![message; self.size()])
    }

    /// The message of rank 0, on every rank.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange).
    fn broadcast(&self, message: Vec<u8>) -> Result<Vec<u8>, PluginError> {
        if self.size() == 1 {
            return Ok(message);
        }
        let messages = match self.rank() {
            0 => vec![message; self.size()],
            _ => vec![Vec::new(); self.size()],
        };
        let mut received = self.exchange(messages)?;
        Ok(std::mem::take(&mut received[0]))
    }

    /// Waits for all ranks.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange).
    fn barrier(&self) -> Result<(), PluginError> {
        match self.size() {
            1 => Ok(()),
            _ => self.all_gather(Vec::new()).map(|_| ()),
        }
    }

    /// The sum of each value over the ranks; as many values on every rank.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or numbers of values that differ.
    fn sum(&self, values: &[f64]) -> Result<Vec<f64>, PluginError> {
        if self.size() == 1 {
            return Ok(values.to_vec());
        }
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        let received = self.all_gather(bytes.collect())?;
        let mut sums = vec![0.0; values.len()];
        for (rank, message) in received.iter().enumerate() {
            let (numbers, rest) = message.as_chunks::<8>();
            expect(rank, self.size(), numbers.len(), values.len(), rest)?;
            for (sum, bytes) in sums.iter_mut().zip(numbers) {
                *sum += f64::from_le_bytes(*bytes);
            }
        }
        Ok(sums)
    }

    /// The sums over the ranks of the values in this rank's part; as many `values` on every rank,
    /// and the same `parts`, one for each rank.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or numbers of values that differ.
    fn reduce_scatter(
        &self,
        values: &[f32],
        parts: &[Range<usize>],
    ) -> Result<Vec<f32>, PluginError> {
        let own = parts[self.rank()].clone();
        if self.size() == 1 {
            return Ok(values[own].to_vec());
        }
        let parts = parts.iter().map(|part| to_bytes(&values[part.clone()]));
        let received = self.exchange(parts.collect())?;
        let mut sums = vec![0.0; own.len()];
        for (rank, message) in received.iter().enumerate() {
            let (numbers, rest) = message.as_chunks::<4>();
            expect(rank, self.size(), numbers.len(), own.len(), rest)?;
            for (sum, bytes) in sums.iter_mut().zip(numbers) {
                *sum += f32::from_le_bytes(*bytes);
            }
        }
        Ok(sums)
    }

    /// The sum of each value over the ranks, as [`sum`](Self::sum), for long rows: each rank adds
    /// a part and sends it to the others.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), or numbers of values that differ.
    fn all_reduce(&self, values: Vec<f32>) -> Result<Vec<f32>, PluginError> {
        if self.size() == 1 {
            return Ok(values);
        }
        let parts = equal_parts(values.len(), self.size());
        let own = self.reduce_scatter(&values, &parts)?;
        self.all_gather_values(&own)
    }

    /// The values of all ranks, one rank after the other; as many or as few as each has.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange).
    fn all_gather_values(&self, own: &[f32]) -> Result<Vec<f32>, PluginError> {
        if self.size() == 1 {
            return Ok(own.to_vec());
        }
        let received = self.all_gather(to_bytes(own))?;
        let mut values = Vec::with_capacity(received.iter().map(Vec::len).sum::<usize>() / 4);
        for (rank, message) in received.iter().enumerate() {
            let (numbers, rest) = message.as_chunks::<4>();
            expect(rank, self.size(), numbers.len(), numbers.len(), rest)?;
            values.extend(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        }
        Ok(values)
    }
}

fn to_bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn expect(
    rank: usize,
    size: usize,
    found: usize,
    expected: usize,
    rest: &[u8],
) -> Result<(), PluginError> {
    if found == expected && rest.is_empty() {
        return Ok(());
    }
    Err(PluginError::Communication {
        rank,
        size,
        problem: format!("it sent {found} values where {expected} were expected"),
    })
}

/// `count` things in as many parts as there are `ranks`, in order, whose sizes differ by one at
/// most; parts may be empty.
pub fn equal_parts(count: usize, ranks: usize) -> Vec<Range<usize>> {
    let start = |rank: usize| rank * (count / ranks) + rank.min(count % ranks);
    (0..ranks)
        .map(|rank| start(rank)..start(rank + 1))
        .collect()
}

/// The communicator of a run with one rank.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Communicator for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn exchange(&self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, PluginError> {
        Ok(messages)
    }

    fn abort(&self, _problem: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_in_order_and_nearly_equal() {
        assert_eq!(equal_parts(7, 3), [0..3, 3..5, 5..7]);
        assert_eq!(equal_parts(2, 3), [0..1, 1..2, 2..2]);
        assert_eq!(equal_parts(0, 2), [0..0, 0..0]);
    }

    #[test]
    fn alone_is_what_it_is() {
        assert_eq!(Alone.sum(&[1.5]), Ok(vec![1.5]));
        assert_eq!(Alone.all_reduce(vec![2.0]), Ok(vec![2.0]));
        assert_eq!(Alone.broadcast(vec![7]), Ok(vec![7]));
        assert_eq!(
            Alone.reduce_scatter(&[1.0, 2.0], &[0..2]),
            Ok(vec![1.0, 2.0])
        );
    }
}
