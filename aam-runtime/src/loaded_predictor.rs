//! A trained model from its checkpoint, and samples prepared for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aam_api::{PluginError, Resolved};
use burn::module::Module;
use burn::tensor::Device;

use aam_data::{Conditions, Kinship, Metadata, Table, TokenizedSequences};
use aam_model::batch::Batcher;
use aam_model::device::device;
use aam_model::{AttnImplementation, MixedPrecision};
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_study::batches::{Batches, Offsets};
use aam_study::categories::CategoryIds;
use aam_study::{self as study, required};
use aam_train::checkpoint::directory::{self, MANIFEST, WEIGHTS, checkpoint_of};
use aam_train::checkpoint::manifest::{DataPolicy, PredictorManifest};
use aam_train::doctor::{settle, settle_precision};
use aam_train::encoding::Embeddings;
use aam_train::inference::FineTuned;
use aam_train::profiles::Profiles;
use aam_train::target_scales::{self, TargetScales};

use crate::given_reads::GivenReads;
use crate::members::{MEMBERS, SavedMembers, USUAL};
use crate::saved_batches::SavedBatches;
use crate::saved_kinship;
use crate::training_samples::TrainingSamples;

/// Number of ASVs encoded at once: large enough for a GPU, small enough for a laptop.
pub const CHUNK: usize = 128;

/// The checkpoint of a model, and the device to run it on.
pub struct ModelSource<'a> {
    /// The checkpoint.
    pub checkpoint: PathBuf,
    /// Whether the user named the checkpoint itself, and not a run whose best checkpoint it is.
    pub is_as_named: bool,
    /// Name of the device.
    pub device: &'a str,
    /// Precision of matrix products on a GPU.
    pub precision: MixedPrecision,
    /// Whether the checkpoint's summary of its training samples is needed.
    pub needs_training_samples: bool,
}

impl<'a> ModelSource<'a> {
    /// The model of the flag `--model`, on the device called `device`.
    ///
    /// # Errors
    /// The flag is missing.
    pub fn of(model: Option<&Path>, device: &'a str) -> Result<Self, RunError> {
        let checkpoint = checkpoint_of(required(model, "model")?);
        Ok(Self {
            is_as_named: model == Some(checkpoint.as_path()),
            checkpoint,
            device,
            precision: MixedPrecision::None,
            needs_training_samples: false,
        })
    }
}

/// A model from a checkpoint, on a device.
pub struct LoadedPredictor {
    /// The device.
    pub device: Device,
    /// The ASV encoder.
    pub asv_encoder: Resolved,
    /// How samples were prepared as model input in training.
    pub policy: DataPolicy,
    /// How the features are related, if they have no sequences.
    pub kinship: Option<Arc<Kinship>>,
    /// How what batches have in common is removed, if it is.
    pub batches: Option<SavedBatches>,
    /// The manifest of the checkpoint.
    pub parts: PredictorManifest,
    /// The component that combines the ASVs of a sample.
    pub sample_encoder: Resolved,
    /// The network, in inference mode.
    pub model: FineTuned,
    /// The other members of the ensemble, if the training had any.
    pub members: Option<SavedMembers>,
    /// The summary of the training samples.
    pub training: TrainingSamples,
    /// Ids of the samples used for training or model selection.
    pub seen: BTreeSet<String>,
}

impl LoadedPredictor {
    /// Reads the model.
    ///
    /// # Errors
    /// A checkpoint that cannot be read or does not predict, or a device that cannot be used.
    pub fn read(source: &ModelSource<'_>, observer: &mut dyn Observer) -> Result<Self, RunError> {
        let device = device(source.device)?;
        let (name, attention) = (source.device, AttnImplementation::Auto);
        settle(name, &device, attention, observer)?;
        settle_precision(name, &device, source.precision, attention, observer)?;
        let path = source.checkpoint.as_path();
        let (manifest, mut files) = directory::load(path)?;
        if !source.is_as_named {
            observer.observe(&Event::Note(&format!("model: {}", path.display())))?;
        }
        let Some(parts) = manifest.predictor.clone() else {
            return Err(RunError::checkpoint(
                path,
                "this is a pre-trained encoder, which makes no predictions\n  help: train a predictor on it with `aam train --pretrained-encoder`",
            ));
        };
        let training = TrainingSamples::of(&mut files, path, source.needs_training_samples)?;
        let kinship = saved_kinship::read(&mut files, &manifest, path)?;
        let batches = SavedBatches::read(&mut files, path)?;
        let model = FineTuned::init(&manifest, &device).map_err(|error| match error {
            RunError::Plugin(PluginError::NotLinked { .. }) => error,
            error @ (RunError::Plugin(_) | RunError::Setting { .. }) => {
                RunError::checkpoint(path.join(MANIFEST), format!("it is damaged: {error}"))
            }
            error => error,
        })?;
        let model = model.with_precision(source.precision);
        let weights = files.remove(WEIGHTS).unwrap_or_default();
        let model = directory::load_weights(model, weights, false, &path.join(WEIGHTS))?.valid();
        let members = members(&files, path, &parts)?;
        let seen = manifest.train_samples.into_iter();
        Ok(Self {
            device,
            asv_encoder: manifest.model.asv_encoder,
            policy: manifest.data,
            kinship,
            batches,
            parts,
            sample_encoder: manifest.model.sample_encoder,
            model,
            members,
            training,
            seen: seen.chain(manifest.validation_samples).collect(),
        })
    }

