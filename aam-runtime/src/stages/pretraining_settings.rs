//! The first stages of a pre-training: its tasks and devices.

use std::path::Path;
use std::sync::Arc;

use aam_api::{AugmentationContext, BoxedAugmentation};
use burn::tensor::Device;

use crate::options::PretrainOptions;
use aam_data::TokenizedSequences;
use aam_model::{LINEAGE_ENCODER, ModelConfig};
use aam_run::RunError;
use aam_run::events::Observer;
use aam_run::output_lock::OutputLock;
use aam_study::division;
use aam_study::options::SplitOptions;
use aam_study::{SampleReadouts, expect_sources, required};
use aam_train::augmenting::NamedAugmentations;
use aam_train::best_metric;
use aam_train::checkpoint::manifest::DataPolicy;
use aam_train::parallel::Ranks;
use aam_train::plan::Plan;
use aam_train::resume::{Resumed, say_done};
use aam_train::session::{
    check, check_size, model_config, policy, settle_attention, settle_precision,
};
use aam_train::trainer::check_optimizer;

/// The tasks of a pre-training, and their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tasks {
    /// All tasks in every step, as in the reference implementation.
    AtOnce {
        /// Whether masked nucleotides are learned.
        nucleotides: bool,
        /// Whether a sample task is learned.
        samples: bool,
    },
    /// Masked nucleotides only.
    Nucleotides,
    /// Distances or diversity of samples only.
    Samples,
    /// Nucleotides first, then samples on the resulting embeddings. A batch of samples has
    /// thousands of ASVs: more than the nucleotide task needs, and too many to encode again in
    /// every step of the distance task.
    NucleotidesThenSamples,
}

impl Tasks {
    fn of(options: &PretrainOptions, staged: bool) -> Result<Self, RunError> {
        let nucleotides =
            options.nucleotide_weight > 0.0 && !(staged && options.nucleotide_steps == 0);
        let samples = options.unifrac_weight > 0.0;
        Ok(match (staged, nucleotides, samples) {
            (_, false, false) => {
                return Err(RunError::setting(
                    "unifrac-weight",
                    "there is nothing to pre-train on: set it, or --nucleotide-weight and --nucleotide-steps, above 0",
                ));
            }
            (false, nucleotides, samples) => Self::AtOnce {
                nucleotides,
                samples,
            },
            (true, true, false) => Self::Nucleotides,
            (true, false, true) => Self::Samples,
            (true, true, true) => Self::NucleotidesThenSamples,
        })
    }

    /// Whether masked nucleotides are learned.
    pub fn has_nucleotides(self) -> bool {
        match self {
            Self::AtOnce { nucleotides, .. } => nucleotides,
            Self::Nucleotides | Self::NucleotidesThenSamples => true,
            Self::Samples => false,
        }
    }

    /// Whether a sample task is learned.
    pub fn has_samples(self) -> bool {
        match self {
            Self::AtOnce { samples, .. } => samples,
            Self::Samples | Self::NucleotidesThenSamples => true,
            Self::Nucleotides => false,
        }
    }

    /// The number of stages, and the plan of the last one.
    fn last(self, options: &PretrainOptions, staged: bool) -> (usize, Plan) {
        let distances = Plan::distances(staged, &options.optimization);
        match self {
            Self::Nucleotides => (1, nucleotide_plan(options)),
            Self::NucleotidesThenSamples => (2, distances),
            Self::AtOnce { .. } | Self::Samples => (1, distances),
        }
    }
}

/// Length, learning rate and batches of the nucleotide-only stage.
pub fn nucleotide_plan(options: &PretrainOptions) -> Plan {
    let (steps, batch) = (options.nucleotide_steps, options.nucleotide_batch_size);
    Plan::nucleotides(steps, batch, &options.optimization)
}

/// The validated settings of a pre-training, and the run to resume.
pub struct PretrainingSettings<'a> {
    /// The settings as given.
    pub options: &'a PretrainOptions,
    /// The run to resume, if any.
    pub resumed: Option<Resumed>,
    /// Sizes of the model, as far as they are known without data.
    pub config: ModelConfig,
    /// Whether the sample task is learned on fixed embeddings.
    pub staged: bool,
    /// The tasks to learn.
    pub tasks: Tasks,
    /// The augmentations of the training samples.
    pub augmentations: NamedAugmentations,
    /// Locks the run directory.
    _held: Option<Arc<OutputLock>>,
}

