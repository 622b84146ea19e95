//! The command line of `aam`, as a library.
//!
//! The program itself is one call of [`main`]. To link in further components, write your own
//! binary:
//!
//! ```no_run
//! // use my_component_crate as _;   // a crate that is never named registers nothing
//!
//! fn main() -> std::process::ExitCode {
//!     aam_cli::main()
//! }
//! ```
//!
//! - [`app`]: the commands and their flags, which are generated from the options of the runtime
//!   and of every linked component.
//! - [`settings`]: how flags, a configuration file and defaults become one set of options.
//! - [`commands`]: what each command does.
//! - [`help`]: the topics of `aam help`.
//! - [`progress`]: what a user sees while a command runs.
//! - [`exit`] and [`failure`]: how it ends.

#![deny(missing_docs)]

use std::ffi::OsString;
use std::process::ExitCode;

use aam_api::kind::kinds;
use aam_plugins as _;
use aam_runtime::train::parallel::processes;
use aam_runtime::train::parallel::processes::Process;

pub mod app;
pub mod commands;
pub mod exit;
pub mod failure;
pub mod help;
pub mod interrupt;
pub mod jobs;
pub mod memory;
pub mod output;
pub mod progress;
pub mod settings;

pub use exit::Exit;
pub use failure::Failure;

/// The recommended allocator: a training step allocates and frees large temporaries in every layer. The
/// system's allocator returns their pages to the system each time and spends a third of the step on page
/// faults.
pub use mimalloc::MiMalloc as Allocator;

/// Runs the program with the arguments it was started with.
pub fn main() -> ExitCode {
    default_to_cpu();
    report_panics();
    interrupt::outlive_file_limits();
    let process = Process::start();
    let exit = match run(std::env::args_os()) {
        Ok(exit) => exit,
        Err(failure) => {
            print_on_rank(&failure);
            process.abort(failure.exit.code());
            failure.exit
        }
    };
    exit.into()
}

/// Makes Burn use the CPU where it chooses a device itself, for example to read the state of an
/// optimizer, which is moved to the run's device afterwards. By default it would choose the first backend
/// of the build, even if its driver is missing.
fn default_to_cpu() {
    // SAFETY: the program does this first, before any other thread could read the environment.
    unsafe { std::env::set_var("BURN_DEVICE", "flex") };
}

/// Prints a failure, with the rank of the process if there are several.
fn print_on_rank(failure: &Failure) {
    match processes::rank() {
        None => failure.print(),
        Some((rank, size)) => {
            if rank > 0 {
                // A problem that all ranks share is reported by the first, which ends the others.
                std::thread::sleep(std::time::Duration::from_secs(1));
                if interrupt::flag().load(std::sync::atomic::Ordering::SeqCst) {
                    return;
                }
            }
            failure
                .clone()
                .at(&format!("rank {rank} of {size}"))
                .print();
        }
    }
}

/// Runs the program with `arguments`, the first of which is the program's name.
///
/// # Errors
/// Whatever prevents the command from completing; the error has not been printed.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<Exit, Failure> {
    for kind in kinds()? {
        kind.list()?;
    }
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    output::set_json(arguments.iter().any(|argument| argument == "--json"));
    let command = app::command(&arguments)?;
    match command.clone().try_get_matches_from(&arguments) {
        Ok(matches) => commands::run(&matches),
        Err(error) => app::unusable(&command, &arguments, &error),
    }
}

/// Reports a panic, which is always a bug in the program, in one line without a backtrace.
fn report_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_some() {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let problem = panic.payload_as_str().unwrap_or("unknown problem");
        let text = format!(
            "{problem} ({}); this is a bug in aam: report it with the command you ran",
            place.unwrap_or_default()
        );
        output::say_labelled(output::Label::ERROR, &text);
    }));
}
