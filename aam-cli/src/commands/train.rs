//! `aam train`.

use std::path::{Path, PathBuf};

use aam_runtime::options::TrainOptions;
use aam_runtime::run::events::{Event, Observer};
use clap::ArgMatches;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{interrupt, memory, progress};

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some(settings) = super::settings("train", matches)? else {
        return Ok(Exit::Done);
    };
    let amount = super::amount(matches);
    let mut display = progress::display(amount);
    let fitted = memory::fitted(settings.options()?, display.as_mut())?;
    let exit = fitted.train(amount, display.as_mut(), train)?;
    if matches!(exit, Exit::Done) {
        display.observe(&Event::Said(&next_commands(&fitted.options)))?;
    }
    Ok(super::ended(exit))
}

/// The commands that use a trained model.
fn next_commands(options: &TrainOptions) -> String {
    let quoted = |path: &Option<PathBuf>| {
        let text = path
            .as_deref()
            .unwrap_or(Path::new(""))
            .display()
            .to_string();
        match text.contains(char::is_whitespace) {
            true => format!("'{text}'"),
            false => text,
        }
    };
    let run = quoted(&options.optimization.output_dir);
    let table = quoted(&options.data.table);
    let (mut new, mut known) = (String::new(), String::new());
    if options.data.sequences.is_some() {
        new += " --sequences NEW.fasta";
        known += &format!(" --sequences {}", quoted(&options.data.sequences));
    }
    if !options.categories.categorical_columns.is_empty() || options.batch_column.is_some() {
        new += " --metadata NEW.tsv";
        known += &format!(" --metadata {}", quoted(&options.metadata));
    }
    format!(
        "next: aam predict --model {run} --table NEW.biom{new} --output predictions.tsv\n      \
         aam explain --model {run} --table {table}{known} --output-dir explained"
    )
}

/// Trains, and returns how the run ended.
pub(super) fn train(options: &TrainOptions, display: &mut dyn Observer) -> Result<Exit, Failure> {
    let outcome = aam_runtime::training::train(options, display, interrupt::flag())?;
    Ok(super::pretrain::exit(outcome))
}
