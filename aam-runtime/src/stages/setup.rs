//! The second stage of a training run: devices, initial weights, sizes and length.

use aam_api::{AugmentationContext, BoxedAugmentation, Resolved};
use burn::tensor::Device;

use super::settings::TrainingSettings;
use super::stand_in;
use crate::options::TrainOptions;
use aam_api::ViewShape;
use aam_data::TokenizedSequences;
use aam_model::{Base, LINEAGE_ENCODER, ModelConfig, SampleWays, TRAINED_ENCODER};
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_study::SampleReadouts;
use aam_train::adaptation::freezes;
use aam_train::checkpoint::directory::checkpoint_of;
use aam_train::checkpoint::manifest::DataPolicy;
use aam_train::parallel::Ranks;
use aam_train::plan::Plan;
use aam_train::rates::BaseRates;
use aam_train::resume::{Resumed, is_done};
use aam_train::session::{
    check_size, model_config, policy, pretrained, seeded, settle_attention, settle_precision,
};
use aam_train::trainer::check_optimizer;

/// The fusion whose cost pays only with many ASVs per sample.
const FOR_MANY_ASVS: &str = "perceiver";

/// The initial weights of a training run.
pub enum InitialWeights {
    /// Weights drawn from the seed.
    Drawn,
    /// A pre-trained base, with random weights for the rest.
    Pretrained(Box<Base>),
    /// The weights of a resumed run.
    Resumed(Box<Resumed>),
}

/// A training run with devices, initial weights, sizes and length.
pub struct TrainingSetup<'a> {
    /// The settings.
    pub settings: TrainingSettings<'a>,
    /// The ranks used for training.
    pub ranks: Ranks,
    /// The strategy that created the ranks.
    pub strategy: Resolved,
    /// The initial weights.
    pub weights: InitialWeights,
    /// Sizes of the model, as far as they are known without data.
    pub config: ModelConfig,
    /// The configuration of the sample encoder.
    pub ways: SampleWays,
    /// Length, learning rate and batches.
    pub plan: Plan,
    /// Whether the base is frozen.
    pub frozen: bool,
    /// Learning rates of the base, if they differ from those of the rest.
    pub base_rates: Option<BaseRates>,
}

impl<'a> TrainingSetup<'a> {
    /// Finds devices, reads checkpoints, and rejects all settings that can be rejected without
    /// other files.
    ///
    /// # Errors
    /// A device that cannot be used, a checkpoint that cannot be read, settings that do not fit the
    /// model, or options that a component rejects.
    pub fn new(
        settings: TrainingSettings<'a>,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let options = settings.options;
        let optimization = &options.optimization;
        let (ranks, strategy) = Ranks::new(optimization, &options.components)?;
        ranks.announce(&strategy, observer)?;
        check_optimizer(optimization, &options.components, &ranks)?;
        let (weights, config) = initial(options, &ranks.device().autodiff())?;
        let ways = config.sample_ways()?;
        if options.nucleotide_weight > 0.0 {
            config.expect_nucleotides()?;
        }
        let plan = Plan::finetuning(ways.is_fitted, optimization);
        let frozen = freezes(options, &config)?;
        check_losses_of_base(options, ways.view, frozen)?;
        check_batches(options, ways.view, frozen)?;
        let setup = Self {
            base_rates: BaseRates::read(&options.adaptation, frozen, plan.lr)?,
            settings,
            ranks,
            strategy,
            weights,
            config,
            ways,
            plan,
            frozen,
        };
        setup.augmentations(setup.config.asv_encoder.name != LINEAGE_ENCODER)?;
        if setup.resumed().is_none() {
            stand_in::check(&setup)?;
        }
        let device = setup.ranks.device();
        settle_attention(optimization, &device, observer)?;
        settle_precision(optimization, &device, observer)?;
        Ok(setup)
    }

