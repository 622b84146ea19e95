//! The entire model: a base, the fusion of categories, the target branch, and a head.

mod exported;

use std::collections::HashSet;

use aam_api::{
    BoxedFusion, BoxedHead, Categories, CategorySchema, FusedAsvs, FusedPooled, FusionContext,
    FusionKind, HeadContext, HeadInput, HeadKind, Kind, MixedPrecision, Observation, Registry,
    Resolved, SampleView, ViewShape,
};
use burn::module::{Initializer, Module, ParamId};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Bool, Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attention_pooling::{AttentionPooling, mean};
use super::category_embedder::CategoryEmbedder;
use super::composition::SIZE;
use super::count_branch::CountBranch;
use super::output::{OutputConfig, OutputStage};
use super::parameters::parameter_ids;
use super::published_attention::{from_part, of_pooling};
use super::readout::Readout;
use super::transformer::Transformer;
use super::{Base, ModelConfig, ModelError, ModelInput};

pub use exported::{ExportedInput, NotExported};

/// The configuration of a predictor in addition to its base and its components.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct PredictorConfig {
    /// Whether to predict the abundance of each ASV as an auxiliary task.
    pub count_branch: bool,
    /// Whether to normalise the sample embedding before the head.
    pub target_norm: bool,
    /// The transformation of outputs that are values of the target.
    pub output: OutputConfig,
}

impl Default for PredictorConfig {
    fn default() -> Self {
        Self {
            count_branch: false,
            target_norm: true,
            output: OutputConfig::default(),
        }
    }
}

/// The parts from which a predictor is assembled.
#[derive(Clone, Debug)]
pub struct PredictorParts<'a> {
    /// Shape of the model.
    pub model: &'a ModelConfig,
    /// The configuration in addition to base and components.
    pub predictor: &'a PredictorConfig,
    /// The fusion.
    pub fusion: &'a Resolved,
    /// The head.
    pub head: &'a Resolved,
    /// The categorical columns of the run.
    pub categories: &'a CategorySchema,
    /// For each column, the index of the parent whose embedding is added to its own; may be empty.
    pub parents: &'a [Option<usize>],
    /// Outputs per target: the maximum that any loss requires.
    pub outputs_per_target: usize,
    /// For each target, whether its outputs are values of it (`Loss::outputs_are_values`), to which
    /// the output stage is applied.
    pub values: &'a [bool],
}

/// The entire model.
#[derive(Module, Debug)]
pub struct Predictor {
    /// The pre-trained part.
    pub base: Base,
    categories: Option<CategoryEmbedder>,
    fusion: BoxedFusion,
    narrowing: Option<Linear>,
    target: Option<TargetBranch>,
    norm: Option<LayerNorm>,
    head: BoxedHead,
    readout: Option<Readout>,
    output: Option<OutputStage>,
    counts: Option<CountBranch>,
    frozen_base_dropout: bool,
}

/// The transformer and pooling of the target branch.
#[derive(Module, Debug)]
struct TargetBranch {
    transformer: Transformer,
    pooling: AttentionPooling,
}

/// The optional outputs requested by a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Sample embeddings, for distances.
    pub samples: bool,
    /// Predicted abundances.
    pub counts: bool,
}

/// The output of a predictor for a batch.
#[derive(Clone, Debug)]
pub struct PredictorOutput {
    /// The outputs of each target, `[batch, targets, outputs per target]`. Their meaning is defined
    /// by the loss.
    pub values: Tensor<3>,
    /// A penalty that is added to the training loss, `[1]`.
    pub penalty: Option<Tensor<1>>,
    /// The sample embeddings of the base, `[batch, dim]`, if requested.
    pub samples: Option<Tensor<2>>,
    /// The predicted abundances in (0, 1), `[batch, asvs]`, if requested and if the model predicts
    /// them.
    pub counts: Option<Tensor<2>>,
    /// The embeddings of the ASVs in their samples, `[batch, asvs, dim]`, for models with attention
    /// pooling.
    pub asvs: Option<Tensor<3>>,
    /// The sample embeddings seen by the head, `[batch, width]`.
    pub pooled: Tensor<2>,
    /// Observations of components for monitoring.
    pub observations: Vec<Observation>,
}

