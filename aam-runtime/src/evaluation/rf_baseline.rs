//! `aam rf-baseline`: a Random Forest on the samples, splits and figures of `aam train`.

use std::sync::atomic::{AtomicBool, Ordering};

use super::cross_validated::{CrossValidated, FoldScores};
use super::division::{Divided, Division};
use super::forest::{Forest, MaxFeatures};
use super::report::{Other, RANDOM_FOREST, Reported, TRIVIAL};
use super::scores::HeldOut;
use super::trivial::trivial;
use crate::error::RunError;
use crate::events::{Event, Observer, Outcome};
use crate::options::{RfBaselineOptions, WatchOptions};
use crate::run_directory::{CONFIG, RunDirectory};
use crate::train::{class_labels, config_text, read_samples};
use crate::watch::Watch;

/// Trains and judges Random Forests.
///
/// # Errors
/// Settings at odds, files that cannot be read or written.
pub fn rf_baseline(
    options: &RfBaselineOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    Watch::over("rf-baseline", observer, |watch| {
        watched(options, watch, interrupt)
    })
}

fn watched(
    options: &RfBaselineOptions,
    observer: &mut Watch<'_>,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    check(options)?;
    let max_features = options.max_features.as_deref().map(MaxFeatures::read);
    let max_features = max_features.transpose()?;
    RunDirectory::check(options.output_dir.as_deref(), options.overwrite)?;
    let training = options.training();
    let (table, metadata, targets) = read_samples(&training, observer)?;
    let ids = table.sample_ids();
    let labels = class_labels(&targets);
    let targets = &targets.columns;
    let mut notes = |note: String| observer.observe(&Event::Note(&note));
    let division = Division::new(&training, &metadata, ids, labels.as_deref(), &mut notes)?;
    let number = options.split.folds.unwrap_or(1);
    let Divided { splits, names } = division.folds(number, &mut notes)?;
    let warning = division.warning(&metadata, &splits[0], &options.metadata_column);
    if let Some(text) = warning {
        observer.observe(&Event::Warning(&text))?;
    }
    let run = RunDirectory::create(options.output_dir.as_deref(), options.overwrite)?;
    run.write(CONFIG, &config_text("rf-baseline", options)?)?;
    let sides = match splits.as_slice() {
        [split] => Some((split.train.len(), split.validation.len())),
        _ => None,
    };
    let files = WatchOptions {
        tensorboard: false,
        report: options.report,
    };
    observer.begin(&run, options, files, sides)?;
    let forest = Forest {
        trees: options.trees,
        max_features,
        min_samples_leaf: options.min_samples_leaf,
        min_prevalence: options.min_prevalence,
        seed: options.seed,
    };
    let name = |fold: usize| match &names {
        Some(names) => names[fold].clone(),
        None => (fold + 1).to_string(),
    };
    let mut reported = Reported {
        targets,
        ids,
        groups: division.groups(),
        folds: None,
        seed: options.seed,
    };
    let (mut samples, mut guesses): (Vec<HeldOut>, Vec<HeldOut>) = (Vec::new(), Vec::new());
    let mut of_sample = vec![String::new(); ids.len()];
    let mut folds = Vec::with_capacity(splits.len());
    for (fold, split) in splits.iter().enumerate() {
        observer.observe(&Event::Progress {
            what: "growing forests",
            done: fold,
            total: splits.len(),
        })?;
        let predicted = forest.predict(&table, targets, split)?;
        let guessed = [Other {
            name: TRIVIAL,
            samples: trivial(targets, split),
        }];
        let evaluation = reported.evaluate(RANDOM_FOREST, &predicted, &guessed, false);
        let own = evaluation.figures.iter().map(super::report::Figure::metric);
        folds.push(FoldScores {
            name: name(fold),
            samples: predicted.len(),
            metrics: own.chain(evaluation.of_others()).collect(),
        });
        for &row in &split.validation {
            of_sample[row] = name(fold);
        }
        samples.extend(predicted);
        guesses.extend(guessed.into_iter().flat_map(|other| other.samples));
        if interrupt.load(Ordering::Relaxed) {
            return Ok(Outcome::Interrupted);
        }
    }
    samples.sort_by_key(|sample| sample.row);
    if let [split] = splits.as_slice() {
        run.write_ids("samples_train.txt", ids, &split.train)?;
        run.write_ids("samples_val.txt", ids, &split.validation)?;
    } else {
        reported.folds = Some(&of_sample);
        let folds = CrossValidated { folds };
        run.write("folds.tsv", &folds.tsv())?;
        observer.observe(&Event::Note(&folds.text()))?;
    }
    let others = [Other {
        name: TRIVIAL,
        samples: guesses,
    }];
    reported.conclude(&run, RANDOM_FOREST, &samples, &others, true, observer)?;
    observer.observe(&Event::Saved(&run.join("evaluation.tsv")))?;
    Ok(Outcome::Finished)
}

fn check(options: &RfBaselineOptions) -> Result<(), RunError> {
    let at_least_one = [
        ("trees", options.trees),
        ("min-samples-leaf", options.min_samples_leaf),
    ];
    if let Some((flag, _)) = at_least_one.iter().find(|(_, number)| *number == 0) {
        return Err(RunError::Usage(format!(
            "--{flag}: expected 1 or more, found 0"
        )));
    }
    match options.min_prevalence {
        share if (0.0..=1.0).contains(&share) => Ok(()),
        share => Err(RunError::Usage(format!(
            "--min-prevalence: expected a share between 0 and 1, found {share}"
        ))),
    }
}
