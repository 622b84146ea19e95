//! Ctrl-C: the first asks the run to save and stop, the second stops at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::Exit;
use crate::output::say;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The flag that a run looks at after every step; also set by SIGTERM and SIGHUP, which is how
/// clusters end a job.
pub fn flag() -> &'static AtomicBool {
    // Only the first call can succeed, and only it needs to.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        say("interrupted: saving a checkpoint; once more stops at once");
    });
    &INTERRUPTED
}
