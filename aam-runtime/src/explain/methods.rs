//! Predictions of the members of a model, individually and combined, for samples with modified
//! reads.

use aam_api::{SampleView, SampleViewer};
use aam_evaluation::evaluation::{NETWORK, Other};
use aam_evaluation::results::{HeldOut, TargetPrediction};
use aam_model::ModelInput;
use aam_model::batch::{Batch, Batcher};
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_study::batches::Offsets;
use aam_study::categories::CategoryIds;
use aam_train::embedding_cache::EmbeddingCache;
use aam_train::encoding::Embeddings;
use aam_train::inference::{FineTuned, prediction_batches, predictions};
use aam_train::target_scales::TargetScales;
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array3, s};
use rayon::prelude::*;

use super::changed::ChangedSamples;
use crate::loaded_predictor::{CHUNK, LoadedPredictor, PredictableSamples};

/// Number of samples that are predicted together, so that intermediate results fit in memory.
pub const TOGETHER: usize = 4096;
/// Batch size of the network. Large batches are cheap if samples have few ASVs.
pub const BATCH: usize = 1024;
/// Batch size with a [`SampleViewer`], which is fastest if a batch has few distinct ASVs.
const BATCH_OF_VIEWER: usize = 256;
/// Number of samples that a learner predicts at once, on one thread.
const PART: usize = 256;

/// The name of the combination of all members.
pub const COMBINED: &str = "combined";

/// What a model knows of the samples in addition to their reads.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The categories of the samples of the table.
    pub categories: &'a CategoryIds,
    /// The scales of the targets of these samples.
    pub scales: &'a TargetScales,
    /// How the samples' batches differ for the network, if it removes that.
    pub offsets: Option<&'a Offsets>,
}

/// The members of a model, applied to samples with modified reads.
pub struct Methods<'a> {
    predictor: &'a LoadedPredictor,
    samples: &'a PredictableSamples,
    embeddings: Embeddings,
    /// Views samples faster than the network itself, if its sample encoder supports this.
    viewer: Option<SampleViewer>,
    /// How the samples' batches differ for the network and for the learners, if the model removes that.
    /// Samples with modified reads stay in their batch, which stays as it is.
    offsets: [Option<Offsets>; 2],
    /// The index of the target.
    target: usize,
    /// The classes whose probabilities are explained. Empty for a numeric target.
    classes: Vec<usize>,
}

/// The predictions for some samples.
pub struct PredictedSamples {
    /// `[methods, samples, outputs]`.
    pub values: Array3<f64>,
    /// The output of `aam predict` for each sample: the combined prediction.
    pub combined: Vec<HeldOut>,
}

impl<'a> Methods<'a> {
    /// Prepares the members of `predictor` for the samples, and encodes their ASVs, unless `known` are the
    /// methods of another model for the same samples whose encoder has the same weights.
    ///
    /// # Errors
    /// Those of the observer.
    pub fn new(
        predictor: &'a LoadedPredictor,
        samples: &'a PredictableSamples,
        target: usize,
        (cache, known): (&EmbeddingCache, Option<&Methods<'_>>),
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let batcher = batcher(predictor, samples, &samples.table);
        let rows: Vec<usize> = (0..samples.table.num_samples()).collect();
        let base = &predictor.model.predictor.base;
        let weights = base.asv_encoder_weights();
        let known = known.filter(|known| {
            let of_known = &known.predictor.model.predictor.base;
            known.predictor.asv_encoder == predictor.asv_encoder
                && of_known.embedding_precision() == base.embedding_precision()
                && of_known.asv_encoder_weights() == weights
        });
        let embeddings = match known {
            Some(known) => known.embeddings.clone(),
            None => {
                let place = (&predictor.device, cache);
                Embeddings::of_samples(base, &batcher, &rows, place, |done, total| {
                    observer.observe(&Event::Progress {
                        what: "encoding ASVs",
                        done,
                        total,
                    })
                })?
            }
        };
        let classes = match predictor.parts.targets[target].values.classes() {
            None => Vec::new(),
            // With two classes, the probability of one determines that of the other.
            Some([_, _]) => vec![1],
            Some(names) => (0..names.len()).collect(),
        };
        let profiles = samples.profiles(predictor, &batcher, &embeddings)?;
        let members = predictor.members.as_ref().and_then(|members| {
            let fitted = &members.members;
            fitted.offsets(&samples.table, &rows, samples.batches.as_ref())
        });
        Ok(Self {
            predictor,
            samples,
            viewer: base.viewer(embeddings.all()),
            embeddings,
            offsets: [profiles.map(|(_, offsets)| offsets), members],
            target,
            classes,
        })
    }

    /// The combined prediction, and the members if there are several.
    pub fn names(&self) -> Vec<&'static str> {
        let members = match &self.predictor.members {
            Some(members) => members.names(),
            None => vec![NETWORK],
        };
        match members.len() {
            1 => members,
            _ => std::iter::once(COMBINED).chain(members).collect(),
        }
    }