    /// Whether each target is numeric.
    pub fn numbers(&self) -> Vec<bool> {
        let targets = self.parts.targets.iter();
        let numbers = targets.map(|target| target.values.classes().is_none());
        numbers.collect()
    }
}

/// The members other than the network in the `files` of the checkpoint at `path`.
fn members(
    files: &BTreeMap<String, Vec<u8>>,
    path: &Path,
    parts: &PredictorManifest,
) -> Result<Option<SavedMembers>, RunError> {
    let Some(bytes) = files.get(MEMBERS) else {
        return Ok(None);
    };
    let members = SavedMembers::read(bytes, &path.join(MEMBERS), parts)?;
    match files.get(USUAL) {
        Some(bytes) => members.with_usual(bytes, &path.join(USUAL)).map(Some),
        None => Ok(Some(members)),
    }
}

/// Samples that a model can predict, prepared like those it was trained on.
pub struct PredictableSamples {
    /// Reads, with sequences as the names of the ASVs.
    pub table: Arc<Table>,
    /// The tokenised sequences.
    pub sequences: Arc<TokenizedSequences>,
    /// The batches of the samples, if the model removes what they have in common.
    pub batches: Option<Batches>,
    /// The categories of the samples.
    pub categories: CategoryIds,
    /// The scales of the targets for each sample.
    pub scales: TargetScales,
}

impl PredictableSamples {
    /// Reads `given`, with the `metadata` that the model needs.
    ///
    /// # Errors
    /// Files that cannot be read, or that the model cannot use.
    pub fn read(
        given: &GivenReads<'_>,
        metadata: Option<&Metadata>,
        predictor: &LoadedPredictor,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let saved = predictor.batches.as_ref();
        // Rejected before the table is read.
        saved.map(|saved| saved.of(metadata, &[])).transpose()?;
        let (table, sequences) =
            given.read(&predictor.policy, predictor.kinship.as_ref(), observer)?;
        let reads = (Arc::new(table), Arc::new(sequences));
        Self::of(reads, metadata, predictor, observer)
    }

    /// The same samples for another model that was trained on samples prepared in the same way.
    ///
    /// # Errors
    /// Metadata that the model needs and that is missing.
    pub fn for_predictor(
        &self,
        metadata: Option<&Metadata>,
        predictor: &LoadedPredictor,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let reads = (self.table.clone(), self.sequences.clone());
        Self::of(reads, metadata, predictor, observer)
    }

    fn of(
        (table, sequences): (Arc<Table>, Arc<TokenizedSequences>),
        metadata: Option<&Metadata>,
        predictor: &LoadedPredictor,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let saved = predictor.batches.as_ref();
        let (ids, parts) = (table.sample_ids(), &predictor.parts);
        let batches = saved.map(|saved| saved.of(metadata, ids)).transpose()?;
        if let (Some(saved), Some(batches)) = (saved, &batches) {
            observer.observe(&Event::Note(&batches.described(&saved.column)))?;
        }
        let categories = CategoryIds::new(&parts.categories, metadata, ids)?;
        if let Some(text) = categories.warning() {
            observer.observe(&Event::Warning(&text))?;
        }
        let (scales, unseen) = TargetScales::new(&parts.targets, metadata, ids)?;
        target_scales::warn(&unseen, observer)?;
        Ok(Self {
            table,
            sequences,
            batches,
            categories,
            scales,
        })
    }

    /// The profiles of all samples, and how their batches differ, if the model removes that.
    ///
    /// # Errors
    /// Samples without fixed profiles.
    pub fn profiles(
        &self,
        predictor: &LoadedPredictor,
        batcher: &Batcher<'_>,
        embeddings: &Embeddings,
    ) -> Result<Option<(Profiles, Offsets)>, RunError> {
        let (Some(saved), Some(batches)) = (&predictor.batches, &self.batches) else {
            return Ok(None);
        };
        let rows: Vec<usize> = (0..self.table.num_samples()).collect();
        let base = &predictor.model.predictor.base;
        let profiles = Profiles::new(base, batcher, embeddings, &rows, &predictor.device);
        let Some(profiles) = profiles else {
            return Err(RunError::setting(
                "table",
                "the model centres the samples of each batch, for which there are too many here, or their ASVs are drawn at random; predict fewer at a time, and without --asv-sampling",
            ));
        };
        let offsets = profiles.offsets(batches, &saved.profile);
        Ok(Some((profiles, offsets)))
    }
}

/// Reads the metadata columns that the model and the conditions need. They are checked before the
/// table is read.
///
/// # Errors
/// A file that cannot be read, or that lacks a column.
pub fn needed_metadata(
    path: Option<&Path>,
    conditions: Option<&Conditions>,
    parts: &PredictorManifest,
    observer: &mut dyn Observer,
) -> Result<Option<Metadata>, RunError> {
    let mut notes = |note: String| observer.observe(&Event::Note(&note));
    let metadata = path.map(|path| study::metadata(path, &mut notes));
    let metadata = metadata.transpose()?;
    CategoryIds::new(&parts.categories, metadata.as_ref(), &[])?;
    TargetScales::new(&parts.targets, metadata.as_ref(), &[])?;
    if let (Some(conditions), Some(metadata)) = (conditions, &metadata) {
        conditions.check(metadata)?;
    }
    Ok(metadata)
}
