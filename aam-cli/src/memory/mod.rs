//! Batch sizes that fit the memory, and a memory profile of a training.
//!
//! Memory use is measured by starting the training in a separate process: it can be killed if it uses too
//! much, and if the system kills it, this program survives. Ranks in threads are measured together. If
//! `mpirun` started several processes, the first one measures, with its share of the memory of its
//! machine, and sends the others the batch size.
//!
//! A training whose batch size was found this way also runs in a separate process, because memory may
//! still run out later.

mod child;
#[cfg(unix)]
mod halving;

use aam_runtime::memory::available;
use aam_runtime::options::{MemoryOptions, OptimizationOptions};
use aam_runtime::run::events::{Event, Observer};
use aam_runtime::step_memory::{Measurable, StepMemory};
use aam_runtime::text::counted;
use aam_runtime::train::parallel::processes::{communicator, on_this_machine};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Amount;
pub use child::{COMMAND as MEASURE, measured_here, read};
use child::{Measured, measure};

/// The hidden command with which the program calls itself to train.
pub const TRAIN: &str = "train-step";

/// The largest batch size searched; larger batches do not improve updates.
const LARGEST: usize = 256;
/// The smallest batch size tried.
const SMALLEST: usize = 2;
/// The fraction of the free memory that a training may use by default.
const FRACTION: f64 = 0.8;
/// Memory depends on the batch if the largest needs this many times as much as the smallest.
const NOTABLE: f64 = 1.1;

/// Options with a batch size that fits.
#[derive(Clone, Debug)]
pub struct Fitted<T> {
    /// The options.
    pub options: T,
    /// Whether the batch size was found by measuring.
    measured: bool,
}

impl<T: Measurable> Fitted<T> {
    /// Trains with these options: by `here` in this process, or, if the batch size was measured, in a
    /// separate one, with smaller batches if memory runs out.
    ///
    /// # Errors
    /// Those of the training.
    pub fn train(
        &self,
        amount: Amount,
        display: &mut dyn Observer,
        here: impl FnOnce(&T, &mut dyn Observer) -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        #[cfg(unix)]
        if self.measured && communicator()?.size() == 1 {
            return halving::train(self.options.clone(), amount, display);
        }
        here(&self.options, display)
    }
}

/// Returns the options with a batch size that fits, and reports what was measured.
///
/// # Errors
/// Contradictory settings, a training that cannot start, or one that does not fit at any batch size.
pub fn fitted<T: Measurable>(
    options: T,
    observer: &mut dyn Observer,
) -> Result<Fitted<T>, Failure> {
    let mut options = options;
    // A limit alone asks for the largest batch within it.
    let memory = options.memory();
    memory.auto_batch_size |=
        memory.max_memory_gb.is_some() || memory.max_memory_fraction.is_some();
    let memory = memory.clone();
    check(&memory, options.optimization())?;
    if memory.auto_batch_size {
        let size = agreed_size(&options, &memory, observer)?;
        options.optimization().batch_size = Some(size);
    }
    if let (Some(target), Some(size)) = (
        memory.target_effective_batch_size,
        options.optimization().batch_size,
    ) {
        let steps = (target / size).max(1);
        options.optimization().gradient_accumulation_steps = steps;
        let text = format!(
            "--target-effective-batch-size {target}: updates of {} of {}",
            counted(steps, "batch"),
            counted(size, "sample")
        );
        observer.observe(&Event::Note(&text))?;
    }
    if memory.memory_profile && communicator()?.rank() == 0 {
        let measured = match measure(&options, None)? {
            Measured::Fits(measured) => measured,
            Measured::TooLarge(why) => return Err(Failure::new(Exit::Failed, why)),
        };
        observer.observe(&Event::Note(&table(&measured)))?;
    }
    // The record has the resulting batch size, not the search for it.
    *options.memory() = Default::default();
    Ok(Fitted {
        options,
        measured: memory.auto_batch_size,
    })
}

/// The largest batch size that fits, which the first of several processes measures.
fn agreed_size<T: Measurable>(
    options: &T,
    memory: &MemoryOptions,
    observer: &mut dyn Observer,
) -> Result<usize, Failure> {
    let processes = communicator()?;
    let mut message = Vec::new();
    if processes.rank() == 0 {
        let budget = budget(memory)?;
        let (size, measured) = largest_fitting(options, (memory, budget), observer)?;
        let of_rank = match processes.size() {
            1 => String::new(),
            size => format!(" on each of {size} ranks"),
        };
        let text = format!(
            "--auto-batch-size: batches of {}, which need {} of the {} that the training may use{of_rank}",
            counted(size, "sample"),
            gigabytes(measured.peak()),
            gigabytes(budget)
        );
        observer.observe(&Event::Note(&text))?;
        message = (size as u64).to_le_bytes().to_vec();
    }
    if processes.size() > 1 {
        message = processes.broadcast_message(message)?;
    }
    match message.as_chunks::<8>().0 {
        [bytes] => Ok(u64::from_le_bytes(*bytes) as usize),
        _ => Err(Failure::new(
            Exit::Failed,
            "rank 0 did not send a batch size",
        )),
    }
}

