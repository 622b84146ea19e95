//! A training whose batch size was found by measuring: later batches may have more ASVs than those
//! measured. It therefore runs in a separate process, and if memory runs out there, starts again from
//! its last checkpoint with half the batch.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use aam_runtime::memory::kills;
use aam_runtime::run::events::{Event, Observer};
use aam_runtime::step_memory::Measurable;
use aam_runtime::text::counted;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGABRT, SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use super::child::Folder;
use super::{SMALLEST, TRAIN};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::is_json;
use crate::progress::Amount;

/// The process that is training; 0 if there is none.
static CHILD: AtomicI32 = AtomicI32::new(0);
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Trains in a separate process. Whenever memory runs out there, it resumes from the last checkpoint
/// with half the batch and twice as many batches per update.
///
/// # Errors
/// Memory runs out with the smallest batches, or the process is killed for another reason. Errors of
/// the training itself have been printed; the exit code returned is theirs.
pub fn train<T: Measurable>(
    mut options: T,
    amount: Amount,
    display: &mut dyn Observer,
) -> Result<Exit, Failure> {
    pass_signals_on().map_err(failed)?;
    loop {
        let kills_before = kills();
        let status = train_once(&options, amount)?;
        if let Some(exit) = status.code().and_then(Exit::of) {
            return Ok(exit);
        }
        let optimization = options.optimization();
        let size = optimization.batch_size.unwrap_or(SMALLEST);
        let interrupted = INTERRUPTED.load(Ordering::SeqCst);
        if interrupted || size <= SMALLEST || !ran_out_of_memory(status, kills_before) {
            let text = format!("the process that trains was killed: {status}");
            let help = "--resume continues from the last checkpoint; if memory ran out, give a smaller --batch-size, too";
            return Err(Failure::new(Exit::Failed, text).help(help));
        }
        let half = size.div_ceil(2);
        let steps = 2 * optimization.gradient_accumulation_steps;
        optimization.batch_size = Some(half);
        optimization.gradient_accumulation_steps = steps;
        optimization.resume = true;
        optimization.overwrite = false;
        display.observe(&Event::Warning(&format!(
            "memory ran out with batches of {size}: resuming from the last checkpoint with updates of {} of {}",
            counted(steps, "batch"),
            counted(half, "sample")
        )))?;
    }
}

/// Trains in a separate process, and returns how it ended.
fn train_once<T: Measurable>(options: &T, amount: Amount) -> Result<ExitStatus, Failure> {
    let folder = Folder::new().map_err(failed)?;
    let mut command = folder.process(TRAIN, options)?;
    match amount {
        Amount::Quiet => command.arg("--quiet"),
        Amount::Usual => &mut command,
        Amount::Verbose => command.arg("--verbose"),
    };
    if is_json() {
        command.arg("--json");
    }
    // In a group of its own, so that Ctrl-C reaches it only once: through this process.
    let mut child = command.process_group(0).spawn().map_err(failed)?;
    CHILD.store(child.id().cast_signed(), Ordering::SeqCst);
    if INTERRUPTED.load(Ordering::SeqCst) {
        pass_on(SIGINT);
    }
    let ended = child.wait();
    CHILD.store(0, Ordering::SeqCst);
    ended.map_err(failed)
}

/// Passes signals that end a run on to the process that trains, which then saves the run.
fn pass_signals_on() -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGUSR1])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            INTERRUPTED.store(true, Ordering::SeqCst);
            pass_on(signal);
        }
    });
    Ok(())
}

fn pass_on(signal: i32) {
    let child = Pid::from_raw(CHILD.load(Ordering::SeqCst));
    if let (Some(child), Some(signal)) = (child, Signal::from_named_raw(signal)) {
        // It may have ended in the meantime.
        let _ = kill_process(child, signal);
    }
}

/// Whether a process that ended with `status` was out of memory. Rust aborts when an allocation fails;
/// kills by the system are counted where it reports them.
fn ran_out_of_memory(status: ExitStatus, kills_before: Option<u64>) -> bool {
    match status.signal() {
        Some(SIGABRT) => true,
        Some(SIGKILL) => match (kills_before, kills()) {
            (Some(before), Some(now)) => now > before,
            _ => true,
        },
        _ => false,
    }
}

fn failed(error: std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("the process that trains: {error}"))
}