impl Predictor {
    /// Builds a predictor with a new base.
    ///
    /// # Errors
    /// An option out of range, a component that is not linked, or one that lacks a requirement.
    pub fn init(parts: &PredictorParts<'_>, device: &Device) -> Result<Self, ModelError> {
        let (model, config) = (parts.model, parts.predictor);
        let base = Base::init(model, device)?;
        let view = base.view_shape();
        if config.count_branch && view != ViewShape::Asvs {
            return Err(ModelError::option(
                "count-branch",
                "none with abundance pooling, which does not compute embeddings of ASVs within samples",
                true,
            ));
        }
        let narrow = match view {
            ViewShape::Asvs => model.dim,
            ViewShape::Profiles { .. } => model.sample_dim,
        };
        let fusion_context = FusionContext::new(narrow).with_categories(parts.categories.clone());
        let fusion =
            Registry::<FusionKind>::load()?.build(parts.fusion, &fusion_context, device)?;
        // The outputs of categories grow with the square of the width.
        let is_alone = fusion.changes_nothing() && parts.categories.columns.is_empty();
        let (width, narrowing) = match view {
            ViewShape::Profiles { width } if is_alone => (width, None),
            ViewShape::Profiles { width } => (narrow, Some(narrowing(width, narrow, device))),
            ViewShape::Asvs => (narrow, None),
        };
        let head_context = HeadContext::new(width, parts.values.len(), parts.outputs_per_target)
            .with_categories(parts.categories.clone());
        let head = Registry::<HeadKind>::load()?.build(parts.head, &head_context, device)?;
        let readout = match view {
            ViewShape::Profiles { width } => {
                let (targets, outputs) = (parts.values.len(), parts.outputs_per_target);
                Some(Readout::new(width, targets, outputs, device))
            }
            ViewShape::Asvs => None,
        };
        Ok(Self {
            base,
            categories: CategoryEmbedder::new(
                parts.categories,
                parts.parents,
                model.category_dropout,
                device,
            ),
            narrowing,
            target: (view == ViewShape::Asvs && !fusion.replaces_pooling()).then(|| TargetBranch {
                transformer: model.transformer(model.target_layers).init(device),
                pooling: AttentionPooling::new(model.dim, device),
            }),
            fusion,
            norm: config
                .target_norm
                .then(|| LayerNormConfig::new(width).init(device)),
            head,
            readout,
            output: OutputStage::new(&config.output, parts.values, parts.categories, device)?,
            counts: config.count_branch.then(|| CountBranch::new(model, device)),
            frozen_base_dropout: model.compatibility.frozen_base_dropout,
        })
    }

    /// Whether the head's outputs of each target are always in ascending order.
    pub fn outputs_ascend(&self) -> bool {
        self.head.outputs_ascend()
    }

    /// Whether the model itself pools the ASVs of a sample by attention.
    pub fn pools_by_attention(&self) -> bool {
        self.target.is_some()
    }

    /// Replaces the base by one of the same shape.
    pub fn with_base(self, base: Base) -> Self {
        Self { base, ..self }
    }

    /// Sets the precision of matrix products, except those of fusion and head.
    pub fn with_precision(self, precision: MixedPrecision) -> Self {
        Self {
            base: self.base.with_precision(precision),
            target: self.target.map(|branch| TargetBranch {
                transformer: branch.transformer.with_precision(precision),
                ..branch
            }),
            counts: self.counts.map(|branch| branch.with_precision(precision)),
            ..self
        }
    }

    /// The category-specific parameters: embeddings, fusion, and output scales.
    pub fn category_parameters(&self) -> HashSet<ParamId> {
        let mut ids = parameter_ids(&self.categories);
        ids.extend(parameter_ids(&self.fusion));
        ids.extend(
            self.output
                .iter()
                .flat_map(OutputStage::category_parameters),
        );
        ids
    }

    /// The readout, if no later step changes its output.
    pub fn plain_readout(&self) -> Option<&Readout> {
        let is_plain = self.output.is_none();
        self.readout.as_ref().filter(|_| is_plain)
    }

    /// Replaces the readout by one of the same shape.
    #[must_use]
    pub fn with_readout(self, readout: Readout) -> Self {
        let readout = Some(readout);
        Self { readout, ..self }
    }

    /// Freezes the base, and disables its dropout.
    pub fn freeze_base(self) -> Self {
        let base = match self.frozen_base_dropout {
            true => self.base.no_grad(),
            false => self.base.freeze(),
        };
        Self { base, ..self }
    }

    /// The full forward pass, starting from tokens.
    pub fn forward(&self, input: &ModelInput, wants: Wants) -> PredictorOutput {
        self.forward_asvs(self.base.encode_asvs(&input.groups), input, wants)
    }

    /// The forward pass, starting from the ASV embeddings `[unique, dim]`; `input.groups` is
    /// ignored.
    pub fn forward_asvs(
        &self,
        asvs: Tensor<2>,
        input: &ModelInput,
        wants: Wants,
    ) -> PredictorOutput {
        let view = self.base.view(asvs.clone(), &input.samples);
        let mask = &input.samples.mask;
        let mut output = self.forward_view(view.clone(), Some(mask), input.categories.clone());
        output.samples = wants
            .samples
            .then(|| self.base.embed_view(view.clone(), asvs, &input.samples));
        if let SampleView::Asvs(contextual) = view {
            let counts = self.counts.as_ref().filter(|_| wants.counts);
            output.counts = counts.map(|branch| branch.forward(contextual.clone(), mask.clone()));
            output.asvs = Some(contextual);
        }
        output
    }

