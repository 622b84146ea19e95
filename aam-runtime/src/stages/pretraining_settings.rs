//! The first stages of a pre-training: what it learns, and on which devices.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;

use crate::options::PretrainOptions;
use aam_data::TokenizedSequences;
use aam_model::ModelConfig;
use aam_run::RunError;
use aam_run::events::Observer;
use aam_run::output_lock::OutputLock;
use aam_study::{has_source, missing_source, objective, required, sample_values};
use aam_train::best_metric;
use aam_train::checkpoint::manifest::DataPolicy;
use aam_train::parallel::Ranks;
use aam_train::plan::Plan;
use aam_train::resume::{Resumed, say_done};
use aam_train::session::{
    check, check_size, model_config, policy, settle_attention, settle_precision,
};
use aam_train::trainer::check_optimizer;

/// What a base learns, in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tasks {
    /// Everything in each step, as in the reference implementation.
    AtOnce {
        /// Whether masked nucleotides are guessed.
        nucleotides: bool,
        /// Whether something is learnt of samples.
        samples: bool,
    },
    /// Masked nucleotides.
    Nucleotides,
    /// Distances or diversity of samples.
    Samples,
    /// Nucleotides first, then samples on the embeddings that came out. A batch of samples has
    /// thousands of ASVs, which is more than the nucleotides need to learn and more than the
    /// distances need to be learnt again in every step.
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
                    "there is nothing to pre-train on: give it, or --nucleotide-weight and --nucleotide-steps, a number above 0",
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

    /// Whether masked nucleotides are guessed.
    pub fn has_nucleotides(self) -> bool {
        match self {
            Self::AtOnce { nucleotides, .. } => nucleotides,
            Self::Nucleotides | Self::NucleotidesThenSamples => true,
            Self::Samples => false,
        }
    }

    /// Whether something is learnt of samples.
    pub fn has_samples(self) -> bool {
        match self {
            Self::AtOnce { samples, .. } => samples,
            Self::Samples | Self::NucleotidesThenSamples => true,
            Self::Nucleotides => false,
        }
    }

    /// How many stages there are, and the length of the last one.
    fn last(self, options: &PretrainOptions, staged: bool) -> (usize, Plan) {
        let distances = Plan::distances(staged, &options.optimization);
        match self {
            Self::Nucleotides => (1, nucleotide_plan(options)),
            Self::NucleotidesThenSamples => (2, distances),
            Self::AtOnce { .. } | Self::Samples => (1, distances),
        }
    }
}

/// Length, rate and batches of the stage on nucleotides alone.
pub fn nucleotide_plan(options: &PretrainOptions) -> Plan {
    let (steps, batch) = (options.nucleotide_steps, options.nucleotide_batch_size);
    Plan::nucleotides(steps, batch, &options.optimization)
}

/// The settings of a pre-training, checked, with what it goes on from.
pub struct PretrainingSettings<'a> {
    /// The settings as they came.
    pub options: &'a PretrainOptions,
    /// The run that goes on, if one does.
    pub resumed: Option<Resumed>,
    /// Sizes of the model, as far as they are known without the data.
    pub config: ModelConfig,
    /// Whether what is learnt of samples is learnt on embeddings that stay as they are.
    pub staged: bool,
    /// What is learnt.
    pub tasks: Tasks,
    /// Keeps others from the directory of the run.
    _held: Option<Arc<OutputLock>>,
}

impl<'a> PretrainingSettings<'a> {
    /// Checks `options`, and reads the run that goes on, if one does.
    ///
    /// # Errors
    /// The first setting that is missing, out of range or at odds with another; a checkpoint that
    /// cannot be read.
    pub fn of_run(options: &'a PretrainOptions) -> Result<Self, RunError> {
        let PretrainOptions {
            data, optimization, ..
        } = options;
        if data.test_size == Some(0.0) {
            let problem =
                "a pre-training chooses its best epoch by held-out samples; give more than 0";
            return Err(RunError::value("test-size", "0", problem));
        }
        let held = check(options, &options.components, optimization)?;
        required(data.table.as_deref(), "table")?;
        data.selection.read_alone(options.metadata.as_deref())?;
        let resumed = Resumed::of(optimization)?;
        let mut config = match &resumed {
            Some(resumed) => resumed.manifest.model.clone(),
            // Its distances, too, have always been learnt on an encoder of the study's own.
            None => model_config((&options.model, &options.components), data, true)?,
        };
        config.sample_values = sample_values(data, &options.components, options.unifrac_weight)?;
        config.validate()?;
        check_size(&config)?;
        let staged = config.sample_ways()?.is_fitted;
        let tasks = Tasks::of(options, staged)?;
        if tasks.has_nucleotides() {
            config.expect_nucleotides()?;
        }
        if tasks.has_samples() && !has_source(data, &options.components)? {
            return Err(no_supervision(options));
        }
        best_metric::check_pretraining(options, tasks.has_nucleotides(), staged)?;
        Ok(Self {
            options,
            resumed,
            config,
            staged,
            tasks,
            _held: held,
        })
    }

    /// Whether nothing is left to do, after that was said.
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

/// The error of a pre-training on samples of which nothing is known.
pub fn no_supervision(options: &PretrainOptions) -> RunError {
    let described = objective(&options.data, &options.components)
        .and_then(|objective| Ok((objective.title(), missing_source()?)));
    match described {
        Ok((what, missing)) => RunError::setting(
            "unifrac-weight",
            format!("pre-training on {what} needs {missing}, or 0 for nucleotides alone"),
        ),
        Err(error) => error,
    }
}

/// A pre-training that has devices.
pub struct PretrainingSetup<'a> {
    /// Its settings.
    pub settings: PretrainingSettings<'a>,
    /// The ranks that train.
    pub ranks: Ranks,
}

impl<'a> PretrainingSetup<'a> {
    /// Finds devices.
    ///
    /// # Errors
    /// A device that cannot be used or computes wrong numbers.
    pub fn new(
        settings: PretrainingSettings<'a>,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let options = settings.options;
        let optimization = &options.optimization;
        let (ranks, _) = Ranks::new(optimization, &options.components)?;
        check_optimizer(optimization, &options.components, &ranks)?;
        settle_attention(optimization, &ranks.device(), observer)?;
        settle_precision(optimization, &ranks.device(), observer)?;
        Ok(Self { settings, ranks })
    }

    /// The settings as they came.
    pub fn options(&self) -> &'a PretrainOptions {
        self.settings.options
    }

    /// Where it is computed, with autodiff.
    pub fn device(&self) -> Device {
        self.ranks.device().autodiff()
    }

    /// How samples become input whose `sequences` are read.
    pub fn policy(&self, sequences: &TokenizedSequences) -> DataPolicy {
        let options = self.options();
        policy(&options.data, sequences.max_bp(), options.optimization.seed)
    }

    /// Sizes of the model for `sequences`: a fresh one has places for the longest.
    pub fn config_for(&self, sequences: &TokenizedSequences) -> ModelConfig {
        let mut config = self.settings.config.clone();
        if self.settings.resumed.is_none() {
            config.max_bp = sequences.max_bp();
        }
        config
    }

    /// Bases of the longest sequence that the weights of a run that goes on know of.
    pub fn known_bp(&self) -> Option<usize> {
        let resumed = self.settings.resumed.as_ref();
        resumed.map(|resumed| resumed.manifest.model.max_bp)
    }
}