    /// The classes whose probabilities are the outputs. Empty for a numeric target.
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.classes.len().max(1)
    }

    /// The categories of the samples and the scales of their targets.
    pub fn inputs(&self) -> Inputs<'_> {
        Inputs {
            categories: &self.samples.categories,
            scales: &self.samples.scales,
            offsets: self.offsets[0].as_ref(),
        }
    }

    /// The network and the samples with the embeddings of their ASVs, for what only a network has.
    pub fn network_parts(&self) -> (&'a LoadedPredictor, &'a PredictableSamples, &Embeddings) {
        (self.predictor, self.samples, &self.embeddings)
    }

    /// Predicts samples. Samples derived from the same original share its categories.
    ///
    /// # Errors
    /// Reads that do not form a valid table, or a prediction that is not finite.
    pub fn predict(&self, changed: &ChangedSamples) -> Result<PredictedSamples, RunError> {
        self.predict_with(changed, self.inputs())
    }

    /// As [`predict`](Self::predict), with these categories and scales of the original samples.
    ///
    /// # Errors
    /// The same.
    pub fn predict_with(
        &self,
        changed: &ChangedSamples,
        inputs: Inputs<'_>,
    ) -> Result<PredictedSamples, RunError> {
        let shape = (self.names().len(), changed.len(), self.outputs());
        let mut all = PredictedSamples {
            values: Array3::zeros(shape),
            combined: Vec::with_capacity(changed.len()),
        };
        for part in changed.parts(TOGETHER) {
            let PredictedSamples { values, combined } = self.predict_part(&part, inputs)?;
            let first = all.combined.len();
            let places = first..first + combined.len();
            all.values.slice_mut(s![.., places, ..]).assign(&values);
            all.combined
                .extend(combined.into_iter().map(|sample| HeldOut {
                    row: first + sample.row,
                    ..sample
                }));
        }
        Ok(all)
    }

    /// Predicts as many samples as fit in memory.
    fn predict_part(
        &self,
        changed: &ChangedSamples,
        inputs: Inputs<'_>,
    ) -> Result<PredictedSamples, RunError> {
        let table = changed.table(&self.samples.table)?;
        let rows: Vec<usize> = (0..table.num_samples()).collect();
        let batcher = batcher(self.predictor, self.samples, &table);
        let Some(members) = &self.predictor.members else {
            let network = self.network(&batcher, changed, &rows, inputs);
            return Ok(PredictedSamples {
                values: self.values(&[&network], changed.origins())?,
                combined: network,
            });
        };
        let categories = inputs.categories.of_rows(changed.origins());
        let numbers = self.predictor.numbers();
        let fitted = &members.members;
        let [_, offsets] = &self.offsets;
        let offsets = offsets.as_ref().map(|of| of.of_rows(changed.origins()));
        let offsets = offsets.as_ref();
        let learners = || -> Result<Vec<Other>, RunError> {
            let parts = rows.par_chunks(PART);
            let parts =
                parts.map(|part| fitted.predict(&table, &categories, part, offsets, &numbers));
            let parts = parts.collect::<Result<Vec<_>, RunError>>()?;
            Ok(parts.into_iter().reduce(joined).unwrap_or_default())
        };
        let (network, learners) = std::thread::scope(|scope| {
            let learners = scope.spawn(learners);
            let network = self.network(&batcher, changed, &rows, inputs);
            (network, learners.join())
        });
        let learners = learners.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let levels = members.together(&network, &learners, &[]).into_iter();
        let combined = levels.map(|level| level.samples).next().unwrap_or_default();
        let names = members.names();
        let own = |name: &str, others: &'_ [Other]| -> Option<usize> {
            others.iter().position(|other| other.name == name)
        };
        let mut all: Vec<&[HeldOut]> = Vec::with_capacity(names.len() + 1);
        all.push(&combined);
        if names.len() > 1 {
            all.extend(names.iter().map(|name| match own(name, &learners) {
                Some(place) => learners[place].samples.as_slice(),
                None => network.as_slice(),
            }));
        }
        Ok(PredictedSamples {
            values: self.values(&all, changed.origins())?,
            combined,
        })
    }

    /// The network's predictions for the samples at `rows`, which are all samples. Each thread has
    /// its own model that shares the weights, because modules cannot be used by several threads at
    /// the same time.
    fn network(
        &self,
        batcher: &Batcher<'_>,
        changed: &ChangedSamples,
        rows: &[usize],
        inputs: Inputs<'_>,
    ) -> Vec<HeldOut> {
        let seed = self.predictor.policy.seed;
        let size = match self.viewer {
            Some(_) => BATCH_OF_VIEWER,
            None => BATCH,
        };
        let batches: Vec<Batch> = prediction_batches(batcher, rows, size, seed, 0).collect();
        let each = batches.len().div_ceil(rayon::current_num_threads()).max(1);
        let views = (&self.embeddings, self.viewer.as_ref());
        let (device, origins) = (&self.predictor.device, changed.origins());
        let parts = std::thread::scope(|scope| {
            let parts = batches.chunks(each).map(|part| {
                let model = self.predictor.model.clone();
                scope.spawn(move || -> Vec<HeldOut> {
                    let forward = |batch| forward(&model, (inputs, views), device, batch, origins);
                    part.iter().flat_map(forward).collect()
                })
            });
            let parts: Vec<_> = parts.collect();
            let parts = parts.into_iter().map(std::thread::ScopedJoinHandle::join);
            parts.collect::<Vec<_>>()
        });
        let parts = parts.into_iter();
        let parts = parts.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        parts.flatten().collect()
    }

    /// `[methods, samples, outputs]`, of samples derived from those at rows `origins`.
    ///
    /// # Errors
    /// A prediction that is not finite.
    pub fn values(
        &self,
        methods: &[&[HeldOut]],
        origins: &[usize],
    ) -> Result<Array3<f64>, RunError> {
        let samples = methods.first().map_or(0, |samples| samples.len());
        let shape = (methods.len(), samples, self.outputs());
        let values = Array3::from_shape_fn(shape, |(method, sample, output)| {
            match &methods[method][sample].predictions[self.target] {
                TargetPrediction::Number { value, .. } => *value,
                TargetPrediction::Classes { probabilities, .. } => {
                    probabilities[self.classes[output]]
                }
            }
        });
        let broken = values.indexed_iter().find(|(_, value)| !value.is_finite());
        match broken {
            None => Ok(values),
            Some(((_, sample, _), value)) => Err(RunError::NotFinite {
                target: self.predictor.parts.targets[self.target].column.clone(),
                sample: self.samples.table.sample_ids()[origins[sample]].clone(),
                value: *value,
            }),
        }
    }
}