    /// The forward pass, starting from sample profiles `[batch, width]`, if the base computes them,
    /// and category ids, `[batch, columns]`.
    pub fn forward_profiles(
        &self,
        profiles: Tensor<2>,
        categories: Option<Tensor<2, Int>>,
    ) -> PredictorOutput {
        self.forward_view(SampleView::Profiles(profiles), None, categories)
    }

    /// The forward pass, starting from the view of samples, without outputs that require ASVs. The `mask`
    /// of a view of ASVs is true at an ASV, `[batch, asvs]`.
    pub fn forward_view(
        &self,
        view: SampleView,
        mask: Option<&Tensor<2, Bool>>,
        ids: Option<Tensor<2, Int>>,
    ) -> PredictorOutput {
        let categories = self.embed_categories(ids.clone());
        let read_out = match (&self.readout, &view) {
            (Some(readout), SampleView::Profiles(views)) => Some(readout.forward(views.clone())),
            _ => None,
        };
        let seen = self.pool(view, mask, categories.as_ref());
        let mut observations = seen.observations;
        let pooled = match &self.norm {
            Some(norm) => norm.forward(seen.pooled),
            None => seen.pooled,
        };
        let fused = self.fusion.fuse_pooled(pooled, categories.as_ref());
        observations.extend(from_part(FusionKind::NAME, fused.observations));
        let head_input = HeadInput::new(fused.pooled.clone(), categories);
        let head = self.head.forward(head_input);
        observations.extend(from_part(HeadKind::NAME, head.observations));
        let values = match read_out {
            Some(read_out) => head.values + read_out,
            None => head.values,
        };
        let values = match &self.output {
            Some(stage) => stage.forward(values, ids),
            None => values,
        };
        PredictorOutput {
            values,
            penalty: head.penalty,
            samples: None,
            counts: None,
            asvs: None,
            pooled: fused.pooled,
            observations,
        }
    }

    /// The penalty `[1]` of the head, if it has one, for samples with embeddings `pooled`,
    /// `[batch, width]`, and category ids `categories`, `[batch, columns]`.
    pub fn penalty(
        &self,
        pooled: Tensor<2>,
        categories: Option<Tensor<2, Int>>,
    ) -> Option<Tensor<1>> {
        let embedder = self.categories.as_ref();
        let categories = embedder.zip(categories);
        let categories = categories.map(|(embedder, ids)| embedder.forward(ids));
        let input = HeadInput::new(pooled, categories);
        self.head.forward(input).penalty
    }

    /// The pooled sample embeddings, `[batch, width]`, with the first part of the fusion.
    fn pool(
        &self,
        view: SampleView,
        mask: Option<&Tensor<2, Bool>>,
        categories: Option<&Categories>,
    ) -> FusedPooled {
        let asvs = match view {
            SampleView::Asvs(asvs) => asvs,
            SampleView::Profiles(profiles) => {
                let profiles = match &self.narrowing {
                    Some(layer) => layer.forward(profiles),
                    None => profiles,
                };
                let fused = self.fusion.fuse_profile(profiles, categories);
                let seen = from_part(FusionKind::NAME, fused.observations);
                return FusedPooled::new(fused.pooled, seen.collect());
            }
        };
        let [batch, width, _] = asvs.dims();
        let all = || Tensor::ones([batch, width], &asvs.device());
        let mask = mask.cloned().unwrap_or_else(all);
        let (fused, seen) = match self.fusion.fuse_asvs(asvs, mask.clone(), categories) {
            FusedAsvs::Asvs(fused, seen) => (fused, seen),
            FusedAsvs::Pooled(pooled, seen) => {
                return FusedPooled::new(pooled, from_part(FusionKind::NAME, seen).collect());
            }
        };
        let mut observations: Vec<Observation> = from_part(FusionKind::NAME, seen).collect();
        let pooled = match &self.target {
            Some(target) => {
                let fused = target.transformer.forward(fused, Some(mask.clone()));
                let (pooled, weights) = target.pooling.forward_with_weights(fused, Some(mask));
                observations.push(of_pooling(weights));
                pooled
            }
            None => mean(fused, mask),
        };
        FusedPooled::new(pooled, observations)
    }

    fn embed_categories(&self, ids: Option<Tensor<2, Int>>) -> Option<Categories> {
        let embedder = self.categories.as_ref()?;
        Some(embedder.forward(ids?))
    }
}

/// A linear layer from a view of `width` entries to `narrow` entries with a mean square of about 1.
fn narrowing(width: usize, narrow: usize, device: &Device) -> Linear {
    let (mean, std) = (0.0, 1.0 / (SIZE * (width as f64).sqrt()));
    let layer = LinearConfig::new(width, narrow).with_bias(false);
    let layer = layer.with_initializer(Initializer::Normal { mean, std });
    layer.init(device)
}
