//! `aam train` with folds: a run per fold, one table, and predictions of all samples by models that
//! did not learn from them.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use super::combination::Combination;
use super::options::CompareOptions;
use super::{Compared, compared};
use crate::error::RunError;
use crate::evaluation::cross_validated::{CrossValidated, FoldScores};
use crate::evaluation::report::{Other, RANDOM_FOREST, Reported, TRIVIAL, columns};
use crate::evaluation::scores::HeldOut;
use crate::evaluation::trivial;
use crate::events::{Event, Observer, Outcome};
use crate::options::TrainOptions;
use crate::predictions;
use crate::run_directory::write_whole;
use crate::train::config_text;
use crate::watch::Watch;

/// Trains on every fold that is not done already, and tells what the folds come to.
///
/// # Errors
/// Those of a training, and an older run with other settings in the output directory.
pub(crate) fn cross_validate(
    options: &TrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    Watch::over("train", observer, |watch| {
        watched(options, watch, interrupt)
    })
}

fn watched(
    options: &TrainOptions,
    observer: &mut Watch<'_>,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    let asked = CompareOptions {
        train: options.clone(),
    };
    let mut recorded = options.clone();
    recorded.optimization.resume = false;
    let config = config_text("train", &recorded)?;
    let Compared {
        comparison,
        divided,
        directory,
    } = compared(
        &asked,
        &[Combination::as_given()],
        Some(&config),
        observer,
        interrupt,
    )?;
    let row = &comparison.rows[0];
    if let Some(problem) = &row.failure {
        return Err(RunError::Usage(problem.clone()));
    }
    let run = directory.as_run();
    observer.begin(&run, options, options.optimization.watch, None)?;
    if comparison.outcome == Outcome::Interrupted {
        return Ok(Outcome::Interrupted);
    }
    let splits = &divided.folds.splits;
    let name = |fold: usize| match &divided.folds.names {
        Some(names) => names[fold].clone(),
        None => (fold + 1).to_string(),
    };
    let folds = row.results.iter().zip(splits).enumerate();
    let folds = folds.map(|(fold, (result, split))| FoldScores {
        name: name(fold),
        samples: split.validation.len(),
        metrics: result.metrics.clone(),
    });
    let folds = CrossValidated {
        folds: folds.collect(),
    };
    let table = directory.path().join("folds.tsv");
    write_whole(&table, &folds.tsv())?;
    observer.observe(&Event::Note(&folds.text()))?;

    let rows: HashMap<&str, usize> = divided.ids.iter().map(String::as_str).zip(0..).collect();
    let targets = &divided.targets.columns;
    let pooled = |file: &str| -> Result<Vec<HeldOut>, RunError> {
        let mut samples = Vec::with_capacity(divided.ids.len());
        for fold in 0..splits.len() {
            let path = directory.run(&row.combination, fold).join(file);
            for (id, predictions) in predictions::read(&path, &columns(targets))? {
                let row = rows.get(id.as_str()).copied();
                samples.extend(row.map(|row| HeldOut { row, predictions }));
            }
        }
        samples.sort_by_key(|sample| sample.row);
        Ok(samples)
    };
    let samples = pooled("predictions.tsv")?;
    let mut others = Vec::new();
    if options.baseline_trees > 0 {
        others.push(Other {
            name: RANDOM_FOREST,
            samples: pooled(&format!("predictions_{RANDOM_FOREST}.tsv"))?,
        });
    }
    let guesses = splits.iter().flat_map(|split| trivial(targets, split));
    others.push(Other {
        name: TRIVIAL,
        samples: guesses.collect(),
    });
    let mut of_sample = vec![String::new(); divided.ids.len()];
    for (fold, split) in splits.iter().enumerate() {
        for &row in &split.validation {
            of_sample[row] = name(fold);
        }
    }
    let reported = Reported {
        targets,
        ids: &divided.ids,
        groups: divided.groups.as_ref(),
        folds: Some(&of_sample),
        seed: options.optimization.seed,
    };
    let text = format!(
        "all {} samples, each by the model of its fold:",
        samples.len()
    );
    observer.observe(&Event::Note(&text))?;
    reported.conclude(&run, "model", &samples, &others, true, observer)?;
    observer.observe(&Event::Saved(&table))?;
    observer.observe(&Event::Saved(&directory.path().join("predictions.tsv")))?;
    Ok(Outcome::Finished)
}
