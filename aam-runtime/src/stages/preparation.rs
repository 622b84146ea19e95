//! The fifth stage of a training run: the model, and all statistics of the training samples it
//! needs. All errors that can be detected in advance are raised by the end of this stage; then a
//! directory is made.

use burn::module::Module;

use super::division::DividedStudy;
use super::ready::{ReadyTraining, parts as parts_of};
use super::setup::{InitialWeights, TrainingSetup};
use crate::options::TrainOptions;
use crate::saved_batches::SavedBatches;
use aam_model::batch::Batcher;
use aam_report::watch::Watch;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::run_directory::{CONFIG, RunDirectory};
use aam_run::settings::config_text;
use aam_study::categories::{CategoryIds, CategoryVocabulary};
use aam_train::adaptation::adapted;
use aam_train::assembly::{assembled, encodes_first, fitted, predictor_config, target_manifests};
use aam_train::base_task::BaseTask;
use aam_train::checkpoint::Manifest;
use aam_train::checkpoint::manifest::PredictorManifest;
use aam_train::embedding_cache::EmbeddingCache;
use aam_train::finetuning::Finetuning;
use aam_train::inference::FineTuned;
use aam_train::nucleotides::Nucleotides;
use aam_train::output;
use aam_train::prediction_passes::useful_passes;
use aam_train::profiles::Profiles;
use aam_train::readouts::Readouts;
use aam_train::sampling;
use aam_train::session::{batcher, drawn, ids_of, manifest};
use aam_train::target_scales::{self, Scaling, TargetScales};

/// A training run that is ready to start.
pub struct PreparedTraining<'a> {
    /// The samples.
    pub divided: &'a DividedStudy<'a>,
    tasks: Vec<BaseTask<'a>>,
    weights: Option<Vec<f32>>,
    balance: Option<Vec<Vec<usize>>>,
    categories: CategoryIds,
    scales: TargetScales,
    manifest: Manifest,
    model: FineTuned,
}

impl<'a> PreparedTraining<'a> {
    /// Computes statistics of the training samples and creates the model.
    ///
    /// # Errors
    /// Settings or components that do not fit the samples, or weights that do not fit the model.
    pub fn new(
        divided: &'a DividedStudy<'a>,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let DividedStudy {
            setup,
            matched,
            split,
            ..
        } = divided;
        let (options, ids) = (setup.options(), divided.ids());
        let tasks = BaseTask::all(&matched.study.supervision, &split.train)?;
        let mut notes = |note: String| observer.observe(&Event::Note(&note));
        let metadata = &matched.metadata;
        let weights = setup.settings.weighting.as_ref();
        let weights = weights.map(|by| by.weigh(metadata, ids, &split.train, &mut notes));
        let weights = weights.transpose()?;
        let targets = &matched.targets;
        let balance =
            sampling::categories(options, metadata, targets, ids, &split.train, &mut notes)?;
        let parts = parts(divided, observer)?;
        let categories = CategoryIds::new(&parts.categories, Some(metadata), ids)?;
        if let Some(text) = categories.warning() {
            observer.observe(&Event::Warning(&text))?;
        }
        let (scales, unseen) = TargetScales::new(&parts.targets, Some(metadata), ids)?;
        scales.note(&parts.targets, observer)?;
        target_scales::warn(&unseen, observer)?;
        let sequences = &matched.study.sequences;
        let (config, policy) = (setup.config_for(sequences), setup.policy(sequences));
        let mut manifest = manifest(config, policy);
        manifest.train_samples = divided.train_ids();
        manifest.validation_samples = ids_of(ids, &split.validation);
        manifest.predictor = Some(parts);
        manifest.augmentations = setup.settings.augmentations.resolved().to_vec();
        Ok(Self {
            model: model(divided, &manifest, &scales)?,
            divided,
            tasks,
            weights,
            balance,
            categories,
            scales,
            manifest,
        })
    }

    fn setup(&self) -> &'a TrainingSetup<'a> {
        self.divided.setup
    }

