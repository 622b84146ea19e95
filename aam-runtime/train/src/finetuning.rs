//! Fine-tuning: predicting the targets of samples.

mod losses;

use std::borrow::Cow;

use aam_api::dropout::in_step;
use aam_api::metric::{Better, Headline, MetricInfo, MetricOf, Subject, leading};
use burn::module::Module;
use burn::optim::GradientsAccumulator;
use burn::tensor::{Device, Tensor};

use super::augmenting::Augmenting;
use super::base_task::BaseTask;
use super::batch_embeddings::{BatchEmbeddings, kept_or_fresh, parts_evaluated_together};
use super::encoding::Embeddings;
use super::inference::FineTuned;
use super::loss_terms::read;
use super::masked_chunk::{self, places};
use super::nucleotides::Nucleotides;
use super::objective::{BatchResult, Draws, Objective, Validated, metric};
use super::observation_means::ObservationMeans;
use super::prediction_passes::PredictionPasses;
use super::profiles::Profiles;
use super::rates::{BaseRates, OwnRate};
use super::target_scales::TargetScales;
use super::training_batches::TrainingBatch;
use crate::checkpoint::Manifest;
use crate::checkpoint::manifest::{BATCHES, KINSHIP};
use crate::parallel::{LocalBatch, Replica};
use aam_data::Split;
use aam_evaluation::compared::of_targets;
use aam_evaluation::metrics::Metric;
use aam_evaluation::results::HeldOut;
use aam_evaluation::results::RawColumn;
use aam_evaluation::scores::Scorer;
use aam_model::Wants;
use aam_model::batch::{Batch, Batcher};
use aam_run::RunError;
use aam_study::categories::CategoryIds;
use aam_study::familiarity;

aam_api::describe_metrics!(
    Subject::new("target", "targets"),
    Subject::new("count", "abundances"),
    MetricInfo::new("penalty", "penalty", Better::Lower),
);

/// The fine-tuning objective.
pub struct Finetuning<'a> {
    /// Creates batches.
    pub batcher: Batcher<'a>,
    /// The sample tasks of the base, if their loss is used.
    pub tasks: Vec<BaseTask<'a>>,
    /// The training and validation samples.
    pub split: &'a Split,
    /// The targets in their own unit, one value per sample.
    pub targets: &'a [RawColumn],
    /// The values of the targets, and the scale for each sample.
    pub scales: TargetScales,
    /// The weight of each sample in the training loss, if they differ.
    pub weights: Option<Vec<f32>>,
    /// Category ids of the samples.
    pub categories: CategoryIds,
    /// The nucleotide task and the weight of its loss, if used.
    pub nucleotides: Option<(Nucleotides<'a>, f64)>,
    /// The embeddings of all ASVs, if the base is frozen.
    pub frozen: Option<Embeddings>,
    /// The profiles of all samples, if they are the same in every update except for augmentation.
    pub profiles: Option<Profiles>,
    /// The augmentation of the training samples, if any.
    pub augmenting: Option<Augmenting<'a>>,
    /// Whether a loss predicts intervals.
    pub intervals: bool,
    /// Weight of the target loss.
    pub target_weight: f64,
    /// Weight of the loss of the sample tasks.
    pub unifrac_weight: f64,
    /// Weight of the count loss.
    pub count_weight: f64,
    /// Learning rate of the category-specific parameters, as a multiple of the learning rate.
    pub category_rate: Option<f64>,
    /// Learning rates of the base, if they differ from those of the rest.
    pub base_rates: Option<BaseRates>,
    /// Number of predictions per validation sample, from random subsets of its ASVs, that are
    /// averaged.
    pub passes: usize,
    /// Samples per validation batch.
    pub batch_size: usize,
    /// Maximum number of validation predictions for plots.
    pub plotted: usize,
    /// Random seed of the run.
    pub seed: u64,
    /// The device, with autodiff.
    pub device: Device,
    /// The manifest of checkpoints.
    pub manifest: Manifest,
    /// The summary of the training samples for checkpoints, as the contents of
    /// [`familiarity::FILE`]; empty if nothing is saved.
    pub familiarity: Vec<u8>,
    /// How features without sequences are related, as the contents of [`KINSHIP`]; empty if there are
    /// none.
    pub kinship: Vec<u8>,
    /// How batches are centred, as the contents of [`BATCHES`]; empty if they are not.
    pub batches: Vec<u8>,
}

/// The predictions of a model for the validation samples.
#[derive(Default)]
pub struct Validation {
    /// The samples.
    pub samples: Vec<HeldOut>,
    /// The mean of their target losses.
    pub loss: f64,
    /// Means of the observations of components.
    pub observed: Vec<Metric>,
}

