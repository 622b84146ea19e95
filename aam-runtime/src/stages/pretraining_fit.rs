//! The last stage of a pre-training: fitting the base.

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use burn::module::Module;
use burn::tensor::Device;

use super::pretraining::{DividedPretraining, PreparedPretraining, PreparedTasks};
use super::pretraining_settings::{PretrainingSetup, nucleotide_plan};
use super::trial::{Begin, Trial};
use crate::options::PretrainOptions;
use aam_model::Base;
use aam_model::batch::Batcher;
use aam_run::RunError;
use aam_run::events::{Event, Observer, Outcome};
use aam_run::run_directory::RunDirectory;
use aam_train::augmenting::Augmenting;
use aam_train::base_task::BaseTask;
use aam_train::checkpoint::Manifest;
use aam_train::embedding_cache::EmbeddingCache;
use aam_train::encoding::Embeddings;
use aam_train::fitting::{SCALED_OVER, TrainingSamples};
use aam_train::masked_nucleotides::MaskedNucleotides;
use aam_train::nucleotides::Nucleotides;
use aam_train::objective::Objective;
use aam_train::parallel::Replica;
use aam_train::plan::Plan;
use aam_train::pretraining::Pretraining;
use aam_train::resume::{Resumed, announce, stopped};
use aam_train::sampling::Sampling;
use aam_train::saving::Saving;
use aam_train::state::{Best, Done};
use aam_train::trainer::{Trained, Trainer};

/// The phase in which ASVs are encoded before training.
const ENCODING: &str = "encoding ASVs";

/// Trains the `prepared` base on all ranks, with checkpoints in `run`.
///
/// # Errors
/// A non-finite loss, or a file that cannot be written.
pub fn fit_base(
    prepared: PreparedPretraining<'_>,
    run: &RunDirectory,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    let setup = prepared.divided.setup;
    if setup.options().optimization.resume {
        announce(setup.settings.resumed.as_ref(), observer)?;
    }
    let trained = Fit::stages(prepared, Purpose::Checkpoints(run), observer, interrupt)?;
    match trained.outcome {
        Outcome::Interrupted => stopped(trained.done, observer)?,
        Outcome::Finished => {
            if let Some(text) = trained.best_epoch.as_ref().and_then(Best::in_words) {
                observer.observe(&Event::Result(&text))?;
            }
            observer.observe(&Event::Saved(&run.join("checkpoints/best")))?;
        }
    }
    Ok(trained.outcome)
}

/// Tries two updates of each stage of a pre-training and a validation, on all ranks, and calls
/// `begin` at each phase. Nothing is saved.
///
/// # Errors
/// Errors of components, or a rank that failed.
pub fn measure_base(
    prepared: PreparedPretraining<'_>,
    begin: &mut Begin<'_>,
    interrupt: &AtomicBool,
) -> Result<(), RunError> {
    let nobody = &mut |_: &Event<'_>| {};
    Fit::stages(prepared, Purpose::Measurement(begin), nobody, interrupt)?;
    Ok(())
}

/// What a fit is for.
enum Purpose<'o> {
    /// A base, with checkpoints in a run directory.
    Checkpoints(&'o RunDirectory),
    /// A measurement of a few updates.
    Measurement(&'o mut Begin<'o>),
}

/// Shared state of the stages of a fit.
struct Fit<'a, 'o> {
    divided: &'a DividedPretraining<'a>,
    batcher: Batcher<'a>,
    manifest: Manifest,
    device: Device,
    purpose: Purpose<'o>,
    observer: &'o mut dyn Observer,
    interrupt: &'o AtomicBool,
}

impl<'a, 'o> Fit<'a, 'o> {
    /// Trains the `prepared` base in all stages.
    fn stages(
        prepared: PreparedPretraining<'a>,
        purpose: Purpose<'o>,
        observer: &'o mut dyn Observer,
        interrupt: &'o AtomicBool,
    ) -> Result<Trained<Base>, RunError> {
        let PreparedPretraining {
            divided,
            batcher,
            manifest,
            tasks,
            base,
        } = prepared;
        let mut fit = Fit {
            divided,
            batcher,
            manifest,
            device: divided.setup.device(),
            purpose,
            observer,
            interrupt,
        };
        match &tasks {
            PreparedTasks::AtOnce {
                nucleotides,
                samples,
            } => fit.at_once(base, nucleotides.as_ref(), samples),
            PreparedTasks::Nucleotides(nucleotides) => fit.nucleotides(base, nucleotides, true),
            PreparedTasks::Samples(samples) => fit.samples(base, samples, None, Done::default()),
            PreparedTasks::NucleotidesThenSamples(nucleotides, samples) => {
                fit.one_after_the_other(base, nucleotides, samples)
            }
        }
    }