    fn options(&self) -> &'a TrainOptions {
        self.setup().options()
    }

    fn batcher(&self) -> Batcher<'a> {
        let chunk = self.options().optimization.asv_chunk_size;
        batcher(&self.divided.matched.study, &self.manifest.data, chunk)
    }

    /// Whether ASVs are encoded before the training.
    pub fn encodes_first(&self) -> bool {
        let setup = self.setup();
        encodes_first(&self.model, setup.resumed().is_some(), setup.frozen)
    }

    /// Makes the run directory, with settings and sample lists.
    ///
    /// # Errors
    /// A directory that cannot be made.
    pub fn directory(&self) -> Result<RunDirectory, RunError> {
        let run = self
            .setup()
            .ranks
            .run_directory(&self.options().optimization)?;
        run.write(CONFIG, &config_text("train", &self.recorded())?)?;
        let (ids, split) = (self.divided.ids(), &self.divided.split);
        run.write_ids("samples_train.txt", ids, &split.train)?;
        run.write_ids("samples_val.txt", ids, &split.validation)?;
        Ok(run)
    }

    /// Makes the run directory, with monitoring files.
    ///
    /// # Errors
    /// A directory or file that cannot be made.
    pub fn watched_directory(&self, watch: &mut Watch<'_>) -> Result<RunDirectory, RunError> {
        let run = self.directory()?;
        if self.setup().ranks.has_first() {
            let split = &self.divided.split;
            let sides = (split.train.len(), split.validation.len());
            let options = self.options().optimization.watch;
            watch.read(&self.divided.matched.study.table);
            watch.begin(&run, &self.recorded(), options, Some(sides))?;
        }
        Ok(run)
    }

    /// The settings, with defaults filled in.
    fn recorded(&self) -> TrainOptions {
        let setup = self.setup();
        let mut recorded = self.options().clone();
        recorded.optimization.resume = false;
        setup.plan.record(&mut recorded.optimization);
        if setup.chooses_length() {
            // A rerun should choose its own length instead of taking the maximum as given.
            recorded.optimization.epochs = None;
            recorded.optimization.max_steps = None;
        }
        recorded.freeze_base = Some(setup.frozen);
        if self.divided.matched.study.sequences.kinship().is_none() {
            recorded.data.max_bp = Some(self.manifest.data.max_bp);
        }
        setup.settings.categories.record(&mut recorded.categories);
        setup.settings.losses.record(&mut recorded.target);
        if let Some(weighting) = &setup.settings.weighting {
            weighting.record(&mut recorded.target);
        }
        recorded
    }

    /// Fits the base to the samples, and encodes their ASVs if this is done once.
    ///
    /// # Errors
    /// Those of the observer.
    pub fn ready(self, observer: &mut dyn Observer) -> Result<ReadyTraining<'a>, RunError> {
        let (setup, options) = (self.setup(), self.options());
        let (split, seed) = (&self.divided.split, options.optimization.seed);
        let (batcher, device) = (self.batcher(), setup.device());
        let nucleotides = self.nucleotides();
        let is_fitted = setup.resumed().is_some();
        let encoder = &self.manifest.model.asv_encoder;
        let cache = EmbeddingCache::of(&options.embedding_cache, encoder);
        let samples = (&batcher, split, &cache);
        let (model, frozen) = fitted(
            self.model,
            is_fitted,
            setup.frozen,
            samples,
            seed,
            &device,
            observer,
        )?;
        let passes = options.val_prediction_passes;
        let (passes, note) = useful_passes(passes, &batcher, &split.validation);
        if let Some(note) = note {
            observer.observe(&Event::Warning(&format!("--val-prediction-passes: {note}")))?;
        }
        let augmenting = self.divided.augmenting(&self.scales)?;
        let is_alone = self.tasks.is_empty() && nucleotides.is_none();
        let known = frozen.as_ref().filter(|_| is_alone);
        let profiles = known.and_then(|embeddings| {
            let rows = [split.train.as_slice(), &split.validation].concat();
            let base = model.predictor.base.valid();
            Profiles::new(&base, &batcher, embeddings, &rows, &device.clone().inner())
        });
        let (profiles, batches) = centred(self.divided, profiles)?;
        let objective = Finetuning {
            passes,
            profiles,
            augmenting,
            batches,
            nucleotides,
            batcher,
            tasks: self.tasks,
            split,
            targets: &self.divided.matched.targets.columns,
            scales: self.scales,
            weights: self.weights,
            categories: self.categories,
            frozen,
            intervals: model.losses.iter().any(|loss| loss.predicts_interval()),
            target_weight: options.target_weight,
            unifrac_weight: options.unifrac_weight,
            count_weight: options.count_weight,
            category_rate: options.categorical_lr.map(|rate| rate / setup.plan.lr),
            base_rates: setup.base_rates,
            batch_size: setup.plan.batch_size,
            plotted: options.optimization.validation_plot_samples,
            seed,
            device,
            manifest: self.manifest,
            familiarity: Vec::new(),
            kinship: Vec::new(),
        };
        let readouts = match is_fitted || self.balance.is_some() {
            true => None,
            false => Readouts::new(&objective, &model, &split.train, &parts_of(self.divided))?,
        };
        let model = match &readouts {
            Some(readouts) => readouts.into(model, &[]),
            None => model,
        };
        Ok(ReadyTraining {
            divided: self.divided,
            objective,
            model,
            readouts,
            balance: self.balance,
        })
    }

    /// The masked-nucleotide task and the weight of its loss, if requested.
    fn nucleotides(&self) -> Option<(Nucleotides<'a>, f64)> {
        let (setup, options) = (self.setup(), self.options());
        let weight = options.nucleotide_weight;
        (weight > 0.0).then(|| {
            let task = Nucleotides::new(
                &self.batcher(),
                &self.divided.split,
                options.masking.config(),
                setup.config.compatibility,
                options.optimization.seed,
                setup.device(),
            );
            (task, weight)
        })
    }
}

