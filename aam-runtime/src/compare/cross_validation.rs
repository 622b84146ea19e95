//! `aam train` with cross-validation: one run per fold, predictions of all samples by models that
//! were not trained on them, and a model of all samples.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use aam_evaluation::cross_validated::{CrossValidated, FoldScores};
use aam_evaluation::evaluation::{Figure, Other, RANDOM_FOREST, Reported, TRIVIAL};
use aam_evaluation::out_of_fold::at_levels;
use aam_evaluation::results::{HeldOut, RawColumn};
use aam_evaluation::sample_reads::sample_reads;
use aam_evaluation::trivial;
use aam_report::watch::Watch;
use aam_run::RunError;
use aam_run::conclusion::{columns, conclude};
use aam_run::events::{Event, Observer, Outcome};
use aam_run::predictions;
use aam_run::run_directory::{RunDirectory, write_whole};
use aam_run::settings::config_text;
use aam_train::options::{Level, TrainOptions};

use super::combination::Combination;
use super::options::CompareOptions;
use super::{FinishedComparison, compare_all};
use crate::members::{
    FittedMembers, FoldOfMembers, Members, OutOfFold, combined, with_network_first,
};
use crate::ordination;

/// Trains on every fold that is not complete, and reports the results.
///
/// # Errors
/// Those of a training run, and an older run with other settings in the output directory.
pub(crate) fn cross_validate(
    options: &TrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    Watch::over("train", observer, |watch| {
        let finished = trained(options, watch, interrupt)?;
        let run = finished.directory.as_run();
        watch.read(&finished.divided.table);
        watch.begin(&run, options, options.optimization.watch, None)?;
        match finished.comparison.outcome {
            Outcome::Interrupted => Ok(Outcome::Interrupted),
            Outcome::Finished => finished.conclude(options, &run, watch, interrupt),
        }
    })
}

