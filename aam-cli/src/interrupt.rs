//! Signals that end a run: the first asks it to save and stop, the second stops at once.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use aam_runtime::train::parallel::processes;

use crate::exit::Exit;
use crate::output::say;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The flag that a run looks at after every update. It is set by Ctrl-C and by SIGTERM, SIGHUP and
/// SIGUSR1, which is how clusters announce that a job is about to end.
pub fn flag() -> &'static AtomicBool {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without a handler a signal ends the program as it ends any other.
        let _ = ctrlc::set_handler(interrupted);
        listen_for_user_signal();
    });
    &INTERRUPTED
}

fn interrupted() {
    if INTERRUPTED.swap(true, Ordering::SeqCst) {
        std::process::exit(i32::from(Exit::Interrupted.code()));
    }
    if processes::is_first() {
        say("interrupted: saving a checkpoint; once more stops at once");
    }
}

#[cfg(unix)]
fn listen_for_user_signal() {
    use signal_hook::consts::SIGUSR1;
    use signal_hook::iterator::Signals;

    if let Ok(mut signals) = Signals::new([SIGUSR1]) {
        std::thread::spawn(move || signals.forever().for_each(|_| interrupted()));
    }
}

#[cfg(not(unix))]
fn listen_for_user_signal() {}

/// Has a write beyond the largest size of files (`ulimit -f`) fail like one to a full disk, so that the
/// error names the file. Its signal would end the program without a word.
#[cfg(unix)]
pub fn outlive_file_limits() {
    let met = std::sync::Arc::new(AtomicBool::new(false));
    // Without it the program ends as it did.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, met);
}

/// Elsewhere there is no such signal.
#[cfg(not(unix))]
pub fn outlive_file_limits() {}