    fn setup(&self) -> &'a PretrainingSetup<'a> {
        self.divided.setup
    }

    fn options(&self) -> &'a PretrainOptions {
        self.setup().options()
    }

    /// The run to resume in this stage.
    fn resumed(&self, stage: usize) -> Option<&'a Resumed> {
        let resumed = self.setup().settings.resumed.as_ref();
        resumed.filter(|run| run.state.stage == stage)
    }

    fn note(&mut self, text: &str) -> Result<(), RunError> {
        self.observer.observe(&Event::Note(text))
    }

    /// Trains `base` on `rows`, each once per epoch, as stage number `stage`. `is_last` says
    /// whether the user's metric is of this stage.
    fn train<O: Objective<Model = Base> + Sync>(
        &mut self,
        (stage, is_last): (usize, bool),
        (plan, done): (Plan, Done),
        objective: &O,
        base: Base,
        rows: &[usize],
    ) -> Result<Trained<Base>, RunError> {
        let options = &self.options().optimization;
        let ranks = &self.setup().ranks;
        let run = match &mut self.purpose {
            Purpose::Checkpoints(run) => *run,
            Purpose::Measurement(begin) => {
                let trial = Trial {
                    options,
                    components: &self.divided.setup.options().components,
                    plan,
                    ranks,
                    interrupt: self.interrupt,
                };
                let stage = if is_last { "" } else { "masked nucleotides: " };
                let mut begin = |name: &str| begin(&format!("{stage}{name}"));
                let model = trial.run(objective, base, &Sampling::each_once(rows), &mut begin)?;
                return Ok(Trained {
                    outcome: Outcome::Finished,
                    best_epoch: None,
                    best: model.clone(),
                    last: model,
                    done,
                });
            }
        };
        let trainer = Trainer {
            options,
            components: &self.options().components,
            plan,
            best_metric: options.best_metric.as_deref().filter(|_| is_last),
            done,
            resumed: self.resumed(stage),
            strategy: ranks.first(),
            saving: Saving {
                run,
                fingerprint: &self.divided.fingerprint,
                stage,
                limits: plan.limits(options),
            },
            observer: &mut *self.observer,
            interrupt: self.interrupt,
        };
        trainer.run(ranks, objective, base, &Sampling::each_once(rows))
    }

    fn one_after_the_other(
        &mut self,
        base: Base,
        nucleotides: &Nucleotides<'a>,
        tasks: &[BaseTask<'a>],
    ) -> Result<Trained<Base>, RunError> {
        if self.resumed(1).is_some() {
            return self.samples(base, tasks, Some(nucleotides), Done::default());
        }
        let trained = self.nucleotides(base, nucleotides, false)?;
        match trained.outcome {
            Outcome::Interrupted => Ok(trained),
            Outcome::Finished => self.samples(trained.best, tasks, Some(nucleotides), trained.done),
        }
    }

    /// The nucleotide stage.
    fn nucleotides(
        &mut self,
        base: Base,
        nucleotides: &Nucleotides<'a>,
        is_last: bool,
    ) -> Result<Trained<Base>, RunError> {
        self.note("stage 1, masked nucleotides: training the ASV encoder")?;
        let objective = MaskedNucleotides {
            nucleotides,
            manifest: self.manifest.clone(),
        };
        let plan = (nucleotide_plan(self.options()), Done::default());
        let asvs = nucleotides.training_asvs();
        self.train((0, is_last), plan, &objective, base, asvs)
    }

    /// The sample stage; the second one if `nucleotides` were the first.
    fn samples(
        &mut self,
        base: Base,
        tasks: &[BaseTask<'a>],
        nucleotides: Option<&Nucleotides<'a>>,
        done: Done,
    ) -> Result<Trained<Base>, RunError> {
        let stage = usize::from(nucleotides.is_some());
        let resumed = self.resumed(stage);
        let base = match resumed {
            Some(resumed) => resumed.weights_into(base)?,
            None => base,
        };
        let validate = |task: &Nucleotides<'_>| task.validate(&base.valid(), Replica::ALONE);
        let unchanging = nucleotides.map(validate).transpose()?.unwrap_or_default();
        let what: Vec<String> = tasks.iter().map(BaseTask::title).collect();
        let what = what.join(", ");
        self.note(&format!("{what}: training on the ASV embeddings"))?;
        let base = base.freeze_asv_encoder();
        let split = &self.divided.split;
        let rows = [split.train.as_slice(), &split.validation].concat();
        let embeddings = self.embeddings(&base, &rows)?;
        let samples = self.training_samples(&embeddings);
        let base = match resumed {
            Some(_) => base,
            None => tasks.iter().fold(samples.fit(base), |base, task| {
                task.prepared(base, &samples)
            }),
        };
        let plan = Plan::distances(true, &self.options().optimization);
        let objective = Pretraining {
            frozen: Some(embeddings),
            unchanging,
            ..self.objective(plan, tasks)?
        };
        self.train((stage, true), (plan, done), &objective, base, &split.train)
    }

    /// All tasks in every step.
    fn at_once(
        &mut self,
        mut base: Base,
        nucleotides: Option<&Nucleotides<'a>>,
        tasks: &[BaseTask<'a>],
    ) -> Result<Trained<Base>, RunError> {
        let options = self.options();
        let rows = &self.divided.split.train;
        let is_new = self.setup().settings.resumed.is_none();
        if is_new && !tasks.is_empty() {
            // The encoder is trained, so only the ASVs used to measure the scale are encoded in
            // advance.
            let embeddings = self.embeddings(&base, &rows[..rows.len().min(SCALED_OVER)])?;
            let samples = self.training_samples(&embeddings);
            for task in tasks {
                base = task.prepared(base, &samples);
            }
        }
        let plan = Plan::distances(false, &options.optimization);
        let objective = Pretraining {
            nucleotides: nucleotides.map(|task| (task, options.nucleotide_weight)),
            ..self.objective(plan, tasks)?
        };
        self.train((0, true), (plan, Done::default()), &objective, base, rows)
    }

    fn embeddings(&mut self, base: &Base, rows: &[usize]) -> Result<Embeddings, RunError> {
        if let Purpose::Measurement(begin) = &mut self.purpose {
            begin(ENCODING);
        }
        let device = self.device.clone().inner();
        let base = base.valid();
        let place = (&device, &EmbeddingCache::default());
        Embeddings::of_samples(&base, &self.batcher, rows, place, |done, total| {
            self.observer.observe(&Event::Progress {
                what: ENCODING,
                done,
                total,
            })
        })
    }

    fn training_samples<'b>(&'b self, embeddings: &'b Embeddings) -> TrainingSamples<'b> {
        TrainingSamples {
            batcher: &self.batcher,
            embeddings,
            rows: &self.divided.split.train,
            seed: self.options().optimization.seed,
            device: &self.device,
        }
    }

    fn objective<'b>(
        &self,
        plan: Plan,
        tasks: &'b [BaseTask<'a>],
    ) -> Result<Pretraining<'b>, RunError> {
        let augmentations = self.setup().settings.built_augmentations()?;
        let table = &self.divided.study.table;
        Ok(Pretraining {
            augmenting: Augmenting::new(augmentations, table, Vec::new(), Vec::new()),
            batcher: self.batcher,
            tasks,
            split: &self.divided.split,
            unifrac_weight: self.options().unifrac_weight,
            nucleotides: None,
            frozen: None,
            validation_truths: tasks.iter().map(|_| OnceLock::new()).collect(),
            unchanging: Vec::new(),
            masked_embeddings: self.manifest.model.compatibility.masked_embeddings,
            batch_size: plan.batch_size,
            plotted: self.options().optimization.validation_plot_samples,
            seed: self.options().optimization.seed,
            device: self.device.clone(),
            manifest: self.manifest.clone(),
        })
    }
}
