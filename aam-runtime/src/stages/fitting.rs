//! The last stages of a training run: fitting, evaluation and output.

use std::sync::atomic::AtomicBool;

use super::division::DividedStudy;
use super::preparation::PreparedTraining;
use super::ready::ReadyTraining;
use crate::members::{LabelledSamples, OutOfFold, SavedMembers, combined, with_network_first};
use crate::saved_kinship;
use aam_evaluation::evaluation::{Other, RANDOM_FOREST, Reported, TRIVIAL};
use aam_evaluation::results::HeldOut;
use aam_evaluation::sample_reads::sample_reads;
use aam_evaluation::trivial;
use aam_run::RunError;
use aam_run::conclusion::conclude;
use aam_run::events::{Event, Observer, Outcome};
use aam_run::run_directory::RunDirectory;
use aam_study::familiarity::{FILE, Familiarity};
use aam_study::forest::Forest;
use aam_train::finetuning::Finetuning;
use aam_train::inference::FineTuned;
use aam_train::options::Level;
use aam_train::resume::{BEST, LAST, announce, stopped};
use aam_train::sampling::Sampling;
use aam_train::saving::Saving;
use aam_train::state::{Done, Limits};
use aam_train::trainer::{Trained, Trainer};

/// A training run that finished or was interrupted.
pub struct FittedTraining<'a> {
    divided: &'a DividedStudy<'a>,
    objective: Finetuning<'a>,
    trained: Trained<FineTuned>,
    interrupt: &'a AtomicBool,
}

impl<'a> FittedTraining<'a> {
    /// Trains the `prepared` model on all ranks, with checkpoints in `run`.
    ///
    /// # Errors
    /// A non-finite loss, or a file that cannot be written.
    pub fn new(
        prepared: PreparedTraining<'a>,
        run: &RunDirectory,
        observer: &mut dyn Observer,
        interrupt: &'a AtomicBool,
    ) -> Result<Self, RunError> {
        let ready = prepared.ready(observer)?;
        let setup = ready.divided.setup;
        let optimization = &setup.options().optimization;
        let limits = Limits {
            chosen: ready.chosen_updates(observer, interrupt)?,
            ..setup.plan.limits(optimization)
        };
        let ReadyTraining {
            divided,
            mut objective,
            model,
            balance,
            ..
        } = ready;
        if setup.ranks.has_first() {
            objective.familiarity = familiarity(divided)?;
            let kinship = divided.matched.study.sequences.kinship();
            objective.kinship = saved_kinship::bytes(kinship.map(AsRef::as_ref))?;
        }
        let sampling = Sampling {
            rows: &divided.split.train,
            categories: balance.as_deref(),
        };
        if optimization.resume {
            run.remove_results()?;
            announce(setup.resumed(), observer)?;
        }
        let trainer = Trainer {
            options: optimization,
            components: &setup.options().components,
            plan: setup.plan,
            best_metric: optimization.best_metric.as_deref(),
            done: Done::default(),
            resumed: setup.resumed(),
            strategy: setup.ranks.first(),
            saving: Saving {
                run,
                fingerprint: &divided.fingerprint,
                stage: 0,
                limits,
            },
            observer: &mut *observer,
            interrupt,
        };
        let trained = trainer.run(&setup.ranks, &objective, model, &sampling)?;
        if trained.outcome == Outcome::Interrupted {
            stopped(trained.done, observer)?;
        }
        Ok(Self {
            divided,
            objective,
            trained,
            interrupt,
        })
    }

    /// How the training ended.
    pub fn outcome(&self) -> Outcome {
        self.trained.outcome
    }