    /// The setup for trial updates on one rank whose weights are discarded.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), or several ranks.
    pub fn for_trial(
        settings: TrainingSettings<'a>,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let setup = Self::new(settings, observer)?;
        match setup.ranks.first().communicator().size() {
            1 => Ok(setup),
            _ => Err(RunError::setting(
                "strategy",
                "this command runs on a single rank; leave it out",
            )),
        }
    }

    /// Whether a training run takes seconds to minutes, so that it can be cross-validated.
    pub fn is_quick(&self) -> bool {
        let ranks = self.ranks.first().communicator().size();
        self.frozen && ranks == 1 && !self.options().memory.is_measured()
    }

    /// Whether the training length is chosen on the training samples: this is done if it takes
    /// seconds and the length is not set.
    pub fn chooses_length(&self) -> bool {
        self.frozen && self.ways.is_fitted && !self.options().optimization.says_how_long()
    }

    /// The augmentations of the training samples, with their names. `has_sequences` says whether features are
    /// encoded by their sequences.
    ///
    /// # Errors
    /// Options out of range, or an augmentation that makes no sense in this run.
    pub fn augmentations(
        &self,
        has_sequences: bool,
    ) -> Result<Vec<(String, BoxedAugmentation)>, RunError> {
        let context = AugmentationContext::new()
            .with_targets(true)
            .reading_sequences(!self.frozen && has_sequences)
            .learning_distances(self.options().unifrac_weight > 0.0);
        self.settings.augmentations.build(&context)
    }

    /// The settings as given.
    pub fn options(&self) -> &'a TrainOptions {
        self.settings.options
    }

    /// The run to resume, if any.
    pub fn resumed(&self) -> Option<&Resumed> {
        match &self.weights {
            InitialWeights::Resumed(resumed) => Some(resumed),
            InitialWeights::Drawn | InitialWeights::Pretrained(_) => None,
        }
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

    /// Sizes of the model for `sequences`: a new model has positions for the longest. Features without
    /// sequences have an encoder of their own.
    pub fn config_for(&self, sequences: &TokenizedSequences) -> ModelConfig {
        let mut config = self.config.clone();
        if matches!(self.weights, InitialWeights::Drawn) {
            config.max_bp = sequences.max_bp();
            if sequences.kinship().is_some() && config.asv_encoder.name != LINEAGE_ENCODER {
                config.asv_encoder = Resolved::built_in(LINEAGE_ENCODER);
            }
        }
        config
    }

    /// The maximum sequence length, in bases, of the initial weights. `None` for random weights.
    pub fn known_bp(&self) -> Option<usize> {
        match self.weights {
            InitialWeights::Drawn => None,
            InitialWeights::Pretrained(_) | InitialWeights::Resumed(_) => Some(self.config.max_bp),
        }
    }

    /// Whether the run is complete. If so, reports it.
    ///
    /// # Errors
    /// Those of the observer.
    pub fn is_finished(&self, observer: &mut dyn Observer) -> Result<bool, RunError> {
        let options = &self.options().optimization;
        let limits = self.plan.limits(options);
        is_done(self.resumed(), options, limits, observer)
    }

    /// Reports consequences of settings that may be unintended.
    ///
    /// # Errors
    /// Those of the observer.
    pub fn tell(&self, observer: &mut dyn Observer) -> Result<(), RunError> {
        let options = self.options();
        if let Some(path) = options.pretrained_encoder.as_deref() {
            let checkpoint = checkpoint_of(path);
            if checkpoint != path {
                let text = format!("pre-trained encoder: {}", checkpoint.display());
                observer.observe(&Event::Note(&text))?;
            }
        }
        let encoder = self.config.asv_encoder.name.as_str();
        let is_trained = matches!(encoder, TRAINED_ENCODER | LINEAGE_ENCODER);
        if self.frozen && options.pretrained_encoder.is_none() && !is_trained {
            observer.observe(&Event::Note(
                "no --pretrained-encoder: ASVs are embedded by an untrained encoder, which distinguishes them but has not learned from nucleotides",
            ))?;
        }
        let has_profiles = self.ways.view != ViewShape::Asvs;
        if has_profiles && self.settings.fusion.name == FOR_MANY_ASVS {
            observer.observe(&Event::Warning(&format!(
                "--fusion {FOR_MANY_ASVS} is made for many ASVs (--sample-encoder attention). Here a sample is a single profile, with which it gains nothing and an update may take seconds; choose --fusion concat"
            )))?;
        }
        if self.frozen && options.unifrac_weight > 0.0 {
            observer.observe(&Event::Warning(
                "--unifrac-weight has no effect on a frozen base; train it with --no-freeze-base",
            ))?;
        }
        Ok(())
    }
}

