//! What each command does.

mod check;
mod check_text;
mod compare;
mod completions;
mod demo;
mod demo_summary;
mod doctor;
mod embed;
mod explain;
mod export;
mod help;
mod import;
mod lr_find;
mod plugins;
mod predict;
mod pretrain;
mod rf_baseline;
mod runs;
mod runs_table;
mod separate;
mod simulate;
mod train;
mod train_encoder;
mod tune;
mod unifrac;

use std::io;
use std::path::PathBuf;

use aam_runtime::train::parallel::processes;
use clap::ArgMatches;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::jobs::{self, Job};
use crate::output::{print, say, warn, wrote};
use crate::progress::Amount;
use crate::settings::{Settings, as_given};

/// Runs the command that the command line asks for.
///
/// # Errors
/// Whatever prevents the command from completing.
pub fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some((command, matches)) = matches.subcommand() else {
        return Err(Failure::usage("no command was given"));
    };
    set_threads(matches)?;
    dispatch(command, matches).map_err(|failure| match jobs::named(command) {
        Ok(Some(job)) => as_given(&job, matches, failure),
        _ => failure,
    })
}

fn dispatch(command: &str, matches: &ArgMatches) -> Result<Exit, Failure> {
    match command {
        "check" => check::run(matches),
        "pretrain" => pretrain::run(matches),
        "train" => train::run(matches),
        "compare" => compare::run(matches),
        "tune" => tune::run(matches),
        "lr-find" => lr_find::run(matches),
        "rf-baseline" => rf_baseline::run(matches),
        "predict" => predict::run(matches),
        "explain" => explain::run(matches),
        "embed" => embed::run(matches),
        "export" => export::run(matches),
        "runs" => runs::run(matches),
        "train-encoder" => train_encoder::run(matches),
        "unifrac" => unifrac::run(matches),
        "import" => import::run(matches),
        "simulate" => simulate::run(matches),
        "demo" => demo::run(matches),
        "doctor" => doctor::run(matches),
        "plugins" => plugins::run(matches),
        step @ (crate::memory::MEASURE | crate::memory::TRAIN) => separate::run(step, matches),
        "completions" => completions::run(matches),
        "help" => help::run(matches),
        other => Err(Failure::usage(format!("there is no command '{other}'"))),
    }
}

/// Sets up the thread pool shared by everything that computes; it must exist before its first use.
fn set_threads(matches: &ArgMatches) -> Result<(), Failure> {
    let Some(&threads) = matches.get_one::<u16>("threads") else {
        return Ok(());
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(usize::from(threads))
        .build_global()
        .map_err(|error| Failure::new(Exit::Failed, format!("--threads {threads}: {error}")))
}

/// Returns the settings of the command named `name`, or `None` if they were only to be printed. Remarks
/// about the flags are printed.
fn settings(name: &str, matches: &ArgMatches) -> Result<Option<Settings>, Failure> {
    let job = job(name)?;
    let settings = Settings::read(&job, matches)?;
    let remarks = settings.remarks.iter();
    for remark in remarks.filter(|_| processes::is_first()) {
        warn(remark);
    }
    if matches.get_flag("print-config") {
        print(&settings.to_toml(&job))?;
        return Ok(None);
    }
    if !quiet(matches) && processes::is_first() {
        settings.changes.iter().for_each(|change| say(change));
    }
    Ok(Some(settings))
}

fn job(name: &str) -> Result<Job, Failure> {
    jobs::named(name)?.ok_or_else(|| Failure::usage(format!("there is no command '{name}'")))
}

fn quiet(matches: &ArgMatches) -> bool {
    matches.get_flag("quiet")
}

/// Returns how a run ended, and if it was interrupted, says how to continue it.
fn ended(exit: Exit) -> Exit {
    if exit == Exit::Saved && processes::is_first() {
        say("interrupted: run the same command again with --resume to continue");
    }
    exit
}

/// Says where files were written.
fn wrote_all(paths: &[PathBuf]) -> io::Result<()> {
    paths
        .iter()
        .try_for_each(|path| wrote(&path.display().to_string()))
}

/// How much the flags ask to see of a run.
fn amount(matches: &ArgMatches) -> Amount {
    match (quiet(matches), matches.get_flag("verbose")) {
        (true, _) => Amount::Quiet,
        (false, true) => Amount::Verbose,
        (false, false) => Amount::Usual,
    }
}