    /// Evaluates the weights after the last epoch alongside simpler methods, and writes and reports
    /// the metrics. The best epoch is not used, because it was selected on the same validation
    /// samples.
    ///
    /// # Errors
    /// Errors of components, or a file that cannot be written.
    pub fn conclude(
        &self,
        run: &RunDirectory,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        if self.divided.split.validation.is_empty() {
            return observer.observe(&Event::Saved(&run.join("checkpoints/last")));
        }
        let network = self.objective.predict(&self.trained.last)?.samples;
        let divided = self.divided;
        let targets = &divided.matched.targets.columns;
        let members = &divided.setup.settings.members;
        let (samples, mut others) = match members.is_network_alone() {
            true => (network, self.forest(observer)?),
            false => self.with_members(network, run, observer)?,
        };
        others.push(Other {
            name: TRIVIAL,
            samples: trivial(targets, &divided.split),
        });
        let reads = sample_reads(
            &divided.matched.study.table,
            std::slice::from_ref(&divided.split),
        );
        let reported = Reported {
            targets,
            ids: divided.ids(),
            groups: divided.groups.as_ref(),
            folds: None,
            reads: &reads,
            levels: &[],
            seed: divided.setup.options().optimization.seed,
        };
        conclude(reported, run, "model", &samples, &others, observer)?;
        observer.observe(&Event::Saved(&run.join("predictions.tsv")))?;
        observer.observe(&Event::Saved(&run.join("checkpoints/last")))
    }

    /// The combined predictions of the members for the held-out samples, and those of each member.
    /// Adds the learners to the checkpoint.
    fn with_members(
        &self,
        network: Vec<HeldOut>,
        run: &RunDirectory,
        observer: &mut dyn Observer,
    ) -> Result<(Vec<HeldOut>, Vec<Other>), RunError> {
        let divided = self.divided;
        let options = divided.setup.options();
        let members = &divided.setup.settings.members;
        observer.observe(&Event::Note("fitting the other members"))?;
        let rows = [divided.split.train.as_slice(), &divided.split.validation].concat();
        let samples = LabelledSamples {
            table: &divided.matched.study.table,
            rows: &rows,
            kinship: divided.matched.study.sequences.kinship().map(AsRef::as_ref),
            batches: divided.matched.batches.as_ref(),
            targets: &divided.matched.targets.columns,
            groups: divided.groups.as_ref(),
            metadata: &divided.matched.metadata,
            categories: &divided.setup.settings.categories,
            seed: options.optimization.seed,
        };
        let fitted = members.fit(&samples, &divided.split.train)?;
        let held_out = &divided.split.validation;
        let offsets = fitted.offsets(samples.table, samples.rows, samples.batches);
        let learners = fitted.predict(
            samples.table,
            &self.objective.categories,
            held_out,
            offsets.as_ref(),
            &samples.numbers(),
        )?;
        let together = combined(members.with_network, &network, &learners);
        let saved = SavedMembers {
            out_of_fold: OutOfFold::of(
                samples.targets,
                &together,
                &Level::distinct(&options.interval),
            ),
            members: fitted,
        };
        for checkpoint in [LAST, BEST] {
            let checkpoint = run.checkpoints().join(checkpoint);
            saved.add_to(&checkpoint, &checkpoint)?;
        }
        Ok((together, with_network_first(network, learners)))
    }

    /// The predictions of a Random Forest for the held-out samples, if requested.
    fn forest(&self, observer: &mut dyn Observer) -> Result<Vec<Other>, RunError> {
        let options = self.divided.setup.options();
        if options.baseline_trees == 0 {
            return Ok(Vec::new());
        }
        let (matched, split) = (self.divided.matched, &self.divided.split);
        observer.observe(&Event::Note("growing a Random Forest to compare with"))?;
        let forest = Forest::of(options.baseline_trees, options.optimization.seed);
        let (table, targets) = (&matched.study.table, &matched.targets.columns);
        let Some(samples) = forest.predict(table, targets, split, self.interrupt)? else {
            observer.observe(&Event::Note("interrupted: the forest is left out"))?;
            return Ok(Vec::new());
        };
        Ok(vec![Other {
            name: RANDOM_FOREST,
            samples,
        }])
    }
}

/// The summary of the training samples for checkpoints.
fn familiarity(divided: &DividedStudy<'_>) -> Result<Vec<u8>, RunError> {
    let groups = divided.groups.as_ref().map(|groups| groups.of.as_slice());
    let table = &divided.matched.study.table;
    Familiarity::of(table, &divided.split.train, groups)
        .to_bytes()
        .map_err(|error| RunError::checkpoint(FILE, error))
}