/// Sums over validation batches.
#[derive(Default)]
struct Judged {
    samples: Vec<HeldOut>,
    loss: f64,
    observed: ObservationMeans,
}

impl Finetuning<'_> {
    /// The predictions of `model` for the validation samples, which have equal weights in the loss.
    ///
    /// # Errors
    /// Errors of components.
    pub fn predict(&self, model: &FineTuned) -> Result<Validation, RunError> {
        let validation = self.evaluated(&model.valid(), &self.split.validation, Replica::ALONE)?;
        Ok(validation.unwrap_or_default())
    }

    /// The mean of the target losses of the samples at `rows`.
    ///
    /// # Errors
    /// Errors of components.
    pub fn loss_of(&self, model: &FineTuned, rows: &[usize]) -> Result<f64, RunError> {
        let validation = self.evaluated(&model.valid(), rows, Replica::ALONE)?;
        Ok(validation.unwrap_or_default().loss)
    }

    /// The embeddings of the ASVs of the samples at `rows`; `model` is in inference mode.
    fn embeddings(
        &self,
        model: &FineTuned,
        rows: &[usize],
        replica: Replica<'_>,
    ) -> Result<Cow<'_, Embeddings>, RunError> {
        let base = &model.predictor.base;
        let device = self.device.clone().inner();
        let kept = self.frozen.as_ref();
        kept_or_fresh(kept, base, &self.batcher, rows, &device, replica)
    }

    /// Evaluates a model in inference mode on the samples at `rows`. All replicas encode ASVs, and
    /// the first one has the result. Of a sample, only its predictions are kept.
    fn evaluated(
        &self,
        model: &FineTuned,
        rows: &[usize],
        replica: Replica<'_>,
    ) -> Result<Option<Validation>, RunError> {
        let (mut judged, mut batches) = (Judged::default(), 0);
        for part in parts_evaluated_together(rows, self.batch_size) {
            let embeddings = self.embeddings(model, part, replica)?;
            let of_part =
                replica.on_first(|| self.judge(model, &embeddings, (batches, part), &mut judged));
            of_part.transpose()?;
            batches += part.len().div_ceil(self.batch_size.max(1));
        }
        let losses = rows.len() * self.targets.len() * self.passes;
        Ok(replica.on_first(|| Validation {
            samples: judged.samples,
            loss: judged.loss / losses as f64,
            observed: judged.observed.metrics(),
        }))
    }

    /// Adds the samples at `rows`, given the `embeddings` of their ASVs and the number of batches
    /// before.
    fn judge(
        &self,
        model: &FineTuned,
        embeddings: &Embeddings,
        (first_batch, rows): (usize, &[usize]),
        judged: &mut Judged,
    ) -> Result<(), RunError> {
        let device = self.device.clone().inner();
        let passes = PredictionPasses {
            model,
            scales: &self.scales,
            embeddings,
            profiles: self.profiles.as_ref(),
            batcher: &self.batcher,
            categories: &self.categories,
            device: &device,
            batch_size: self.batch_size,
            seed: self.seed,
            passes: self.passes,
            first_batch,
        };
        let averaged = passes.predict(rows, |batch, output, _| {
            let target = self.target(&batch.rows, &device);
            let losses = self.target_losses(model, output, &target);
            judged.loss += f64::from(losses.sum().into_scalar::<f32>());
            let samples = batch.rows.len();
            judged.observed.add(&output.observations, samples);
            Ok(())
        })?;
        let samples = rows.iter().zip(averaged);
        let samples = samples.map(|(&row, (predictions, _))| HeldOut { row, predictions });
        judged.samples.extend(samples);
        Ok(())
    }
}