impl<'a> PretrainingSettings<'a> {
    /// Validates `options`, and reads the run to resume, if any.
    ///
    /// # Errors
    /// The first setting that is missing, out of range or in conflict with another, or a checkpoint
    /// that cannot be read.
    pub fn of_run(options: &'a PretrainOptions) -> Result<Self, RunError> {
        let PretrainOptions {
            data, optimization, ..
        } = options;
        if data.test_size == Some(0.0) {
            let problem =
                "pre-training selects its best epoch on held-out samples; give more than 0";
            return Err(RunError::value("test-size", "0", problem));
        }
        let held = check(options, &options.components, optimization)?;
        required(data.table.as_deref(), "table")?;
        division::check(&SplitOptions::default(), data)?;
        data.selection.read_alone(options.metadata.as_deref())?;
        let resumed = Resumed::of(optimization)?;
        let mut config = match &resumed {
            Some(resumed) => resumed.manifest.model.clone(),
            // Distances, too, have always been learned with an encoder trained on the study itself.
            None => model_config((&options.model, &options.components), data, true)?,
        };
        if config.asv_encoder.name == LINEAGE_ENCODER {
            let problem = "it has nothing to learn from sequences or distances; leave it out here, and give it to `aam train`";
            return Err(RunError::value("asv-encoder", LINEAGE_ENCODER, problem));
        }
        let weight = options.unifrac_weight;
        let readouts = SampleReadouts::of(data, &options.components, weight)?;
        config.sample_values = readouts.values;
        config.sample_distances = readouts.distances.max(1);
        config.validate()?;
        check_size(&config)?;
        let staged = config.sample_ways()?.is_fitted;
        let tasks = Tasks::of(options, staged)?;
        if tasks.has_nucleotides() {
            config.expect_nucleotides()?;
        }
        if tasks.has_samples() {
            expect_sources(data, &options.components).map_err(|error| match error {
                RunError::Missing { key, needed } => RunError::missing(
                    key,
                    needed + "; --unifrac-weight 0 learns from nucleotides alone",
                ),
                error => error,
            })?;
        }
        best_metric::check_pretraining(options, tasks.has_nucleotides(), staged)?;
        let augmentations = NamedAugmentations::read(&options.augmentation)?;
        if !augmentations.is_empty() && !tasks.has_samples() {
            return Err(RunError::setting(
                "augmentation",
                "it changes samples, but this run learns from masked nucleotides alone, without \
                 --unifrac-weight; leave it out",
            ));
        }
        let settings = Self {
            options,
            resumed,
            config,
            staged,
            tasks,
            augmentations,
            _held: held,
        };
        settings.built_augmentations()?;
        Ok(settings)
    }

    /// The augmentations of the training samples, with their names.
    ///
    /// # Errors
    /// Options out of range, or an augmentation that makes no sense in this run.
    pub fn built_augmentations(&self) -> Result<Vec<(String, BoxedAugmentation)>, RunError> {
        // In stages, distances are learned from embeddings that no longer change.
        let context = AugmentationContext::new()
            .reading_sequences(!self.staged)
            .learning_distances(self.tasks.has_samples());
        self.augmentations.build(&context)
    }

    /// Whether the run is complete. If so, reports it.
    ///
    /// # Errors
    /// Those of the observer.
    pub fn is_finished(&self, observer: &mut dyn Observer) -> Result<bool, RunError> {
        let options = &self.options.optimization;
        let (stages, plan) = self.tasks.last(self.options, self.staged);
        let limits = plan.limits(options);
        let resumed = self.resumed.as_ref();
        let finished = resumed.is_some_and(|resumed| resumed.is_finished(stages, limits));
        if finished {
            let path = options.output_dir.as_deref();
            say_done(path.unwrap_or(Path::new(".")), observer)?;
        }
        Ok(finished)
    }
}

/// A pre-training with its devices.
pub struct PretrainingSetup<'a> {
    /// The settings.
    pub settings: PretrainingSettings<'a>,
    /// The ranks used for training.
    pub ranks: Ranks,
}

impl<'a> PretrainingSetup<'a> {
    /// Finds devices.
    ///
    /// # Errors
    /// A device that cannot be used or computes wrong results.
    pub fn new(
        settings: PretrainingSettings<'a>,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let options = settings.options;
        let optimization = &options.optimization;
        let (ranks, strategy) = Ranks::new(optimization, &options.components)?;
        ranks.announce(&strategy, observer)?;
        check_optimizer(optimization, &options.components, &ranks)?;
        settle_attention(optimization, &ranks.device(), observer)?;
        settle_precision(optimization, &ranks.device(), observer)?;
        Ok(Self { settings, ranks })
    }

    /// The settings as given.
    pub fn options(&self) -> &'a PretrainOptions {
        self.settings.options
    }

    /// The device, with autodiff.
    pub fn device(&self) -> Device {
        self.ranks.device().autodiff()
    }

    /// How samples with these `sequences` are prepared as model input.
    pub fn policy(&self, sequences: &TokenizedSequences) -> DataPolicy {
        let options = self.options();
        policy(&options.data, sequences.max_bp(), options.optimization.seed)
    }

    /// Sizes of the model for `sequences`: a new model has positions for the longest.
    pub fn config_for(&self, sequences: &TokenizedSequences) -> ModelConfig {
        let mut config = self.settings.config.clone();
        if self.settings.resumed.is_none() {
            config.max_bp = sequences.max_bp();
        }
        config
    }

    /// The maximum sequence length, in bases, of the resumed run's weights.
    pub fn known_bp(&self) -> Option<usize> {
        let resumed = self.settings.resumed.as_ref();
        resumed.map(|resumed| resumed.manifest.model.max_bp)
    }
}
