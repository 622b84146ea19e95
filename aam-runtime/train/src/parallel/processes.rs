//! Ranks that are processes started by `mpirun` (or `srun`): every process runs the same command,
//! and the first one writes the files.

use std::process::Command;
use std::sync::{Arc, OnceLock};

use aam_api::{Alone, Communicator};

use aam_run::RunError;

/// Environment variables with the number of processes, by the programs that start them.
const SIZES: [&str; 2] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"];

/// The rank of this process and the number of processes, if there are several; available to threads
/// and signal handlers without asking MPI.
static RANK: OnceLock<Option<(usize, usize)>> = OnceLock::new();

/// Environment variables with the number of processes on this machine.
const LOCAL_SIZES: [&str; 2] = ["OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"];

/// The largest number in the environment variables `names`.
fn largest(names: &[&str]) -> Option<usize> {
    let sizes = names.iter().filter_map(|name| std::env::var(name).ok());
    sizes.filter_map(|size| size.parse().ok()).max()
}

/// The number of processes that were started together, according to the environment.
fn started() -> usize {
    largest(&SIZES).unwrap_or(1)
}

/// The number of those processes that share this machine's memory: all of them, if the environment
/// does not say.
pub fn on_this_machine() -> usize {
    let all = started();
    largest(&LOCAL_SIZES).map_or(all, |local| local.clamp(1, all))
}

/// Makes `command` a process by itself, which does not join those that `mpirun` started.
pub fn by_itself(command: &mut Command) -> &mut Command {
    let names = SIZES.iter().chain(&LOCAL_SIZES);
    names.fold(command, |command, name| command.env_remove(name))
}

/// This process as one of those started by `mpirun`; held as long as the program runs.
#[derive(Debug)]
pub struct Process {
    #[cfg(feature = "mpi")]
    connection: Option<super::mpi::Connection>,
}

impl Process {
    /// Connects this process to the others, if any.
    pub fn start() -> Self {
        let process = Self {
            #[cfg(feature = "mpi")]
            connection: (started() > 1).then(super::mpi::Connection::open).flatten(),
        };
        let communicator = communicator().ok();
        let several = communicator.filter(|communicator| communicator.size() > 1);
        // Only the first call can succeed, and there is only one.
        let _ = RANK.set(several.map(|communicator| (communicator.rank(), communicator.size())));
        process
    }

    /// Terminates all processes with exit code `code`, if there are others.
    pub fn abort(&self, code: u8) {
        #[cfg(feature = "mpi")]
        if let Some(connection) = &self.connection {
            connection.abort(code);
        }
        let _ = code;
    }
}

/// The rank of this process and the number of processes, if there are several.
pub fn rank() -> Option<(usize, usize)> {
    RANK.get().copied().flatten()
}

/// Whether this process is the one that reports to the user.
pub fn is_first() -> bool {
    rank().is_none_or(|(rank, _)| rank == 0)
}

/// The connection of this process to the others.
///
/// # Errors
/// Several processes of a program that was built without MPI.
pub fn communicator() -> Result<Arc<dyn Communicator>, RunError> {
    #[cfg(feature = "mpi")]
    if let Some(processes) = super::mpi::Processes::connected() {
        return Ok(Arc::new(processes));
    }
    match started() {
        1 => Ok(Arc::new(Alone)),
        size => Err(RunError::Usage(format!(
            "{size} processes were started, but this program was built without MPI and each would do the same work; build it with `cargo build --release --features aam-cli/mpi`, or start one"
        ))),
    }
}

/// Rejects `what` if several processes were started.
///
/// # Errors
/// Several processes.
pub fn refuse(what: &str) -> Result<(), RunError> {
    match communicator()?.size() {
        1 => Ok(()),
        size => Err(RunError::Usage(format!(
            "{what} runs in one process, but {size} were started; start one, or use --strategy.ranks for ranks in threads"
        ))),
    }
}