impl Objective for Finetuning<'_> {
    type Model = FineTuned;

    fn gradients(
        &self,
        model: &FineTuned,
        batch: TrainingBatch,
        draws: Draws,
        scale: f64,
        replica: Replica<'_>,
    ) -> Result<BatchResult, RunError> {
        let device = &self.device;
        let augmenting = self.augmenting.as_ref();
        let changed = augmenting.map(|augmenting| augmenting.of_batch(&batch, draws));
        let changed = changed.transpose()?;
        // The profiles of changed samples are others.
        let profiles = self.profiles.as_ref().filter(|_| changed.is_none());
        let TrainingBatch { rows, truths, .. } = batch;
        let rng = &mut draws.stream("ASVs");
        let batch = match (&changed, profiles) {
            (Some(samples), _) => self.batcher.changed_batch(&rows, samples, rng),
            (None, Some(_)) => Batch::of_rows(&rows),
            (None, None) => self.batcher.batch(&rows, rng),
        };
        let chunks = batch.groups.chunks(self.batcher.sequences);
        let seen = match augmenting {
            Some(augmenting) => augmenting.sequences(&chunks, &batch.groups, draws),
            None => Cow::Borrowed(chunks.as_slice()),
        };
        let batch = LocalBatch::new(&batch, replica);
        let target = match &changed {
            Some(samples) => self.target_of_changed(&samples[batch.numbers()]),
            None => self.target(&batch.samples.rows, device),
        };
        let categories = self.categories.tensor(&batch.samples.rows, device);
        let wants = Wants {
            samples: !self.tasks.is_empty(),
            counts: self.count_weight > 0.0,
        };
        let seeds = draws.asv_seeds("dropout in ASVs");
        let (kept, base) = (self.frozen.as_ref(), &model.predictor.base);
        let asvs = match profiles {
            Some(_) => BatchEmbeddings::none(device),
            None => {
                let asvs = (&batch.samples.groups, &*seen);
                BatchEmbeddings::new(kept, base, asvs, seeds, device, replica)?
            }
        };
        device.seed(draws.device_seed("dropout in samples"));
        let seed = draws.seed("dropout in samples");
        let output = in_step(seed, batch.numbers(), || match profiles {
            Some(profiles) => {
                let profiles = Tensor::from_inner(profiles.select(&batch.samples.rows));
                model.predictor.forward_profiles(profiles, categories)
            }
            None => {
                let input = batch.samples.input(None, categories, device);
                let asvs = asvs.all.clone();
                model.predictor.forward_asvs(asvs, &input, wants)
            }
        });
        let (loss, terms) = self.loss(model, &output, &batch, target, truths)?;
        let mut gradients = GradientsAccumulator::new();
        asvs.learn(loss.mul_scalar(scale), model, &mut gradients)?;
        let mut losses = read(terms);
        if let Some((task, weight)) = &self.nucleotides {
            let masked = task.mask(chunks, &mut draws.stream("masks"));
            let weights = (weight * scale, places(&masked));
            let masked = masked_chunk::part(masked, replica);
            let seeds = draws.asv_seeds("dropout in nucleotides");
            let value = task.accumulate(base, model, &masked, weights, seeds, &mut gradients)?;
            losses[0].value += weight * value;
            losses.push(metric("train_nucleotide_loss", value));
        }
        Ok(BatchResult {
            gradients: gradients.grads(),
            losses,
        })
    }

    fn tasks(&self) -> &[BaseTask<'_>] {
        &self.tasks
    }

    fn has_validation(&self) -> bool {
        !self.split.validation.is_empty()
    }

    fn validate(&self, model: &FineTuned, replica: Replica<'_>) -> Result<Validated, RunError> {
        let model = model.valid();
        let evaluated = self.evaluated(&model, &self.split.validation, replica)?;
        let judged = evaluated.map(|validation| -> Result<Validated, RunError> {
            let mut metrics = vec![metric("loss", validation.loss)];
            metrics.extend(Scorer::new(self.targets)?.scores(&validation.samples));
            metrics.extend(validation.observed);
            Ok(Validated {
                metrics,
                compared: of_targets(self.targets, &validation.samples, self.plotted),
            })
        });
        let mut validated = judged.transpose()?.unwrap_or_default();
        if let Some((task, _)) = &self.nucleotides {
            let guessed = task.validate(&model.predictor.base, replica)?;
            validated.metrics.extend(guessed);
        }
        Ok(validated)
    }

    fn default_metric(&self) -> String {
        let of = match self.targets {
            [column] if column.classes.is_some() => Some(MetricOf::Classes),
            // The quality of intervals is only measured by their loss.
            [_] if !self.intervals => Some(MetricOf::Numbers),
            _ => None,
        };
        let metric = of.and_then(|of| leading(of, Headline::BestEpoch));
        metric.map_or("loss", |metric| metric.name).to_owned()
    }

    fn own_rates(&self, model: &FineTuned) -> Vec<OwnRate> {
        let of_categories = self.category_rate.map(|factor| OwnRate {
            parameters: model.predictor.category_parameters(),
            factor,
            of_categories: true,
        });
        let of_base = self.base_rates.map(|rates| rates.of(&model.predictor.base));
        let of_base = of_base.into_iter().flatten();
        of_categories.into_iter().chain(of_base).collect()
    }

    fn names(&self, rows: &[usize]) -> Vec<String> {
        self.batcher.names(rows)
    }

    fn manifest(&self) -> Manifest {
        self.manifest.clone()
    }

    fn files(&self) -> Vec<(&str, &[u8])> {
        let files = [
            (familiarity::FILE, self.familiarity.as_slice()),
            (KINSHIP, self.kinship.as_slice()),
            (BATCHES, self.batches.as_slice()),
        ];
        let files = files.into_iter();
        files.filter(|(_, bytes)| !bytes.is_empty()).collect()
    }
}