fn check(memory: &MemoryOptions, optimization: &OptimizationOptions) -> Result<(), Failure> {
    let refused = |key: &str, problem: &str| Err(Failure::setting(key, None, problem));
    let limit = match (memory.max_memory_gb, memory.max_memory_fraction) {
        (Some(_), Some(_)) => {
            return refused(
                "max-memory-gb",
                "--max-memory-fraction is given, too: choose one",
            );
        }
        (Some(_), None) => Some("max-memory-gb"),
        (None, Some(_)) => Some("max-memory-fraction"),
        (None, None) => None,
    };
    let on_cpu = ["auto", "cpu"].contains(&optimization.device.as_str());
    if let Some(key) = limit.filter(|_| !on_cpu) {
        return refused(
            key,
            "it limits the memory of a CPU; on a GPU, --auto-batch-size uses the largest batch that does not fail",
        );
    }
    if memory.auto_batch_size && optimization.batch_size.is_some() {
        let key = limit.unwrap_or("auto-batch-size");
        return refused(key, "--batch-size is given, too: choose one");
    }
    if memory.target_effective_batch_size.is_some() {
        let key = "target-effective-batch-size";
        if !memory.auto_batch_size && optimization.batch_size.is_none() {
            return refused(
                key,
                "it needs a batch size: give --batch-size or --auto-batch-size",
            );
        }
        if optimization.gradient_accumulation_steps > 1 {
            return refused(
                key,
                "--gradient-accumulation-steps is given, too: choose one",
            );
        }
    }
    Ok(())
}

/// Bytes that this process may use: the processes on this machine share the limit.
fn budget(memory: &MemoryOptions) -> Result<u64, Failure> {
    let share = 1.0 / on_this_machine() as f64;
    if let Some(number) = memory.max_memory_gb {
        return Ok((number * 1e9 * share) as u64);
    }
    let free = available().ok_or_else(|| {
        let problem = "this system does not report how much memory is free; give --batch-size";
        Failure::setting("auto-batch-size", None, problem)
    })?;
    let part = memory.max_memory_fraction.unwrap_or(FRACTION);
    Ok((free as f64 * part * share) as u64)
}

/// The largest batch size whose training uses at most `budget` bytes, and its memory use.
fn largest_fitting<T: Measurable>(
    options: &T,
    (memory, budget): (&MemoryOptions, u64),
    observer: &mut dyn Observer,
) -> Result<(usize, StepMemory), Failure> {
    let target = memory.target_effective_batch_size;
    let most = target.map_or(LARGEST, |target| target.clamp(SMALLEST, LARGEST));
    let mut try_size = |size: usize| -> Result<Measured, Failure> {
        let mut options = options.clone();
        options.optimization().batch_size = Some(size);
        observer.observe(&Event::Note(&format!(
            "measuring the memory of batches of {size}"
        )))?;
        measure(&options, Some(budget))
    };
    let smallest = match try_size(SMALLEST)? {
        Measured::Fits(measured) => measured,
        Measured::TooLarge(why) => {
            let problem = format!(
                "not even batches of {SMALLEST} samples fit: {why}\n  help: allow more with --max-memory-gb, or make the model smaller with --preset or --embedding-dim"
            );
            let failure = Failure::setting("auto-batch-size", None, &problem);
            return Err(failure.with_exit(Exit::Failed));
        }
    };
    if let Measured::Fits(measured) = try_size(most)? {
        let size = measured.batch_size;
        if measured.peak() as f64 <= NOTABLE * smallest.peak() as f64 {
            observer.observe(&Event::Note(&format!(
                "batches of {SMALLEST} need {}, those of {size} need {}: memory hardly depends on the batch size here",
                gigabytes(smallest.peak()),
                gigabytes(measured.peak())
            )))?;
        }
        return Ok((size, measured));
    }
    let (mut fits, mut known) = (SMALLEST, smallest);
    let mut fails = most;
    while let Some(middle) = between(fits, fails) {
        match try_size(middle)? {
            Measured::Fits(measured) => (fits, known) = (middle, measured),
            Measured::TooLarge(_) => fails = middle,
        }
    }
    Ok((fits, known))
}

/// The even number halfway between, if there is one.
fn between(fits: usize, fails: usize) -> Option<usize> {
    let middle = (fits + fails) / 2 / 2 * 2;
    (middle > fits && middle < fails).then_some(middle)
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.2} GB", bytes as f64 / 1e9)
}

/// One line per phase.
fn table(measured: &StepMemory) -> String {
    let mut text = format!(
        "memory with batches of {}, peak and end of each phase:",
        measured.batch_size
    );
    for phase in &measured.phases {
        let numbers = [phase.peak, phase.after].map(gigabytes);
        text.push_str(&format!(
            "\n  {:>9}  {:>9}  {}",
            numbers[0], numbers[1], phase.name
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_even_and_the_search_ends() {
        assert_eq!(between(2, 256), Some(128));
        assert_eq!(between(2, 5), None);
        assert_eq!(between(2, 7), Some(4));
        for limit in 2..256 {
            let (mut fits, mut fails) = (2, 256);
            while let Some(middle) = between(fits, fails) {
                assert!(middle % 2 == 0);
                match middle <= limit {
                    true => fits = middle,
                    false => fails = middle,
                }
            }
            assert!(fits <= limit && limit < fits + 2, "{limit}: {fits}");
        }
    }
}