/// The `profiles` without what batches have in common, and what a checkpoint has to know of it, if there are
/// batches.
fn centred(
    divided: &DividedStudy<'_>,
    profiles: Option<Profiles>,
) -> Result<(Option<Profiles>, Vec<u8>), RunError> {
    let Some(batches) = &divided.matched.batches else {
        return Ok((profiles, Vec::new()));
    };
    let Some(profiles) = profiles else {
        return Err(RunError::setting(
            "batch-column",
            "the samples of this model have no fixed profiles to centre: there are too many, or their ASVs are drawn at random",
        ));
    };
    let column = divided.setup.options().batch_column.clone();
    let saved = SavedBatches {
        column: column.unwrap_or_default(),
        profile: profiles.usual(&divided.split.train),
    };
    let offsets = profiles.offsets(batches, &saved.profile);
    Ok((Some(profiles.without(&offsets)), saved.bytes()?))
}

/// The parts on top of the base: components, targets and categories, as at the start of the run.
fn parts(
    divided: &DividedStudy<'_>,
    observer: &mut dyn Observer,
) -> Result<PredictorManifest, RunError> {
    let DividedStudy {
        setup,
        matched,
        split,
        ..
    } = divided;
    let (settings, options) = (&setup.settings, setup.options());
    let (metadata, targets, ids) = (&matched.metadata, &matched.targets, divided.ids());
    let scaling = Scaling::read(settings.transform.clone(), options, metadata, ids)?;
    let categories = CategoryVocabulary::fit(
        &settings.categories,
        metadata,
        &divided.train_ids(),
        &mut |note| observer.observe(&Event::Note(&note)),
    )?;
    let parts = PredictorManifest {
        config: predictor_config(options, setup.ways.view),
        fusion: settings.fusion.clone(),
        head: settings.head.clone(),
        strategy: setup.strategy.clone(),
        targets: target_manifests(&scaling, targets, split, &settings.losses, metadata, ids)?,
        categories,
    };
    let parts = match setup.resumed() {
        Some(resumed) => resumed.parts(parts),
        None => parts,
    };
    output::note_bounds(&options.output, &parts.targets, observer)?;
    output::note_far_targets(&parts.targets, &targets.columns, &split.train, observer)?;
    let contexts: Vec<_> = parts
        .targets
        .iter()
        .map(|t| t.values.loss_context())
        .collect();
    settings.losses.check(&contexts, &setup.device())?;
    Ok(parts)
}

/// The model with its initial weights.
fn model(
    divided: &DividedStudy<'_>,
    manifest: &Manifest,
    scales: &TargetScales,
) -> Result<FineTuned, RunError> {
    let setup = divided.setup;
    let (options, device) = (setup.options(), setup.device());
    let seed = options.optimization.seed;
    let model = drawn(seed, "initial weights", &device, |device| {
        FineTuned::init(manifest, device)
    })?;
    let targets = manifest.predictor.iter().flat_map(|parts| &parts.targets);
    let targets: Vec<_> = targets.cloned().collect();
    let columns = &divided.matched.targets.columns;
    let train = &divided.split.train;
    output::check(
        &options.output,
        &targets,
        scales,
        &model.losses,
        columns,
        train,
    )?;
    let pretrained = match &setup.weights {
        InitialWeights::Pretrained(base) => Some(base.as_ref().clone()),
        InitialWeights::Drawn | InitialWeights::Resumed(_) => None,
    };
    let model = assembled(model, pretrained, setup.frozen);
    let model = model.with_precision(options.optimization.mixed_precision);
    let model = adapted(model, options, &device)?;
    match setup.resumed() {
        Some(resumed) => resumed.weights_into(model),
        None => Ok(model),
    }
}