/// Trains on every fold.
fn trained(
    options: &TrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<FinishedComparison, RunError> {
    let compared = CompareOptions {
        train: options.clone(),
    };
    let mut recorded = options.clone();
    recorded.optimization.resume = false;
    let config = config_text("train", &recorded)?;
    let (one_model, config) = ([Combination::as_given()], Some(config.as_str()));
    let finished = compare_all(&compared, &one_model, config, observer, interrupt)?;
    match &finished.comparison.rows[0].failure {
        Some(problem) => Err(RunError::Usage(problem.clone())),
        None => Ok(finished),
    }
}

impl FinishedComparison {
    /// Writes and reports the results of the folds, and trains a model of all samples.
    fn conclude(
        &self,
        options: &TrainOptions,
        run: &RunDirectory,
        observer: &mut dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<Outcome, RunError> {
        let members = Members::read(&options.members)?;
        let network = self.pooled("predictions.tsv")?;
        let Some(fitted) = self.fitted(options, &members, observer, interrupt)? else {
            return Ok(Outcome::Interrupted);
        };
        let learners = self.learners(options, &members, &fitted)?;
        let together = combined(members.with_network, &network, &learners);
        let levels = Level::distinct(&options.interval);
        let targets = &self.divided.targets.columns;
        let out_of_fold = OutOfFold::of(targets, &together, &levels);
        self.save_folds(fitted, (targets, &together, &levels), run)?;
        let outcome =
            self.fit_on_all(options, (&members, out_of_fold), run, observer, interrupt)?;
        if outcome == Outcome::Interrupted {
            return Ok(Outcome::Interrupted);
        }
        let others = self.others(options, &members, network, learners)?;
        let divided = &self.divided;
        let (table, targets) = (&divided.table, &divided.targets.columns);
        ordination::report(options, table, &divided.metadata, targets, observer)?;
        self.report(options, run, &together, &others, observer)?;
        Ok(Outcome::Finished)
    }

    /// Evaluates the combined predictions `together` alongside `others`.
    fn report(
        &self,
        options: &TrainOptions,
        run: &RunDirectory,
        together: &[HeldOut],
        others: &[Other],
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let divided = &self.divided;
        let targets = &divided.targets.columns;
        let of_samples = divided.folds.of_samples(divided.ids.len());
        let levels = at_levels(
            targets,
            together,
            &of_samples,
            &Level::distinct(&options.interval),
        );
        let judged = levels
            .first()
            .map_or(together, |first| first.samples.as_slice());
        let reads = sample_reads(&divided.table, &divided.folds.splits);
        let reported = Reported {
            targets,
            ids: &divided.ids,
            groups: divided.groups.as_ref(),
            folds: Some(&of_samples),
            reads: &reads,
            levels: &levels,
            seed: options.optimization.seed,
        };
        let folds = self.scores(&reported, judged, others)?;
        let table = run.join("folds.tsv");
        write_whole(&table, &folds.tsv())?;
        observer.observe(&Event::CrossValidated(&folds))?;
        observer.observe(&Event::Result(&folds.text()))?;
        let text = format!(
            "all {} samples, each predicted by models that did not see it:",
            judged.len()
        );
        observer.observe(&Event::Result(&text))?;
        conclude(reported, run, "model", judged, others, observer)?;
        observer.observe(&Event::Saved(&table))?;
        observer.observe(&Event::Saved(&run.join("predictions.tsv")))?;
        observer.observe(&Event::Saved(&run.join("checkpoints/best")))
    }

    /// The metrics of every fold.
    fn scores(
        &self,
        reported: &Reported<'_>,
        samples: &[HeldOut],
        others: &[Other],
    ) -> Result<CrossValidated, RunError> {
        let folds = &self.divided.folds;
        let mut scores = Vec::with_capacity(folds.splits.len());
        for (fold, split) in folds.splits.iter().enumerate() {
            let of_fold = |samples: &[HeldOut]| -> Vec<HeldOut> {
                let own = samples.iter();
                own.filter(|sample| split.validation.binary_search(&sample.row).is_ok())
                    .cloned()
                    .collect()
            };
            let others = others.iter().map(|other| Other {
                name: other.name,
                samples: of_fold(&other.samples),
            });
            let others: Vec<Other> = others.collect();
            let evaluation = reported.evaluate("model", &of_fold(samples), &others, false)?;
            let own = evaluation.figures.iter().map(Figure::metric);
            scores.push(FoldScores {
                name: folds.name(fold),
                samples: split.validation.len(),
                metrics: own.chain(evaluation.of_others()).collect(),
            });
        }
        Ok(CrossValidated { folds: scores })
    }

    /// The members, fitted without the samples of each fold.
    fn fitted(
        &self,
        options: &TrainOptions,
        members: &Members,
        observer: &mut dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<Option<Vec<FittedMembers>>, RunError> {
        let samples = self.divided.labelled(options);
        let splits = &self.divided.folds.splits;
        let mut all = Vec::with_capacity(splits.len());
        for (done, split) in splits.iter().enumerate() {
            if interrupt.load(Ordering::Relaxed) {
                return Ok(None);
            }
            if !members.is_network_alone() {
                observer.observe(&Event::Progress {
                    what: "fitting the other members",
                    done,
                    total: splits.len(),
                })?;
            }
            all.push(members.fit(&samples, &split.train)?);
        }
        Ok(Some(all))
    }

    /// Saves the members `fitted` without the samples of each fold as checkpoints of `run`.
    fn save_folds(
        &self,
        fitted: Vec<FittedMembers>,
        calibration: (&[RawColumn], &[HeldOut], &[f64]),
        run: &RunDirectory,
    ) -> Result<(), RunError> {
        let combination = &self.comparison.rows[0].combination;
        let splits = self.divided.folds.splits.iter();
        for (fold, (split, members)) in splits.zip(fitted).enumerate() {
            let of_fold = FoldOfMembers {
                number: fold + 1,
                members,
                held_out: &split.validation,
            };
            let network = RunDirectory::checkpoints_of(&self.directory.run(combination, fold));
            of_fold.save(calibration, &network, &run.checkpoints())?;
        }
        Ok(())
    }

    /// The predictions of learners for every sample, each `fitted` without the samples of its fold.
    fn learners(
        &self,
        options: &TrainOptions,
        members: &Members,
        fitted: &[FittedMembers],
    ) -> Result<Vec<Other>, RunError> {
        let divided = &self.divided;
        let samples = divided.labelled(options);
        let numbers = samples.numbers();
        let mut all: Vec<Other> = Vec::new();
        if members.is_network_alone() {
            return Ok(all);
        }
        for (split, fitted) in divided.folds.splits.iter().zip(fitted) {
            let categories = fitted.category_ids(&divided.metadata, &divided.ids)?;
            let (table, held_out) = (&divided.table, &split.validation);
            let offsets = fitted.offsets(table, samples.rows, samples.batches);
            let offsets = offsets.as_ref();
            let predicted = fitted.predict(table, &categories, held_out, offsets, &numbers)?;
            match all.is_empty() {
                true => all = predicted,
                false => {
                    for (member, more) in all.iter_mut().zip(predicted) {
                        member.samples.extend(more.samples);
                    }
                }
            }
        }
        for member in &mut all {
            member.samples.sort_by_key(|sample| sample.row);
        }
        Ok(all)
    }

    /// The individual members, if there are several, and the predictions of simpler methods.
    fn others(
        &self,
        options: &TrainOptions,
        members: &Members,
        network: Vec<HeldOut>,
        learners: Vec<Other>,
    ) -> Result<Vec<Other>, RunError> {
        let mut others = match members.is_network_alone() {
            true => Vec::new(),
            false => with_network_first(network, learners),
        };
        if members.is_network_alone() && options.baseline_trees > 0 {
            others.push(Other {
                name: RANDOM_FOREST,
                samples: self.pooled(&format!("predictions_{RANDOM_FOREST}.tsv"))?,
            });
        }
        let targets = &self.divided.targets.columns;
        let splits = self.divided.folds.splits.iter();
        let mut guesses: Vec<HeldOut> = splits.flat_map(|split| trivial(targets, split)).collect();
        guesses.sort_by_key(|sample| sample.row);
        others.push(Other {
            name: TRIVIAL,
            samples: guesses,
        });
        Ok(others)
    }

    /// The predictions in the files named `file`, pooled over all folds.
    fn pooled(&self, file: &str) -> Result<Vec<HeldOut>, RunError> {
        let divided = &self.divided;
        let combination = &self.comparison.rows[0].combination;
        let columns = columns(&divided.targets.columns);
        let rows: HashMap<&str, usize> = divided.ids.iter().map(String::as_str).zip(0..).collect();
        let mut samples = Vec::with_capacity(divided.ids.len());
        for fold in 0..divided.folds.splits.len() {
            let path = self.directory.run(combination, fold).join(file);
            for (id, predictions) in predictions::read(&path, &columns)? {
                let row = rows.get(id.as_str()).copied();
                samples.extend(row.map(|row| HeldOut { row, predictions }));
            }
        }
        samples.sort_by_key(|sample| sample.row);
        Ok(samples)
    }
}
