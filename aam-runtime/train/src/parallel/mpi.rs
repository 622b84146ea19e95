//! Processes connected by MPI.
//!
//! MPI terminates all processes when one of them dies, and when a call fails.

use aam_api::{Communicator, PluginError};
use mpi::collective::{CommunicatorCollectives, Root};
use mpi::datatype::{Partition, PartitionMut};
use mpi::environment::Universe;
use mpi::topology::{Communicator as _, SimpleCommunicator};
use mpi::{Count, Threading};

/// The MPI connection for the lifetime of the program. Dropping it waits for the other processes
/// and finalises MPI.
pub(super) struct Connection(#[expect(dead_code, reason = "it is dropped in the end")] Universe);

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    pub(super) fn open() -> Option<Self> {
        let (universe, _) = mpi::initialize_with_threading(Threading::Serialized)?;
        Some(Self(universe))
    }

    pub(super) fn abort(&self, code: u8) {
        SimpleCommunicator::world().abort(code.into());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The others wait for this process, which will not get there.
        if std::thread::panicking() {
            self.abort(101);
        }
    }
}

/// One of the processes of MPI's world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Processes {
    rank: usize,
    size: usize,
}

impl Processes {
    /// This process, if MPI is available and has several.
    pub(super) fn connected() -> Option<Self> {
        if !mpi::environment::is_initialized() || mpi::environment::is_finalized() {
            return None;
        }
        let world = SimpleCommunicator::world();
        let processes = Self {
            rank: world.rank() as usize,
            size: world.size() as usize,
        };
        (processes.size > 1).then_some(processes)
    }

    /// The lengths as MPI counts, and the offset of each message.
    fn places(
        &self,
        lengths: impl Iterator<Item = usize>,
    ) -> Result<(Vec<Count>, Vec<Count>, usize), PluginError> {
        let (mut counts, mut starts, mut end) = (Vec::new(), Vec::new(), 0);
        for length in lengths {
            let count = Count::try_from(length).ok();
            let (Some(count), Ok(start)) = (count, Count::try_from(end)) else {
                return Err(PluginError::Communication {
                    rank: self.rank,
                    size: self.size,
                    problem: "more than 2 GiB in one message, which MPI cannot send".to_owned(),
                });
            };
            counts.push(count);
            starts.push(start);
            end += length;
        }
        Ok((counts, starts, end))
    }

    /// The messages that are concatenated in `bytes`.
    fn split(bytes: &[u8], counts: &[Count], starts: &[Count]) -> Vec<Vec<u8>> {
        let places = counts.iter().zip(starts);
        places
            .map(|(&count, &start)| bytes[start as usize..][..count as usize].to_vec())
            .collect()
    }
}

/// Allocates memory for an empty buffer: otherwise its address is 1, which Open MPI interprets as
/// `MPI_IN_PLACE`.
fn not_empty(buffer: &mut Vec<u8>) {
    if buffer.is_empty() {
        buffer.push(0);
    }
}

impl Communicator for Processes {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn exchange(&self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, PluginError> {
        let world = SimpleCommunicator::world();
        let (sent, starts, _) = self.places(messages.iter().map(Vec::len))?;
        let mut coming = vec![0 as Count; self.size];
        world.all_to_all_into(&sent[..], &mut coming[..]);
        let lengths = coming.iter().map(|&count| count as usize);
        let (coming, places, end) = self.places(lengths)?;
        let mut bytes = messages.concat();
        not_empty(&mut bytes);
        drop(messages);
        let mut received = vec![0u8; end];
        not_empty(&mut received);
        let from = Partition::new(&bytes[..], &sent[..], &starts[..]);
        let mut to = PartitionMut::new(&mut received[..], &coming[..], &places[..]);
        world.all_to_all_varcount_into(&from, &mut to);
        Ok(Self::split(&received, &coming, &places))
    }

    fn gather_messages(&self, message: Vec<u8>) -> Result<Vec<Vec<u8>>, PluginError> {
        let world = SimpleCommunicator::world();
        let (own, _, _) = self.places(std::iter::once(message.len()))?;
        let mut coming = vec![0 as Count; self.size];
        world.all_gather_into(&own[0], &mut coming[..]);
        let lengths = coming.iter().map(|&count| count as usize);
        let (coming, places, end) = self.places(lengths)?;
        let mut received = vec![0u8; end];
        not_empty(&mut received);
        let mut message = message;
        not_empty(&mut message);
        let mut to = PartitionMut::new(&mut received[..], &coming[..], &places[..]);
        world.all_gather_varcount_into(&message[..own[0] as usize], &mut to);
        Ok(Self::split(&received, &coming, &places))
    }

    fn broadcast_message(&self, message: Vec<u8>) -> Result<Vec<u8>, PluginError> {
        let world = SimpleCommunicator::world();
        let first = world.process_at_rank(0);
        let (mut length, _, _) = self.places(std::iter::once(message.len()))?;
        first.broadcast_into(&mut length[..]);
        let mut message = message;
        message.resize(length[0] as usize, 0);
        if length[0] > 0 {
            first.broadcast_into(&mut message[..]);
        }
        Ok(message)
    }

    fn barrier(&self) -> Result<(), PluginError> {
        SimpleCommunicator::world().barrier();
        Ok(())
    }

    fn abort(&self, _problem: &str) {
        SimpleCommunicator::world().abort(1);
    }
}