/// The predictions of `model` for a batch of samples derived from those at rows `origins`.
fn forward(
    model: &FineTuned,
    (inputs, (embeddings, viewer)): (Inputs<'_>, (&Embeddings, Option<&SampleViewer>)),
    device: &Device,
    batch: &Batch,
    origins: &[usize],
) -> Vec<HeldOut> {
    let origins: Vec<usize> = batch.rows.iter().map(|&row| origins[row]).collect();
    let categories = inputs.categories.tensor(&origins, device);
    let input = batch.input(None, categories, device);
    let view = match viewer {
        Some(viewer) => viewer(embeddings.rows(&batch.groups), &input.samples),
        None => {
            let asvs = embeddings.select(&batch.groups);
            model.predictor.base.view(asvs, &input.samples)
        }
    };
    let found = of_input(model, inputs, (view, &input), &origins);
    let found = batch.rows.iter().zip(found);
    found
        .map(|(&row, predictions)| HeldOut { row, predictions })
        .collect()
}

/// The predictions of `model` for samples with this view, derived from those at rows `origins`.
pub fn of_input(
    model: &FineTuned,
    inputs: Inputs<'_>,
    (view, input): (SampleView, &ModelInput),
    origins: &[usize],
) -> Vec<Vec<TargetPrediction>> {
    let view = match (view, inputs.offsets) {
        (SampleView::Profiles(profiles), Some(offsets)) => {
            let own = origins.iter().flat_map(|&origin| offsets.at(origin));
            let own = TensorData::new(own.copied().collect::<Vec<f32>>(), profiles.dims());
            SampleView::Profiles(profiles.clone() - Tensor::from_data(own, &profiles.device()))
        }
        (view, _) => view,
    };
    let mask = Some(&input.samples.mask);
    let output = model
        .predictor
        .forward_view(view, mask, input.categories.clone());
    predictions(model, inputs.scales, origins, &output)
}

/// Concatenates the learners' predictions for two consecutive groups of samples.
fn joined(mut first: Vec<Other>, after: Vec<Other>) -> Vec<Other> {
    for (first, after) in first.iter_mut().zip(after) {
        first.samples.extend(after.samples);
    }
    first
}

/// Batches of samples of `table`, prepared as in training.
pub fn batcher<'a>(
    predictor: &LoadedPredictor,
    samples: &'a PredictableSamples,
    table: &'a aam_data::Table,
) -> Batcher<'a> {
    Batcher {
        table,
        sequences: &samples.sequences,
        limit: predictor.policy.token_limit,
        sampling: predictor.policy.asv_sampling,
        chunk: CHUNK,
    }
}
