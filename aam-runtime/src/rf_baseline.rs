//! `aam rf-baseline`: a Random Forest with the samples, splits and metrics of `aam train`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use aam_data::Table;
use aam_evaluation::cross_validated::{CrossValidated, FoldScores};
use aam_evaluation::evaluation::{Figure, Other, RANDOM_FOREST, Reported, TRIVIAL};
use aam_evaluation::results::HeldOut;
use aam_evaluation::sample_reads::sample_reads;
use aam_evaluation::trivial;
use aam_report::WatchOptions;
use aam_report::watch::Watch;
use aam_run::RunError;
use aam_run::conclusion::conclude;
use aam_run::events::{Event, Observer, Outcome};
use aam_run::output_lock::OutputLock;
use aam_run::run_directory::{CONFIG, RunDirectory};
use aam_run::settings;
use aam_run::settings::config_text;
use aam_study::division::Folds;
use aam_study::forest::{Forest, MaxFeatures};

use crate::options::{RfBaselineOptions, TrainOptions};
use crate::stages::{MatchedSamples, check_data, division};

/// Trains and evaluates Random Forests.
///
/// # Errors
/// Conflicting settings, or files that cannot be read or written.
pub fn rf_baseline(
    options: &RfBaselineOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    Watch::over("rf-baseline", observer, |watch| {
        let settings = ForestSettings::check(options)?;
        let matched = MatchedSamples::read(&settings.training, watch)?;
        let (training, ids) = (&settings.training, matched.table.sample_ids());
        let division = division(training, &matched.metadata, ids, &matched.targets, watch)?;
        let number = options.split.folds.unwrap_or(1);
        let folds = division.folds(number, &mut |note| watch.observe(&Event::Note(&note)))?;
        let columns = &options.metadata_column;
        let warning = division.warning(&matched.metadata, &folds.splits[0], columns);
        if let Some(text) = warning {
            watch.observe(&Event::Warning(&text))?;
        }
        let run = settings.watched_directory(&matched.table, &folds, watch)?;
        let reads = sample_reads(&matched.table, &folds.splits);
        let reported = Reported {
            targets: &matched.targets.columns,
            ids,
            groups: division.groups(),
            folds: None,
            reads: &reads,
            levels: &[],
            seed: options.seed,
        };
        let grown = GrownForests::grow(&settings, &matched, &folds, reported, watch, interrupt)?;
        match grown {
            None => Ok(Outcome::Interrupted),
            Some(grown) => grown.write(&run, &folds, reported, watch),
        }
    })
}

/// Validated settings.
struct ForestSettings<'a> {
    options: &'a RfBaselineOptions,
    /// The options of a training run on the same samples.
    training: TrainOptions,
    forest: Forest,
    /// Locks the run directory.
    _held: Arc<OutputLock>,
}

impl<'a> ForestSettings<'a> {
    fn check(options: &'a RfBaselineOptions) -> Result<Self, RunError> {
        settings::check(options)?;
        let max_features = options.max_features.as_deref().map(MaxFeatures::read);
        let max_features = max_features.transpose()?;
        let held = RunDirectory::claim(options.output_dir.as_deref(), options.overwrite)?;
        let training = options.training();
        check_data(&training)?;
        Ok(Self {
            options,
            training,
            forest: Forest {
                trees: options.trees,
                max_features,
                min_samples_leaf: options.min_samples_leaf,
                min_prevalence: options.min_prevalence,
                seed: options.seed,
            },
            _held: held,
        })
    }

    /// Makes the run directory and the monitoring files in it.
    fn watched_directory(
        &self,
        table: &Table,
        folds: &Folds,
        watch: &mut Watch<'_>,
    ) -> Result<RunDirectory, RunError> {
        let options = self.options;
        let run = RunDirectory::create(options.output_dir.as_deref(), options.overwrite)?;
        run.write(CONFIG, &config_text("rf-baseline", options)?)?;
        let sides = match folds.splits.as_slice() {
            [split] => Some((split.train.len(), split.validation.len())),
            _ => None,
        };
        let files = WatchOptions {
            tensorboard: false,
            report: options.report,
        };
        watch.read(table);
        watch.begin(&run, options, files, sides)?;
        Ok(run)
    }
}

/// The predictions of forests for samples they were not trained on.
#[derive(Default)]
struct GrownForests {
    samples: Vec<HeldOut>,
    guesses: Vec<HeldOut>,
    scores: Vec<FoldScores>,
}

impl GrownForests {
    /// Grows a forest for every fold. Returns `None` if interrupted.
    fn grow(
        settings: &ForestSettings<'_>,
        matched: &MatchedSamples,
        folds: &Folds,
        reported: Reported<'_>,
        observer: &mut dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<Option<Self>, RunError> {
        let targets = reported.targets;
        let mut grown = Self::default();
        for (fold, split) in folds.splits.iter().enumerate() {
            observer.observe(&Event::Progress {
                what: "growing forests",
                done: fold,
                total: folds.splits.len(),
            })?;
            let forest = &settings.forest;
            let Some(predicted) = forest.predict(&matched.table, targets, split, interrupt)? else {
                return Ok(None);
            };
            let guessed = [Other {
                name: TRIVIAL,
                samples: trivial(targets, split),
            }];
            let evaluation = reported.evaluate(RANDOM_FOREST, &predicted, &guessed, false)?;
            let own = evaluation.figures.iter().map(Figure::metric);
            grown.scores.push(FoldScores {
                name: folds.name(fold),
                samples: predicted.len(),
                metrics: own.chain(evaluation.of_others()).collect(),
            });
            grown.samples.extend(predicted);
            let guessed = guessed.into_iter().flat_map(|other| other.samples);
            grown.guesses.extend(guessed);
        }
        grown.samples.sort_by_key(|sample| sample.row);
        Ok(Some(grown))
    }

    /// Writes and reports the metrics.
    fn write(
        self,
        run: &RunDirectory,
        folds: &Folds,
        reported: Reported<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, RunError> {
        let ids = reported.ids;
        let of_samples = folds.of_samples(ids.len());
        let mut reported = reported;
        if let [split] = folds.splits.as_slice() {
            run.write_ids("samples_train.txt", ids, &split.train)?;
            run.write_ids("samples_val.txt", ids, &split.validation)?;
        } else {
            reported.folds = Some(&of_samples);
            let folds = CrossValidated { folds: self.scores };
            run.write("folds.tsv", &folds.tsv())?;
            observer.observe(&Event::CrossValidated(&folds))?;
            observer.observe(&Event::Result(&folds.text()))?;
        }
        let others = [Other {
            name: TRIVIAL,
            samples: self.guesses,
        }];
        let (samples, method) = (&self.samples, RANDOM_FOREST);
        conclude(reported, run, method, samples, &others, observer)?;
        observer.observe(&Event::Saved(&run.join("evaluation.tsv")))?;
        Ok(Outcome::Finished)
    }
}
