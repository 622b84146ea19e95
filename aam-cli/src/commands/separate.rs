//! Hidden commands with which the program calls itself: what a training does in a separate process.

use std::path::Path;

use aam_runtime::options::{PretrainOptions, TrainOptions};
use aam_runtime::step_memory::Measurable;
use clap::ArgMatches;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::memory::{MEASURE, measured_here, read};
use crate::progress;

pub(super) fn run(step: &str, matches: &ArgMatches) -> Result<Exit, Failure> {
    let argument = |name| matches.get_one::<String>(name).map(String::as_str);
    let (Some(command), Some(settings)) = (argument("command"), argument("settings")) else {
        return Err(Failure::usage("no settings were given"));
    };
    let settings = Path::new(settings);
    // The process that waits for this one is to survive.
    aam_runtime::memory::volunteer();
    end_with_parent();
    let is_pretraining = command == PretrainOptions::COMMAND;
    if step == MEASURE {
        return match is_pretraining {
            true => measured_here::<PretrainOptions>(settings),
            false => measured_here::<TrainOptions>(settings),
        };
    }
    let mut display = progress::display(super::amount(matches));
    match is_pretraining {
        true => super::pretrain::pretrain(&read(settings)?, display.as_mut()),
        false => super::train::train(&read(settings)?, display.as_mut()),
    }
}

/// Makes this process end, after saving its run, if the one that waits for it is killed.
fn end_with_parent() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        // Where this is not allowed, it trains to the end.
        let _ = set_parent_process_death_signal(Some(Signal::TERM));
    }
}
