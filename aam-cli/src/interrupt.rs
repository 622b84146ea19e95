//! Signals that end a run: the first asks it to save and stop, the second stops at once.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use aam_runtime::train::parallel::processes;

use crate::exit::Exit;
use crate::output::say;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The flag that a run checks after every update. It is set by Ctrl-C and by SIGTERM, SIGHUP and
/// SIGUSR1, with which clusters announce that a job is about to end.
pub fn flag() -> &'static AtomicBool {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // If no handler can be set, a signal ends the program in the default way.
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
        say("interrupted: saving a checkpoint; interrupt again to stop at once");
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

/// Makes a write beyond the maximum file size (`ulimit -f`) fail like a write to a full disk, so that the
/// error names the file. By default the signal would end the program without a message.
#[cfg(unix)]
pub fn outlive_file_limits() {
    let met = std::sync::Arc::new(AtomicBool::new(false));
    // If this fails, the default applies.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, met);
}

/// Does nothing: there is no such signal on this platform.
#[cfg(not(unix))]
pub fn outlive_file_limits() {}
