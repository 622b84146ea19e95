//! The stages of a pre-training between settings and fitting.

use super::pretraining_settings::PretrainingSetup;
use crate::options::PretrainOptions;
use aam_data::Split;
use aam_model::Base;
use aam_model::batch::Batcher;
use aam_report::watch::Watch;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::run_directory::{CONFIG, RunDirectory};
use aam_run::settings::config_text;
use aam_study::{self as study, Study};
use aam_train::base_task::BaseTask;
use aam_train::checkpoint::Manifest;
use aam_train::fingerprint::RunFingerprint;
use aam_train::nucleotides::Nucleotides;
use aam_train::plan::Plan;
use aam_train::session::{batcher, drawn, ids_of, manifest};

/// A study split for pre-training.
pub struct DividedPretraining<'a> {
    /// The pre-training.
    pub setup: &'a PretrainingSetup<'a>,
    /// The study.
    pub study: &'a Study,
    /// The training and validation samples.
    pub split: Split,
    /// The fingerprint of the run's settings and data.
    pub fingerprint: RunFingerprint,
}

impl<'a> DividedPretraining<'a> {
    /// Splits the samples, or restores the split of a resumed run.
    ///
    /// # Errors
    /// Samples that cannot be split as requested, or data that differ from those of the resumed
    /// run.
    pub fn new(
        setup: &'a PretrainingSetup<'a>,
        study: &'a Study,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let options = setup.options();
        let resumed = setup.settings.resumed.as_ref();
        let ids = study.table.sample_ids();
        let split = match resumed {
            Some(resumed) => resumed.split(ids)?,
            None => study::split(
                ids,
                None,
                &options.data,
                options.optimization.seed,
                &mut |note| observer.observe(&Event::Note(&note)),
            )?,
        };
        let fingerprint = RunFingerprint::new(options, &study.table, None, &split)?;
        if let Some(resumed) = resumed {
            fingerprint.check(&resumed.state.fingerprint)?;
        }
        Ok(Self {
            setup,
            study,
            split,
            fingerprint,
        })
    }
}

/// A pre-training that is ready to start.
pub struct PreparedPretraining<'a> {
    /// The samples.
    pub divided: &'a DividedPretraining<'a>,
    /// Creates batches.
    pub batcher: Batcher<'a>,
    /// The manifest of checkpoints.
    pub manifest: Manifest,
    /// The tasks to learn.
    pub tasks: PreparedTasks<'a>,
    /// The model that learns them.
    pub base: Base,
}

/// The tasks to learn, in order ([`Tasks`](super::pretraining_settings::Tasks)).
pub enum PreparedTasks<'a> {
    /// All tasks in every step.
    AtOnce {
        /// Masked nucleotides, if learned.
        nucleotides: Option<Nucleotides<'a>>,
        /// The sample tasks.
        samples: Vec<BaseTask<'a>>,
    },
    /// Masked nucleotides only.
    Nucleotides(Nucleotides<'a>),
    /// Distances or diversity of samples only.
    Samples(Vec<BaseTask<'a>>),
    /// Nucleotides first, then samples.
    NucleotidesThenSamples(Nucleotides<'a>, Vec<BaseTask<'a>>),
}

impl<'a> PreparedTasks<'a> {
    fn new(divided: &'a DividedPretraining<'a>, batcher: &Batcher<'a>) -> Result<Self, RunError> {
        use super::pretraining_settings::Tasks;
        let (setup, split) = (divided.setup, &divided.split);
        let (settings, options) = (&setup.settings, setup.options());
        let nucleotides = || {
            Nucleotides::new(
                batcher,
                split,
                options.masking.config(),
                settings.config.compatibility,
                options.optimization.seed,
                setup.device(),
            )
        };
        let samples = || BaseTask::all(&divided.study.supervision, &split.train);
        Ok(match settings.tasks {
            Tasks::AtOnce { .. } => Self::AtOnce {
                samples: match settings.tasks.has_samples() {
                    true => samples()?,
                    false => Vec::new(),
                },
                nucleotides: settings.tasks.has_nucleotides().then(nucleotides),
            },
            Tasks::Nucleotides => Self::Nucleotides(nucleotides()),
            Tasks::Samples => Self::Samples(samples()?),
            Tasks::NucleotidesThenSamples => {
                let samples = samples()?;
                Self::NucleotidesThenSamples(nucleotides(), samples)
            }
        })
    }
}

impl<'a> PreparedPretraining<'a> {
    /// Draws the weights of the base.
    ///
    /// # Errors
    /// Samples from which nothing can be learned.
    pub fn new(divided: &'a DividedPretraining<'a>) -> Result<Self, RunError> {
        let (setup, split) = (divided.setup, &divided.split);
        let sequences = &divided.study.sequences;
        let (options, config) = (&setup.options().optimization, setup.config_for(sequences));
        let ids = divided.study.table.sample_ids();
        let policy = setup.policy(sequences);
        let batcher = batcher(divided.study, &policy, options.asv_chunk_size);
        let tasks = PreparedTasks::new(divided, &batcher)?;
        let name = "initial weights of the base";
        let base = drawn(options.seed, name, &setup.device(), |device| {
            Ok(Base::init(&config, device)?)
        })?;
        let mut manifest = manifest(config, policy);
        manifest.train_samples = ids_of(ids, &split.train);
        manifest.validation_samples = ids_of(ids, &split.validation);
        manifest.augmentations = setup.settings.augmentations.resolved().to_vec();
        Ok(Self {
            divided,
            batcher,
            manifest,
            tasks,
            base: base.with_precision(options.mixed_precision),
        })
    }

    /// Makes the run directory, with settings, sample lists and monitoring files.
    ///
    /// # Errors
    /// A directory or file that cannot be made.
    pub fn watched_directory(&self, watch: &mut Watch<'_>) -> Result<RunDirectory, RunError> {
        let (setup, split) = (self.divided.setup, &self.divided.split);
        let ids = self.divided.study.table.sample_ids();
        let options = &setup.options().optimization;
        let run = setup.ranks.run_directory(options)?;
        let recorded = self.recorded();
        run.write(CONFIG, &config_text("pretrain", &recorded)?)?;
        run.write_ids("samples_train.txt", ids, &split.train)?;
        run.write_ids("samples_val.txt", ids, &split.validation)?;
        let sides = (split.train.len(), split.validation.len());
        if setup.ranks.has_first() {
            watch.read(&self.divided.study.table);
            watch.begin(&run, &recorded, options.watch, Some(sides))?;
        }
        Ok(run)
    }

    /// The settings, with defaults filled in.
    fn recorded(&self) -> PretrainOptions {
        let setup = self.divided.setup;
        let mut recorded = setup.options().clone();
        recorded.optimization.resume = false;
        let plan = Plan::distances(setup.settings.staged, &setup.options().optimization);
        plan.record(&mut recorded.optimization);
        recorded.data.max_bp = Some(self.manifest.data.max_bp);
        recorded
    }
}