/// The initial weights and the sizes of the model.
fn initial(
    options: &TrainOptions,
    device: &Device,
) -> Result<(InitialWeights, ModelConfig), RunError> {
    let shape = (&options.model, &options.components);
    let (weights, mut config) = match Resumed::of(&options.optimization)? {
        Some(resumed) => {
            let config = resumed.manifest.model.clone();
            (InitialWeights::Resumed(Box::new(resumed)), config)
        }
        None => match &options.pretrained_encoder {
            Some(path) => {
                let (base, config) = pretrained(path, shape, &options.data, device)?;
                (InitialWeights::Pretrained(Box::new(base)), config)
            }
            None => {
                let config = model_config(shape, &options.data, options.nucleotide_weight > 0.0)?;
                (InitialWeights::Drawn, config)
            }
        },
    };
    config.category_dropout = options.categories.categorical_dropout;
    let weight = options.unifrac_weight;
    let readouts = SampleReadouts::of(&options.data, &options.components, weight)?;
    let lacks_readout = readouts.values > config.sample_values;
    config.sample_values = config.sample_values.max(readouts.values);
    config.sample_distances = config.sample_distances.max(readouts.distances);
    config.validate()?;
    check_size(&config)?;
    let weights = match weights {
        InitialWeights::Pretrained(base) => {
            let base = base.with_distances(&config, device);
            let base = match lacks_readout {
                true => {
                    let seed = options.optimization.seed;
                    let read_out = || Ok(base.with_readout(&config, device));
                    seeded(seed, "initial weights of the readout", device, read_out)?
                }
                false => base,
            };
            InitialWeights::Pretrained(Box::new(base))
        }
        weights => weights,
    };
    Ok((weights, config))
}

/// Rejects batches of a model whose samples have no fixed profiles that could be centred.
fn check_batches(options: &TrainOptions, view: ViewShape, frozen: bool) -> Result<(), RunError> {
    let Some(column) = &options.batch_column else {
        return Ok(());
    };
    let targets = options.metadata_column.iter();
    if targets.clone().any(|target| target.trim() == column.trim()) {
        let problem = "this is the column to predict, which would be removed with the batches";
        return Err(RunError::value("batch-column", column, problem));
    }
    if !options.augmentation.is_empty() {
        return Err(RunError::setting(
            "batch-column",
            "it centres profiles that stay the same during training, and --augmentation changes them in every update; leave out one of the two",
        ));
    }
    let others = options.unifrac_weight > 0.0 || options.nucleotide_weight > 0.0;
    match frozen && !others && matches!(view, ViewShape::Profiles { .. }) {
        true => Ok(()),
        false => Err(RunError::setting(
            "batch-column",
            "it centres profiles of samples that stay the same during training; use it with a frozen base and abundance pooling, the defaults, and without losses of the base",
        )),
    }
}

/// Rejects losses of parts that the model does not compute or train.
fn check_losses_of_base(
    options: &TrainOptions,
    view: ViewShape,
    frozen: bool,
) -> Result<(), RunError> {
    if options.count_weight > 0.0 && view != ViewShape::Asvs {
        return Err(RunError::setting(
            "count-weight",
            "abundances are predicted only with sample encoders that keep ASVs separate, such as \
             --sample-encoder attention",
        ));
    }
    if frozen && options.nucleotide_weight > 0.0 {
        return Err(RunError::setting(
            "nucleotide-weight",
            "a frozen base does not learn from nucleotides; add --no-freeze-base",
        ));
    }
    Ok(())
}
